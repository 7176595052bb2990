"""Which options each sampler reads: what `SAMPLERS` says is heard, and other flags are refused."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint

from nanospeech_core.audio import files as audio
from nanospeech_core.checkpoints import original
from nanospeech_core.checkpoints.folder import PRETRAINED, read_config
from nanospeech_core.cli import edit
from nanospeech_core.cli import generate as cli
from nanospeech_core.config import SAMPLER_NAMES, ModelConfig, SamplingConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.sampling.samplers import SAMPLERS, sampler_of, with_sampler

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
def test_what_a_sampler_reads_is_heard_and_the_rest_is_not(model, sampler):
    def wave(**changes) -> np.ndarray:
        return model.generate("Hello there.", **BASE | CHOICE[sampler] | changes)

    plain = wave()
    heard = [name for name, value in OTHER.items() if not np.array_equal(wave(**{name: value}), plain)]
    assert set(heard) | set(CHOICE[sampler]) & {"refine"} == set(SAMPLERS[sampler])


MASKED = "--num_iter=32 --order=random --diffusion-steps=50 --temperature=2 --temperature-schedule=constant"
READS_MASKED = "is an option of --sampler masked and of --sampler refine; --sampler ode does not read it"
READS_ODE = "is an option of --sampler ode and of --sampler refine; --sampler masked"
UNREAD = [
    *((["--sampler=ode", flag], READS_MASKED) for flag in MASKED.split()),
    (
        ["--sampler=ode", "--num-iter=3"],
        f"--num_iter {READS_MASKED}",
    ),  # the default too, where it is asked for
    (["--sampler=ode", "--cfg_schedule", "constant"], f"--cfg-schedule {READS_MASKED}"),
    (
        ["--sampler=ode", "--refine-order", "random"],
        "--refine-order is an option of --sampler refine; --sampler ode does not read it",
    ),
    (
        ["--sampler=ode", "--stream"],
        "--stream is an option of --sampler masked; --sampler ode does not read it",
    ),
    (
        ["--refine", "--stream"],
        "--stream is an option of --sampler masked; --sampler refine does not read it",
    ),
    (["--use-diffusion", "--steps", "2"], f"--steps {READS_ODE} does not read it"),
    (["--steps", "2"], f"--steps {READS_ODE} (the default) does not read it"),
    (["--method", "rk4"], f"--method {READS_ODE} (the default) does not read it"),
    (["--sway-coef", "0"], f"--sway-coef {READS_ODE} (the default)"),
    (["--refine-order", "worst"], "--refine-order is an option of --sampler refine; --sampler masked (the"),
    (["--sampler=refine", "--use-diffusion"], "--sampler refine and --use-diffusion exclude each other"),
    (["--sampler=ode", "--refine"], "--sampler ode and --refine exclude each other"),
    (["--sampler=ode", "--compile"], "--compile needs --sampler masked or refine"),
    (["--batch-size", "8"], "--batch-size is an option of --input"),
]


@pytest.mark.parametrize(("flags", "message"), UNREAD, ids=lambda part: " ".join(part)[:40])
def test_flags_that_would_do_nothing_are_told(capsys, flags, message):
    with pytest.raises(SystemExit) as caught:
        cli.run(
            lambda *_: pytest.fail("a model is loaded"), ["--text", "a", "--output", "a.wav", *flags], "prog"
        )
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_flags_of_a_language_models_voice(capsys):
    Backend("mlx")
    chat = importlib.import_module("nanospeech_mlx.chat.__main__")
    chat.parse(
        ["--llm", "x", "--refine", "--steps", "4", "--num_iter", "2"]
    )  # it streams; nobody asked it to
    with pytest.raises(SystemExit) as caught:
        chat.parse(["--llm", "x", "--sampler", "ode", "--num_iter", "2"])
    assert caught.value.code == 2 and "--sampler ode does not read it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--steps", "4"], f"--steps {READS_ODE} (the default) does not read it"),
        (["--refine-order", "random"], "--refine-order is an option of --sampler refine; --sampler masked"),
        (["--sampler", "ode", "--order", "blocks"], f"--order {READS_MASKED}"),
    ],
)
def test_flags_of_an_edit(capsys, flags, message):
    files = ["--audio", "a.wav", "--text", "a", "--edit", "b", "--output", "b.wav"]
    with pytest.raises(SystemExit) as caught:
        edit.run(lambda *_: pytest.fail("a model is loaded"), [*files, *flags], "prog")
    assert caught.value.code == 2 and message in capsys.readouterr().err


@pytest.mark.parametrize("sampling", [SamplingConfig(), SamplingConfig(sampler="ode")])
def test_a_models_own_sampler_is_known_when_it_is_loaded(capsys, tmp_path, sampling):
    """A hub id's config is: here the flags are told when the model is there, before it speaks."""
    audio.write(tmp_path / "a.wav", np.zeros(2400))
    diffusion = {} if sampling.sampler else {"diffusion": None}
    speaker = SimpleNamespace(config=tiny_config(sampling=sampling, **diffusion), sample_rate=24000)
    files = ["--model", "owner/name", "--output", str(tmp_path / "b.wav"), "--text=a", "--order=interleaved"]
    told = "of --sampler refine; --sampler ode (the default) does not read it"
    assert cli.run(lambda *_, **__: speaker, files, "prog") == 1
    assert told in capsys.readouterr().err
    files += ["--audio", str(tmp_path / "a.wav"), "--edit=b"]
    assert edit.run(lambda *_, **__: speaker, files, "prog") == 1
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


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
    chosen = with_sampler(GenerateOptions(use_diffusion=False), plain)
    assert (chosen.sampler, chosen.use_diffusion) == ("ode", None) and with_sampler(chosen, plain) == chosen
    with pytest.raises(UserError, match="sampling.sampler is 'masked'; it must be one of ode"):
        tiny_config(diffusion=None, sampling=SamplingConfig(sampler="masked"))
    with pytest.raises(UserError, match="sampling.sampler is 'euler'; it must be one of masked, ode, refine"):
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
    with pytest.raises(UserError, match="a batch is not streamed"):
        next(model.generate_batch(["Hello."], use_diffusion=True, stream=True))
