"""From sentences and pauses to utterances: what is spoken as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..config import ModelConfig
from ..sampling.prompt import with_pauses
from ..text.document import Sentence, Word
from ..text.sentences import MIN_LENGTH, length
from ..text.symbols import SILENT
from ..voices.reference import Reference
from .pauses import JOINED_FRAMES, InnerPause, divide_pause, requested_frames

# Of an utterance. The training texts have up to 136 (in Chinese 34, which count as 102). Longer utterances
# have more errors, and their last seconds become quieter. Without durations, parts have a pause between them.
MAX_CHARACTERS, MAX_CHARACTERS_WITHOUT_DURATIONS = 200, 300
_ENDS, _CLOSERS = (".", "!", "?", "…", "。", "！", "？", "；"), "\"'”’»)]}」』）】》 "


def max_characters(config: ModelConfig) -> int:
    """The length of an utterance at most, in characters of English text."""
    return MAX_CHARACTERS if config.text.alignment == "durations" else MAX_CHARACTERS_WITHOUT_DURATIONS


@dataclass(frozen=True, eq=False)
class Utterance:
    """A sentence ready to be spoken, or a part of one that is too long for one segment."""

    ids: np.ndarray  # int64 [symbols], with pauses at its ends if the model has durations
    pauses: tuple[InnerPause, ...] = ()
    lead: int | None = None  # frames of silence requested before its first word; None: no request
    tail: int | None = None  # the same after its last word
    offset: int = 0  # symbols of the whole sentence that come before this part
    text: str = ""  # of the whole sentence, as it is written
    words: tuple[Word, ...] = ()  # of the whole sentence; their symbols count from its first id
    length: int = 0  # of the text, see `sentences.length`
    continues: bool = False  # whether the next utterance is a part of the same sentence, see `joints`
    # The ids of the words that are generated before and after it, and cut off its waveform.
    context_before: tuple[int, ...] = ()
    context_after: tuple[int, ...] = ()
    reference: Reference | None = None  # of its own voice; None: that of the text
    rate: float = 1.0  # tempo, relative to that of the options


def make_utterances(parts: Iterable[Sentence | float], config: ModelConfig) -> Iterator[Utterance]:
    """The utterances of sentences and pauses in seconds; none if nothing can be spoken.

    The two sides of a [pause] inside a sentence are one utterance with an inner pause, so that they are
    spoken as one sentence. Elsewhere a [pause] is silence between two utterances.
    """
    timed = config.text.alignment == "durations"
    last: Utterance | None = None
    seconds: float | None = None  # of the pause after it
    for part in parts:
        if isinstance(part, float):
            seconds = (seconds or 0.0) + part
            continue
        frames = None if seconds is None else requested_frames(seconds)
        seconds = None
        if last is not None and timed and frames is not None and _is_one(last, part):
            last = _append(last, part, frames, config)
            continue
        if last is not None:
            if frames is not None:
                tail, frames = divide_pause(frames)
                last = replace(last, tail=tail)
            yield last
        words, pauses = _place(part, int(timed), 0), sentence_pauses(part, 1) if timed else ()
        ids = with_pauses(part.ids, config) if timed else part.ids
        last = Utterance(
            ids,
            pauses,
            lead=frames,
            text=part.written,
            words=words,
            length=length(part.written),
            continues=part.continues and timed,
        )
    if last is not None:
        yield replace(last, tail=None if seconds is None else requested_frames(seconds), continues=False)


def joined_passages(passages: Iterable[Iterable[Utterance]]) -> Iterator[Utterance]:
    """The utterances of all passages, with the silence between those of two voices, tempos or languages.

    A pause that is requested there lasts as long as it says. Where a passage ends inside a sentence, the
    pause is short.
    """
    before: Utterance | None = None
    for passage in passages:
        begins = True
        for each in passage:
            utterance = each
            if before is not None:
                if begins:
                    before, utterance = _joined(before, utterance)
                yield before
            before, begins = utterance, False
    if before is not None:
        yield before


def _joined(before: Utterance, after: Utterance) -> tuple[Utterance, Utterance]:
    """The last utterance of a passage and the first one of the next."""
    requested = [frames for frames in (before.tail, after.lead) if frames is not None]
    if not requested and before.text.rstrip(_CLOSERS).endswith(_ENDS):
        return before, after
    tail, lead = divide_pause(sum(requested) if requested else JOINED_FRAMES)
    return replace(before, tail=tail), replace(after, lead=lead)


def sentence_pauses(sentence: Sentence, start: int) -> tuple[InnerPause, ...]:
    """The pauses between short sentences that `split_sentences` has joined.

    Without them the pause between two sentences is too short: few utterances of the training data have
    several sentences, and in these the pauses are short.

    start: the index of the sentence's first symbol in the utterance.
    """
    pauses = []
    for joint in sentence.joints:
        first, after = sentence.words[joint - 1].last, sentence.words[joint].first
        last = sentence.symbols.rfind(" ", first, after) + 1
        if last:
            pauses.append(InnerPause(start + first, start + last, JOINED_FRAMES, exact=False))
    return tuple(pauses)


def _is_one(before: Utterance, after: Sentence) -> bool:
    """Whether the text before and after a [pause] is one sentence, or too short to be two."""
    ended = before.text.rstrip(_CLOSERS).endswith(_ENDS)
    short = min(before.length, length(after.written)) < MIN_LENGTH
    return (short or not ended) and before.length + length(after.written) <= MAX_CHARACTERS


def _append(utterance: Utterance, sentence: Sentence, frames: int, config: ModelConfig) -> Utterance:
    """An utterance, a pause of `frames` and a further sentence; the last symbol is a pause, the space."""
    first, start = len(utterance.ids) - 1, len(utterance.ids)
    while config.text.vocab[utterance.ids[first - 1]] in SILENT:
        first -= 1
    pauses = (InnerPause(first, start, frames), *sentence_pauses(sentence, start))
    return replace(
        utterance,
        ids=np.concatenate((utterance.ids, sentence.ids, utterance.ids[-1:])),
        text=f"{utterance.text} {sentence.written}",
        words=utterance.words + _place(sentence, start, len(utterance.text) + 1),
        pauses=utterance.pauses + pauses,
        length=utterance.length + length(sentence.written),
        continues=sentence.continues,
    )


def _place(sentence: Sentence, symbols: int, characters: int) -> tuple[Word, ...]:
    """The words of a sentence that begins after some symbols and characters."""
    return tuple(
        Word(characters + start, characters + end, symbols + first, symbols + last, place)
        for start, end, first, last, place in sentence.words
    )
