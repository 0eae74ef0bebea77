"""What a part of the product is made of: every plain value that it holds, by the object that holds it."""

import functools
import types
from collections.abc import Mapping, Set
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

PLAIN = (bool, int, float, str, bytes, type(None), IPv4Address, IPv4Network, IPv6Address, IPv6Network)
OURS = {"api", "booper", "models", "runtime", "workers"}


def plain_values(whole):
    """The values by the class that holds them and the name there: `Recorder.longest_us`. Of several objects of a class
    each counts."""
    values = {}
    _walk(whole, type(whole).__name__, set(), values)
    return values


def _walk(value, place, met, values):
    if isinstance(value, PLAIN):
        values.setdefault(place, []).append(str(value))
        return
    if id(value) in met:
        return
    met.add(id(value))
    is_ours = type(value).__module__.partition(".")[0] in OURS
    for name, part in _parts(value, is_ours):
        _walk(part, f"{type(value).__name__ if is_ours else place}.{name}".strip("."), met, values)


def _parts(value, is_ours):
    if hasattr(value, "_asdict"):
        return list(value._asdict().items())
    if isinstance(value, Mapping):
        return [(str(name), part) for name, part in value.items()]
    if isinstance(value, (tuple, list, Set)):
        return [("", part) for part in value]
    if isinstance(value, types.MethodType):
        return [("", value.__self__)]
    if isinstance(value, functools.partial):
        return [("", value.args)]
    if isinstance(value, types.FunctionType):
        return [("", cell.cell_contents) for cell in value.__closure__ or ()]
    if not is_ours:
        return []
    slots = [name for each in type(value).__mro__ for name in getattr(each, "__slots__", ())]
    names = [name for name in (*getattr(value, "__dict__", {}), *slots) if hasattr(value, name)]
    return [(name.strip("_"), getattr(value, name)) for name in names]
