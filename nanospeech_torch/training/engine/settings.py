"""Reading the config file of a training run (TOML, YAML, JSON) and the overrides of the command line."""

from __future__ import annotations

import datetime
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from nanospeech_core.errors import UserError
from nanospeech_core.strict import from_dict
from nanospeech_core.system.encodings import read_text
from nanospeech_core.system.files import looked_in, replacing

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


C = TypeVar("C")


def as_json(config: Any) -> dict[str, Any]:
    """A config dataclass as JSON has it: tuples become lists."""
    return json.loads(json.dumps(asdict(config)))


def read_settings(path: str | Path, cls: type[C], overrides: Sequence[str] = ()) -> C:
    """The config of a file, as a dataclass `cls`.

    Args:
        path: a .toml, .yaml, .yml or .json file.
        cls: see `nanospeech_core.strict.from_dict`.
        overrides: "section.key=value", in TOML; a string needs no quotes. Later ones win.
    Raises:
        UserError: the file cannot be read or is malformed, a key is unknown, or a value has the wrong type.
    """
    return from_dict(cls, read_values(path, overrides), str(path))


def read_values(path: str | Path, overrides: Sequence[str] = ()) -> dict:
    """The values of a file with the overrides applied, not yet checked."""
    path = Path(path)
    kind = {".yaml": "YAML", ".yml": "YAML", ".json": "JSON"}.get(path.suffix, "TOML")
    if not path.exists():
        raise UserError(f"cannot read the config {path}: No such file or directory{looked_in(path)}")
    text = read_text(path, f"the config {path}")
    try:
        values = parse(text, kind)
    except ValueError as error:  # malformed
        reason = " ".join(str(error).split())
        raise UserError(f"cannot read the config {path}: it is not valid {kind}: {reason}") from error
    if not isinstance(values, dict):
        raise UserError(f"cannot read the config {path}: it must contain named values")
    for override in overrides:
        apply_override(values, override)
    return values


def parse(text: str, kind: str) -> Any:
    """The content of a TOML, YAML or JSON text. Raises ValueError if it is malformed."""
    if kind == "TOML":
        return tomllib.loads(text)
    if kind == "JSON":
        return json.loads(text)
    import yaml

    class Loader(yaml.SafeLoader):
        """PyYAML reads YAML 1.1, where 1e-3 is a string; here it is a number, as in YAML 1.2."""

    number = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789"))
    try:
        values = yaml.load(text, Loader)  # noqa: S506  # nosec B506  (it is a SafeLoader)
        return {} if values is None else values
    except yaml.YAMLError as error:
        raise ValueError(error) from error


def apply_override(values: dict, override: str) -> None:
    """Set "section.key=value" in nested dicts."""
    name, equals, text = override.partition("=")
    *sections, key = name.strip().split(".")
    if not equals or not all((*sections, key)):
        raise UserError(f"{override!r} is not a setting: write section.key=value")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise UserError(f"cannot set {name.strip()}: {section} is a value, not a section")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
        if value.startswith("["):  # a shell has removed the quotation marks
            wanted = quoted_list(value) if value.endswith("]") else "[...]"  # or has cut it at a space
            raise UserError(f"{override!r} is not a list in TOML: write {name.strip()}='{wanted}'") from None
    # no setting is a date, but a folder's name may look like one
    values[key] = text.strip() if isinstance(value, (datetime.date, datetime.time)) else value


def quoted_list(text: str) -> str:
    """A list whose strings lack their quotation marks, with them: "[a, 1]" -> '["a", 1]'."""
    items = (item.strip().strip("'\"") for item in text.strip("[] ").split(","))
    number = re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?|true|false")
    quoted = [i if number.fullmatch(i) else json.dumps(i, ensure_ascii=False) for i in items if i]
    return f"[{', '.join(quoted)}]"


def write_settings(path: Path, values: dict) -> None:
    """Write the settings as JSON, atomically. `read_settings` reads them again."""
    with replacing(path) as temporary:
        text = json.dumps(values, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
