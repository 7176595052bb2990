"""From utterances to segments: what the model generates in one call."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..audio.mel import LOG_FLOOR
from ..config import ModelConfig
from ..sampling.option_fields import options_of
from ..sampling.options import GenerateOptions
from ..sampling.prompt import MAX_FRAMES, Prompt, with_pauses
from ..text.symbols import SILENT
from ..voices.alignment import alignment_lag
from ..voices.reference import Reference
from .backend import Backend
from .frontend import PreparedText
from .joints import CONTEXT_SYMBOLS, context_symbols, first_words, last_words
from .pauses import apply_pauses, shorten_joints, shorten_lead, split_frames
from .prompts import make_prompt, total_tokens
from .utterances import Utterance

BREAKS = ";:,.!?—…，。！？；："  # the marks after which a sentence that is too long is cut

PredictFrames = Callable[[np.ndarray], np.ndarray]  # ids -> frames, as `make_prompt` takes them


@dataclass(frozen=True, eq=False)
class Segment:
    """What is generated in one call: an utterance, or a part of one that is too long."""

    utterance: Utterance
    prompt: Prompt
    generated_frames: int  # of the mel that the model generates
    durations: np.ndarray  # int64 [symbols] in frames, inserted silences included; of "filler" models [1]
    ids: np.ndarray  # int64 [symbols] that are generated: the utterance's and, around them, its context
    silences: tuple[tuple[int, int], ...] = ()  # to be inserted, see `inserted_silences`

    @property
    def part(self) -> slice:
        """The symbols of the utterance, without the context."""
        return part_of_generated(self.utterance)

    @property
    def total_frames(self) -> int:
        """The frames of its mel with the inserted silences."""
        return self.frames_with_silences(self.generated_frames)

    def frames_with_silences(self, generated: int) -> int:
        """The length of the first `generated` frames once the silences are inserted."""
        return generated + sum(frames for at, frames in self.silences if at <= generated)

    def with_silences(self, mel: np.ndarray) -> np.ndarray:
        """The generated log-mel [frames, mel_dim] with the silences inserted."""
        for at, frames in reversed(self.silences):
            silence = np.full((frames, mel.shape[1]), np.log(LOG_FLOOR), mel.dtype)
            mel = np.concatenate((mel[:at], silence, mel[at:]))
        return mel


@dataclass(frozen=True, eq=False)
class SegmentJob:
    """A segment to be generated, its seed, and its place in the text."""

    text: PreparedText
    utterance_number: int
    segment: Segment
    seed: int
    ends_utterance: bool
    text_number: int = 0  # of several texts

    @property
    def ends_text(self) -> bool:
        """Whether it is the last segment of the text."""
        return self.ends_utterance and not self.text.utterances.has(self.utterance_number + 1)


def segment_jobs(
    model: Backend, text: PreparedText, options: GenerateOptions, text_number: int = 0
) -> Iterator[SegmentJob]:
    """The segments of a text in order; an utterance is made into segments when its first one is asked for.

    The first segment has the seed of the options, the next one a seed higher by 1, and so on.
    """
    seeds = itertools.count(options.seed)
    before: Utterance | None = None
    for number, whole in enumerate(text.utterances):
        reference, speed = whole.reference or text.reference, tempo(options.speed, whole.rate)
        context = context_symbols(speed)
        predict = functools.partial(model.predict_frames, reference, speed=speed)
        utterance = whole
        if before is not None and before.continues:
            _, utterance = with_context(before, utterance, context)
        if whole.continues:
            utterance, _ = with_context(utterance, text.utterances[number + 1], context)
        before = whole
        segments = make_segments(reference, utterance, model.config, predict, context)
        for segment in segments:
            yield SegmentJob(text, number, segment, next(seeds), segment is segments[-1], text_number)


def tempo(speed: float, rate: float) -> float:
    """The tempo of an utterance, within the range of the option `speed`."""
    declared = options_of(GenerateOptions)["speed"]
    return min(max(speed * rate, declared.least), declared.most)


def make_segments(
    reference: Reference,
    utterance: Utterance,
    config: ModelConfig,
    predict: PredictFrames,
    context: int = CONTEXT_SYMBOLS,
) -> list[Segment]:
    """The segments of an utterance: one, or several if it is too long.

    Args:
        reference: the voice.
        utterance: the sentence, or a part of one.
        config: the model's.
        predict: the durations of ids.
        context: symbols that the context of a part has at least.
    Raises:
        UserError: not even a single symbol fits beside the reference.
    """
    patch = config.transformer.patch
    ids = generated_ids(utterance)
    predicted = shorten_joints(predict(ids), unmarked_joints(utterance, config), patch)
    generated = whole = shorten_lead(predicted, patch) if config.text.alignment == "durations" else predicted
    shift = part_of_generated(utterance).start
    pauses = [replace(p, first=p.first + shift, last=p.last + shift) for p in utterance.pauses]
    silences: tuple[tuple[int, int], ...] = ()
    if pauses:
        generated, whole, silences = apply_pauses(generated, pauses, patch, alignment_lag(config))
    if total_tokens(reference, generated, patch) * patch > MAX_FRAMES:
        parts = split(utterance, config, context)
        if len(parts) > 1:
            return [
                segment
                for part in parts
                for segment in make_segments(reference, part, config, predict, context)
            ]
    prompt = make_prompt(reference, ids, generated, config)
    generated_frames = (len(prompt.cond) - prompt.start) * patch
    return [Segment(utterance, prompt, generated_frames, whole, ids, silences)]


def with_context(left: Utterance, right: Utterance, context: int) -> tuple[Utterance, Utterance]:
    """Two neighboring parts of a sentence: each gets words of the other as context.

    context: symbols that each context has at least.
    """
    space = int(left.ids[-1])
    return (
        replace(left, context_after=first_words(right.ids[1:-1], space, context)),
        replace(right, context_before=last_words(left.ids[1:-1], space, context)),
    )


def generated_ids(utterance: Utterance) -> np.ndarray:
    """The ids of an utterance and its context, int64 [symbols], with a pause at either end."""
    before, after = utterance.context_before, utterance.context_after
    parts = (
        utterance.ids[:1] if before else (),
        before,
        utterance.ids,
        after,
        utterance.ids[-1:] if after else (),
    )
    return np.concatenate(parts).astype(np.int64)


def part_of_generated(utterance: Utterance) -> slice:
    """Where the utterance is in its `generated_ids`."""
    first = len(utterance.context_before) + 1 if utterance.context_before else 0
    return slice(first, first + len(utterance.ids))


def unmarked_joints(utterance: Utterance, config: ModelConfig) -> list[int]:
    """The spaces in the `generated_ids` where the sentence is cut and has no mark."""
    part, ids = part_of_generated(utterance), generated_ids(utterance)
    spaces = [part.start] if utterance.context_before else []
    spaces += [part.stop - 1] if utterance.context_after else []
    return [space for space in spaces if config.text.vocab[ids[space - 1]] not in SILENT]


def split(utterance: Utterance, config: ModelConfig, context: int = CONTEXT_SYMBOLS) -> list[Utterance]:
    """An utterance cut in two: at the pause nearest to its middle, else as `halves` does.

    A single symbol is not cut: the list then has only the utterance itself. Models without durations have a
    pause at the cut; others go on, see `joints`.
    """
    pause = min(utterance.pauses, key=lambda p: abs(p.last - len(utterance.ids) / 2), default=None)
    if pause is None:
        parts = halves(utterance.ids, config)
    else:
        inner = utterance.ids[1 : pause.last - 1], utterance.ids[pause.last : -1]
        parts = [with_pauses(part, config) for part in inner]
    if len(parts) == 1:
        return [utterance]
    left, right = parts
    joined = pause is None and config.text.alignment == "durations"
    tail, lead = (None, None) if joined else split_frames(pause)
    skipped = len(utterance.ids) - len(right)
    before = tuple(p for p in utterance.pauses if p.last < len(left))
    after = tuple(
        replace(p, first=p.first - skipped, last=p.last - skipped)
        for p in utterance.pauses
        if p.first > skipped
    )
    first = replace(utterance, ids=left, pauses=before, tail=tail, continues=joined, context_after=())
    second = replace(
        utterance,
        ids=right,
        pauses=after,
        lead=lead,
        offset=utterance.offset + skipped,
        context_before=(),
    )
    return list(with_context(first, second, context)) if joined else [first, second]


def halves(ids: np.ndarray, config: ModelConfig) -> list[np.ndarray]:
    """The ids of a sentence cut in two near its middle: after a mark, at a space, or else anywhere.

    A single symbol is not cut: the list then has only the sentence itself. The space at the cut is dropped.
    """
    timed = config.text.alignment == "durations"
    inner = ids[1:-1] if timed else ids
    if len(inner) < 2:
        return [ids]
    symbols = [config.text.vocab[i] for i in inner]

    def distance(cut: int) -> float:
        return abs(cut - len(inner) / 2) - (len(inner) / 4 if symbols[cut - 1] in BREAKS else 0)

    spaces = [i for i in range(1, len(inner) - 1) if symbols[i] == " "]
    cut = min(spaces, key=distance, default=len(inner) // 2)
    parts = [inner[:cut], inner[cut + 1 :] if spaces else inner[cut:]]
    return [with_pauses(part, config) for part in parts] if timed else parts
