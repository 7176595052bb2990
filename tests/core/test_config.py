"""config.json, read strictly."""

import json

import pytest
from checkpoints import tiny_config

from nanospeech_core.config import DurationConfig, ModelConfig, VocosConfig
from nanospeech_core.errors import UserError


def as_json(config: ModelConfig) -> dict:
    return json.loads(json.dumps(config.to_dict()))


def changed(path: str, value: object) -> dict:
    values = as_json(tiny_config(duration=DurationConfig()))
    *sections, key = path.split(".")
    inner = values
    for section in sections:
        inner = inner[section]
    inner[key] = value
    return values


@pytest.mark.parametrize(
    "config",
    [ModelConfig(), tiny_config(), tiny_config(diffusion=None, vocoder=None, duration=DurationConfig())],
    ids=["default", "tiny", "other sections"],
)
def test_there_and_back(config):
    assert ModelConfig.from_dict(as_json(config)) == config


def test_absent_keys_are_defaults():
    assert ModelConfig.from_dict({}) == ModelConfig()
    assert ModelConfig.from_dict({"vocoder": {"dim": 64}}).vocoder == VocosConfig(dim=64)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("transfromer", {}, "config: unknown key 'transfromer' (did you mean 'transformer'?)"),
        ("transformer.dims", 3, "config.transformer: unknown key 'dims' (did you mean 'dim'?)"),
        ("transformer.dim", 32.0, "config.transformer.dim must be int, not 32.0"),
        ("transformer.dim", True, "config.transformer.dim must be int, not True"),
        ("transformer.dim", None, "config.transformer.dim must be int, not None"),
        ("transformer", [], "config.transformer must contain named values, not list"),
        ("text.vocab", "abc", "config.text.vocab must be a list, not str"),
        ("text.vocab", [1], "config.text.vocab must be str, not 1"),
        ("residual", 1, "config.residual must be bool, not 1"),
        ("predict", "noise", "config: predict must be one of clean, velocity, not 'noise'"),
        ("text.languages", [], "config: text.languages names no language"),
        ("text.kind", "words", "config: text.kind must be one of phonemes, characters, not 'words'"),
        ("diffusion.objective", "edm", "config: diffusion.objective must be one of flow, ddpm, not 'edm'"),
        ("diffusion.target_channels", 100, "but a token has patch x mel_dim = 400 numbers"),
        ("diffusion.z_channels", 64, "but transformer.dim is 32"),
        ("diffusion.context", -1, "config: diffusion.context must be at least 0, not -1"),
        ("diffusion.regression", 1, "config.diffusion.regression must be bool, not 1"),
        ("transformer.heads", 0, "config: transformer.heads must be at least 1, not 0"),
        ("transformer.depth", -1, "config: transformer.depth must be at least 0, not -1"),
        ("transformer.dim", 24, "config: transformer.dim must be a multiple of 16, not 24"),
        ("duration.dim_head", 15, "config: duration.dim_head must be a multiple of 2, not 15"),
        ("transformer.conv_pos_kernel", 8, "config: transformer.conv_pos_kernel must be odd, not 8"),
        ("phone_duration.conv_pos_groups", 0, "phone_duration.conv_pos_groups must be at least 1, not 0"),
        ("phone_duration.text_num_embeds", 9, "but text.vocab has 114 symbols"),
        ("vocoder.n_fft", 1000, "config: vocoder.n_fft must be a multiple of 512, not 1000"),
        ("vocoder.num_layers", 0, "config: vocoder.num_layers must be at least 1, not 0"),
        ("vocoder.input_channels", 80, "but transformer.mel_dim is 100"),
        ("phone_duration", None, 'text.alignment "durations" needs phone_duration'),
        ("mel.std", 0, "config: mel.std and residual_std must be positive"),
        ("residual_std", float("nan"), "config: mel.std and residual_std must be positive"),
        ("mel.std", float("inf"), "config: mel.std and residual_std must be positive"),
        ("mel.mean", float("nan"), "and mel.mean a number"),
        ("transformer.depth", 1001, "config: transformer.depth must be at most 1000, not 1001"),
        ("vocoder.num_layers", 10**9, "config: vocoder.num_layers must be at most 1000, not 1000000000"),
        ("transformer.ff_mult", 10**7, "config: transformer.ff_mult must be at most 1000000, not 10000000"),
    ],
)
def test_what_does_not_fit_is_named(path, value, sentence):
    with pytest.raises(UserError) as caught:
        ModelConfig.from_dict(changed(path, value))
    assert sentence in str(caught.value)


def test_a_head_cannot_be_conditioned_on_a_missing_regression():
    values = {"residual": False, "diffusion": {"regression": True}}
    with pytest.raises(UserError, match="diffusion.regression needs residual"):
        ModelConfig.from_dict(values)
    assert ModelConfig.from_dict({"diffusion": {"regression": True}}).diffusion.regression


@pytest.mark.parametrize("values", [[], None, "config", 3])
def test_no_object(values):
    with pytest.raises(UserError, match="must contain named values"):
        ModelConfig.from_dict(values)
