"""Stand-ins: words of no language in place of words with given phonemes.

So "the", stress and the numbers around such a word are read correctly, whatever the word is. The stand-in
begins with a vowel if the phonemes do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ...errors import UserError
from ..document import GivenPronunciation
from ..symbols import STRESS
from ..tokenizer import Tokenizer
from ..traced import Span, TracedText, concatenate

STAND_INS = ("Zubazub", "Ozubazub")  # consonant, vowel
Found = tuple[int, int, GivenPronunciation]  # where a word with given phonemes begins and ends in a text
_VOWELS = "AIOQWYaeiouæøœɐɑɒɔəɚɛɜɤɨɪɯʊʌᵊᵻ"
_VOICELESS, _SIBILANTS = "pftkθçx", "szʃʒɕʂʑʣʥʦʨꭧʤʧ"
_POSSESSIVE = re.compile(r"['’]s\b")


def with_stand_ins(
    text: TracedText, words: Iterable[Found]
) -> tuple[TracedText, Mapping[Span, GivenPronunciation]]:
    """A text with its words in order replaced, and the words by their place in the source."""
    pieces: list[TracedText] = []
    places: dict[Span, GivenPronunciation] = {}
    position = 0
    for start, end, word in words:
        name = STAND_INS[next(symbol for symbol in word.phonemes if symbol not in STRESS) in _VOWELS]
        place = text[start:end].span
        places[place] = word
        pieces += [
            text[position:start],
            TracedText.read_as(" " * text.text[max(0, start - 1) : start].isalnum(), (place[0], place[0])),
            TracedText.read_as(name if word.word[0].isupper() else name.lower(), place),
            TracedText.read_as(" " * text.text[end : end + 1].isalnum(), (place[1], place[1])),
        ]
        position = end
    return (concatenate([*pieces, text[position:]]) if places else text), places


def with_ending(text: str, start: int, end: int, word: str, phonemes: str) -> Found:
    """A word with given phonemes, and the "'s" that follows it: "Nick's", "Bob's", "Bush's"."""
    ending = _POSSESSIVE.match(text, end)
    if ending:
        last = phonemes[-1]
        phonemes += "ɪz" if last in _SIBILANTS else "s" if last in _VOICELESS else "z"
        word, end = word + ending[0], ending.end()
    return start, end, GivenPronunciation(" ".join(word.split()), phonemes)


def need_phonemes(tokenizer: Tokenizer, what: str) -> None:
    """Raise UserError if the model reads characters."""
    if tokenizer.kind != "phonemes":
        raise UserError(f"{what} gives phonemes, but this model reads characters")
