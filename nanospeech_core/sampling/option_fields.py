"""How an option is declared: as a dataclass field with its range or choices, its help and its samplers.

`GenerateOptions` declares each option once, with `option`. All else follows from the declaration: the check
of a value, the table of which sampler reads which option, and the flag of the command line.
"""

from __future__ import annotations

import functools
import math
import numbers
import typing
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np

from ..errors import UserError
from ..strict import check_type

T = TypeVar("T")
UNBOUNDED = 2**31  # a greater maximum is not worth a mention in a message


@dataclass(frozen=True)
class Option:
    """An option as it was declared."""

    default: object
    samplers: tuple[str, ...]
    least: float
    most: float
    choices: tuple[str, ...]
    help: str
    metavar: str | None
    group: str
    flag: str
    const: object
    parse: Callable[[str], object] | None
    name: str = ""
    types: tuple[type, ...] = ()  # of the field's annotation, without None
    optional: bool = False  # whether None is allowed

    @property
    def is_switch(self) -> bool:
        """Whether it is True or False: a flag without a value."""
        return self.types == (bool,)

    def check(self, value: object) -> None:
        """Raise UserError, naming the flag, for a value of another type or out of range."""
        if value is None and self.optional:
            return
        if self.choices:
            if not isinstance(value, str) or value not in self.choices:
                raise UserError(f"{self.flag} must be one of {', '.join(self.choices)}, not {value!r}")
        elif self.is_switch:
            if not isinstance(value, (bool, np.bool_)):
                raise UserError(f"{self.flag} must be True or False, not {value!r:.40}")
        elif self.types == (int,) or self.types == (float,):
            self._check_number(value)
        else:
            check_type(self.flag, value, self.types)

    def _check_number(self, value: Any) -> None:
        whole = self.types == (int,)
        is_number = isinstance(value, numbers.Integral if whole else numbers.Real)
        if is_number and not isinstance(value, bool) and self.least <= value <= self.most:
            if whole or math.isfinite(value):
                return
        bounds = ""
        if self.least > -math.inf:
            bounds = f" from {self.least:g} to {self.most:g}"
            if self.most >= UNBOUNDED:  # its maximum matters only to a value above it
                above = is_number and value > self.most
                bounds = f" from {self.least:g} to {self.most}" if above else f" of at least {self.least:g}"
        kind = "a whole number" if whole else "a number"
        raise UserError(f"{self.flag} must be {kind}{bounds}, not {value!r}")


def option(
    default: T,
    *,
    samplers: tuple[str, ...] = (),
    least: float = -math.inf,
    most: float = math.inf,
    choices: tuple[str, ...] = (),
    help: str = "",
    metavar: str | None = None,
    group: str = "sampling",
    flag: str = "",
    const: object = None,
    parse: Callable[[str], object] | None = None,
) -> T:
    """Declare an option: a dataclass field, whose annotation gives its type and whether it may be None.

    Args:
        default: the default value.
        samplers: those that read it. For another sampler it is an error on the command line.
        least, most: the range of a number.
        choices: the strings that it may be; (): any.
        help, metavar: of its flag, as argparse takes them. The default is added.
        group: "sampling", "text" or "voice": the group of flags that it belongs to.
        flag: its spelling in help and messages, if that is not the name with dashes.
        const: the value of its flag without a value; None: the flag needs one.
        parse: how the command line reads the value, if not by the type.
    """
    declared = Option(default, samplers, least, most, choices, help, metavar, group, flag, const, parse)
    return field(default=default, metadata={"option": declared})


def options_of(cls: type) -> dict[str, Option]:
    """The options of a dataclass by name, in the order of their declaration."""
    return _read_fields(cls)


@functools.cache
def _read_fields(cls: type) -> dict[str, Option]:
    hints = typing.get_type_hints(cls)
    options = {}
    for each in fields(cls):
        kinds = typing.get_args(hints[each.name]) or (hints[each.name],)
        declared: Option = each.metadata["option"]
        options[each.name] = replace(
            declared,
            name=each.name,
            flag=declared.flag or "--" + each.name.replace("_", "-"),
            types=tuple(typing.get_origin(kind) or kind for kind in kinds if kind is not type(None)),
            optional=type(None) in kinds,
        )
    return options


def options_by_sampler(cls: type, samplers: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The names of the options that each sampler reads."""
    return {
        sampler: tuple(name for name, declared in options_of(cls).items() if sampler in declared.samplers)
        for sampler in samplers
    }


def options_of_group(cls: type, group: str) -> tuple[str, ...]:
    """The names of the options of a group."""
    return tuple(name for name, declared in options_of(cls).items() if declared.group == group)
