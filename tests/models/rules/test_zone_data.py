"""Where the time zones come from: the package whose version is locked, before the machine."""

import zoneinfo
from datetime import datetime
from importlib import resources

import pytest
import tzdata

from models.rules import zone_data
from models.rules.recurrence import is_zone


@pytest.fixture
def path(tmp_path):
    """A function that makes zoneinfo look in a folder, which is forgotten in the end."""
    before = zoneinfo.TZPATH
    yield lambda folders: zoneinfo.reset_tzpath(folders)
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


def test_a12_zones_are_read_from_the_package(path):
    assert zoneinfo.TZPATH == ()
    assert zone_data.source() == f"{tzdata.IANA_VERSION} of the package tzdata"
    assert is_zone("Europe/Berlin")


def test_a12_the_usual_folders_of_the_machine_are_left_out(path):
    path(None)  # as Python begins

    zone_data.prefer_package()

    assert zoneinfo.TZPATH == ()


def test_folders_that_somebody_named_come_first(path, tmp_path):
    (tmp_path / "Europe").mkdir()
    path([str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    (tmp_path / "Europe" / "Berlin").write_bytes(
        (resources.files("tzdata") / "zoneinfo" / "Asia" / "Tokyo").read_bytes()
    )

    zone_data.prefer_package()

    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    assert datetime(2026, 1, 1, tzinfo=berlin).utcoffset().total_seconds() == 9 * 3600
    assert zone_data.source().startswith(f"those of {tmp_path} first")
