"""Each field of a resource that can be set is read as it was set, wherever the resource is read, and can be changed."""

import pytest

from tests.support.documented import document
from tests.support.openapi import resolved

HOOK, OTHER = "https://a.example/hook", "https://b.example/hook"
RESOURCES = {  # each field with a first and a second value, none of them a default
    "/api/alerts": {
        "name": ("nightly", "weekly"),
        "to": ([{"webhook": HOOK}], [{"webhook": OTHER}]),
        "on": (["failed", "late"], ["missed", "silent"]),
        "scope": ({"label": "vip"}, {"host": "a.example"}),
        "after": (3, 4),
        "share": (0.5, 0.25),
        "within": (600, 660),
        "at_least": (7, 8),
        "late_after": (120, 180),
        "long_after": (240, 420),
        "silent_after": (7200, 7260),
        "waiting_after": (480, 540),
        "repeat_every": (1800, 1860),
        "quiet": (
            {"from": "22:00", "to": "06:00", "timezone": "Europe/Berlin"},
            {"from": "21:00", "to": "05:00", "timezone": "Asia/Tokyo"},
        ),
        "enabled": (False, True),
        "muted_until": ("2026-02-01T00:00:00.000000Z", "2026-03-01T00:00:00.000000Z"),
    },
    "/api/endpoints": {
        "url": (HOOK, OTHER),
        "types": (["job.finished"], ["job.started"]),
        "enabled": (False, True),
    },
}


def shown(client, path, identity, names):
    """What a list and the resource itself show."""
    [of_list] = client.get(path).json["data"]
    one_of = client.get(f"{path}/{identity}").json["data"]
    return [{name: each[name] for name in names} for each in (of_list, one_of)]


@pytest.mark.parametrize("path", RESOURCES)
def test_no_field_is_left_out_here(path):
    for method, url in (("post", path), ("patch", f"{path}/{{key}}")):
        body = document()["paths"][url][method]["requestBody"]["content"]["application/json"]["schema"]
        assert set(resolved(document(), body)["properties"]) - {"unique"} == set(RESOURCES[path])


@pytest.mark.parametrize("path", RESOURCES)
def test_each_field_comes_back_as_it_was_set_and_as_it_was_changed(client, moved_clock, path):
    first, second = ({name: values[place] for name, values in RESOURCES[path].items()} for place in (0, 1))

    made = client.post(path, json=first).json["data"]

    assert shown(client, path, made["id"], first) == [first, first]
    for name, value in second.items():
        changed = client.ask("PATCH", f"{path}/{made['id']}", json={name: value})
        first[name] = value
        assert changed.status_code == 200, changed.text
        assert shown(client, path, made["id"], first) == [first, first], name
