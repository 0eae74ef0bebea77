"""One process of an installation watches for its operator, in both modes, and gives that up when it stops."""

import pytest

from tests.support.waiting import wait_until

ALERTS = {"BOOPER_OPERATOR_ALERTS": "webhook=http://127.0.0.1:9/"}


def watches_until_it_stops(product):
    def watcher():
        return product.sql("SELECT watcher FROM operator_watch")[0][0]

    wait_until(watcher, 30, "a watch")
    assert "troubles of Booper itself go to: webhook" in product.booper("doctor")
    product.stop()
    return watcher() == ""


@pytest.mark.parametrize("embedded", [ALERTS], indirect=True)
def test_serve_watches_until_it_is_stopped(embedded):
    assert watches_until_it_stops(embedded.product)


@pytest.mark.parametrize("production", [ALERTS], indirect=True)
def test_api_and_ticker_watch_until_they_are_stopped(production):
    assert watches_until_it_stops(production.product)


def test_where_nobody_is_to_be_notified_nobody_watches(embedded):
    assert embedded.product.sql("SELECT watcher FROM operator_watch") == [("",)]
    assert "nobody is notified of troubles of Booper itself" in embedded.product.booper("doctor")
