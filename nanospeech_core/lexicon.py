"""How words are pronounced where the user knows better: a lexicon's file, its words in a text, its phonemes.

A file has an entry a line: what is written, a tab, its phonemes in IPA (slashes around them may stay). Empty
lines and those that begin with # say nothing. An entry in small letters stands for any case, one with a
capital for itself only; it may have several words; the longest that fits is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from .errors import UserError
from .scripts import HAN

Lexicon = Mapping[str, str]  # what is written -> phonemes

_STRESS = "ˈˌ"
_KEYBOARD = str.maketrans({"g": "ɡ", "'": "ˈ", "\u2019": "ˈ"})  # what is typed for what IPA has
# An entry is whole words: "can" is not in "can't", but in "can's"; a Chinese one stands anywhere.
_LETTER = rf"[^\W_{HAN}]"
_BEFORE, _AFTER = rf"(?<!{_LETTER})(?<!\w['’])", rf"(?!{_LETTER})(?!['’](?!s\b)\w)(?!@|\.\w)"


def read_lexicon(path: str | os.PathLike, known: Collection[str]) -> dict[str, str]:
    """The entries of a file.

    Args:
        path: the file, UTF-8.
        known: the model's symbols.
    Raises:
        UserError: it cannot be read; a line has no tab, no word, a word of another line, or phonemes that
            the model does not know.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 (at byte {error.start}); is it a lexicon?") from error
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


def entry_pattern(lexicon: Lexicon) -> str:
    """A regular expression of what is in the lexicon, the longest first and before it what is exact."""
    words = sorted(map(_single, lexicon), key=lambda word: (-len(word), word == word.lower(), word))
    return "|".join(map(_entry, words)) or r"(?!)"


def look_up(written: str, lexicon: Lexicon) -> str:
    """The phonemes of what `entry_pattern` found."""
    by_word = {_single(word): phonemes for word, phonemes in lexicon.items()}
    word = _single(written)
    return by_word[word] if word in by_word else by_word[word.lower()]


def _single(word: str) -> str:
    return " ".join(word.replace("’", "'").split())


def _entry(word: str) -> str:
    pattern = re.escape(word).replace(r"\ ", r"\s+").replace("'", "['’]")
    before = _BEFORE if re.match(_LETTER, word) else ""
    after = _AFTER if re.match(_LETTER, word[-1]) else ""
    return f"{before}{pattern if word != word.lower() else f'(?i:{pattern})'}{after}"
