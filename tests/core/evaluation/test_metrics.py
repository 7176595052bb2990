"""Metrics of an utterance, and the summary of many."""

import numpy as np
import pytest

from nanospeech_core.evaluation.dataset import TextItem
from nanospeech_core.evaluation.metrics import (
    Scorers,
    SpeechResult,
    error_rate,
    paired_difference,
    score_reference,
    score_utterance,
    summarize,
)


def one(errors: int, units: int, lang: str = "en", **more) -> dict:
    return {"id": "x", "lang": lang, "errors": errors, "units": units, "seconds": 2.0, **more}


def test_a_summary():
    lines = [
        one(0, 4, elapsed=100.0, dnsmos=3.0, similarity=None),
        one(3, 6, elapsed=1.0, dnsmos=2.0, similarity=0.5),
        one(1, 4, "zh", elapsed=2.0),
        {"id": "y", "lang": "en", "errors": 10, "units": 10, "error": "too long"},
    ]
    found = summarize(lines)
    assert (found["count"], found["failed"], found["seconds"]) == (4, 1, 6)
    assert found["wer"] == 65 and found["cer"] == 25  # of all words together, not the mean of the sentences'
    assert found["real_time_factor"] == 0.75  # without the first
    assert (found["dnsmos"], found["similarity"]) == (2.5, 0.5) and "f0_sd" not in found
    assert summarize([one(0, 1, elapsed=1.0)]).keys() == {"count", "failed", "seconds", "wer", "wer_ci"}


def test_an_interval_narrows_with_the_number_of_texts():
    few = error_rate([0, 1, 2, 5] * 2, [10] * 8, "wer")
    many = error_rate([0, 1, 2, 5] * 200, [10] * 800, "wer")
    assert few["wer"] == many["wer"] == 20
    widths = [high - low for low, high in (few["wer_ci"], many["wer_ci"])]
    # the standard error of a mean of n sentences, whose deviation is 18.7 points
    assert widths == [pytest.approx(2 * 1.96 * 18.7 / n**0.5, rel=0.15) for n in (8, 800)]
    assert few["wer_ci"][0] < 20 < few["wer_ci"][1]
    assert error_rate([1], [4], "cer") == {"cer": 25, "cer_ci": [25, 25]}


def test_a_paired_difference():
    rng = np.random.default_rng(0)
    hard = rng.integers(0, 6, 100)  # errors of sentences: the same in both but for one more in every fifth
    before = [one(e, 10, dnsmos=3 + e / 10) | {"id": str(i)} for i, e in enumerate(hard)]
    after = [one(e + (i % 5 == 0), 10, dnsmos=3.1 + e / 10) | {"id": str(i)} for i, e in enumerate(hard)]
    found = paired_difference(before, after[::-1], "error_rate")
    assert found["difference"] == pytest.approx(2) and found["count"] == 100
    low, high = found["ci"]
    # the standard error is 0.4 points; that of each rate alone is 1.7
    assert high - low == pytest.approx(2 * 1.96 * 0.4, rel=0.2) and low < 2 < high
    found = paired_difference(before, after, "dnsmos")
    assert found["difference"] == pytest.approx(0.1) and found["ci"] == [pytest.approx(0.1)] * 2
    assert paired_difference(before, after[:7], "dnsmos")["count"] == 7
    assert paired_difference(before, after, "f0_sd") == {}


def test_nothing_is_measured_that_is_not_asked_for():
    wave = np.ones(24000, dtype=np.float32)
    item = TextItem("a", "Hello there.")
    assert score_reference(wave, Scorers()) == {"embedding": None}
    assert score_utterance(SpeechResult(wave), item, Scorers(), {}) == {"seconds": 1.0}
    silent = Scorers(embed=lambda wave: None)
    references = {"similarity": {"embedding": np.ones(2)}}
    scores = score_utterance(SpeechResult(wave, 0.5), item, silent, references)
    assert scores == {"seconds": 1.0, "elapsed": 0.5, "similarity": None}
