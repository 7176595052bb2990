"""Text to model input: sentences, their phonemes or characters, and their ids."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from .characters import fold, is_han, is_wide
from .checks import check_text, nothing_to_speak
from .chinese import pinyin
from .language_detection import join_parts, split_written
from .languages import TABLE, normalize, phonemize
from .sentences import length_limit, split_sentences


class Sentence(NamedTuple):
    """One sentence: as it is read aloud (`normalize`), as the model's symbols, and as it is written."""

    text: str
    symbols: str
    written: str = ""


class Tokenizer:
    """Turns text into the symbols of a model's vocabulary, and symbols into ids.

    A character that cannot be spoken is skipped, and reported the first time it occurs.

    Args:
        kind: "phonemes" or "characters".
        vocab: the symbols; an id is a position in it.
        report: called with one sentence for each unknown symbol; `warnings.warn` by default.
    """

    def __init__(self, kind: str, vocab: Sequence[str], report: Callable[[str], object] = warnings.warn):
        if kind not in ("phonemes", "characters"):
            raise UserError(f'the kind of a tokenizer must be "phonemes" or "characters", not "{kind}"')
        self.kind = kind
        self.ids = {symbol: index for index, symbol in enumerate(vocab)}
        self.unknown: set[str] = set()
        self._report = report

    def sentences(
        self, text: str, language: str = "en-us", max_characters: int = 300, min_characters: int = 24
    ) -> list[Sentence]:
        """All sentences of a text that can be spoken, in order.

        Raises:
            UserError: the text is empty, too long, binary, or nothing in it can be spoken.
        """
        sentences = self.find_sentences(check_text(text), language, max_characters, min_characters)
        if not sentences:
            raise nothing_to_speak(text)
        return sentences

    def find_sentences(
        self, text: str, language: str = "en-us", max_characters: int = 300, min_characters: int = 24
    ) -> list[Sentence]:
        """As `sentences`, for a text that `check_text` accepted; [] if nothing in it can be spoken."""
        sentences = []
        for written in split_sentences(text, max_characters, min_characters):
            spoken = self.spoken(written, language)
            # Numbers and addresses become much longer when spelled out.
            if len(spoken) <= length_limit(max_characters, spoken):
                parts = [(spoken, written)]
            else:
                parts = [(part, part) for part in split_sentences(spoken, max_characters, min_characters)]
            sentences += [Sentence(part, self.symbols(part, language), source) for part, source in parts]
        return [sentence for sentence in sentences if sentence.symbols]

    def spoken(self, sentence: str, language: str = "en-us") -> str:
        """One sentence as it is read aloud: numbers and abbreviations in words; "" if it has no words.

        Phoneme models speak Chinese in English text too, and the reverse; character models do not.
        """
        if not any(character.isalnum() for character in sentence):
            return ""  # "***", which espeak-ng would name
        if self.kind == "characters" and not (language in TABLE and TABLE[language].alphabetic):
            return sentence
        sentence = "".join(self._speakable(character, language) for character in fold(sentence))
        return join_parts([normalize(part, code) for code, part in split_written(sentence, language)])

    def symbols(self, spoken: str, language: str = "en-us") -> str:
        """The symbols of a sentence that `spoken` returned, all in the vocabulary; "" if there are none."""
        symbols = phonemize(spoken, language) if self.kind == "phonemes" else spoken
        symbols = "".join(symbol for symbol in symbols if self._is_known(symbol)).strip()
        return symbols if any(symbol.isalnum() for symbol in symbols) else ""

    def encode(self, symbols: str) -> np.ndarray:
        """Symbols -> ids, int64 [symbols]; symbols outside the vocabulary are skipped."""
        return np.array([self.ids[symbol] for symbol in symbols if self._is_known(symbol)], dtype=np.int64)

    def _is_known(self, symbol: str) -> bool:
        if symbol in self.ids:
            return True
        if is_wide(symbol):  # one report for all: a Chinese text has too many
            if not any(map(is_wide, self.unknown)):
                self._report("Chinese characters are not in the model's vocabulary and are skipped")
            self.unknown.add(symbol)
        else:
            self._skip(symbol, "is not in the model's vocabulary")
        return False

    def _speakable(self, character: str, language: str) -> str:
        """The character; a space where espeak-ng would name it ("Chinese letter", "smiling face")."""
        if character.isascii():
            return character
        if is_han(character) and self.kind == "phonemes":
            if not pinyin.has_reading(character):
                self._skip(character, "cannot be spoken")
                return " "
            return character
        category, name = unicodedata.category(character), unicodedata.name(character, "")
        if category in ("Mn", "Cf"):  # accents stay; variation selectors and joiners have no sound
            return "" if name.startswith("VARIATION") else character
        foreign = category[0] == "L" and not name.startswith(("LATIN", "GREEK", "MODIFIER"))
        picture = category == "So" and not (character in "©®™°℃℉№" or "㊀" <= character <= "㏟")
        if foreign or picture or category in ("Co", "Cn") or ord(character) > 0xFFFF:
            self._skip(character, "cannot be spoken")
            return " "
        return character

    def _skip(self, symbol: str, reason: str) -> None:
        if symbol not in self.unknown:
            self.unknown.add(symbol)
            self._report(f'"{symbol}" (U+{ord(symbol[0]):04X}) {reason} and is skipped')
