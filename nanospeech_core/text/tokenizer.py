"""Text to model input: sentences, their phonemes or characters, and their ids."""

from __future__ import annotations

import functools
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..errors import UserError
from .characters import compose, fold_traced, is_han, is_wide
from .checks import check_text, nothing_to_speak
from .chinese import pinyin
from .document import NOTHING_GIVEN, Document, Given, Sentence
from .language_detection import ALPHABETIC
from .languages import TABLE, normalize, phonemize
from .sentences import MAX_LENGTH, MIN_LENGTH, split_sentences
from .symbols import SYMBOLS
from .traced import TracedText

# How Unicode's names of letters begin that are read: "µm", "2ⁿ".
_LETTERS = ("LATIN", "GREEK", "MODIFIER", "MICRO", "KELVIN", "ANGSTROM", "OHM", "SUPERSCRIPT LATIN")
_EMPTY = TracedText("", ())
# All ellipses are "..." with a space after it, so that their pauses are equal, about 0.45 s. The training
# texts have it most often; they have no "…".
_ELLIPSIS, _ATTACHED = re.compile(r" ?(?:…|\.(?: ?\.){2})(?: ?[.…])*"), re.compile(r"\.\.\.(?=[\wˈˌ])")


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
        self,
        text: str,
        language: str = ALPHABETIC,
        max_characters: int = MAX_LENGTH,
        min_characters: int = MIN_LENGTH,
    ) -> list[Sentence]:
        """All sentences of a text without markup that can be spoken, in order.

        Raises:
            UserError: the text is empty, too long, binary, or nothing in it can be spoken.
        """
        parts = self.read(Document.of(check_text(text)), language, max_characters, min_characters)
        sentences = [sentence for sentence in parts if isinstance(sentence, Sentence)]
        if not sentences:
            raise nothing_to_speak(text)
        return sentences

    def read(
        self,
        document: Document,
        language: str = ALPHABETIC,
        max_characters: int = MAX_LENGTH,
        min_characters: int = MIN_LENGTH,
    ) -> Iterator[Sentence | float]:
        """The sentences that can be spoken, and the pauses in seconds; each is read when it is asked for."""
        given = document.given
        read_aloud = functools.partial(self.spoken, language=language, given=given)
        for part in document.parts:
            if isinstance(part, float):
                yield part
            if not isinstance(part, TracedText):
                continue
            for piece in split_sentences(part, language, max_characters, min_characters, read_aloud):
                symbols = self.symbols(piece.spoken, language, given)
                if symbols.text:
                    ids = np.array([self.ids[symbol] for symbol in symbols.text], dtype=np.int64)
                    yield document.sentence(piece, symbols, ids)

    def spoken(
        self, sentence: TracedText, language: str = ALPHABETIC, given: Given = NOTHING_GIVEN
    ) -> TracedText:
        """One sentence as it is read aloud: numbers and abbreviations in words; empty if it has no words.

        Phoneme models speak Chinese in English text too, and the reverse; character models do not.

        Args:
            sentence: as it is written, with stand-ins.
            language: of the text.
            given: the words with given phonemes; these are not read in other words.
        """
        if not any(map(str.isalnum, sentence.text)):
            return _EMPTY  # "***", which espeak-ng would name
        if self.kind == "characters" and not (language in TABLE and TABLE[language].alphabetic):
            return compose(sentence).single_spaced()
        folded = fold_traced(compose(sentence))
        signs = TABLE[language].signs if language in TABLE else ""
        characters = (c for c in dict.fromkeys(folded.text) if not (c.isascii() or c in signs))
        speakable = {ord(character): self._speakable(character) for character in characters}
        return normalize(folded.replace_characters(speakable), language, given)

    def symbols(
        self, spoken: TracedText, language: str = ALPHABETIC, given: Given = NOTHING_GIVEN
    ) -> TracedText:
        """The symbols of a sentence that `spoken` returned, all in the vocabulary, or an empty text."""
        if self.kind == "phonemes":
            phonemes = phonemize(spoken, language, given).rewrite(_ELLIPSIS, "...").rewrite(_ATTACHED, "... ")
            symbols = phonemes.filter(self._has_sound).single_spaced()
        else:
            symbols = spoken.filter(self._has_sound).strip()
        return symbols if any(map(str.isalnum, symbols.text)) else _EMPTY

    def encode(self, symbols: str) -> np.ndarray:
        """Symbols -> ids, int64 [symbols]; symbols outside the vocabulary are skipped."""
        return np.array([self.ids[symbol] for symbol in symbols if self._is_known(symbol)], dtype=np.int64)

    def _has_sound(self, symbol: str) -> bool:
        """Whether to keep a symbol. A mark that no phoneme model has, as "[", is not worth a report."""
        if symbol in self.ids:
            return True
        silent = self.kind == "phonemes" and not symbol.isalnum() and symbol not in SYMBOLS
        return not silent and self._is_known(symbol)

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

    def _speakable(self, character: str) -> str:
        """The character; a space where espeak-ng would name it ("Chinese letter", "smiling face")."""
        if is_han(character) and self.kind == "phonemes":
            if not pinyin.has_reading(character):
                self._skip(character, "cannot be spoken")
                return " "
            return character
        category, name = unicodedata.category(character), unicodedata.name(character, "")
        if category in ("Mn", "Cf"):  # accents stay; variation selectors and joiners have no sound
            return "" if name.startswith("VARIATION") else character
        foreign = category[0] == "L" and not name.startswith(_LETTERS)
        picture = category == "So" and not (character in "©®™°℃℉№" or "㊀" <= character <= "㏟")
        if foreign or picture or category in ("Co", "Cn") or ord(character) > 0xFFFF:
            self._skip(character, "cannot be spoken")
            return " "
        return character

    def _skip(self, symbol: str, reason: str) -> None:
        if symbol not in self.unknown:
            self.unknown.add(symbol)
            self._report(f'"{symbol}" (U+{ord(symbol[0]):04X}) {reason} and is skipped')
