"""Compares what a scenario shows with the texts that the repository holds; `make recorded` writes those anew."""

import difflib
import os

RECORD = "BOOPER_TEST_RECORD"
ANEW = "If this is meant, write the texts anew with `make recorded` and review their diff with the commit."


class Recorded:
    """The texts of a folder, a file for each name."""

    def __init__(self, folder):
        self.folder = folder

    def compare(self, name, text):
        """Fail with the difference if the file holds another text or is missing. While recording, write it."""
        path = self.folder / f"{name}.txt"
        if is_recording():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return
        kept = path.read_text() if path.exists() else ""
        if kept != text or not path.exists():
            lines = difflib.unified_diff(kept.splitlines(), text.splitlines(), f"{path}", "now", "", "", 3, "")
            raise AssertionError("\n".join([f"{name} is not as recorded. {ANEW}", *lines]))

    def compare_all(self, texts):
        """Compare each of the texts, which are by their names; fail with the differences of all."""
        differences = []
        for name, text in texts.items():
            try:
                self.compare(name, text)
            except AssertionError as difference:
                differences.append(str(difference))
        assert not differences, "\n\n".join(differences)

    def are_exactly(self, names):
        """Fail if the folder holds a text that none of these names is for. While recording, remove it."""
        others = self.names() - set(names)
        if is_recording():
            for name in others:
                (self.folder / f"{name}.txt").unlink()
            return
        assert not others, f"Nothing is compared with {sorted(others)} any more. {ANEW}"

    def names(self):
        return {str(path.relative_to(self.folder).with_suffix("")) for path in self.folder.rglob("*.txt")}


def is_recording():
    return os.environ.get(RECORD) == "1"
