"""Text to model input: sentences, their phonemes or characters, and their ids.

English phonemes come from espeak-ng (`espeak`), Chinese ones from `pinyin`; both are loaded on first use, and
a sentence in both scripts goes through both. The symbols are those of Kokoro-82M (Apache-2.0), the teacher of
our corpus.
"""

from __future__ import annotations

import functools
import re
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from ..system import encodings
from .chinese import pinyin
from .english import espeak
from .english.normalize import normalize
from .language_detection import fold, is_han, join, language_of, spoken_parts, written_parts
from .sentences import as_much, split_sentences

__all__ = [
    "Sentence",
    "Tokenizer",
    "check_text",
    "decode_text",
    "language_of",
    "phonemize",
    "split_sentences",
]

MAX_CHARACTERS = 100_000  # about two hours of speech
LANGUAGES = ("en-us", "en-gb", "zh")

# IPA with stress and tone marks, punctuation and the space: the vocabulary of phoneme models, in order.
SYMBOLS = tuple(
    ';:,.!?—…"()“” \u0303ʣʥʦʨᵝ\uab67AIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋ'
    "ɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ"
)


class Sentence(NamedTuple):
    """One sentence: as it is read aloud (`normalize`), as the model's symbols, and as it is written."""

    text: str
    symbols: str
    written: str = ""


def decode_text(data: bytes, name: str = "the text") -> str:
    """UTF-8 bytes (a file, standard input) to text, and UTF-16 that says so by its byte order mark.

    name: what messages call it. Raises UserError for anything else, naming the encoding where it can.
    """
    return encodings.decode(data, name)


def check_text(text: str, name: str = "the text") -> str:
    """The text itself. Raises UserError when it is empty, longer than MAX_CHARACTERS, binary, or no text.

    name: what messages call it.
    """
    if not isinstance(text, str):
        raise UserError(f"{name} must be a string, not {text!r:.40}")
    if not text.strip():
        raise UserError(f"{name} is empty")
    if len(text) > MAX_CHARACTERS:
        raise UserError(
            f"{name} has {len(text):,} characters; at most {MAX_CHARACTERS:,} are spoken at once: split it"
        )
    for character in set(text) - set("\t\n\v\f\r"):
        if "\udc80" <= character <= "\udcff":  # how Python keeps a byte that it cannot decode
            raise UserError(f"{name} is not UTF-8 (it has the byte 0x{ord(character) - 0xDC00:02X})")
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise UserError(f"{name} has a control character (U+{ord(character):04X}); is it binary data?")
    return text


def nothing_to_speak(text: str) -> UserError:
    """What is raised for a text without words."""
    shown = " ".join(text.split())
    return UserError(f'there is nothing to speak in "{shown if len(shown) <= 40 else shown[:40] + "..."}"')


def phonemize(text: str, language: str = "en-us") -> str:
    """Phonemes of one sentence, one character each, with punctuation and stress; only SYMBOLS are kept.

    Chinese characters are read as Chinese, letters as English: American if `language`, one of LANGUAGES, is
    "zh". The text is taken as it stands: `normalize` it first.

    Raises:
        UserError: an unknown language, or its phonemizer cannot be loaded.
    """
    if language not in LANGUAGES:
        raise UserError(f'there is no language "{language}"; the languages are {", ".join(LANGUAGES)}')
    phonemes = join(
        [
            pinyin.phonemes(part) if spoken == "zh" else espeak.phonemes(part, spoken)
            for spoken, part in spoken_parts(text, language)
        ]
    )
    return re.sub(" +", " ", "".join(symbol for symbol in phonemes if symbol in _symbol_set()))


class Tokenizer:
    """Turns text into the symbols of a model's vocabulary, and symbols into ids.

    A character that cannot be spoken is skipped, and reported the first time it is met.

    Args:
        kind: "phonemes" or "characters".
        vocab: the symbols; an id is a position in it.
        report: called with one sentence for each unknown symbol; `warnings.warn` by default.
    """

    def __init__(self, kind: str, vocab: Sequence[str], report: Callable[[str], object] = warnings.warn):
        if kind not in ("phonemes", "characters"):
            raise UserError(f'text is read as "phonemes" or "characters", not "{kind}"')
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
        """The same of a text that `check_text` let pass, and none where nothing can be spoken."""
        sentences = []
        for written in split_sentences(text, max_characters, min_characters):
            spoken = self.spoken(written, language)
            # Numbers and addresses grow manyfold when spelled out.
            if len(spoken) <= as_much(max_characters, spoken):
                parts = [(spoken, written)]
            else:
                parts = [(part, part) for part in split_sentences(spoken, max_characters, min_characters)]
            sentences += [Sentence(part, self.symbols(part, language), own) for part, own in parts]
        return [sentence for sentence in sentences if sentence.symbols]

    def spoken(self, sentence: str, language: str = "en-us") -> str:
        """One sentence as it is read aloud, numbers and abbreviations in words; "" when it has none.

        Chinese characters are spoken in English text too, and the reverse; not by character models.
        """
        if not any(character.isalnum() for character in sentence):
            return ""  # "***", which espeak-ng would name
        if self.kind == "characters" and not language.startswith("en"):
            return sentence
        sentence = "".join(self._speakable(character, language) for character in fold(sentence))
        return join([normalize(part, spoken) for spoken, part in written_parts(sentence, language)])

    def symbols(self, spoken: str, language: str = "en-us") -> str:
        """Phonemes or characters, all in the vocabulary, of what `spoken` gives; "" when there are none."""
        symbols = phonemize(spoken, language) if self.kind == "phonemes" else spoken
        symbols = "".join(symbol for symbol in symbols if self._known(symbol)).strip()
        return symbols if any(symbol.isalnum() for symbol in symbols) else ""

    def encode(self, symbols: str) -> np.ndarray:
        """Ids of symbols, int64 [symbols]; those outside the vocabulary are skipped."""
        return np.array([self.ids[symbol] for symbol in symbols if self._known(symbol)], dtype=np.int64)

    def _known(self, symbol: str) -> bool:
        if symbol in self.ids:
            return True
        if _is_wide(symbol):  # a text in Chinese has too many to name each
            if not any(map(_is_wide, self.unknown)):
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
        picture = category == "So" and character not in "©®™°℃℉№"
        if foreign or picture or category in ("Co", "Cn") or ord(character) > 0xFFFF:
            self._skip(character, "cannot be spoken")
            return " "
        return character

    def _skip(self, symbol: str, reason: str) -> None:
        if symbol not in self.unknown:
            self.unknown.add(symbol)
            self._report(f'"{symbol}" (U+{ord(symbol[0]):04X}) {reason} and is skipped')


def _is_wide(symbol: str) -> bool:
    """Whether it is a Chinese character or mark, as "。" is."""
    return is_han(symbol) or (not symbol.isalpha() and unicodedata.east_asian_width(symbol) in "WF")


@functools.cache
def _symbol_set() -> frozenset[str]:
    return frozenset(SYMBOLS)
