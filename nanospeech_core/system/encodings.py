"""Text from bytes: UTF-8, or the encoding of a byte order mark. For others, the error says how to convert.

Without a mark, an encoding can only be guessed, so a guess is reported and never used to read.
"""

from __future__ import annotations

import codecs
import io
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ..errors import UserError

# UTF-32's mark begins with UTF-16's and must be tried first.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE = 1 << 16  # bytes used to guess an encoding
MIN_SCORE = 0.5  # of a guess, 0 to 1
MAX_DAMAGE = 0.1  # share of broken characters in a file that still counts as UTF-8


def decode(data: bytes, name: str) -> str:
    """Decode a text.

    Args:
        data: its bytes.
        name: its name in messages: a file, or "the text".
    Raises:
        UserError: another encoding (the message names it if it can be guessed), or binary data.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise _unknown(name, error) from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        guessed = guess(data)
        raise (_unknown(name, error) if guessed is None else _wrong(name, guessed)) from error
    if "\0" in text and (wide := _by_zeros(data)):
        raise _wrong(name, wide)
    return text


def read_text(path: str | os.PathLike, name: str | None = None) -> str:
    """Read and `decode` a file. `name`: its name in messages, if the path is not meaningful."""
    name = str(path) if name is None else name
    try:
        return decode(Path(path).read_bytes(), name)
    except OSError as error:
        raise UserError(f"cannot read {name}: {error.strerror or error}") from error


def open_text(path: str | os.PathLike, newline: str = "") -> TextIO:
    """Open a text file, as `open` does; broken UTF-8 is read as U+FFFD.

    Raises:
        OSError: it cannot be opened.
        UserError: its beginning is in another encoding.
    """
    file = open(path, "rb")  # noqa: SIM115  (the caller closes it)
    try:
        data = file.read(SAMPLE)
        file.seek(0)
        encoding = next((encoding for mark, encoding in MARKS if data.startswith(mark)), "utf-8")
        if encoding == "utf-8":
            text = codecs.getincrementaldecoder("utf-8")("replace").decode(data)
            foreign = sum(not character.isascii() for character in text)
            found = guess(data) if text.count("\ufffd") > MAX_DAMAGE * foreign else None
            if found or "\0" in text and (found := _by_zeros(data)):
                raise _wrong(str(path), found)
        return io.TextIOWrapper(file, encoding=encoding, errors="replace", newline=newline)
    except BaseException:
        file.close()
        raise


def argument(text: str) -> str:
    """A text of the command line. With an old locale (LC_ALL=C), Python leaves UTF-8 in it undecoded."""
    if text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text):
        return text
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text  # `check_text` reports it


def guess(data: bytes) -> str | None:
    """Guess the encoding of a text that is not UTF-8: its name in Python and iconv; None: none is likely."""
    likely = _by_zeros(data)
    if likely:
        return likely
    best, data = MIN_SCORE, data[:SAMPLE]
    for encoding, score in _SCORES.items():
        text = _text(data, encoding)
        if text is not None and (value := score(text)) > best:
            best, likely = value, encoding
    return likely


def _by_zeros(data: bytes) -> str | None:
    """UTF-16 or UTF-32 of mostly ASCII letters, found by the positions of the zero bytes."""
    data = data[:SAMPLE]
    shares = [data[place::4].count(0) / max(1, len(data[place::4])) for place in range(4)]
    often = tuple(place for place in range(4) if shares[place] > 0.5)
    encoding = {(1, 3): "utf-16-le", (0, 2): "utf-16-be", (1, 2, 3): "utf-32-le", (0, 1, 2): "utf-32-be"}.get(
        often
    )
    return encoding if encoding and _text(data, encoding) else None


def _text(data: bytes, encoding: str) -> str | None:
    """Decode a text whose last character may be cut off; None if it is not text in this encoding."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return None
    controls = any(unicodedata.category(c) in ("Cc", "Cn", "Co") and c not in "\t\n\v\f\r" for c in text)
    return None if controls else text


def _share(is_expected: Callable[[str], bool]) -> Callable[[str], float]:
    """A function that returns the share of a text's non-ASCII characters that are expected."""

    def score(text: str) -> float:
        foreign = [character for character in text if not character.isascii()]
        return sum(map(is_expected, foreign)) / max(1, len(foreign))

    return score


def _simplified(character: str) -> bool:
    """Whether it is punctuation or one of the 3755 frequent characters of GB 2312 (its level 1)."""
    code = character.encode("gb2312", "ignore")
    return len(code) == 2 and (code[0] <= 0xA3 or 0xB0 <= code[0] <= 0xD7)


def _traditional(character: str) -> bool:
    """Whether it is punctuation or one of the 5401 frequent characters of Big5 (its level 1)."""
    code = character.encode("big5", "ignore")
    return len(code) == 2 and code[0] <= 0xC6


def _kana(character: str) -> bool:
    return "\u3041" <= character <= "\u30ff" or character in "、。「」"


def _western(text: str) -> float:
    """1 if a text of letters has some accented letters and typographic marks, else 0."""
    foreign = [character for character in text if not character.isascii()]
    marks = "“”‘’«»–—…€£§°·¿¡©®™•\xa0²³½¼¾"
    plain = all(character.isalpha() or character in marks for character in foreign)
    return float(plain and 3 * len(foreign) <= sum(map(str.isalpha, text)))


def _unmarked(text: str) -> float:
    """The share of Chinese and Japanese. Any two bytes are a character, so punctuation is required."""
    if not set(text) & set("，。、！？：；"):
        return 0.0
    return _share(lambda character: _simplified(character) or _traditional(character) or _kana(character))(
        text
    )


# Of equal scores, the first wins.
_SCORES: dict[str, Callable[[str], float]] = {
    "gbk": _share(_simplified),
    "big5": _share(_traditional),
    "shift_jis": lambda text: min(1.0, 2 * _share(_kana)(text)),  # the other half is Chinese characters
    "cp1252": _western,
    "utf-16-le": _unmarked,
    "utf-16-be": _unmarked,
}


def _wrong(name: str, encoding: str) -> UserError:
    title = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    return UserError(
        f"{name} is not UTF-8; it is probably {title}: save it as UTF-8 (or: iconv -f {title} -t UTF-8)"
    )


def _unknown(name: str, error: UnicodeDecodeError) -> UserError:
    return UserError(f"{name} is not UTF-8 (at byte {error.start}); is it binary data?")
