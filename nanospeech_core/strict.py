"""Strictness: unknown names and wrong types are errors that a user understands.

That is for dataclasses from dicts (JSON, TOML, YAML), and for the calls of public methods.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import os
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from .errors import UserError

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])
TYPE_NAMES: dict[object, str] = {
    str: "a string",
    bool: "True or False",
    os.PathLike: "a path",
    Mapping: "a mapping",
}


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
            raise UserError(f"{where}: unknown key {key!r}" + _suggestion(str(key), hints))
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


def checked_call(options: type | None = None) -> Callable[[Function], Function]:
    """Decorate a public method: a call with wrong names or too many arguments raises UserError.

    It raises at the call, also where the method is a generator.

    options: a dataclass whose fields the method takes as `**options`; None: it takes no others.
    """

    def decorate(function: Function) -> Function:
        _, *parameters = inspect.signature(function).parameters.values()  # without self or cls
        named = {each.name: each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD}
        further = () if options is None else tuple(field.name for field in dataclasses.fields(options))
        needed = [name for name, each in named.items() if each.default is each.empty]

        @functools.wraps(function)
        def checked(instance: Any, *args: Any, **kwargs: Any) -> Any:
            _check_names(function.__name__, args, kwargs, list(named), needed, further)
            return function(instance, *args, **kwargs)

        return typing.cast(Function, checked)

    return decorate


def _check_names(
    function: str,
    args: tuple,
    kwargs: Mapping[str, object],
    names: list[str],
    needed: list[str],
    options: tuple[str, ...],
) -> None:
    """Raise UserError if a function with these arguments cannot be called so."""
    known = list(dict.fromkeys([*names, *options]))
    for name in kwargs:
        if name not in known:
            has = f"the arguments are {', '.join(known)}" if known else "it takes none"
            raise UserError(f"{function} has no argument {name!r}{_suggestion(name, known)}; {has}")
    if len(args) > len(names):
        most = f"at most {len(names)} arguments without their names ({', '.join(names)})" if names else "none"
        raise UserError(f"{function} takes {most}, not {len(args)}")
    for name in names[: len(args)]:
        if name in kwargs:
            raise UserError(f"{function} has two values for its argument {name!r}")
    for name in needed:
        if name not in names[: len(args)] and name not in kwargs:
            raise UserError(f"{function} needs its argument {name!r}")


def _suggestion(name: str, known: Iterable[str]) -> str:
    by_small_letters = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_small_letters, n=1)
    return f" (did you mean {by_small_letters[near[0]]!r}?)" if near else ""


def check_type(name: str, value: object, kinds: Collection[type], optional: bool = False) -> None:
    """Raise UserError if a value is of none of these types, the keys of `TYPE_NAMES`.

    Args:
        name: of the argument or flag, for the message.
        value: what was given.
        kinds: the types.
        optional: whether it may be None too.
    """
    if not isinstance(value, tuple(kinds)) and not (optional and value is None):
        names = " or ".join([*(TYPE_NAMES[kind] for kind in kinds), *(["None"] if optional else [])])
        raise UserError(f"{name} must be {names}, not {value!r:.40}")
