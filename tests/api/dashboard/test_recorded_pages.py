"""The pages of an account that has everything are as recorded in `recorded/`: `make recorded` writes them anew."""

from pathlib import Path

from runtime import settings as booper_settings
from tests.support.apps import app_of
from tests.support.browsers import signed_in
from tests.support.recorded import Recorded
from tests.support.recorded_account import account, fixed
from tests.support.recorded_account.visits import Visits
from tests.support.recorded_account.walk import walk

RECORDED = Recorded(Path(__file__).with_name("recorded"))


def test_the_pages_are_as_recorded(db, monkeypatch):
    counted = fixed.fix(monkeypatch)
    account.fill()
    counted.begin_again(0)
    visits = Visits(signed_in(app_of(booper_settings.load({})), "alice"), counted, monkeypatch)

    walk(visits)

    RECORDED.compare_all(visits.files())
    RECORDED.are_exactly(visits.files())
