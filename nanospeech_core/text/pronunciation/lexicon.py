"""The user's lexicon: phonemes of words that would be mispronounced.

A file has one entry per line: the written word, a tab, its phonemes in IPA (with or without slashes around
them). Empty lines and lines that begin with # are ignored. A lower-case entry matches any case, one with a
capital only itself. An entry may have several words; the longest match wins.
"""

from __future__ import annotations

import functools
import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from ...errors import UserError
from ...system.encodings import read_text
from ...system.files import split_lines
from ..characters import HAN, compose
from ..symbols import STRESS
from ..traced import TracedText

_KEYBOARD = str.maketrans({"g": "ɡ", "'": "ˈ", "\u2019": "ˈ"})  # typed characters to those of IPA
# An entry matches whole words: "can" is not in "can't", but in "can's"; a Chinese one matches anywhere.
_LETTER = rf"[^\W_{HAN}]"
_BEFORE = re.compile(rf"(?<!{_LETTER})(?<!\w['’])(?={_LETTER})|(?!{_LETTER})")
_AFTER = re.compile(rf"(?<={_LETTER})(?!{_LETTER})(?!['’](?!s\b)\w)(?!@|\.\w)|(?<!{_LETTER})")
_FIRST = re.compile(rf"{_LETTER}+|\S")  # a word, or a character outside of words


def read_lexicon(path: str | os.PathLike, vocab: Collection[str]) -> dict[str, str]:
    """The entries of a file.

    Args:
        path: the file, UTF-8.
        vocab: the model's symbols.
    Raises:
        UserError: the file cannot be read; a line has no tab, no word, the word of an earlier line, or
            phonemes that are not in the model's vocabulary.
    """
    lines = split_lines(read_text(path))
    entries: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, tab, phonemes = line.partition("\t")
        word, place = " ".join(unicodedata.normalize("NFC", word).split()), f"{path}, line {number}"
        if not tab or not word or "\t" in phonemes.strip():
            raise UserError(f"{place}: an entry must be a word, a tab and its phonemes")
        if word in entries:
            raise UserError(f'{place}: there is already an entry for "{word}"')
        entries[word] = check_phonemes(phonemes, vocab, place)
    return entries


def check_phonemes(phonemes: str, vocab: Collection[str], place: str) -> str:
    """Phonemes in the model's symbols, with single spaces.

    Args:
        phonemes: as a user wrote them.
        vocab: the model's symbols.
        place: where they are written, for the message.
    Raises:
        UserError: a symbol is not in the vocabulary, or there is no sound.
    """
    phonemes = " ".join(phonemes.strip().strip("/").translate(_KEYBOARD).split())
    for symbol in phonemes:
        if symbol not in vocab:
            letters = "".join(sorted(symbol for symbol in vocab if symbol.isalpha()))
            raise UserError(f'{place}: "{symbol}" is not a phoneme of this model; its phonemes are {letters}')
    if not any(symbol.isalnum() and symbol not in STRESS for symbol in phonemes):
        raise UserError(f"{place}: there are no phonemes")
    return phonemes


class Lexicon:
    """Finds its entries in a text. The time does not depend on their number: they are indexed by first word.

    Args:
        entries: written words -> phonemes.
    """

    def __init__(self, entries: Mapping[str, str]):
        self._phonemes = {_single(word): phonemes for word, phonemes in entries.items()}
        self._lengths: dict[str, list[int]] = {}  # first word -> lengths of its entries, longest first
        for word in sorted(self._phonemes, key=len, reverse=True):
            lengths = self._lengths.setdefault(_FIRST.findall(word)[0].casefold(), [])
            if len(word) not in lengths[-1:]:
                lengths.append(len(word))

    def __len__(self) -> int:
        return len(self._phonemes)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and phonemes of the longest entry at each position that has one; they may overlap."""
        if not self._phonemes:
            return
        traced = compose(TracedText.of(text)).single_spaced()
        single, places = traced.text.replace("’", "'"), traced.spans
        for first in _FIRST.finditer(single):
            for length in self._lengths.get(first[0].casefold(), ()):
                start, end = first.start(), first.start() + length
                written = single[start:end]
                word = written if written in self._phonemes else written.lower()
                if word not in self._phonemes or end > len(single):
                    continue
                if _BEFORE.match(single, start) and _AFTER.match(single, end):
                    yield places[start][0], places[end - 1][1], self._phonemes[word]
                    break


def _single(word: str) -> str:
    return " ".join(unicodedata.normalize("NFC", word).replace("’", "'").split())


def open_lexicon(lexicon: str | os.PathLike | Mapping[str, str] | None, known: Collection[str]) -> Lexicon:
    """The checked entries of a file or a mapping; None: no entries.

    The last file and the last mapping are cached, because every text opens its lexicon.

    Args:
        lexicon: the file, as `read_lexicon` takes it, or phonemes by word.
        known: the model's symbols.
    Raises:
        UserError: as `read_lexicon`; an entry of the mapping is not two strings.
    """
    if lexicon is None:
        return Lexicon({})
    known = frozenset(known)
    if isinstance(lexicon, Mapping):
        for entry in lexicon.items():
            if not all(isinstance(part, str) and part.strip() for part in entry):
                raise UserError(f"lexicon: an entry must be a word and its phonemes, not {entry!r:.60}")
        return _index(tuple(lexicon.items()), known)
    try:
        status = os.stat(lexicon)
        changed = (status.st_mtime_ns, status.st_size)
    except OSError:  # `read_lexicon` says why
        changed = None
    return _open_file(os.fspath(lexicon), changed, known)


@functools.lru_cache(maxsize=1)
def _index(entries: tuple[tuple[str, str], ...], known: frozenset[str]) -> Lexicon:
    return Lexicon({word: check_phonemes(p, known, f'lexicon, "{word}"') for word, p in entries})


@functools.lru_cache(maxsize=1)
def _open_file(path: str, changed: tuple[int, int] | None, known: frozenset[str]) -> Lexicon:
    return Lexicon(read_lexicon(path, known))
