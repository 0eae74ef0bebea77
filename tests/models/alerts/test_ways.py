"""Of an address, each way says its host and the part that may be shown, and nothing more."""

import pytest

from models.alerts import ways
from models.alerts.ways import WAYS, target_of

HOOK = "https://Hooks.example:8443/services/T0/s3cret?key=s3cret@x.example"
MAIL = "o'ps+a@mail.example"
HIDDEN = "https://hooks.example/"
EXPECTED = {  # way: (address, host, shown)
    ways.WEBHOOK: (HOOK, "hooks.example", HOOK),
    ways.EMAIL: (MAIL, "mail.example", MAIL),
    ways.PAGERDUTY: ("k" * 32, "events.pagerduty.com", ways.REDACTED),
    **{
        way: (HOOK, "hooks.example", HIDDEN + ways.REDACTED)
        for way in (ways.SLACK, ways.DISCORD, ways.TEAMS, ways.NTFY)
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_a_target_has_the_host_of_its_address_and_shows_no_secret(way):
    address, host, shown = EXPECTED[way]

    target = target_of(way, address)

    assert (target.host, target.shown) == (host, shown)
    assert "s3cret" not in repr(target)
    assert (target.secret is not None) == (way == ways.PAGERDUTY)
