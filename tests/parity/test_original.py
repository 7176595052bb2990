"""Original Nanospeech checkpoints: loaded from a folder of their layout, the same on both backends."""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from backends import NAMES, Backend, relative_error
from checkpoints import make_voice
from originals import VOCAB, VOCOS, original_config, original_weights, write_original, write_vocos

from nanospeech_core.audio import files as audio
from nanospeech_core.checkpoints.tensors import load_tensors
from nanospeech_core.sampling.prompt import Prompt
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.voices.reference import Reference

GOLDEN = Path(__file__).parents[1] / "golden"
TEXT = "Hello there, how are you?"
pytest.importorskip("torch")  # it writes the vocoder's file


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    config = original_config()
    return write_original(
        tmp_path_factory.mktemp("original") / "model", original_weights(Backend("torch"), config)
    )


@pytest.fixture(scope="module")
def vocos(tmp_path_factory) -> Path:
    return write_vocos(tmp_path_factory.mktemp("vocos") / "vocos")


@pytest.fixture(scope="module")
def pipelines(folder, vocos):
    return {
        name: Backend(name).module("nanospeech").Nanospeech.from_pretrained(folder, vocoder=vocos)
        for name in NAMES
    }


@pytest.fixture
def recording(tmp_path) -> dict[str, str]:
    voice = make_voice("me", "en-us", "Good day to you.", "")
    audio.write(tmp_path / "me.wav", voice.audio)
    return {"ref_audio": str(tmp_path / "me.wav"), "ref_text": voice.text}


@pytest.mark.parametrize("name", NAMES)
def test_the_config_is_read_from_the_tensors(pipelines, name):
    assert pipelines[name].config == replace(original_config(), vocoder=VOCOS)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"method": "euler", "cfg": 1.0}, {"seed": 3, "speed": 1.5}], ids=str)
def test_both_backends_speak_alike(pipelines, recording, options):
    waves = [pipelines[name].generate(TEXT, **recording, **options) for name in NAMES]
    assert len(waves[0]) > 256 * len(TEXT) and 0.01 < np.abs(waves[0]).max() < 1
    assert relative_error(waves[1], waves[0]) <= 1e-3


@pytest.mark.slow
def test_nanospeechs_defaults_apply(pipelines, recording):
    """Eight points in time (seven intervals), rk4, strength 2, sway -1."""
    pipeline = pipelines["torch"]
    wave = pipeline.generate(TEXT, **recording)
    named = dict(steps=7, method="rk4", cfg=3.0, sway_coef=-1.0)
    assert (wave == pipeline.generate(TEXT, **recording, **named)).all()
    for other in ({"steps": 8}, {"method": "midpoint"}, {"cfg": 2.0}, {"sway_coef": 0.0}):
        assert relative_error(pipeline.generate(TEXT, **recording, **{**named, **other}), wave) > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_without_a_reference_an_embedded_voice_is_borrowed(pipelines, name):
    assert [voice.name for voice in pipelines[name].voices()] == [
        "heart",
        "emma",
        "george",
        "michael",
        "xiaoxiao",
        "yunxi",
    ]
    wave = pipelines[name].generate("Hi.", voice="emma", steps=1, method="euler")
    assert len(wave) and np.isfinite(wave).all()


@pytest.mark.parametrize("name", NAMES)
def test_without_the_public_vocoder_the_embedded_one_speaks_with_a_warning(
    folder, name, tmp_path, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.warns(
        UserWarning, match="embedded vocoder is used: .*charactr/vocos-mel-24khz.* HF_HUB_OFFLINE"
    ):
        pipeline = Backend(name).module("nanospeech").Nanospeech.from_pretrained(folder)
    with warnings.catch_warnings(action="error"):
        embedded = Backend(name).module("nanospeech").Nanospeech.from_pretrained()
    mel = np.random.default_rng(0).normal(-5, 2, (20, 100))
    assert (pipeline.decode(mel) == embedded.decode(mel)).all()


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    """The golden weights as a folder of the original layout, the golden numbers, and their config."""
    tensors, metadata = load_tensors(GOLDEN / "nanospeech.safetensors")
    config = json.loads(metadata["config"])
    weights = {
        name.removeprefix("model.").replace("duration.", "duration_predictor.", 1): array
        for name, array in tensors.items()
        if name.startswith(("model.", "duration."))
    }
    vocab = tuple(symbol if symbol != "\n" else "" for symbol in config["vocab"])  # as split by lines
    folder = write_original(tmp_path_factory.mktemp("golden") / "model", weights, vocab)
    return folder, tensors, config


@pytest.fixture(params=NAMES)
def golden_pipeline(request, golden):
    backend = Backend(request.param)
    with pytest.warns(UserWarning, match="embedded vocoder"):
        pipeline = backend.module("nanospeech").Nanospeech.from_pretrained(golden[0])
    return backend, pipeline


def test_golden_text(golden_pipeline, golden):
    _, pipeline = golden_pipeline
    _, tensors, config = golden
    text = pipeline.config.text
    ids = Tokenizer(text.kind, text.vocab).encode(config["text"])
    assert (ids == tensors["dit.text"][0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4", None])
def test_golden_sampling(golden_pipeline, golden, monkeypatch, method):
    """The numbers of the original, its strength 2 and sway -1 (and rk4) taken from the folder's defaults."""
    backend, pipeline = golden_pipeline
    _, tensors, config = golden
    assert (config["cfg_strength"], config["sway_sampling_coef"]) == (2.0, -1.0)
    total, visible = config["total_frames"], config["ref_frames"]
    cond = np.zeros((total, 100), np.float32)
    cond[:visible] = tensors["sample.ref_mel"][0]
    prompt = Prompt(cond, np.arange(total) < visible, tensors["dit.text"][0])
    noise = SimpleNamespace(initial=tensors["sample.noise"])
    monkeypatch.setattr("nanospeech_core.synthesis.backend.Noise", lambda *_: noise)
    mel = pipeline.sample(prompt, method=method, steps=config["steps"] - 1)
    assert relative_error(mel, tensors[f"sample.{method or 'rk4'}.out"]) < 1e-4


def test_golden_duration(golden_pipeline, golden):
    _, pipeline = golden_pipeline
    _, tensors, _ = golden
    ids = tensors["dur.text"][0]
    reference = Reference(tensors["dur.cond"][0], ids[:10], np.zeros(0, np.int64))
    (seconds,) = tensors["dur.seconds"]
    frames = pipeline.predict_frames(reference, ids[10:], speed=0.01)  # slow, to be seen past the rounding
    assert seconds * 93.75 > 40
    assert frames == pytest.approx((seconds * 93.75 - 40) * 100, abs=1)


def test_the_vocabulary_is_complete():
    assert len(set(VOCAB)) == len(VOCAB)
