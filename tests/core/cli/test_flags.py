"""Flags: both spellings of each option, and those that would have no effect."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from backends import Backend
from checkpoints import tiny_config

from nanospeech_core.audio import files as audio
from nanospeech_core.cli import edit
from nanospeech_core.cli import generate as cli
from nanospeech_core.cli.flags import add_arguments, from_args
from nanospeech_core.config import SamplingConfig
from nanospeech_core.sampling.options import ITERATIONS, GenerateOptions


def parse(*argv: str) -> GenerateOptions:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_arguments(parser)
    return from_args(parser.parse_args(argv))


FLAGS = {
    "sampler": ("--sampler", "ode", "ode"),
    "voice": ("--voice", "heart", "heart"),
    "lang": ("--lang", "en-gb", "en-gb"),
    "lexicon": ("--lexicon", "words.tsv", "words.tsv"),
    "num_iter": ("--num_iter", "24", 24),
    "order": ("--order", "random", "random"),
    "diffusion_steps": ("--diffusion-steps", "16", 16),
    "temperature": ("--temperature", "0.9", 0.9),
    "temperature_schedule": ("--temperature-schedule", "linear", "linear"),
    "cfg": ("--cfg", "2.5", 2.5),
    "cfg_schedule": ("--cfg-schedule", "constant", "constant"),
    "steps": ("--steps", "32", 32),
    "method": ("--method", "rk4", "rk4"),
    "sway_coef": ("--sway-coef", "-0.5", -0.5),
    "refine": ("--refine", "0.25", 0.25),
    "refine_order": ("--refine-order", "random", "random"),
    "speed": ("--speed", "1.5", 1.5),
    "seed": ("--seed", "7", 7),
}


def test_without_flags_the_defaults_apply():
    assert parse() == GenerateOptions()
    GenerateOptions().check()


@pytest.mark.parametrize("field", FLAGS)
def test_flags_with_dashes_and_underscores(field):
    flag, written, value = FLAGS[field]
    expected = dataclasses.replace(GenerateOptions(), **{field: value})
    assert expected != GenerateOptions()
    for spelling in {"--" + flag[2:].replace("-", "_"), "--" + flag[2:].replace("_", "-")}:
        assert parse(spelling, written) == expected


def test_every_field_has_a_flag():
    names = {field.name for field in dataclasses.fields(GenerateOptions)}
    assert names == set(FLAGS) | {"use_diffusion", "stream", "ref_audio", "ref_text", "ref_asr"}
    assert parse("--use_diffusion") == parse("--use-diffusion") == GenerateOptions(use_diffusion=True)
    assert parse("--stream") == GenerateOptions(stream=True)
    assert parse("--refine") == parse("--refine", "0.3") == GenerateOptions(refine=0.3)
    expected = GenerateOptions(ref_audio="a.wav", ref_text="hi")
    assert parse("--ref_audio", "a.wav", "--ref-text", "hi") == expected
    expected = GenerateOptions(ref_audio="a.wav", ref_asr="faster-whisper:small")
    assert parse("--ref_audio", "a.wav", "--ref-asr", "faster-whisper:small") == expected


def test_help_lists_the_defaults(capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    help_text = " ".join(capsys.readouterr().out.split())
    assert (
        f"masked decoding iterations, 1 to 1000 (default: the voice's own number, else {ITERATIONS})"
        in help_text
    )
    assert "scale 1 + s" in help_text
    assert "--num-iter" not in help_text and "--ref_audio" not in help_text  # help has one spelling


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
    (["--sampler=refine", "--use-diffusion"], "--sampler refine and --use-diffusion cannot be used together"),
    (["--sampler=ode", "--refine"], "--sampler ode and --refine cannot be used together"),
    (["--batch-size", "8"], "--batch-size needs --input"),
]


@pytest.mark.parametrize(("flags", "message"), UNREAD, ids=lambda part: " ".join(part)[:40])
def test_flags_without_effect_are_refused(capsys, flags, message):
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
    """A hub id's config is: here the flags are checked once the model is loaded, before it speaks."""
    audio.write(tmp_path / "a.wav", np.zeros(2400))
    diffusion = {} if sampling.sampler else {"diffusion": None}
    pipeline = SimpleNamespace(config=tiny_config(sampling=sampling, **diffusion), sample_rate=24000)
    files = ["--model", "owner/name", "--output", str(tmp_path / "b.wav"), "--text=a", "--order=interleaved"]
    message = "of --sampler refine; --sampler ode (the default) does not read it"
    assert cli.run(lambda *_, **__: pipeline, files, "prog") == 1
    assert message in capsys.readouterr().err
    files += ["--audio", str(tmp_path / "a.wav"), "--edit=b"]
    assert edit.run(lambda *_, **__: pipeline, files, "prog") == 1
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
