"""How words are pronounced where the user knows better: a lexicon's file, its words in a text, its phonemes.

A file has an entry a line: what is written, a tab, its phonemes in IPA (slashes around them may stay). Empty
lines and those that begin with # say nothing. An entry in small letters stands for any case, one with a
capital for itself only; it may have several words; the longest that fits is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping

from ..errors import UserError
from ..system.encodings import read_text
from ..system.files import split_lines
from .language_detection import HAN

_STRESS = "ˈˌ"
_KEYBOARD = str.maketrans({"g": "ɡ", "'": "ˈ", "\u2019": "ˈ"})  # what is typed for what IPA has
# An entry is whole words: "can" is not in "can't", but in "can's"; a Chinese one stands anywhere.
_LETTER = rf"[^\W_{HAN}]"
_BEFORE = re.compile(rf"(?<!{_LETTER})(?<!\w['’])(?={_LETTER})|(?!{_LETTER})")
_AFTER = re.compile(rf"(?<={_LETTER})(?!{_LETTER})(?!['’](?!s\b)\w)(?!@|\.\w)|(?<!{_LETTER})")
_FIRST = re.compile(rf"{_LETTER}+|\S")  # of an entry: a word, or a character that is in none


def read_lexicon(path: str | os.PathLike, known: Collection[str]) -> dict[str, str]:
    """The entries of a file.

    Args:
        path: the file, UTF-8.
        known: the model's symbols.
    Raises:
        UserError: it cannot be read; a line has no tab, no word, a word of another line, or phonemes that
            the model does not know.
    """
    lines = split_lines(read_text(path))
    entries: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, tab, phonemes = line.partition("\t")
        word, place = " ".join(word.split()), f"{path}, line {number}"
        if not tab or not word or "\t" in phonemes.strip():
            raise UserError(f"{place}: an entry is what is written, a tab and its phonemes")
        if word in entries:
            raise UserError(f'{place}: there is an entry for "{word}" already')
        entries[word] = check_phonemes(phonemes, known, place)
    return entries


def check_phonemes(phonemes: str, known: Collection[str], place: str) -> str:
    """The phonemes as the model knows them, spaces single. Raises UserError, naming `place`, for others."""
    phonemes = " ".join(phonemes.strip().strip("/").translate(_KEYBOARD).split())
    for symbol in phonemes:
        if symbol not in known:
            letters = "".join(sorted(symbol for symbol in known if symbol.isalpha()))
            raise UserError(f'{place}: "{symbol}" is no phoneme of this model; it knows {letters}')
    if not any(symbol.isalnum() and symbol not in _STRESS for symbol in phonemes):
        raise UserError(f"{place}: there are no phonemes")
    return phonemes


class Lexicon:
    """Entries that are found in a text by what they begin with: how many there are makes no difference.

    entries: what is written -> phonemes.
    """

    def __init__(self, entries: Mapping[str, str]):
        self._phonemes = {_single(word): phonemes for word, phonemes in entries.items()}
        self._lengths: dict[str, list[int]] = {}  # of the entries that begin alike, the longest first
        for word in sorted(self._phonemes, key=len, reverse=True):
            lengths = self._lengths.setdefault(_FIRST.match(word)[0].casefold(), [])
            if len(word) not in lengths[-1:]:
                lengths.append(len(word))

    def __len__(self) -> int:
        return len(self._phonemes)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and phonemes of the longest entry at each place that has one, in order.

        They may overlap.
        """
        places = [i for i, c in enumerate(text) if not (c.isspace() and text[i - 1 : i].isspace())]
        single = re.sub(r"\s", " ", "".join(text[i] for i in places)).replace("’", "'")
        for first in _FIRST.finditer(single):
            for length in self._lengths.get(first[0].casefold(), ()):
                start, end = first.start(), first.start() + length
                written = single[start:end]
                word = written if written in self._phonemes else written.lower()
                if word not in self._phonemes or end > len(single):
                    continue
                if _BEFORE.match(single, start) and _AFTER.match(single, end):
                    yield places[start], places[end - 1] + 1, self._phonemes[word]
                    break


def _single(word: str) -> str:
    return " ".join(word.replace("’", "'").split())
