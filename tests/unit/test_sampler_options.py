"""Which options each sampler reads: what `SAMPLERS` says is heard, and other flags are refused."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint

from nanospeech_core import audio, cli, edit
from nanospeech_core.errors import UserError
from nanospeech_core.samplers import SAMPLERS

CHOICE = {"masked": {"use_diffusion": True}, "ode": {}, "refine": {"refine": 0.5}}
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
    assert set(heard) | set(CHOICE[sampler]) - {"use_diffusion"} == set(SAMPLERS[sampler])


MASKED = "--num_iter=32 --order=random --diffusion-steps=50 --temperature=2 --temperature-schedule=constant"
UNREAD = [
    *(([flag], "is an option of --use-diffusion and of --refine") for flag in MASKED.split()),
    (["--num-iter=4"], "--num_iter is an option of"),  # the default too, where it is asked for
    (
        ["--cfg_schedule", "constant"],
        "--cfg-schedule is an option of --use-diffusion and of --refine",
    ),
    (["--refine-order", "random"], "--refine-order is an option of --refine; the ODE does not read it"),
    (["--stream"], "--stream is an option of --use-diffusion; the ODE does not read it"),
    (["--refine", "--stream"], "--stream is an option of --use-diffusion; --refine does not read it"),
    (["--use-diffusion", "--steps", "2"], "--steps is an option of the ODE and of --refine; --use-diffusion"),
    (["--use-diffusion", "--method", "rk4"], "--method is an option of the ODE"),
    (["--use-diffusion", "--sway-coef", "0"], "--sway-coef is an option of the ODE"),
    (["--use-diffusion", "--refine-order", "worst"], "--refine-order is an option of --refine"),
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
    chat = importlib.import_module("nanospeech_mlx.chat")
    chat.parse(
        ["--llm", "x", "--refine", "--steps", "4", "--num_iter", "2"]
    )  # it streams; nobody asked it to
    with pytest.raises(SystemExit) as caught:
        chat.parse(["--llm", "x", "--num_iter", "2"])
    assert caught.value.code == 2 and "the ODE does not read it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--steps", "4"],
            "--steps is an option of the ODE (--ode) and of --refine; masked diffusion does not",
        ),
        (["--refine-order", "random"], "--refine-order is an option of --refine; masked diffusion does not"),
        (["--ode", "--order", "blocks"], "--order is an option of masked diffusion and of --refine; the ODE"),
    ],
)
def test_flags_of_an_edit(capsys, flags, message):
    files = ["--audio", "a.wav", "--text", "a", "--edit", "b", "--output", "b.wav"]
    with pytest.raises(SystemExit) as caught:
        edit.run(lambda *_: pytest.fail("a model is loaded"), [*files, *flags], "prog")
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_flags_of_an_edit_by_a_model_without_a_head(capsys, tmp_path):
    audio.write(tmp_path / "a.wav", np.zeros(2400))
    speaker = SimpleNamespace(config=tiny_config(diffusion=None))
    files = ["--audio", str(tmp_path / "a.wav"), "--output", str(tmp_path / "b.wav")]
    assert edit.run(lambda *_, **__: speaker, [*files, "--text=a", "--edit=b", "--order=random"], "prog") == 1
    assert "of --refine; the ODE (--ode) does not read it" in capsys.readouterr().err


def test_a_batch_is_not_streamed(model):
    with pytest.raises(UserError, match="a batch is not streamed"):
        next(model.generate_batch(["Hello."], use_diffusion=True, stream=True))
