"""Metrics of single utterances, and their summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..audio.mel import SAMPLE_RATE
from ..text.languages import is_alphabetic
from ..voices import recognition
from . import scorers
from .dataset import TextItem

AVERAGED = ("similarity", "similarity_voice", "dnsmos", "f0_sd", "energy_sd")
RESAMPLES = 1000  # bootstrap samples for the interval of an error rate


@dataclass(frozen=True)
class Scorers:
    """The functions of `scorers` to apply; None: that metric is left out."""

    recognize: recognition.Recognize | None = None
    embed: Callable[[np.ndarray], np.ndarray | None] | None = None
    dnsmos: Callable[[np.ndarray], float] | None = None
    prosody: Callable[[np.ndarray], tuple[float | None, float | None]] | None = None


@dataclass(frozen=True)
class SpeechResult:
    """An utterance to score."""

    wave: np.ndarray | None  # float32 [samples] at 24 kHz; None: it could not be spoken, see `error`
    elapsed: float | None = None  # seconds of generating it
    error: str | None = None


def score_reference(wave: np.ndarray, metrics: Scorers) -> dict:
    """The embedding (or None) and the prosody of a reference recording, float32 [samples] at 24 kHz."""
    wave = recognition.resample(wave, SAMPLE_RATE)
    scores: dict = {"embedding": metrics.embed(wave) if metrics.embed else None}
    if metrics.prosody:
        scores["f0_sd"], scores["energy_sd"] = metrics.prosody(wave)
    return scores


def score_utterance(
    result: SpeechResult, item: TextItem, metrics: Scorers, references: Mapping[str, dict]
) -> dict:
    """The metrics of one utterance.

    Args:
        result: the utterance.
        item: its text.
        metrics: what to measure.
        references: the `score_reference` of each recording to compare with, by the name of the similarity.
    Returns:
        of seconds, elapsed, heard (the recognized text), units (words or characters), errors, dnsmos, f0_sd,
        energy_sd and the similarities, those that were measured. A similarity is None if one of the two
        recordings has no speech. Speech that could not be generated has `error`, and an empty `heard`.
    """
    scores: dict = {}
    expected: list[str] = []
    if metrics.recognize:
        expected = scorers.words_or_characters(item.text, item.language)
        scores |= {"heard": "", "units": len(expected), "errors": len(expected)}
    if result.wave is None:
        return scores | {"error": result.error}
    scores["seconds"] = len(result.wave) / SAMPLE_RATE
    if result.elapsed is not None:
        scores["elapsed"] = result.elapsed
    wave = recognition.resample(result.wave, SAMPLE_RATE)
    if metrics.recognize:
        transcript = metrics.recognize(wave, item.language)
        scores["heard"] = transcript
        recognized = scorers.words_or_characters(transcript, item.language)
        scores["errors"] = scorers.count_errors(expected, recognized)
    if metrics.embed:
        embedding = metrics.embed(wave)
        for name, reference in references.items():
            other = reference["embedding"]
            scores[name] = None if embedding is None or other is None else float(embedding @ other)
    if metrics.dnsmos:
        scores["dnsmos"] = metrics.dnsmos(wave)
    if metrics.prosody:
        scores["f0_sd"], scores["energy_sd"] = metrics.prosody(wave)
    return scores


def summarize(utterances: Sequence[dict], warm_ups: int = 1) -> dict:
    """Summarize utterances with `id`, `lang` and the entries of `score_utterance`.

    Args:
        warm_ups: the first so many do not count for the real-time factor.

    Returns:
        count and failed; seconds of speech; wer and cer (in %, over all words together; Chinese characters
        apart), each with the 95% interval wer_ci and cer_ci; the means of AVERAGED over the utterances that
        have them; real_time_factor (elapsed / seconds) without the warm-ups.
    """
    spoken = [u for u in utterances if "error" not in u]
    result = {
        "count": len(utterances),
        "failed": len(utterances) - len(spoken),
        "seconds": sum(u["seconds"] for u in spoken),
    }
    for name, of_words in (("wer", True), ("cer", False)):
        counted = [u for u in utterances if "units" in u and is_alphabetic(u["lang"]) == of_words]
        if counted:
            result |= error_rate([u["errors"] for u in counted], [u["units"] for u in counted], name)
    result |= means(spoken)
    timed = [u for u in utterances[warm_ups:] if "error" not in u and "elapsed" in u]
    if timed:
        result["real_time_factor"] = sum(u["elapsed"] for u in timed) / sum(u["seconds"] for u in timed)
    return result


def means(scores: Sequence[dict]) -> dict:
    """The mean of each of AVERAGED over the `score_utterance` or `score_reference` that have it."""
    values = {name: [one[name] for one in scores if one.get(name) is not None] for name in AVERAGED}
    return {name: float(np.mean(numbers)) for name, numbers in values.items() if numbers}


def error_rate(errors: Sequence[int], lengths: Sequence[int], name: str) -> dict:
    """The error rate over all utterances (%), and its 95% bootstrap interval (Bisani & Ney, 2004)."""
    pairs = np.array([errors, lengths])
    samples = np.random.default_rng(0).integers(0, len(errors), (RESAMPLES, len(errors)))
    rates = [100 * float(total[0] / total[1]) for total in (pairs[:, rows].sum(axis=1) for rows in samples)]
    low, high = np.percentile(rates, [2.5, 97.5])
    total = pairs.sum(axis=1)
    return {name: 100 * float(total[0] / total[1]), f"{name}_ci": [float(low), float(high)]}


def paired_difference(baseline: Sequence[dict], other: Sequence[dict], name: str) -> dict:
    """How much higher a metric of `other` is than that of `baseline`, on the same texts.

    Args:
        baseline, other: entries of `score_utterance` with an `id`.
        name: "error_rate" (points, over all words together), or one of AVERAGED.
    Returns:
        difference, its 95% bootstrap interval `ci`, and count, the texts that have the metric in both. Empty
        if there is none.
    """
    needed = "units" if name == "error_rate" else name
    first, second = (
        {entry["id"]: entry for entry in entries if entry.get(needed) is not None}
        for entries in (baseline, other)
    )
    shared = [id_ for id_ in first if id_ in second]
    if not shared:
        return {}
    if name == "error_rate":
        changes = [100 * (second[id_]["errors"] - first[id_]["errors"]) for id_ in shared]
        weights = [first[id_]["units"] for id_ in shared]
    else:
        changes, weights = [second[id_][name] - first[id_][name] for id_ in shared], [1] * len(shared)
    pairs = np.array([changes, weights], dtype=np.float64)
    samples = np.random.default_rng(0).integers(0, len(shared), (RESAMPLES, len(shared)))
    totals = pairs[:, samples].sum(axis=2)
    low, high = np.percentile(totals[0] / totals[1], [2.5, 97.5])
    total = pairs.sum(axis=1)
    return {
        "difference": float(total[0] / total[1]),
        "ci": [float(low), float(high)],
        "count": len(shared),
    }
