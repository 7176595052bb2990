"""Which part of a recording its words are in, and where the sound of changed words begins and ends.

A recording may go on after its words, or begin before them: room tone, a chime, music, other speech. The
aligner has no symbol for these and gives them to the words, mostly to the last phone. So both are measured in
the waveform: the sounds between two silences are candidates, and the best ones are those in which every phone
is about as long as the model expects.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from ..audio.mel import HOP, SAMPLE_RATE
from ..audio.signal import block_levels, match_level, true_runs
from ..config import ModelConfig
from ..synthesis.backend import Backend
from ..text.symbols import SILENT
from ..voices.alignment import alignment_lag
from ..voices.reference import log_mel_with_treble
from .changes import Change
from .prompts import AlignedRecording

BLOCK = SAMPLE_RATE // 100
GAP_BLOCKS = 20  # quiet for so long separates two sounds: 0.2 s
KEPT_SAMPLES = round(0.05 * SAMPLE_RATE)  # of silence around the words
CANDIDATES = 2, 8  # at least and at most, of the beginning and of the end
WORK = 2e7  # frames times symbols times candidates squared, at most: a few seconds
SPEECH_MISFIT = 0.4  # of recordings for which all this is work: one that fits so well is taken whole
# Quiet for so long inside a phone is not a part of it; the closure of a stop is shorter.
SILENT_BLOCKS = 15
MOST_TEMPO, TEMPO_WEIGHT = 0.35, 0.5  # log ratio of the speech's tempo to the usual one that costs nothing
WHOLE_BONUS = 0.03  # by which a part must be better than the whole recording

PredictDurations = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # `Backend.infill_durations`


def is_loud(wave: np.ndarray) -> np.ndarray:
    """Whether each 10 ms of float32 [samples] have a sound: louder than the recording's quietest parts."""
    decibels = 20 * np.log10(block_levels(wave, BLOCK) + 1e-9)
    floor, loudest = np.percentile(decibels, (5, 95))
    return decibels > max(loudest - 40, min(floor + 8, loudest - 15))


def find_sounds(wave: np.ndarray) -> np.ndarray:
    """The sounds of float32 [samples] that are separated by silence: int64 [sounds, 2], in samples."""
    runs = true_runs(is_loud(wave))
    if not len(runs):
        return np.array([[0, len(wave)]])
    apart = np.flatnonzero(runs[1:, 0] - runs[:-1, 1] >= GAP_BLOCKS)
    begins, ends = runs[np.append(0, apart + 1), 0], runs[np.append(apart, len(runs) - 1), 1]
    return np.minimum(np.stack((begins, ends), axis=1) * BLOCK, len(wave))


def timing_misfit(ids: np.ndarray, frames: np.ndarray, predict: PredictDurations) -> float:
    """How little the durations of an alignment are those of speech; about 0.3 for speech.

    The mean absolute log ratio to the predicted durations, apart from the tempo, and what the tempo is beyond
    the usual.

    Args:
        ids, frames: int64 [symbols], with pauses at the ends.
        predict: see `PredictDurations`.
    """
    predicted = np.expm1(predict(ids, frames.astype(np.float32), np.zeros(len(ids), bool)))
    ratios = np.log((frames + 1) / (predicted + 1))[1:-1]
    tempo = float(np.median(ratios))
    return float(np.abs(ratios - tempo).mean()) + TEMPO_WEIGHT * max(0.0, abs(tempo) - MOST_TEMPO)


def locate_speech(model: Backend, wave: np.ndarray, ids: np.ndarray) -> tuple[int, int]:
    """The samples [start, stop) of a recording that have its words, and a little around them.

    Args:
        model: with an aligner. Without a predictor of durations, only silence at the ends is left out.
        wave: float32 [samples], 24 kHz.
        ids: int64 [symbols] of the words, with pauses.
    """
    sounds = find_sounds(wave)
    whole = int(sounds[0, 0]), int(sounds[-1, 1])
    if len(sounds) == 1 or model.config.phone_duration is None:
        return with_silence(whole, len(wave))
    mel = log_mel_with_treble(match_level(wave))
    most = int(np.clip((WORK / (len(mel) * len(ids))) ** 0.5, *CANDIDATES))
    best, least = whole, np.inf
    pairs = itertools.product(map(int, sounds[:most, 0]), map(int, sounds[-most:, 1]))
    for part in [whole, *(pair for pair in pairs if pair != whole)]:
        start, stop = with_silence(part, len(wave))
        frames = mel[start // HOP : max(start, stop) // HOP + 1]
        if part[0] >= part[1] or len(frames) < len(ids):
            continue
        misfit = timing_misfit(ids, model.aligner.align(frames, ids), model.infill_durations)
        if part == whole:
            if most < CANDIDATES[1] and misfit < SPEECH_MISFIT:
                break
            misfit -= WHOLE_BONUS
        if misfit < least:
            best, least = part, misfit
    return with_silence(best, len(wave))


def with_silence(part: tuple[int, int], samples: int) -> tuple[int, int]:
    """A part [start, stop) with a little around it, of a waveform of `samples`; it begins at a frame."""
    start, stop = max(0, part[0] - KEPT_SAMPLES) // HOP * HOP, part[1] + KEPT_SAMPLES
    return start, samples if samples - stop < HOP else stop


def fit_to_sound(
    change: Change,
    recording: AlignedRecording,
    wave: np.ndarray,
    config: ModelConfig,
    predict: PredictDurations,
) -> AlignedRecording:
    """The recording with durations by which the changed words begin and end with their sound.

    Silence that the aligner gave to their first or last phone, or to a mark, is given to the pause beside.

    Args:
        change: words of the recording.
        recording: with the aligner's durations.
        wave: float32 [samples] of the recording, 24 kHz.
        config: the model's.
        predict: where no silence follows the last word, it ends where it is quietest in the time that its
            last phone is expected to take.
    """
    lag, begins = alignment_lag(config), recording.begins()
    silent = np.array([config.text.vocab[i] in SILENT for i in recording.ids])
    sounds = np.flatnonzero(~silent[change.start : change.end]) + change.start
    if not len(sounds):
        return recording
    runs = true_runs(~is_loud(wave))
    runs = (runs[runs[:, 1] - runs[:, 0] >= SILENT_BLOCKS] * BLOCK / HOP).round().astype(np.int64) + lag
    first, last = int(sounds[0]), int(sounds[-1])
    if silent[change.end]:
        after = np.flatnonzero(~silent[change.end :]) + change.end
        high = int(begins[after[0]]) if len(after) else int(begins[-1])
        found = runs[(runs[:, 1] > begins[last]) & (runs[:, 0] < high)]
        end = int(begins[change.end])
        if len(found):
            end = int(found[0, 0])
        elif not len(after):
            known = np.ones(len(begins) - 1, bool)
            known[last : change.end] = False
            predicted = np.expm1(predict(recording.ids, recording.frames.astype(np.float32), known))
            usual = int(predicted[last : change.end].sum())
            if end - begins[last] > 2 * usual + 20:
                end = quietest_frame(wave, int(begins[last]) + 1 - lag, int(begins[last]) + usual - lag) + lag
        begins = move_boundary(begins, change.end, max(end, int(begins[first]) + 1))
    if silent[change.start - 1]:
        before = np.flatnonzero(~silent[: change.start])
        low = int(begins[before[-1] + 1]) if len(before) else 0
        found = runs[(runs[:, 1] > low) & (runs[:, 0] < begins[first + 1])]
        if len(found):
            begins = move_boundary(begins, change.start, min(int(found[-1, 1]), int(begins[change.end]) - 1))
    return AlignedRecording(recording.mel, recording.ids, np.diff(begins))


def quietest_frame(wave: np.ndarray, low: int, high: int) -> int:
    """The frame of [low, high] around which float32 [samples] are quietest."""
    levels = block_levels(wave[max(0, (low - 1) * HOP) : (high + 2) * HOP], HOP)
    around = np.convolve(np.square(levels), np.ones(3), "valid")
    return low + int(np.argmin(around)) if len(around) else low


def move_boundary(begins: np.ndarray, symbol: int, frame: int) -> np.ndarray:
    """The begins of symbols, int64 [symbols + 1], with that of one moved to a frame.

    Those that it passes are moved with it, but every symbol keeps at least a frame.
    """
    count = np.arange(len(begins))
    frame = int(np.clip(frame, symbol, begins[-1] - (len(begins) - 1 - symbol)))
    before = np.minimum(begins[: symbol + 1], frame - count[symbol::-1])
    after = np.maximum(begins[symbol:], frame + count[: len(begins) - symbol])
    before[0], before[-1], after[0] = begins[0], frame, frame
    after = np.minimum(after, begins[-1] - count[: len(begins) - symbol][::-1])
    return np.concatenate((before, after[1:]))
