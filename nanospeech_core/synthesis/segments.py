"""From utterances to segments: what the model generates in one call."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..audio.mel import LOG_FLOOR
from ..config import ModelConfig
from ..sampling.options import GenerateOptions
from ..sampling.prompt import MAX_FRAMES, Prompt, with_pauses
from ..voices.alignment import alignment_lag
from ..voices.reference import Reference
from .backend import Backend
from .frontend import PreparedText
from .pauses import apply_pauses, split_frames
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
    silences: tuple[tuple[int, int], ...] = ()  # to be inserted, see `inserted_silences`

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

    def predict(ids: np.ndarray) -> np.ndarray:
        return model.predict_frames(text.reference, ids, options.speed)

    seeds = itertools.count(options.seed)
    for number, utterance in enumerate(text.utterances):
        segments = make_segments(text.reference, utterance, model.config, predict)
        for segment in segments:
            yield SegmentJob(text, number, segment, next(seeds), segment is segments[-1], text_number)


def make_segments(
    reference: Reference, utterance: Utterance, config: ModelConfig, predict: PredictFrames
) -> list[Segment]:
    """The segments of an utterance: one, or several if it is too long.

    Args:
        reference: the voice.
        utterance: the sentence, or a part of one.
        config: the model's.
        predict: the durations of ids.
    Raises:
        UserError: not even a single symbol fits beside the reference.
    """
    patch = config.transformer.patch
    generated = whole = predict(utterance.ids)
    silences: tuple[tuple[int, int], ...] = ()
    if utterance.pauses:
        generated, whole, silences = apply_pauses(generated, utterance.pauses, patch, alignment_lag(config))
    if total_tokens(reference, generated, patch) * patch > MAX_FRAMES:
        parts = split(utterance, config)
        if len(parts) > 1:
            return [segment for part in parts for segment in make_segments(reference, part, config, predict)]
    prompt = make_prompt(reference, utterance.ids, generated, config)
    generated_frames = (len(prompt.cond) - prompt.start) * patch
    return [Segment(utterance, prompt, generated_frames, whole, silences)]


def split(utterance: Utterance, config: ModelConfig) -> list[Utterance]:
    """An utterance cut in two: at the pause nearest to its middle, else as `halves` does.

    A single symbol is not cut: the list then has only the utterance itself.
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
    tail, lead = split_frames(pause)
    skipped = len(utterance.ids) - len(right)
    before = tuple(p for p in utterance.pauses if p.last < len(left))
    after = tuple(
        replace(p, first=p.first - skipped, last=p.last - skipped)
        for p in utterance.pauses
        if p.first > skipped
    )
    return [
        replace(utterance, ids=left, pauses=before, tail=tail),
        replace(utterance, ids=right, pauses=after, lead=lead, offset=utterance.offset + skipped),
    ]


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
