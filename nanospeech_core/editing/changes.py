"""Which words an edit changes: the differences between two texts, in symbols of the recording."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..config import ModelConfig
from ..errors import UserError
from ..sampling.prompt import pause_id, with_pauses
from ..text.checks import nothing_to_speak
from ..text.pronunciation.lexicon import Lexicon
from ..text.pronunciation.markup import read_markup
from ..text.ssml.xml import is_ssml
from ..text.tokenizer import Tokenizer
from ..text.traced import TracedText

_AROUND = re.compile(r"^\W+|\W+$")  # marks around a word
MIN_KEPT_FRAMES = 10  # visible between the masked frames of two changes


@dataclass(frozen=True)
class Change:
    """Symbols [start, end) of the recording are replaced by `ids`; both have pauses between words."""

    start: int
    end: int
    ids: np.ndarray  # int64 [symbols]


@dataclass(frozen=True)
class SpokenText:
    """A text as symbols, and where its written words are in them."""

    symbols: str
    words: tuple[
        tuple[str, int, int], ...
    ]  # (written, without marks around it; first symbol; last, exclusive)


def read_text(
    text: str, tokenizer: Tokenizer, language: str, lexicon: Lexicon | Mapping[str, str] | None = None
) -> SpokenText:
    """A text that `check_text` has accepted, as symbols.

    The text or the lexicon may give phonemes to words, see `text.pronunciation`.

    Raises:
        UserError: nothing in it can be spoken, or it has a [pause], another tag, or SSML.
    """
    symbols, words = "", []
    document = read_markup(text, tokenizer, lexicon)
    if is_ssml(text) or not all(isinstance(part, TracedText) for part in document.parts):
        raise UserError("an edit changes words only: leave out SSML, [pause], [voice: ...] and the like")
    for sentence in tokenizer.read(document, language):
        assert not isinstance(sentence, float)
        start = len(symbols) + 1 if symbols else 0
        symbols = f"{symbols} {sentence.symbols}" if symbols else sentence.symbols
        for word in sentence.words:
            written = _AROUND.sub("", sentence.written[word.start : word.end])
            written = unicodedata.normalize("NFC", written)
            words.append((written, start + word.first, start + word.last))
    if not symbols:
        raise nothing_to_speak(text)
    return SpokenText(symbols, tuple(words))


def words_as_spoken(old: SpokenText, new: SpokenText) -> tuple[list[str], list[str]]:
    """The words of two texts as symbols; words that are spoken as one (espeak-ng's "of the") are one.

    A word that the new text only writes in other capitals ("TO BE") is spoken as in the old one: capitals may
    change how a word is read, but not what the recording says.
    """
    old_keys, new_keys = ([written.casefold() for written, _, _ in text.words] for text in (old, new))
    parts, position = [], 0
    for tag, i1, i2, j1, _ in difflib.SequenceMatcher(None, old_keys, new_keys, autojunk=False).get_opcodes():
        for k in range(i2 - i1 if tag == "equal" else 0):
            (before, first, last), (after, start, end) = old.words[i1 + k], new.words[j1 + k]
            if before != after:
                gap = new.symbols[position:start]
                as_before = old.symbols[old.words[i1 + k - 1][2] : first] if k else gap
                if not gap.strip() and not as_before.strip():
                    gap = as_before  # espeak-ng may run "to be" together, and not "TO BE"
                parts += [gap, old.symbols[first:last]]
                position = end
    return old.symbols.split(), "".join([*parts, new.symbols[position:]]).split()


def without_stress(word: str) -> str:
    """The symbols without stress, to compare words: espeak-ng's stress depends on the words around."""
    return word.translate({ord(mark): None for mark in "ˈˌ"})


def find_changes(
    old: list[str], new: list[str], tokenizer: Tokenizer, config: ModelConfig
) -> tuple[np.ndarray, list[Change]]:
    """The ids of the old words, int64 [symbols] with pauses, and the changes that give the new words.

    Inserted words have a pause (the space) on both sides; one pause is deleted with deleted words.
    """
    encoded = [tokenizer.encode(word).astype(np.int64) for word in old]
    pause = np.array([pause_id(config)])
    starts, ends = np.zeros(len(old) + 1, np.int64), np.zeros(len(old) + 1, np.int64)  # of words; of pauses
    at = 1
    for i, word in enumerate(encoded):
        starts[i], at = at, at + len(word) + 1
        ends[i + 1] = at - 1
    starts[len(old)] = at
    changes = []
    keys = [*map(without_stress, old)], [*map(without_stress, new)]
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        ids = join_words([tokenizer.encode(word).astype(np.int64) for word in new[j1:j2]], pause)
        start, end = starts[i1], ends[i2]  # the words, without the pauses around them
        if tag == "insert":
            start = end = starts[i1] if i1 < len(old) else ends[i1]
            ids = np.concatenate((ids, pause) if i1 < len(old) else (pause, ids))
        elif tag == "delete":
            start, end = (ends[i1], end) if i2 == len(old) else (start, starts[i2])
        changes.append(Change(int(start), int(end), ids))
    return with_pauses(join_words(encoded, pause), config), changes


def join_words(words: list[np.ndarray], pause: np.ndarray) -> np.ndarray:
    """The ids of words, with a pause between two."""
    parts = [part for word in words for part in (pause, word)]
    return np.concatenate(parts[1:]).astype(np.int64) if parts else np.zeros(0, np.int64)


def merge_near(
    changes: list[Change], ids: np.ndarray, frames: np.ndarray, margin: int, patch: int
) -> list[Change]:
    """Merge changes whose masked frames could meet; the merged one also generates the frames between them.

    Args:
        changes: in order.
        ids, frames: of the recording, int64 [symbols].
        margin: in frames, see `masked_frames`.
        patch: frames of a token.
    """
    begins = np.concatenate(([0], np.cumsum(frames)))
    merged: list[Change] = []
    for change in changes:
        if merged:
            last = merged[-1]
            between = begins[change.start] - begins[last.end]
            if between < MIN_KEPT_FRAMES + 4 * margin + 2 * patch:
                kept = ids[last.end : change.start]
                change = Change(last.start, change.end, np.concatenate((last.ids, kept, change.ids)))
                merged.pop()
        merged.append(change)
    return merged
