"""How the ticker and the probe actor are put together."""

from models.operations.ticker_row import delivered_until
from models.rules import clock
from runtime import settings
from tests.support.leads import Lead
from workers.assembly import make_ticker, probe

NOW = 1_000_000_000_000


def test_a_probe_that_arrives_says_that_all_published_before_it_has_left_the_queue(db):
    probe(NOW)
    assert delivered_until() == NOW


def test_what_starts_a_ticker_is_called_when_the_ticker_leads(db, messages):
    won = []
    make_ticker(settings.load({}), messages, Lead(), lambda: won.append(1)).tick(clock.now(), 0.0)
    assert won == [1]
