"""The embedded voice, streamed: no clicks, and the speech of the whole sentence."""

import numpy as np
import pytest
from backends import NAMES, Backend

from nanospeech_core.seams import OVERLAP

TEXT = (
    "The old lighthouse keeper climbed the stairs slowly, counting every step as he went, and lit the lamp."
)


def prominence(wave: np.ndarray, start: int) -> float:
    """The largest step from a sample to the next, over as long as a seam is, in units of those around."""
    size = OVERLAP + 2

    def steepest(place: int) -> float:
        return float(np.abs(np.diff(wave[place : place + size])).max())

    return steepest(start) / max(steepest(start + k * size) for k in (-3, -2, -1, 1, 2, 3))


@pytest.mark.parametrize("name", NAMES)
def test_seams_are_no_steeper_than_speech(name):
    model = Backend(name).module("nanospeech").Nanospeech.from_pretrained()
    chunks = list(model.stream(TEXT, use_diffusion=True, num_iter=8, seed=1))
    assert len(chunks) >= 4
    wave, ends = np.concatenate(chunks), np.cumsum([len(chunk) for chunk in chunks])[:-1]
    places = range(4 * OVERLAP, len(wave) - 5 * OVERLAP, OVERLAP)
    elsewhere = np.array([prominence(wave, place) for place in places])
    seams = [prominence(wave, end - 1) for end in ends]
    assert max(seams) < np.quantile(elsewhere, 0.98)
    assert np.mean(seams) < elsewhere.mean() + elsewhere.std()
    clicks = []
    for end in ends:
        clicked = wave.copy()
        clicked[end:] += np.sqrt(np.mean(wave**2))
        clicks.append(prominence(clicked, end - 1))
    assert max(clicks) > np.quantile(elsewhere, 0.98)  # so it would be heard of


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
