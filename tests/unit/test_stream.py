"""The embedded voice, streamed: no clicks, and the speech of the whole sentence."""

import numpy as np
import pytest
from backends import NAMES, Backend

from nanospeech_core.seams import OVERLAP

TEXT = (
    "The old lighthouse keeper climbed the stairs slowly, counting every step as he went, and lit the lamp."
)


def steepest(wave: np.ndarray, start: int) -> float:
    """The largest step from a sample to the next, over as long as a seam is."""
    return float(np.abs(np.diff(wave[start : start + OVERLAP + 2])).max())


@pytest.mark.parametrize("name", NAMES)
def test_seams_are_no_steeper_than_speech(name):
    model = Backend(name).module("nanospeech").Nanospeech.from_pretrained()
    chunks = list(model.stream(TEXT, use_diffusion=True, num_iter=8, seed=1))
    assert len(chunks) >= 4
    wave, ends = np.concatenate(chunks), np.cumsum([len(chunk) for chunk in chunks])
    seams = [steepest(wave, end - 1) for end in ends[:-1]]
    elsewhere = np.array([steepest(wave, start) for start in range(0, len(wave) - OVERLAP, OVERLAP)])
    assert max(seams) < np.quantile(elsewhere, 0.99)
    assert np.mean(seams) < elsewhere.mean() + 2 * elsewhere.std()
    level = np.sqrt(np.mean(wave**2))
    clicked = wave.copy()
    clicked[ends[1] :] += 2 * level  # what a click is
    assert steepest(clicked, ends[1] - 1) > np.quantile(elsewhere, 0.99)


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_is_as_loud_and_as_long_as_the_sentence(name):
    model = Backend(name).module("nanospeech").Nanospeech.from_pretrained()
    options = {"use_diffusion": True, "num_iter": 4, "diffusion_steps": 4, "seed": 1}
    whole, streamed = (model.generate(TEXT, stream=stream, **options) for stream in (False, True))
    assert len(whole) == len(streamed)
    frames = len(whole) // 2400  # of a tenth of a second: the same words at the same times
    levels = [
        np.log(np.square(w[: frames * 2400]).reshape(frames, -1).mean(1) + 1e-6) for w in (whole, streamed)
    ]
    assert np.corrcoef(levels)[0, 1] > 0.8
