"""docs/webhooks.md: the ways to verify a signature that it shows do verify one, and refuse a wrong one."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from models.rules import signatures

TEXT = (Path(__file__).parent.parent / "docs" / "webhooks.md").read_text()
SECRET = signatures.new_secret()
BODY = '{"a":  1.0, "é": "\U0001f600"}'.encode()


def examples_in(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def signed(secrets=(SECRET,), at=None):
    return signatures.headers_for(secrets, "01a20c2e", int(time.time()) if at is None else at, BODY)


CASES = [  # headers, made when they are wanted since they bear the time, and whether they are to be taken
    (lambda: signed(), True),
    (lambda: signed([signatures.new_secret(), SECRET]), True),
    (lambda: signed([signatures.new_secret()]), False),
    (lambda: signed(at=int(time.time()) - 3600), False),
    (lambda: signed() | {"webhook-id": "other"}, False),
]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(("made", "good"), CASES)
def test_the_python_shown_verifies(number, made, good):
    headers = made()
    shown = {}
    exec(examples_in("python")[number], shown)  # noqa: S102 - our own page
    if good:
        assert shown["verified"](BODY, headers, SECRET)["a"] == 1.0
    else:
        with pytest.raises((ValueError, shown.get("WebhookVerificationError", ValueError))):
            shown["verified"](BODY, headers, SECRET)


@pytest.mark.skipif(not shutil.which("node"), reason="node is not there")
@pytest.mark.parametrize(("made", "good"), CASES)
def test_the_node_by_hand_verifies(made, good):
    headers = made()
    values = ", ".join(json.dumps(value) for value in (BODY.decode(), headers, SECRET))
    script = f"{examples_in('js')[1]}\nconsole.log(verified({values}).a)"
    done = subprocess.run(["node", "-e", script], capture_output=True, timeout=30, check=False)
    assert (done.returncode == 0, done.stdout) == (good, b"1\n" if good else b""), done.stderr


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not there")
def test_the_shell_by_hand_computes_the_signature(tmp_path):
    headers = signed()
    (tmp_path / "body").write_bytes(BODY)
    script = next(block for block in examples_in("sh") if "openssl" in block)
    values = {"SECRET": SECRET, "ID": headers["webhook-id"], "TIMESTAMP": headers["webhook-timestamp"]}
    environ = values | {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environ, capture_output=True, timeout=60, check=True
    )

    assert f"v1,{done.stdout.decode().strip()}" == headers["webhook-signature"]


def test_the_headers_that_are_told_are_those_of_a_signed_request():
    table = re.findall(r"^\| `([a-z-]+)` \|", TEXT, re.MULTILINE)
    assert table == list(signed())
    assert set(re.findall(r"\bwebhook-[a-z]+", TEXT)) == set(table)
