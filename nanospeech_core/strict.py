"""Dataclasses from dicts (JSON, TOML, YAML), strictly: no unknown key, no other type."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing

from .errors import UserError


def from_dict(cls: type, values: dict, where: str):
    """Build a (nested) dataclass from a dict, strictly.

    Args:
        cls: a dataclass of int, float, bool, str, tuples of str, dataclasses, or one of these or None.
        values: the dict, usually parsed JSON or TOML. Absent keys take their defaults. An optional section is
            switched off by None or, as TOML has no null, by False.
        where: what to call the dict in an error.
    Raises:
        UserError: a key is unknown (the nearest known one is suggested) or a value has the wrong type.
    """
    if not isinstance(values, dict):
        raise UserError(f"{where} must hold named values, not {type(values).__name__}")
    hints = typing.get_type_hints(cls)
    for key in values:
        if key not in hints:
            near = difflib.get_close_matches(str(key), hints, n=1)
            raise UserError(
                f"{where}: unknown key {key!r}" + (f" (did you mean {near[0]!r}?)" if near else "")
            )
    return cls(**{key: _typed(hints[key], value, f"{where}.{key}") for key, value in values.items()})


def _typed(hint, value, where: str):
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = (arm for arm in typing.get_args(hint) if arm is not type(None))
        if value is None or value is False and dataclasses.is_dataclass(hint):
            return None
    if dataclasses.is_dataclass(hint):
        return from_dict(hint, value, where)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if not isinstance(value, (list, tuple)):
            raise UserError(f"{where} must be a list, not {type(value).__name__}")
        return tuple(_typed(inner, v, where) for v in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):
        raise UserError(f"{where} must be {hint.__name__}, not {value!r}")
    return value
