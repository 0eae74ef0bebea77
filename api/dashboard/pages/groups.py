"""Serves the pages of groups of targets: lists them, shows and changes one, makes and deletes them."""

import json
from functools import partial

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.query import problems_of, problems_of_new_name
from api.requests.ids import NAME
from api.requests.options.group import A_GROUP
from api.routes.targets.groups import GroupFields
from models.accounts import target_groups
from models.accounts.target_groups import MAX_GROUPS, Group, Target, TooMany
from models.rules import clock

EXAMPLE = '[{"name": "berlin", "url": "https://berlin.example.com/hook"}]'


@pages.get("/groups")
def list_groups() -> Response:
    return _list("", "", [], 200)


@pages.post("/groups")
def add_group() -> Response:
    """Make a group; one that has the name already stays as it is."""
    name, typed = request.form.get("name", "").strip(), request.form.get("targets", "")
    account_id = visitor().account_id
    targets, problems = read_targets(typed)
    problems = problems_of_new_name(name, "group", A_GROUP, partial(target_groups.find, account_id)) + problems
    if problems:
        return _list(name, typed, problems, 422)
    try:
        target_groups.put(account_id, name, targets, clock.now())
    except TooMany:
        return _list(name, typed, [f"There may be at most {MAX_GROUPS} groups; delete one of them first."], 409)
    return redirect_to("show_group", "saved", name=name)


@pages.get("/groups/<name>")
def show_group(name: str) -> Response:
    group = find_group(name)
    return _group_page(group, as_typed(group), [], 200)


@pages.post("/groups/<name>")
def change_group(name: str) -> Response:
    """Give the group exactly these targets."""
    group, typed = find_group(name), request.form.get("targets", "")
    targets, problems = read_targets(typed)
    if problems:
        return _group_page(group, typed, problems, 422)
    target_groups.put(visitor().account_id, group.name, targets, clock.now())
    return redirect_to("show_group", "saved", name=group.name)


@pages.post("/groups/<name>/delete")
def delete_group(name: str) -> Response:
    target_groups.delete(visitor().account_id, find_group(name).name)
    return redirect_to("list_groups", "deleted")


def find_group(name: str) -> Group:
    """The visitor's group of this name, or 404."""
    group = target_groups.find(visitor().account_id, name) if NAME.fullmatch(name) else None
    if group is None:
        raise page_not_found()
    return group


def read_targets(text: str) -> tuple[list[Target], list[str]]:
    """The targets of the form, and what is wrong with them."""
    try:
        targets: list[Target] = GroupFields().load({"targets": json.loads(text)})["targets"]
    except ValidationError as error:
        return [], problems_of(error)
    except (ValueError, RecursionError):
        return [], [f"targets must be a JSON list, such as {EXAMPLE}"]
    return targets, []


def as_typed(group: Group) -> str:
    """The targets as the form has them; headers only where there are some."""
    targets = [{name: value for name, value in target._asdict().items() if value} for target in group.targets]
    return json.dumps(targets, indent=2, ensure_ascii=False)


def _list(name: str, typed: str, problems: list[str], status: int) -> Response:
    groups = target_groups.listed(visitor().account_id)
    values = {"groups": groups, "name": name, "typed": typed, "problems": problems, "example": EXAMPLE}
    return make_response(render_template("groups.html", **values), status)


def _group_page(group: Group, typed: str, problems: list[str], status: int) -> Response:
    return make_response(render_template("group.html", group=group, typed=typed, problems=problems), status)
