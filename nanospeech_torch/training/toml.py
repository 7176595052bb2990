"""Reading the TOML file that describes a training run."""

from __future__ import annotations

import sys
from pathlib import Path

from nanospeech_core.config import from_dict
from nanospeech_core.errors import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: str | Path, cls: type):
    """The dataclass `cls` that a TOML file describes.

    Raises:
        UserError: the file cannot be read or is no TOML, a key is unknown or a value has the wrong type.
    """
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the config {path}: {error.strerror}") from error
    except ValueError as error:  # no UTF-8, no TOML
        raise UserError(f"cannot read the config {path}: it is not valid TOML: {error}") from error
    return from_dict(cls, values, str(path))
