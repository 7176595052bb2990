"""Text to model input: sentences, their phonemes or characters, and their ids."""

from __future__ import annotations

import unicodedata
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..errors import UserError
from .characters import fold_traced, is_han, is_wide
from .checks import check_text, nothing_to_speak
from .chinese import pinyin
from .document import NOTHING_GIVEN, Document, Given, Sentence, find_words
from .language_detection import ALPHABETIC, join_parts, split_written
from .languages import TABLE, find_language, phonemize
from .readings import apply_readings
from .sentences import Piece, length_limit, split_sentences
from .symbols import SYMBOLS
from .traced import TracedText

_EMPTY = TracedText("", ())


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
        self, text: str, language: str = ALPHABETIC, max_characters: int = 300, min_characters: int = 24
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
        max_characters: int = 300,
        min_characters: int = 24,
    ) -> Iterator[Sentence | float]:
        """The sentences that can be spoken, and the pauses in seconds; each is read when it is asked for."""
        for part in document.parts:
            if isinstance(part, float):
                yield part
                continue
            for piece in split_sentences(part, language, max_characters, min_characters):
                spoken = self.spoken(piece.text, language, document.given)
                pieces = [(piece.text, piece._replace(text=spoken))]
                if len(spoken) > length_limit(max_characters, spoken.text):  # numbers grow when spelled out
                    again = split_sentences(spoken, language, max_characters, min_characters)
                    pieces = [(piece.text.within(shorter.text.span), shorter) for shorter in again]
                for written, read in pieces:
                    symbols = self.symbols(read.text, language, document.given)
                    if symbols.text:
                        yield _sentence(document.restore(written), read, symbols, piece)

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
            return sentence
        folded = fold_traced(sentence)
        characters = filter(lambda c: not c.isascii(), dict.fromkeys(folded.text))
        speakable = {ord(character): self._speakable(character) for character in characters}
        parts = split_written(folded.replace_characters(speakable), language)
        return join_parts(_read_aloud(part, code, given) for code, part in parts)

    def symbols(
        self, spoken: TracedText, language: str = ALPHABETIC, given: Given = NOTHING_GIVEN
    ) -> TracedText:
        """The symbols of a sentence that `spoken` returned, all in the vocabulary, or an empty text."""
        if self.kind == "phonemes":
            symbols = phonemize(spoken, language, given).filter(self._has_sound).single_spaced()
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


def _sentence(written: TracedText, spoken: Piece, symbols: TracedText, whole: Piece) -> Sentence:
    """A sentence of its texts. whole: the piece that it is, or that it is a part of."""
    words = find_words(written, symbols)
    ends = [word.place[1] for word in words]
    joints = {bisect_right(ends, joint) for joint in (*spoken.joints, *whole.joints)} - {0, len(words)}
    last = spoken.text.span[1] >= whole.text.span[1]
    return Sentence(
        written.text,
        spoken.text.text,
        symbols.text,
        tuple(words),
        tuple(sorted(joints)),
        whole.continues if last else spoken.continues,
    )


def _read_aloud(text: TracedText, language: str, given: Given) -> TracedText:
    """A part of a sentence in one language as it is read aloud; the rules leave words with given phonemes."""
    readings = find_language(language).find_readings(text.text)
    if given:
        taken = [given.keys().isdisjoint(text.spans[reading.start : reading.end]) for reading in readings]
        readings = [reading for reading, free in zip(readings, taken, strict=True) if free]
    return apply_readings(text, readings)
