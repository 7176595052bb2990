"""From training runs to a folder that speaks."""

import dataclasses
import json

import numpy as np
import pytest
from corpus import small_model, write_corpus

torch = pytest.importorskip("torch")

from nanospeech_core.checkpoint import save_tensors  # noqa: E402
from nanospeech_core.config import AlignerConfig, VocosConfig  # noqa: E402
from nanospeech_core.text import SYMBOLS  # noqa: E402
from nanospeech_torch import Nanospeech, Vocos  # noqa: E402
from nanospeech_torch.aligner import Aligner  # noqa: E402
from nanospeech_torch.export import main  # noqa: E402

VOICE = {"name": "tone", "key": "u000", "language": "en-us", "description": "a row of tones", "default": True}


@pytest.fixture
def parts(tmp_path):
    """The arguments; the files: a run whose `ema` differs from its `model`, a vocoder, voices, a shard."""
    torch.manual_seed(0)
    model = small_model()
    networks = Nanospeech.from_config(model)
    ema = {name: value + 1e-3 for name, value in networks.state_dict().items()}
    torch.save({"model": networks.state_dict(), "ema": ema, "config": model.to_dict()}, tmp_path / "a.pt")
    config = VocosConfig(dim=16, intermediate_dim=32, num_layers=1)
    weights = {k: v.numpy() for k, v in Vocos(**dataclasses.asdict(config)).state_dict().items()}
    metadata = {"format": "pt", "config": json.dumps(dataclasses.asdict(config))}
    save_tensors(tmp_path / "v.safetensors", weights, metadata)
    (tmp_path / "voices.json").write_text(json.dumps([VOICE]))
    write_corpus(tmp_path / "s.tar", count=2, letters=20)
    return [str(tmp_path / "a.pt"), str(tmp_path / "v.safetensors"), "-o", str(tmp_path / "out")]


def with_voices(parts, tmp_path):
    return [*parts, "--voices", str(tmp_path / "voices.json"), "--shards", str(tmp_path / "s.tar")]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_exports_a_folder_that_speaks(parts, tmp_path, dtype):
    assert main([*with_voices(parts, tmp_path), "--dtype", dtype]) == 0
    tts = Nanospeech.from_pretrained(tmp_path / "out")
    ema = torch.load(parts[0], weights_only=True)["ema"]
    for name, value in tts.state_dict().items():
        if not name.startswith(("vocoder.", "aligner.")):
            np.testing.assert_allclose(value, ema[name], rtol=1e-3 if dtype == "float16" else 0, atol=1e-6)
    (voice,) = tts.voices()
    assert (voice.name, voice.default, len(voice.durations)) == ("tone", True, len(voice.phonemes) + 2)
    assert len(tts.generate("Hello there.", use_diffusion=True)) > 2400


def save_aligner(path, vocab):
    config = AlignerConfig(dim=8, key_dim=4, mel_layers=1, lag=1)
    weights = Aligner(**dataclasses.asdict(config)).state_dict()
    text = {"vocab": vocab}
    torch.save({"ema": weights, "config": {"text": text, "aligner": dataclasses.asdict(config)}}, path)
    return weights


def test_exports_an_aligner_of_its_own(parts, tmp_path, capsys):
    weights = save_aligner(tmp_path / "l.pt", list(SYMBOLS))
    assert main([*parts, "--dtype", "float32", "--aligner", str(tmp_path / "l.pt")]) == 0
    aligner = Nanospeech.from_pretrained(tmp_path / "out").aligner
    assert aligner.lag == 1
    assert all((value == weights[name]).all() for name, value in aligner.state_dict().items())
    save_aligner(tmp_path / "l.pt", list(SYMBOLS)[::-1])
    assert main([*parts, "--aligner", str(tmp_path / "l.pt")]) == 1
    assert "another text.vocab" in capsys.readouterr().err


@pytest.mark.parametrize(
    "damage",
    [
        lambda parts, tmp: parts.__setitem__(0, str(tmp / "absent.pt")),
        lambda parts, tmp: torch.save({"step": 1}, parts[0]),
        lambda parts, tmp: parts.__setitem__(1, str(tmp / "absent.safetensors")),
        lambda parts, tmp: save_tensors(parts[1], {"a": np.zeros(1, "f4")}, {"format": "pt"}),
        lambda parts, tmp: (tmp / "voices.json").write_text("{"),
        lambda parts, tmp: (tmp / "voices.json").write_text('{"heart": 1}'),
        lambda parts, tmp: (tmp / "voices.json").write_text(json.dumps([{**VOICE, "key": "nobody"}])),
    ],
)
def test_bad_input_is_one_sentence(parts, tmp_path, capsys, damage):
    damage(parts, tmp_path)
    assert main(with_voices(parts, tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.startswith("export: ")
    assert error.count("\n") == 1
