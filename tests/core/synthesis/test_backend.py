"""How many iterations of masked decoding a text is spoken with: the voice's own number, or the usual one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import write_checkpoint

from nanospeech_core.sampling.options import ITERATIONS

TEXT = "Hello there, my dear friend."


@pytest.fixture(scope="module", params=NAMES)
def model(request, tmp_path_factory):
    """A model whose voice heart has 2 iterations of its own; emma has none."""
    folder = write_checkpoint(tmp_path_factory.mktemp("model") / "tiny", Backend(request.param).format)
    path = folder / "voices" / "heart.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "num_iter": 2}), "utf-8")
    return Backend(request.param).module("nanospeech").Nanospeech.from_pretrained(folder)


def speak(model, text=TEXT, **options) -> np.ndarray:
    return model.generate(text, **{"sampler": "masked", **options})


def test_a_voice_speaks_with_its_own_number(model):
    two, three = (speak(model, voice="heart", num_iter=number) for number in (2, ITERATIONS))
    assert not np.array_equal(two, three)
    np.testing.assert_array_equal(speak(model, voice="heart"), two)
    np.testing.assert_array_equal(speak(model), two)  # the first voice
    usual = speak(model, voice="emma", num_iter=ITERATIONS)
    np.testing.assert_array_equal(speak(model, voice="emma"), usual)
    assert not np.array_equal(speak(model, voice="emma", num_iter=2), usual)


@pytest.mark.parametrize(
    "options", [{"stream": True}, {"refine": 0.6, "sampler": "refine", "steps": 2}], ids=str
)
def test_streams_and_refinement_keep_the_usual_number(model, options):
    """A stream divides its iterations among its blocks: with two, "Hello." would have half the passes."""
    wave = speak(model, "Hello.", voice="heart", **options)
    usual = speak(model, "Hello.", voice="heart", num_iter=ITERATIONS, **options)
    np.testing.assert_array_equal(wave, usual)
    assert not np.array_equal(speak(model, "Hello.", voice="heart", num_iter=1, **options), usual)


def test_each_voice_of_a_text_and_of_a_batch_has_its_own(model):
    text = f"[voice: heart] {TEXT} [voice: emma] {TEXT}"
    speeches = [speech.wave for speech in model.speak(text, sampler="masked")]
    alone = [speak(model, voice="heart"), speak(model, voice="emma", seed=1)]
    for speech, wave in zip(speeches, alone, strict=True):
        shorter = min(len(speech), len(wave)) - 2400  # the pauses at the ends differ
        assert best_match(speech, wave[2400:shorter]) < 1e-4
    waves = dict(model.generate_batch([TEXT, text], voice="heart", sampler="masked", batch_size=3))
    np.testing.assert_allclose(waves[0], speak(model, voice="heart"), atol=2e-4)
    np.testing.assert_allclose(waves[1], speak(model, text, voice="heart"), atol=2e-4)


def best_match(wave: np.ndarray, part: np.ndarray) -> float:
    """The largest difference between a part and the place of the wave that is most like it."""
    at = int(np.argmax(np.correlate(wave, part, "valid")))
    return float(np.abs(wave[at : at + len(part)] - part).max())
