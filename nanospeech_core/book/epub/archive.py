"""The zip archive of an EPUB. Nothing is ever unpacked to the disk; sizes are limited while it is read."""

from __future__ import annotations

import os
import posixpath
import zipfile
import zlib
from types import TracebackType
from urllib.parse import unquote, urlsplit

from ...errors import UserError
from .xml import Element, parse_xml

MOST_BYTES = 32 << 20  # of a file in the archive, unpacked
MOST_IN_ALL = 512 << 20
MOST_FILES = 50_000
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


class Archive:
    """An EPUB's files, by their names in the archive. A context manager.

    Raises UserError if the file is no zip archive, cannot be read, or has far too many files.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
            self._files = {info.filename: info for info in self._zip.infolist()[: MOST_FILES + 1]}
        except FileNotFoundError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        except _BROKEN as error:
            reason = getattr(error, "strerror", None) or "it is no zip archive, or is damaged"
            raise UserError(f"cannot read {path}: {reason}") from error
        if len(self._files) > MOST_FILES:
            self._zip.close()
            raise UserError(f"cannot read {path}: it has more than {MOST_FILES:,} files")
        self._left = MOST_IN_ALL
        self._small = {name.casefold(): name for name in self._files}

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """The names of all files."""
        return [*self._files]

    def find(self, name: str) -> str | None:
        """A file's name as it is in the archive, which may differ in case; None: there is none."""
        return name if name in self._files else self._small.get(name.casefold())

    def read(self, name: str) -> bytes:
        """The content of a file. Raises UserError if it is missing, damaged, encrypted or too large."""
        found = self.find(name)
        if found is None:
            raise UserError(f"cannot read {self.path}: it has no file {name!r:.80}")
        info = self._files[found]
        if info.flag_bits & 1:
            raise UserError(f"cannot read {self.path}: it is protected by a password")
        most = min(MOST_BYTES, self._left)
        try:
            with self._zip.open(info) as file:
                data = file.read(most + 1)
        except _BROKEN as error:
            raise UserError(f"cannot read {self.path}: {found!r:.80} in it is damaged") from error
        if len(data) > most:
            raise UserError(
                f"cannot read {self.path}: {found!r:.80} in it has over {most >> 20} MB: is it an attack?"
            )
        self._left -= len(data)
        return data

    def xml(self, name: str) -> Element:
        """An XML file. Raises UserError as `read`, and if it is not well-formed or declares entities."""
        return parse_xml(self.read(name), f"{self.path}: {name!r:.80} in it")


def resolve(base: str, link: str) -> tuple[str, str]:
    """(file, fragment) of a link in the file `base`; ("", "") for an address outside the book."""
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        return "", ""
    if parts.scheme or parts.netloc:
        return "", ""
    path = unquote(parts.path)
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(base), path)) if path else base
    return whole.lstrip("/"), unquote(parts.fragment)
