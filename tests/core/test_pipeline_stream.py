"""The embedded voice, streamed: no clicks, and the same speech as without streaming."""

import numpy as np
import pytest
from backends import NAMES, Backend

from nanospeech_core.synthesis.streaming import OVERLAP

TEXT = (
    "The old lighthouse keeper climbed the stairs slowly, counting every step as he went, and lit the lamp."
)


def prominence(wave: np.ndarray, start: int) -> float:
    """The largest step between samples, over the length of a cross-fade, in units of those around."""
    size = OVERLAP + 2

    def steepest(place: int) -> float:
        return float(np.abs(np.diff(wave[place : place + size])).max())

    return steepest(start) / max(steepest(start + k * size) for k in (-3, -2, -1, 1, 2, 3))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_chunk_boundaries_are_no_steeper_than_speech(name):
    model = Backend(name).module("nanospeech").Nanospeech.from_pretrained()
    boundaries, clicks = [], []
    for seed in range(3):
        chunks = list(model.stream(TEXT, use_diffusion=True, num_iter=8, seed=seed))
        assert len(chunks) >= 4
        wave, ends = np.concatenate(chunks), np.cumsum([len(chunk) for chunk in chunks])[:-1]
        places = range(4 * OVERLAP, len(wave) - 5 * OVERLAP, OVERLAP)
        elsewhere = np.array([prominence(wave, place) for place in places])
        for end in ends:
            boundaries.append((elsewhere < prominence(wave, end - 1)).mean())
            clicked = wave.copy()
            clicked[end:] += np.sqrt(np.mean(wave**2))
            clicks.append((elsewhere < prominence(clicked, end - 1)).mean())
    # their ranks among the steps elsewhere are those of any steps: uniform, to three standard errors
    assert np.mean(boundaries) < 0.5 + 3 * 12**-0.5 / len(boundaries) ** 0.5
    assert np.mean(clicks) > 0.5 + 3 * 12**-0.5 / len(clicks) ** 0.5  # a click would be found


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_stream_is_as_loud_and_as_long_as_the_sentence(name):
    model = Backend(name).module("nanospeech").Nanospeech.from_pretrained()
    options = {"use_diffusion": True, "num_iter": 4, "diffusion_steps": 4, "seed": 1}
    complete, streamed = (model.generate(TEXT, stream=stream, **options) for stream in (False, True))
    begun = len(complete) - len(streamed)  # a stream begins with its first sound
    assert 0.1 < begun / 24000 < 0.5 and np.abs(complete[:begun]).max() < 1e-3 < np.abs(streamed[:4800]).max()
    complete = complete[begun:]
    frames = len(complete) // 2400  # of a tenth of a second: the same words at the same times
    levels = [
        np.log(np.square(w[: frames * 2400]).reshape(frames, -1).mean(1) + 1e-6) for w in (complete, streamed)
    ]
    assert np.corrcoef(levels)[0, 1] > 0.8
