"""What a check finds, and the check itself. The standard library only: nothing else may be installed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

OK, NOTE, WRONG = "ok", "note", "wrong"
STATUSES = (OK, NOTE, WRONG)

# Home folders by their usual places, for paths that other programs printed.
_HOMES = re.compile(r"(?:/var)?/(?:home|Users)/[^/\s:;,'\"()]+")


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    status: "ok"; "note": it works, and something is worth knowing; "wrong": something does not work.
    text: what was found, in a line.
    advice: what to do about it, in a line; "" if nothing is to be done.
    values: the same for programs, and more: strings, numbers, lists and dicts that JSON can hold.
    """

    status: str
    text: str
    advice: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    name: str = ""  # the check's; whoever runs it sets name and seconds
    seconds: float = 0.0


@dataclass(frozen=True)
class Check:
    """A check, and what to say if it ends otherwise than by a `Finding`."""

    name: str
    function: str  # "module:function"; imported in the process that runs it
    limit: float  # seconds; a check that takes longer is ended
    advice: str  # if it crashes, hangs or raises
    arguments: tuple[str, ...] = ()  # of the function
    needs: str = ""  # the name of a check; if that one is wrong, this one is not run


def worst(statuses: list[str]) -> str:
    """The worst of some statuses; "ok" if there are none."""
    return max(statuses, key=STATUSES.index, default=OK)


def without_names(value: Any) -> Any:
    """The same value, in all its strings `~` for home folders and USER for the user's name in a path."""
    if isinstance(value, dict):
        return {without_names(key): without_names(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_names(item) for item in value]
    return _without_names(value) if isinstance(value, str) else value


def _without_names(text: str) -> str:
    home = os.path.expanduser("~")
    for folder in sorted({home, os.path.realpath(home)}, key=len, reverse=True):
        if os.path.isabs(folder) and folder != os.sep:
            text = re.sub(rf"(?<![\w.~-]){re.escape(folder)}(?![\w.-])", "~", text)
    text = _HOMES.sub("~", text)
    for user in {os.environ.get("USER"), os.environ.get("LOGNAME"), os.path.basename(home)}:
        if user and not os.path.exists(os.sep + user):  # /scratch/anna, but not /usr/lib of a user "lib"
            text = re.sub(rf"(?<=/){re.escape(user)}(?![\w.-])", "USER", text)
    return text
