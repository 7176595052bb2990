"""Dataclasses from dicts (JSON, TOML, YAML): unknown keys and wrong types are errors."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from typing import Any, TypeVar

from .errors import UserError

T = TypeVar("T")


def from_dict(cls: type[T], values: dict, where: str) -> T:
    """Build a (nested) dataclass from a dict.

    Args:
        cls: a dataclass with fields of int, float, bool, str, tuples of str, dataclasses, or optional ones.
        values: the dict, usually parsed JSON or TOML. Missing keys get their defaults. None removes an
            optional section, as does False, since TOML has no null.
        where: the dict's name in messages.
    Raises:
        UserError: a key is unknown (the nearest one is suggested) or a value has the wrong type.
    """
    if not isinstance(values, dict):
        raise UserError(f"{where} must contain named values, not {type(values).__name__}")
    hints = typing.get_type_hints(cls)
    for key in values:
        if key not in hints:
            near = difflib.get_close_matches(str(key), hints, n=1)
            raise UserError(
                f"{where}: unknown key {key!r}" + (f" (did you mean {near[0]!r}?)" if near else "")
            )
    return cls(**{key: _convert(hints[key], value, f"{where}.{key}") for key, value in values.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = (arm for arm in typing.get_args(hint) if arm is not type(None))
        if value is None or value is False and dataclasses.is_dataclass(hint):
            return None
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return from_dict(hint, value, where)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if not isinstance(value, (list, tuple)):
            hint_text = ""
            if inner is str and isinstance(value, str):  # in a shell, unquoted marks are lost
                hint_text = f""": write ["{value}"], in a shell '["{value}"]'"""
            raise UserError(f"{where} must be a list, not {type(value).__name__}{hint_text}")
        return tuple(_convert(inner, v, where) for v in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):
        raise UserError(f"{where} must be {hint.__name__}, not {value!r}")
    return value
