"""Speech editing: from what is said and what should be said to the tokens that are drawn anew.

As in Voicebox (arXiv 2306.15687) an edit is infilling: the changed words and a little around them are hidden,
the rest of the recording is the context.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..audio.mel import FRAME_RATE
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.prompt import MAX_FRAMES, Prompt, pause_id, with_pauses
from ..text.checks import nothing_to_speak
from ..text.lexicon import Lexicon
from ..text.markup import count_stand_ins, insert_pronunciations, read_markup
from ..text.tokenizer import Tokenizer

CONTEXT_FRAMES = round(8 * FRAME_RATE)  # heard on each side of a gap; cut between two words
APART_FRAMES = 10  # at least, between what two changes hide


@dataclass(frozen=True)
class Change:
    """Symbols [start, end) of what is said give way to `ids`. In both, pauses between words are symbols."""

    start: int
    end: int
    ids: np.ndarray  # int64 [symbols]


@dataclass(frozen=True)
class Gap:
    """A prompt with a gap in it, and where the gap is in the recording."""

    prompt: Prompt
    start: int  # the hidden frames [start, stop) of the prompt,
    stop: int
    left: int  # in place of the frames [left, right) of the recording
    right: int


def words_of(
    text: str, tokenizer: Tokenizer, language: str, lexicon: Lexicon | Mapping[str, str] | None = None
) -> list[str]:
    """The words of a text as symbols; words that are spoken as one (espeak-ng's "of the") are one.

    Phonemes may be given in the text, which `check_text` let pass, as `markup` has them, or in a lexicon.

    Raises:
        UserError: nothing in it can be spoken; there is a pause in it.
    """
    markup = read_markup(text, tokenizer, lexicon)
    if any(isinstance(part, float) for part in markup.parts):
        raise UserError("an edit changes words: it knows no [pause]")
    given = iter(markup.pronunciations)
    symbols = [
        insert_pronunciations(
            sentence, list(islice(given, count_stand_ins(sentence.written))), tokenizer, language
        )
        for sentence in tokenizer.find_sentences("".join(markup.parts), language)
    ]
    if not symbols:
        raise nothing_to_speak(text)
    return " ".join(symbols).split()


def key(word: str) -> str:
    """What two words must share to be the same: espeak-ng's stress depends on what is around a word."""
    return word.translate({ord(mark): None for mark in "ˈˌ"})


def find_changes(
    said: list[str], wanted: list[str], tokenizer: Tokenizer, config: ModelConfig
) -> tuple[np.ndarray, list[Change]]:
    """The ids of what is said, int64 [symbols] with its pauses, and what has to change in them, in order.

    Around inserted words there is a pause (the space) on both sides; with deleted words one of the two goes.
    """
    encoded = [tokenizer.encode(word).astype(np.int64) for word in said]
    pause = np.array([pause_id(config)])
    starts, ends = np.zeros(len(said) + 1, np.int64), np.zeros(len(said) + 1, np.int64)  # of words; of pauses
    at = 1
    for i, word in enumerate(encoded):
        starts[i], at = at, at + len(word) + 1
        ends[i + 1] = at - 1
    starts[len(said)] = at
    changes = []
    matcher = difflib.SequenceMatcher(None, [*map(key, said)], [*map(key, wanted)], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        new = join_words([tokenizer.encode(word).astype(np.int64) for word in wanted[j1:j2]], pause)
        start, end = starts[i1], ends[i2]  # the words, without the pauses around them
        if tag == "insert":
            start = end = starts[i1] if i1 < len(said) else ends[i1]
            new = np.concatenate((new, pause) if i1 < len(said) else (pause, new))
        elif tag == "delete":
            start, end = (ends[i1], end) if i2 == len(said) else (start, starts[i2])
        changes.append(Change(int(start), int(end), new))
    return with_pauses(join_words(encoded, pause), config), changes


def join_words(words: list[np.ndarray], pause: np.ndarray) -> np.ndarray:
    """Ids of words with a pause between two of them."""
    parts = [part for word in words for part in (pause, word)]
    return np.concatenate(parts[1:]).astype(np.int64) if parts else np.zeros(0, np.int64)


def merge_near(
    changes: list[Change], ids: np.ndarray, frames: np.ndarray, margin: int, patch: int
) -> list[Change]:
    """Changes whose gaps could meet, as one that says anew what is between them."""
    begins = np.concatenate(([0], np.cumsum(frames)))
    merged: list[Change] = []
    for change in changes:
        if merged:
            last = merged[-1]
            between = begins[change.start] - begins[last.end]
            if between < APART_FRAMES + 4 * margin + 2 * patch:
                kept = ids[last.end : change.start]
                change = Change(last.start, change.end, np.concatenate((last.ids, kept, change.ids)))
                merged.pop()
        merged.append(change)
    return merged


def window(change: Change, ids: np.ndarray, frames: np.ndarray, pause: int) -> tuple[int, int]:
    """The symbols [first, last) that a change is said in: whole words, some seconds of them on each side."""
    begins = np.concatenate(([0], np.cumsum(frames)))
    pauses = np.flatnonzero(ids == pause)
    before = pauses[begins[pauses] >= begins[change.start] - CONTEXT_FRAMES]
    after = pauses[begins[pauses + 1] <= begins[change.end] + CONTEXT_FRAMES] + 1
    return int(before.min(initial=change.start)), int(after.max(initial=change.end))


def make_gap(
    change: Change,
    ids: np.ndarray,
    frames: np.ndarray,
    new_frames: np.ndarray,
    span: tuple[int, int],
    mel: np.ndarray,
    margin: int,
    lag: int,
    config: ModelConfig,
) -> Gap:
    """The prompt in which a change is said.

    A symbol sounds `lag` frames before its place in the text. What is hidden begins and ends `margin` to
    2 `margin` frames from the change, where the recording is least loud, and is whole tokens.

    Args:
        change: of `find_changes`.
        ids, frames: of what is said, int64 [symbols].
        new_frames: int64, the frames of each of `change.ids`.
        span: of `window`.
        mel: log-mel of the recording, [frames, mel_dim].
        margin, lag: in frames.
        config: the model's.
    Raises:
        UserError: it is longer than the model can speak at once.
    """
    patch, (first, last) = config.transformer.patch, span
    text = np.repeat(
        np.concatenate((ids[first : change.start], change.ids, ids[change.end : last])),
        np.concatenate((frames[first : change.start], new_frames, frames[change.end : last])),
    )
    tokens = -(-len(text) // patch)
    if tokens * patch > MAX_FRAMES:
        raise UserError(
            f"the new words and what is around them would last {len(text) / FRAME_RATE:.0f} s; "
            f"the model speaks at most {MAX_FRAMES / FRAME_RATE:.0f} s at once"
        )
    begins = np.concatenate(([0], np.cumsum(frames)))
    origin, finish = int(begins[first]), int(begins[last])
    shift = int(new_frames.sum() - frames[change.start : change.end].sum())
    # In frames of the prompt; after the gap they are `shift` later than in the recording.
    heard = mel[origin:finish]
    start = int(begins[change.start]) - origin - lag - margin
    stop = int(begins[change.end]) - origin - lag + margin + shift
    start = max(0, quietest(heard, start - margin, start, patch, 0))
    start = min(start, (tokens - 1) * patch)
    stop = quietest(heard, stop, stop + margin, patch, shift)
    stop = max(stop, start + patch, -(-(start + shift) // patch) * patch)
    stop = min(stop, tokens * patch)

    known = np.zeros((tokens * patch, mel.shape[1]), dtype=np.float32)
    known[:start] = heard[:start]
    known[stop : len(text)] = heard[stop - shift :]
    cond = ((known - config.mel.mean) / config.mel.std).astype(np.float32).reshape(tokens, -1)
    visible = np.ones(tokens, dtype=bool)
    visible[start // patch : stop // patch] = False
    visible[len(text) // patch :] = False  # a last token that is not whole
    cond[~visible] = 0
    text = np.pad(text, (0, tokens * patch - len(text)), mode="edge")
    right = min(origin + stop - shift, finish)
    return Gap(Prompt(cond, visible, text.astype(np.int64)), start, stop, origin + start, right)


def quietest(mel: np.ndarray, low: int, high: int, patch: int, shift: int) -> int:
    """The multiple of `patch` in [low, high] at which the recording is least loud; the one next to the
    middle where there is none.

    Args:
        mel: log-mel [frames, mel_dim].
        shift: frame t here is the recording's t - shift.
    """
    grid = np.arange(-(-low // patch) * patch, high + 1, patch)
    if not len(grid):
        return round((low + high) / 2 / patch) * patch
    level = np.exp(mel).sum(axis=1)
    at = np.clip(grid - shift, 1, len(level) - 1)
    return int(grid[np.argmin(level[at - 1] + level[at])])
