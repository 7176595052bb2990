"""Checks of raw text, before anything is done with it."""

from __future__ import annotations

import unicodedata

from ..errors import UserError
from ..system import encodings

MAX_CHARACTERS = 100_000  # about two hours of speech


def decode_text(data: bytes, name: str = "the text") -> str:
    """Bytes of a file or of standard input -> text. UTF-8, or UTF-16 with a byte order mark.

    Args:
        data: the bytes.
        name: what error messages call the text.
    Raises:
        UserError: another encoding; the message names it where possible.
    """
    return encodings.decode(data, name)


def check_text(text: str, name: str = "the text") -> str:
    """Return the text unchanged if it can be spoken.

    Args:
        text: any.
        name: what error messages call the text.
    Raises:
        UserError: it is not a string, is empty, has over MAX_CHARACTERS characters, or is binary data.
    """
    if not isinstance(text, str):
        raise UserError(f"{name} must be a string, not {text!r:.40}")
    if not text.strip():
        raise UserError(f"{name} is empty")
    if len(text) > MAX_CHARACTERS:
        raise UserError(
            f"{name} has {len(text):,} characters; at most {MAX_CHARACTERS:,} are allowed: split it"
        )
    for character in set(text) - set("\t\n\v\f\r"):
        if "\udc80" <= character <= "\udcff":  # how Python keeps a byte that it cannot decode
            raise UserError(f"{name} is not UTF-8 (it has the byte 0x{ord(character) - 0xDC00:02X})")
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise UserError(f"{name} has a control character (U+{ord(character):04X}); is it binary data?")
    return text


def nothing_to_speak(text: str) -> UserError:
    """The error to raise for a text without words."""
    line = " ".join(text.split())
    return UserError(f'there is nothing to speak in "{line if len(line) <= 40 else line[:40] + "..."}"')
