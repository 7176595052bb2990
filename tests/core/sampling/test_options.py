"""Options: the defaults, and values out of range."""

import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import ITERATIONS, GenerateOptions


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cfg": float("nan")}, "--cfg must be a number from 0 to 20, not nan"),
        ({"cfg": -1.0}, "--cfg"),
        ({"cfg": float("inf")}, "--cfg"),
        ({"cfg": "2"}, "--cfg"),
        ({"num_iter": 0}, "--num_iter must be a whole number from 1"),
        ({"num_iter": 2.5}, "--num_iter"),
        ({"num_iter": True}, "--num_iter"),
        ({"diffusion_steps": 0}, "--diffusion-steps"),
        ({"steps": -3}, "--steps"),
        ({"temperature": -0.1}, "--temperature"),
        ({"temperature": 2.1}, "--temperature"),
        ({"speed": 0.2}, "--speed"),
        ({"speed": 4.1}, "--speed"),
        ({"seed": -1}, "--seed must be a whole number of at least 0"),
        ({"sway_coef": 1.5}, "--sway-coef"),
        ({"refine": 1.1}, "--refine must be a number from 0 to 1, not 1.1"),
        ({"refine": -0.1}, "--refine must"),
        ({"refine_order": "best"}, "--refine-order must be one of worst, random"),
        ({"method": "heun"}, "--method must be one of euler, midpoint, rk4"),
        ({"cfg_schedule": "cosine"}, "--cfg-schedule"),
        ({"temperature_schedule": "cosine"}, "--temperature-schedule must be one of constant, linear"),
        ({"order": "left"}, "--order must be one of random, interleaved, blocks"),
        ({"lang": "fr"}, "--lang must be one of en-us, en-gb, zh"),
        ({"ref_asr": "small"}, "--ref-asr transcribes --ref-audio"),
        ({"ref_audio": "a.wav", "ref_text": "hi", "ref_asr": "small"}, "--ref-asr transcribes"),
        ({"sampler": "euler"}, "--sampler must be one of masked, ode, refine, not 'euler'"),
        (
            {"sampler": "ode", "use_diffusion": True},
            "--sampler ode and --use-diffusion cannot be used together",
        ),
        (
            {"sampler": "masked", "use_diffusion": False},
            "--sampler masked and use_diffusion=False cannot be used together",
        ),
        ({"sampler": "ode", "refine": 0.3}, "--sampler ode and --refine cannot be used together"),
        ({"use_diffusion": True, "refine": 0.3}, "--use-diffusion and --refine cannot be used together"),
        ({"use_diffusion": "no"}, "--use-diffusion must be True or False, not 'no'"),
        ({"stream": 1}, "--stream must be True or False, not 1"),
        ({"voice": 5}, "--voice must be a string, not 5"),
        ({"ref_audio": b"a.wav"}, "--ref-audio must be a string or a path, not b'a.wav'"),
        ({"ref_audio": "a.wav", "ref_text": 5}, "--ref-text must be a string, not 5"),
        ({"lexicon": 5}, "--lexicon must be a string or a path or a mapping, not 5"),
        ({"ref_text": "hi"}, "--ref-text needs --ref-audio"),
        ({"ref_audio": "a.wav", "ref_text": "hi", "voice": "heart"}, "cannot be used together"),
    ],
)
def test_out_of_range(changes, message):
    with pytest.raises(UserError, match=message):
        GenerateOptions(**changes).check()


def test_bounds_and_numpy_numbers_are_allowed():
    GenerateOptions(cfg=0, temperature=0, speed=0.25, num_iter=1, seed=2**40).check()
    GenerateOptions(cfg=np.float32(2), temperature=2, speed=4, num_iter=np.int64(1000), steps=1).check()
    GenerateOptions(use_diffusion=np.bool_(True), stream=np.bool_(False)).check()


def test_a_voices_own_iterations_are_for_whole_sentences_by_masked_decoding_alone():
    masked = GenerateOptions(sampler="masked")
    assert masked.iterations() == ITERATIONS == 3 and masked.iterations(2) == 2 and masked.iterations(5) == 5
    assert GenerateOptions(sampler="masked", num_iter=4).iterations(2) == 4
    assert GenerateOptions(sampler="masked", stream=True).iterations(2) == 3
    assert GenerateOptions(sampler="refine").iterations(2) == 3
    assert GenerateOptions(sampler="refine", stream=True, num_iter=1).iterations(2) == 1


def test_options_that_agree_may_be_given_together():
    assert GenerateOptions().named_sampler() is None
    for agreeing in (
        {"sampler": "masked", "use_diffusion": True},
        {"sampler": "ode", "use_diffusion": False},
    ):
        options = GenerateOptions(**agreeing)
        options.check()
        assert options.named_sampler() == agreeing["sampler"]
    assert GenerateOptions(sampler="refine", refine=0.5).named_sampler() == "refine"
