"""Names of one zone have the same data, names of different zones do not."""

import zoneinfo

import pytest

from models.rules import zone_names
from models.rules.zone_names import data_of


@pytest.fixture
def fresh():
    zone_names.data_of.cache_clear()
    yield
    zone_names.data_of.cache_clear()


@pytest.mark.parametrize(
    ("name", "other"), [("Asia/Calcutta", "Asia/Kolkata"), ("US/Eastern", "America/New_York"), ("GMT", "Etc/UTC")]
)
def test_other_names_of_a_zone_have_its_data(name, other):
    assert data_of(name) == data_of(other)


@pytest.mark.parametrize(
    ("name", "other"), [("Europe/Berlin", "Europe/London"), ("UTC", "Africa/Abidjan"), ("EST5EDT", "Asia/Tokyo")]
)
def test_zones_that_differ_have_other_data(name, other):
    assert data_of(name) != data_of(other)


def test_without_the_machines_zones_the_package_is_read(fresh, monkeypatch):
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    assert data_of("Asia/Calcutta") == data_of("Asia/Kolkata") != data_of("Asia/Tokyo")


def test_a_zone_that_is_nowhere_is_its_name(fresh):
    assert data_of("Atlantis/Capital") == b"Atlantis/Capital"
