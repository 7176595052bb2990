"""How long every pause is: between utterances, inside one, at both ends, and where a long sentence is cut.

All lengths of silence are decided here, except the longest that a text may ask for (`MAX_PAUSE` in
`text.pronunciation.markup`). A text asks for pauses in seconds (`[pause 0.5]`), an utterance counts them in
mel frames, and a waveform in samples.

A pause inside an utterance is a longer space between two words: in the training data, a space is silent for
its whole duration. The training data have no spaces of several seconds, though. So the model generates at
most `GENERATED_FRAMES` of a pause, and the rest is inserted into the mel as silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..audio.mel import FRAME_RATE, HOP, SAMPLE_RATE
from ..audio.signal import longest_silence

# Between two utterances: after the last sound of one, and before the first sound of the next.
AFTER_SECONDS, BEFORE_SECONDS = 0.5, 0.1
JOINED_FRAMES = round(0.35 * FRAME_RATE)  # between short sentences that are one utterance
# Where a sentence is cut for its length without a mark, see `joints`: the space, and the symbol before it.
JOINT_FRAMES, BEFORE_JOINT_FRAMES = 4, 12
SPLIT_FRAMES = 24  # where it is cut at no pause, if the model has no durations
STREAM_LEAD_SECONDS = 0.06  # before the first sound of a stream, at most
LEAD_SECONDS, TAIL_SECONDS = 0.3, 0.75  # before the first and after the last sound of other speech, at most
LEAD_FRAMES = 47  # of silence that is generated at the beginning, at most; the voices have up to 45
GENERATED_FRAMES = 70  # of a pause, at most: the model is silent for 94 frames, but not always for 188


@dataclass(frozen=True)
class InnerPause:
    """A pause inside an utterance: symbols [first, last) take `frames`; the last one is a space."""

    first: int
    last: int
    frames: int
    exact: bool = True  # False: not asked for by the text; as long as the model makes it


# In frames: what an utterance asks for.


def requested_frames(seconds: float) -> int:
    """The frames of a pause that the text asks for."""
    return round(seconds * FRAME_RATE)


def divide_pause(frames: int) -> tuple[int, int]:
    """A pause between two utterances, divided: frames at the end of the first, frames before the second."""
    return frames // 2, frames - frames // 2


def split_frames(pause: InnerPause | None) -> tuple[int, int]:
    """The same where an utterance is cut in two, at one of its pauses or (None) elsewhere."""
    return divide_pause(SPLIT_FRAMES if pause is None else pause.frames)


def apply_pauses(
    durations: np.ndarray, pauses: Sequence[InnerPause], patch: int, lag: int
) -> tuple[np.ndarray, np.ndarray, tuple[tuple[int, int], ...]]:
    """Durations in which every inner pause has its length.

    The space gets the pause; the marks before it keep their durations as far as they fit.

    Args:
        durations: int64 [symbols] in frames, as predicted.
        pauses: in order.
        patch: the last symbol is made longer to fill the last token.
        lag: by how many frames durations are late, see `voices.alignment.alignment_lag`.
    Returns:
        int64 [symbols] that the model generates, int64 [symbols] with the inserted silences, and these, as
        `inserted_silences` returns them.
    """
    generated = durations.copy()
    whole = durations.copy()
    for pause in pauses:
        marks = durations[pause.first : pause.last - 1]
        longest = min(pause.frames, GENERATED_FRAMES)
        for result, length in ((generated, longest), (whole, pause.frames)):
            ends = np.minimum(np.cumsum(np.append(marks, length)), longest)
            ends[-1] = length
            result[pause.first : pause.last] = np.diff(ends, prepend=0)
    fill = -int(generated.sum()) % patch
    generated[-1] += fill
    whole[-1] += fill
    return generated, whole, inserted_silences(pauses, generated, lag)


def shorten_joints(durations: np.ndarray, spaces: Sequence[int], patch: int) -> np.ndarray:
    """Durations in which a sentence goes on without a pause where it is cut.

    The predicted duration of a phone at the end of a phrase includes silence, so it becomes shorter too.

    Args:
        durations: int64 [symbols] in frames, as predicted.
        spaces: the indices of the spaces at which the sentence is cut without a mark.
        patch: the last symbol is made longer to fill the last token.
    """
    if not spaces:
        return durations
    result = durations.copy()
    for space in spaces:
        longest = BEFORE_JOINT_FRAMES, JOINT_FRAMES
        result[space - 1 : space + 1] = np.minimum(result[space - 1 : space + 1], longest)
    result[-1] += -int(result.sum()) % patch
    return result


def shorten_lead(durations: np.ndarray, patch: int) -> np.ndarray:
    """Durations that begin with no more than `LEAD_FRAMES` of silence, however slow the speech is.

    Args:
        durations: int64 [symbols] in frames; the first symbol is a pause.
        patch: the last symbol is made longer to fill the last token.
    """
    if len(durations) < 2 or durations[0] <= LEAD_FRAMES:
        return durations
    result = durations.copy()
    result[0] = LEAD_FRAMES
    result[-1] += -int(result.sum()) % patch
    return result


def inserted_silences(
    pauses: Sequence[InnerPause], generated: np.ndarray, lag: int
) -> tuple[tuple[int, int], ...]:
    """The rest of long pauses: (frame of the generated mel at which to insert, frames of silence), in order.

    It is inserted in the middle of the generated part of the pause.

    Args:
        pauses: in order.
        generated: int64 [symbols], the durations that the model generates.
        lag: by how many frames durations are late.
    """
    ends = np.cumsum(generated)
    return tuple(
        (int(ends[pause.last - 1]) - GENERATED_FRAMES // 2 - lag, pause.frames - GENERATED_FRAMES)
        for pause in pauses
        if pause.frames > GENERATED_FRAMES
    )


# In samples: what a waveform gets.


def lead_samples(requested: int | None, natural: int, first: bool, streaming: bool) -> int:
    """Samples of silence before the first sound of a segment.

    Args:
        requested: frames that the utterance asks for; None: it asks for none.
        natural: samples of silence that the waveform begins with.
        first: whether the speech begins with this segment.
        streaming: whether the speech is played while it is generated: it then begins with its first sound.
    """
    if requested is not None:
        return requested * HOP
    if not first:
        return round(BEFORE_SECONDS * SAMPLE_RATE)
    return min(natural, round((STREAM_LEAD_SECONDS if streaming else LEAD_SECONDS) * SAMPLE_RATE))


def tail_samples(requested: int | None, natural: int, last: bool) -> int:
    """Samples of silence after the last sound of a segment.

    Args:
        requested: frames that the utterance asks for; None: it asks for none.
        natural: samples of silence that the waveform ends with.
        last: whether the speech ends with this segment.
    """
    if requested is not None:
        return requested * HOP
    return min(natural, round(TAIL_SECONDS * SAMPLE_RATE)) if last else round(AFTER_SECONDS * SAMPLE_RATE)


def fit_pauses(
    wave: np.ndarray, edges: np.ndarray, pauses: Sequence[InnerPause]
) -> tuple[np.ndarray, np.ndarray]:
    """A waveform in which each exact pause has its length from sound to sound, and the times for it.

    A sound ends sooner than its phone, more so in slow speech, or goes on in the marks after it. So the
    silence is measured, and made longer or shorter in its middle. Where no silence is found, nothing changes.

    Args:
        wave: float32 [samples].
        edges: int64 [symbols + 1], where each symbol begins, and the end; in samples.
        pauses: in order; their symbols are those of `edges`.
    """
    edges = edges.copy()
    for pause in reversed([pause for pause in pauses if pause.exact]):
        low, high = edges[pause.first - 1], edges[pause.last + 1]  # with the phones before and after
        start, stop = longest_silence(wave[low:high]) + low
        if start == stop:
            continue
        wanted = pause.frames * HOP
        kept = min(wanted, stop - start)
        silence = np.zeros(wanted - kept, wave.dtype)
        left, right = start + kept // 2, stop - (kept - kept // 2)
        wave = np.concatenate((wave[:left], silence, wave[right:]))
        after = edges[pause.last :]
        edges[: pause.first + 1] = np.minimum(edges[: pause.first + 1], start)
        edges[pause.first] = start
        marks = slice(pause.first + 1, pause.last)
        edges[marks] = np.clip(edges[marks], start, start + wanted)
        after[:] = np.maximum(after, stop) + start + wanted - stop
        after[0] = start + wanted
    return wave, edges


def stream_skipped_seconds(silent_frames: int) -> float:
    """Seconds that a stream leaves out of the `silent_frames` of silence which its mel begins with."""
    return max(0.0, silent_frames / FRAME_RATE - STREAM_LEAD_SECONDS)
