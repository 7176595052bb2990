"""Vocoders from elsewhere: the public layout, ours, and what fits no mel of ours."""

import json
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint
from originals import VOCOS, vocos_yaml, write_vocos

from nanospeech_core.checkpoints.tensors import load_tensors, save_tensors, swap_conv_axes
from nanospeech_core.checkpoints.vocoder import find_vocoder, load_vocoder, load_with_vocoder
from nanospeech_core.config import VocosConfig
from nanospeech_core.errors import UserError

GOLDEN = Path(__file__).parents[2] / "golden" / "vocos.safetensors"
pytest.importorskip("torch")  # writes pytorch_model.bin


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_vocoder_from_its_public_layout(tmp_path, name):
    """Weights as in the public file, with its buffers, give the audio of the original Vocos."""
    tensors, metadata = load_tensors(GOLDEN)
    mel, audio = tensors.pop("mel").swapaxes(1, 2)[0], tensors.pop("audio")[0]
    config = json.loads(metadata["config"])
    config.pop("padding")
    weights = {key: array for key, array in tensors.items() if key != "head.istft.window"}
    vocoder = write_vocos(tmp_path / "vocos", weights, VocosConfig(**config))
    backend = Backend(name)
    model = write_checkpoint(tmp_path / "model")
    pipeline = backend.module("nanospeech").Nanospeech.from_pretrained(model, vocoder=vocoder)
    assert asdict(pipeline.config.vocoder) == config
    ours = pipeline.decode(np.ascontiguousarray(mel))
    assert np.abs(ours - np.clip(audio, -1, 1)).max() <= 1e-5 * np.abs(audio).max()


def test_every_layout_gives_the_same_weights(tmp_path):
    public = write_vocos(tmp_path / "public")
    config, weights = load_vocoder(public, "pt")
    assert config == VOCOS and not any("window" in name or "mel_spec" in name for name in weights)
    file = tmp_path / "vocos.safetensors"
    save_tensors(file, swap_conv_axes(weights), {"format": "mlx", "config": json.dumps(asdict(config))})
    ours = write_checkpoint(tmp_path / "ours", config=tiny_config(vocoder=VOCOS))
    save_tensors(ours / "vocos.safetensors", weights, {"format": "pt"})
    for place in (file, ours):
        again, same = load_vocoder(find_vocoder(place), "pt")
        assert again == config and set(same) == set(weights)
        assert all((same[name] == array).all() for name, array in weights.items())
    swapped = load_vocoder(public, "mlx")[1]
    assert all((swapped[name] == array).all() for name, array in swap_conv_axes(weights).items())


def test_another_vocoder_takes_the_place_of_the_checkpoints(tmp_path):
    model, vocoder = write_checkpoint(tmp_path / "model"), write_vocos(tmp_path / "vocos")
    with warnings.catch_warnings(action="error"):
        before, own = load_with_vocoder(model, "pt")
        after, tensors = load_with_vocoder(model, "pt", vocoder)
    assert before.vocoder == tiny_config().vocoder != after.vocoder == VOCOS
    _, weights = load_vocoder(vocoder, "pt")
    assert {name: array for name, array in own.items() if not name.startswith("vocoder.")}.keys() == {
        name for name in tensors if not name.startswith("vocoder.")
    }
    assert {name for name in tensors if name.startswith("vocoder.")} == {
        f"vocoder.{name}" for name in weights
    }


def test_a_vocoder_that_was_asked_for_and_is_absent_is_an_error(tmp_path):
    model = write_checkpoint(tmp_path / "model")
    with pytest.raises(UserError, match="does not exist"):
        load_with_vocoder(model, "pt", tmp_path / "none")
    with pytest.raises(UserError, match="contains no vocoder"):
        load_with_vocoder(model, "pt", tmp_path)
    (tmp_path / "vocos.safetensors").write_bytes(GOLDEN.read_bytes())
    with pytest.raises(UserError, match="unknown key 'padding'"):
        load_with_vocoder(model, "pt", tmp_path / "vocos.safetensors")
    save_tensors(tmp_path / "vocos.safetensors", {"a": np.zeros(1)})
    with pytest.raises(UserError, match="has no config in its metadata"):
        load_with_vocoder(model, "pt", tmp_path / "vocos.safetensors")


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_do_not_fit_give_an_error(tmp_path, name):
    model, vocoder = write_checkpoint(tmp_path / "model"), write_vocos(tmp_path / "vocos")
    values = vocos_yaml()
    values["backbone"]["init_args"]["num_layers"] = 3
    (vocoder / "config.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(UserError, match="missing: vocoder.backbone.convnext.2"):
        Backend(name).module("nanospeech").Nanospeech.from_pretrained(model, vocoder=vocoder)


def change(values: dict, path: str, value: object) -> dict:
    part = values
    *parents, last = path.split("/")
    for key in parents:
        part = part[key]
    part[last] = value
    return values


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("feature_extractor/init_args/hop_length", 320, "a mel with hop_length 320; this model has 256"),
        ("feature_extractor/init_args/sample_rate", 44100, "sample_rate 44100; this model has 24000"),
        ("feature_extractor/init_args/padding", "same", "padding same; this model has center"),
        (
            "feature_extractor/class_path",
            "vocos.feature_extractors.EncodecFeatures",
            "must be MelSpectrogram",
        ),
        ("backbone/class_path", "vocos.models.VocosResNetBackbone", "backbone must be VocosBackbone"),
        ("head/class_path", "vocos.heads.IMDCTSymExpHead", "head must be ISTFTHead"),
        ("head/init_args/padding", "same", "head.padding must be center"),
        ("head/init_args/dim", 7, "head.dim must equal backbone.dim"),
        ("backbone/init_args/adanorm_num_embeddings", 4, "unknown key 'adanorm_num_embeddings'"),
        ("backbone/init_args/dim", "wide", "head.dim must equal backbone.dim"),
        ("backbone", None, "backbone must be VocosBackbone"),
    ],
)
def test_another_makers_config_gives_an_error(tmp_path, path, value, sentence):
    folder = write_vocos(tmp_path / "vocos")
    (folder / "config.yaml").write_text(yaml.safe_dump(change(vocos_yaml(), path, value)))
    with pytest.raises(UserError, match=sentence):
        load_vocoder(folder, "pt")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("a: [", "is not valid YAML"), ("- 1", "does not describe a Vocos"), ("", "does not describe a Vocos")],
)
def test_a_broken_config_gives_an_error(tmp_path, text, sentence):
    folder = write_vocos(tmp_path / "vocos")
    (folder / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=sentence):
        load_vocoder(folder, "pt")


def test_options_that_are_not_taken_are_accepted(tmp_path):
    folder = write_vocos(tmp_path / "vocos")
    values = change(vocos_yaml(), "backbone/init_args/layer_scale_init_value", None)
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    assert load_vocoder(folder, "pt")[0] == VOCOS


@pytest.mark.parametrize("name", NAMES)
def test_a_config_larger_than_the_memory_gives_an_error(tmp_path, name):
    """Before any network is made: these would have 10^12 weights each."""
    folder = write_checkpoint(tmp_path / "model")
    path = folder / "config.json"
    for section, key, value in (
        ("transformer", "ff_mult", 1_000_000),
        ("phone_duration", "dim", 960_000),
        ("vocoder", "intermediate_dim", 1_000_000),
        ("diffusion", "width", 1_000_000),
    ):
        values = asdict(tiny_config())
        values[section][key] = value
        path.write_text(json.dumps(values))
        with pytest.raises(UserError, match=r"does not match its config; tensors .*of the wrong shape: "):
            Backend(name).module("nanospeech").Nanospeech.from_pretrained(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("file", ["model", "vocos"])
def test_weights_that_are_not_finite_give_an_error(tmp_path, file, value):
    """A flipped bit of an exponent: the speech would be NaN, which players turn into a bang or silence."""
    path = write_checkpoint(tmp_path / "model", dtype="F16") / f"{file}.safetensors"
    tensors, metadata = load_tensors(path)
    name = next(name for name in tensors if tensors[name].ndim == 2)
    tensors = {key: np.array(array) for key, array in tensors.items()}
    tensors[name][0, 0] = value
    save_tensors(path, tensors, metadata)
    with pytest.raises(UserError, match=f"is damaged: the tensor .*{name} has values that are not finite"):
        load_with_vocoder(tmp_path / "model", "pt")
