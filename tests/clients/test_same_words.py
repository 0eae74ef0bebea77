"""The client names the states and the kinds of jobs as the server does, and knows the server's limits."""

from typing import get_args

import click
import pytest

from api.requests.options import listener_answers
from api.requests.paging import PageQuery
from api.routes import batch
from api.routes.declarations import declaration_check
from api.routes.recurring import schedule_check
from api.routes.recurring.backfills import BackfillsQuery
from api.routes.related import RelatedQuery
from api.routes.schedule_preview import PreviewQuery
from api.routes.schedule_runs import FiringsQuery
from api.routes.schedules import SchedulesQuery
from booper_client import Client, fields
from booper_client._async import recurring, sender
from booper_client.cli.commands import alerts_command, listen_command, logs_command, schedules_command
from booper_client.cli.files.kinds import kind, schedules
from booper_client.cli.listening import listening, local_server
from models.alerts.ways import WAYS
from models.jobs import job_kinds, states
from models.rules.listener_urls import NAME_PATTERN, is_name
from runtime.settings import SETTINGS


def test_the_client_knows_each_state_of_a_job():
    assert set(get_args(fields.State)) == set(states.STATES)


def test_the_client_knows_each_kind_of_job():
    assert set(get_args(fields.Kind)) == set(job_kinds.KINDS)


def test_the_command_line_knows_each_way_to_notify_people():
    assert set(alerts_command.WAYS) == set(WAYS)


def most(query, name="limit"):
    """The most that a field of a query takes."""
    return query().fields[name].metadata["maximum"]


@pytest.mark.parametrize("query", [PageQuery, RelatedQuery, SchedulesQuery, FiringsQuery])
def test_the_client_asks_for_the_largest_page_that_the_server_gives(query):
    assert most(query) == sender.PAGE_ROWS


def test_the_client_sends_at_once_as_much_as_the_server_takes_and_no_more():
    assert most(BackfillsQuery) == recurring.BACKFILLS
    assert logs_command.PAGE == sender.PAGE_ROWS
    assert kind.AT_ONCE == declaration_check.MAX_DECLARATIONS
    assert schedules.AT_ONCE <= schedule_check.MAX_SCHEDULES
    assert f"up to {batch.MAX_JOBS:,} requests" in Client("http://booper.test").jobs.create_many.__doc__
    assert f"up to {schedule_check.MAX_SCHEDULES:,} schedules" in Client("http://booper.test").schedules.check.__doc__
    assert f"up to {kind.AT_ONCE}," in Client("http://booper.test").declarations.check.__doc__


def test_a_listener_takes_and_sends_as_much_as_the_server_lets_it():
    assert listening.MOST_AT_ONCE == listener_answers.MOST_AT_ONCE
    assert local_server.MAX_HEADERS == listener_answers.MAX_HEADERS
    assert local_server.MAX_HEADER_CHARS <= listener_answers.MAX_HEADER_BYTES
    assert 0 < listening.WAIT_S <= listener_answers.LONGEST_WAIT_S
    assert listen_command.ANSWER_LIMIT_S >= 5


def range_of(command, name):
    kinds = {each.name: each.type for each in command.params if isinstance(each, click.Option)}
    return kinds[name].min, kinds[name].max


def test_an_option_takes_the_numbers_that_the_server_takes():
    assert range_of(listen_command.command, "at_once") == (1, listener_answers.MOST_AT_ONCE)
    assert range_of(schedules_command.preview, "count") == (1, most(PreviewQuery, "count"))


@pytest.mark.parametrize("name", ["a", "a" * 32, "a" * 33, "-a", "a-", "a-b", "A", "a_b", "", "0"])
def test_a_listener_s_name_is_one_for_the_client_if_it_is_one_for_the_server(name):
    assert NAME_PATTERN.replace("?:", "") == listen_command.NAME
    if is_name(name):
        assert listen_command.read_name(None, None, name) == name
    elif name:
        with pytest.raises(click.BadParameter):
            listen_command.read_name(None, None, name)


def test_the_client_asks_where_a_server_listens_that_was_told_nothing():
    defaults = {setting.name: setting.default for setting in SETTINGS}

    assert Client().url == f"http://{defaults['BOOPER_HOST']}:{defaults['PORT']}"
