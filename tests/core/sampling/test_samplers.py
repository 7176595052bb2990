"""Samplers: the options that `SAMPLERS` lists change the speech; the model's default sampler."""

import importlib

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint

from nanospeech_core.checkpoints import original
from nanospeech_core.checkpoints.folder import PRETRAINED, read_config
from nanospeech_core.config import SAMPLER_NAMES, ModelConfig, SamplingConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.sampling.samplers import SAMPLERS, sampler_of, unread_options, with_sampler

CHOICE = {"masked": {"use_diffusion": True}, "ode": {"sampler": "ode"}, "refine": {"refine": 0.5}}
BASE = {"num_iter": 4, "diffusion_steps": 2, "steps": 3, "cfg": 2.0, "temperature": 1.0, "seed": 3}
OTHER = {
    "num_iter": 2, "order": "random", "diffusion_steps": 3, "temperature": 0.5, "cfg": 1.5, "stream": True,
    "temperature_schedule": "linear", "cfg_schedule": "constant", "speed": 1.3, "seed": 4, "steps": 4,
    "method": "rk4", "sway_coef": 0.0, "refine_order": "random",
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    name = next(name for name in NAMES if importlib.util.find_spec(name))
    folder = write_checkpoint(tmp_path_factory.mktemp("options") / "tiny")
    return Backend(name).module("nanospeech").Nanospeech.from_pretrained(folder)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_a_sampler_reads_changes_the_speech_and_the_rest_is_refused(model, sampler):
    base = {name: value for name, value in BASE.items() if not unread_options([name], sampler)}

    def wave(**changes) -> np.ndarray:
        return model.generate("Hello there.", **base | CHOICE[sampler] | changes)

    plain, effective = wave(), set()
    for name, value in OTHER.items():
        if name != "stream" and unread_options([name], sampler):
            with pytest.raises(UserError, match="does not read it"):
                wave(**{name: value})
        elif not np.array_equal(wave(**{name: value}), plain):
            effective.add(name)
    assert effective | set(CHOICE[sampler]) & {"refine"} == set(SAMPLERS[sampler])


def test_the_models_own_sampler():
    plain, headless = tiny_config(), tiny_config(diffusion=None)
    assert set(SAMPLERS) == set(SAMPLER_NAMES)
    assert sampler_of(GenerateOptions(), plain) == "masked"
    assert sampler_of(GenerateOptions(), headless) == "ode"
    assert sampler_of(GenerateOptions(), ModelConfig()) == "masked"
    assert read_config(PRETRAINED).sampling.sampler == "masked" and original.SAMPLING.sampler == "ode"
    for own in SAMPLERS:
        config = tiny_config(sampling=SamplingConfig(sampler=own))
        assert sampler_of(GenerateOptions(), config) == own
        assert sampler_of(GenerateOptions(sampler="ode"), config) == "ode"
        assert sampler_of(GenerateOptions(use_diffusion=True), config) == "masked"
        assert sampler_of(GenerateOptions(refine=0.5), config) == "refine"
    assert with_sampler(GenerateOptions(sampler="refine"), plain).refine == 0.3
    options = with_sampler(GenerateOptions(use_diffusion=False), plain)
    assert (options.sampler, options.use_diffusion) == ("ode", None) and with_sampler(
        options, plain
    ) == options
    with pytest.raises(UserError, match="sampling.sampler must be one of ode, not 'masked'"):
        tiny_config(diffusion=None, sampling=SamplingConfig(sampler="masked"))
    with pytest.raises(UserError, match="sampling.sampler must be one of masked, ode, refine, not 'euler'"):
        tiny_config(sampling=SamplingConfig(sampler="euler"))


def test_the_default_sampler_speaks(model):
    def wave(**options) -> np.ndarray:
        return model.generate("Hello there.", seed=3, **options)

    masked, ode, refined = (wave(sampler=sampler) for sampler in ("masked", "ode", "refine"))
    assert np.array_equal(wave(), masked) and np.array_equal(wave(use_diffusion=True), masked)
    assert np.array_equal(wave(use_diffusion=False), ode) and np.array_equal(wave(refine=0.3), refined)
    assert not np.array_equal(masked, ode) and not np.array_equal(refined, ode)
    assert len(list(model.stream("Hello there, how are you today, my friend?"))) > 1
    for option in ({"steps": 4}, {"method": "rk4"}, {"refine_order": "random"}):
        with pytest.raises(UserError, match=r"--sampler masked \(the default\) does not read it"):
            wave(**option)


def test_a_batch_is_not_streamed(model):
    with pytest.raises(UserError, match="a batch cannot be streamed"):
        next(model.generate_batch(["Hello."], use_diffusion=True, stream=True))
