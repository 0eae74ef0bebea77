"""Installs the peers once, below .venv-peers: the Python ones in a virtual environment, the node ones in its folder
`node`, from their lock file."""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
ENVIRONMENT = FOLDER.parent.parent / ".venv-peers"
PYTHON = ENVIRONMENT / "bin" / "python"
NODE = ENVIRONMENT / "node"
NODE_MODULES = NODE / "node_modules"
LOCK = FOLDER / "node" / "package-lock.json"
LIMIT_SECONDS = 600


def has_node() -> bool:
    return bool(shutil.which("node") and shutil.which("npm") and shutil.which("redis-server"))


def install_python() -> None:
    """Raises OSError if it fails."""
    wanted = FOLDER / "requirements.txt"
    if not is_installed(ENVIRONMENT, wanted):
        command([sys.executable, "-m", "venv", str(ENVIRONMENT)], FOLDER)
        command([str(PYTHON), "-m", "pip", "install", "--quiet", "-r", str(wanted)], FOLDER)
        note_installed(ENVIRONMENT, wanted)


def install_node() -> None:
    """Raises OSError if it fails."""
    if not is_installed(NODE, LOCK):
        NODE.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FOLDER / "node" / name, NODE / name)
        command(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], NODE)
        note_installed(NODE, LOCK)


def is_installed(place: Path, listed: Path) -> bool:
    """Whether this exact list was installed."""
    stamp = place / "installed"
    return stamp.exists() and stamp.read_bytes() == listed.read_bytes()


def note_installed(place: Path, listed: Path) -> None:
    shutil.copy(listed, place / "installed")


def command(arguments: list[str], folder: Path) -> None:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    if done.returncode != 0:
        raise OSError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
