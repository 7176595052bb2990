"""A book from a file, by its suffix."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import UserError
from ..system.encodings import read_text
from .book import Book, image_format
from .epub.chapters import read_epub
from .markdown import read_markdown
from .plain_text import read_plain_text

SUFFIXES = (".epub", ".txt", ".text", ".md", ".markdown")
MOST_BYTES = 64 << 20  # of a text file; the longest novels have 10 MB
MOST_COVER = 16 << 20


def read_book(path: str | os.PathLike) -> Book:
    """Read a book. Raises UserError if that is impossible, or if it has nothing to speak."""
    suffix, name = Path(path).suffix.lower(), str(path)
    if suffix not in SUFFIXES:
        raise UserError(f"cannot read {name}: the suffix must be one of {', '.join(SUFFIXES)}")
    if os.path.isdir(path):
        raise UserError(f"cannot read {name}: it is a folder")
    if suffix == ".epub":
        book = read_epub(path)
    else:
        try:
            size = os.path.getsize(path)
        except OSError as error:
            raise UserError(f"cannot read {name}: {error.strerror or error}") from error
        if size > MOST_BYTES:
            raise UserError(f"cannot read {name}: it has more than {MOST_BYTES >> 20} MB")
        read = read_plain_text if suffix in (".txt", ".text") else read_markdown
        book = read(read_text(path), Path(path).stem)
    if not book.chapters:
        raise UserError(f"there is nothing to speak in {name}")
    return book


def read_cover(path: str | os.PathLike) -> bytes:
    """A picture. Raises UserError if it is no JPEG or PNG file, or has over 16 MB."""
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_COVER + 1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > MOST_COVER or image_format(data) is None:
        raise UserError(f"cannot use {path} as the cover: it must be a JPEG or PNG file of at most 16 MB")
    return data
