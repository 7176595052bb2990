"""An option is declared once: its check, its flag and the table of samplers follow."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

import pytest

from nanospeech_core.cli.flags import add_sampling
from nanospeech_core.config import SAMPLER_NAMES
from nanospeech_core.errors import UserError
from nanospeech_core.evaluation import settings
from nanospeech_core.sampling.option_fields import option, options_by_sampler, options_of, options_of_group
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.sampling.samplers import SAMPLERS


@dataclass(frozen=True)
class WithChurn(GenerateOptions):
    """The options, and one more: all that a new sampler option needs in core."""

    churn_rate: float = option(
        0.25, samplers=("ode", "refine"), least=0, most=1, metavar="R", help="noise added between ODE steps"
    )


@dataclass(frozen=True)
class Kinds:
    number: float | None = option(None)
    count: int = option(1, least=1)
    path: str | os.PathLike[str] | Mapping[str, str] = option("", group="text")
    switch: bool = option(False)


def test_a_new_option_is_one_field(capsys):
    assert set(options_of(WithChurn)) - set(options_of(GenerateOptions)) == {"churn_rate"}
    assert options_by_sampler(WithChurn, SAMPLER_NAMES) == {
        "masked": SAMPLERS["masked"],
        "ode": (*SAMPLERS["ode"], "churn_rate"),
        "refine": (*SAMPLERS["refine"], "churn_rate"),
    }
    WithChurn(churn_rate=1).check()
    with pytest.raises(UserError, match="--churn-rate must be a number from 0 to 1, not 2"):
        WithChurn(churn_rate=2).check()
    with pytest.raises(UserError, match="--num_iter must be"):
        WithChurn(num_iter=0).check()
    parser = argparse.ArgumentParser()
    add_sampling(parser.add_argument_group("how"), WithChurn)
    for flag in ("--churn-rate", "--churn_rate"):
        assert parser.parse_args([flag, "0.5"]).churn_rate == 0.5
    assert parser.parse_args([]).churn_rate == 0.25
    parser.print_help()
    help_text = " ".join(capsys.readouterr().out.split())
    assert help_text.endswith("--churn-rate R noise added between ODE steps (default: 0.25)")


def test_a_new_option_is_a_key_of_settings(monkeypatch):
    monkeypatch.setattr(settings, "GenerateOptions", WithChurn)
    monkeypatch.setattr(settings, "SAMPLERS", options_by_sampler(WithChurn, SAMPLER_NAMES))
    assert settings.parse_setting("ode:churn_rate=0.5").options == WithChurn(sampler="ode", churn_rate=0.5)
    with pytest.raises(UserError, match="masked has no option 'churn_rate'"):
        settings.parse_setting("masked:churn_rate=0.5")


def test_every_option_is_declared():
    assert list(options_of(GenerateOptions)) == [field.name for field in fields(GenerateOptions)]
    groups = [options_of_group(GenerateOptions, name) for name in ("voice", "text", "sampling")]
    assert sorted(sum(groups, ())) == sorted(options_of(GenerateOptions))
    for declared in options_of(GenerateOptions).values():
        assert declared.help and set(declared.samplers) <= set(SAMPLER_NAMES)
        declared.check(declared.default)


def test_bounds_come_from_the_annotation():
    kinds = options_of(Kinds)
    assert [kind.types for kind in kinds.values()] == [(float,), (int,), (str, os.PathLike, Mapping), (bool,)]
    assert [kind.optional for kind in kinds.values()] == [True, False, False, False]
    assert [kind.flag for kind in kinds.values()] == ["--number", "--count", "--path", "--switch"]
    assert options_of_group(Kinds, "text") == ("path",)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("number", "1", "--number must be a number, not '1'"),
        ("number", float("nan"), "--number must be a number, not nan"),
        ("count", None, "--count must be a whole number of at least 1, not None"),
        ("count", 0, "--count must be a whole number of at least 1, not 0"),
        ("path", 5, "--path must be a string or a path or a mapping, not 5"),
        ("switch", None, "--switch must be True or False, not None"),
    ],
)
def test_a_value_of_another_kind(name, value, message):
    with pytest.raises(UserError) as caught:
        options_of(Kinds)[name].check(value)
    assert str(caught.value) == message
