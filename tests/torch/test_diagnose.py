"""diagnose: each stage uses one more part of the model; the tables. A tiny model and fake measures."""

import json

import corpus
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")
pytest.importorskip("jiwer")

from checkpoints import write_checkpoint

from nanospeech_core.audio import files as audio
from nanospeech_core.evaluation import scorers
from nanospeech_core.evaluation.dataset import TextItem
from nanospeech_core.evaluation.voices import choose_voices
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.voices import recognition
from nanospeech_torch import diagnose
from nanospeech_torch.nanospeech import Nanospeech
from nanospeech_torch.training.config import DataConfig
from nanospeech_torch.training.data.corpus import read_index
from nanospeech_torch.training.data.utterances import load_utterance


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("diagnose") / "tiny")


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return corpus.write_corpus(tmp_path_factory.mktemp("shards") / "a.tar", count=3, voices=1)


@pytest.fixture(autouse=True)
def measures(monkeypatch):
    """Nothing is recognized. Loudness is quality, and length is pitch."""
    monkeypatch.setattr(recognition, "recognizer", lambda *args: lambda wave, language: "")
    monkeypatch.setattr(scorers, "dnsmos", lambda: lambda wave: 1 + min(4.0, float(np.abs(wave).mean())))
    monkeypatch.setattr(scorers, "prosody", lambda: lambda wave: (float(len(wave)), None))


def test_a_stage_uses_the_recording_as_far_as_its_name_says(model, shard, monkeypatch):
    pipeline = Nanospeech.from_pretrained(model)
    entry = read_index(DataConfig(shards=(str(shard),)), pipeline.config, lambda line: None)[0]
    utterance = load_utterance(entry)
    item = TextItem(entry.key, entry.text, "en", entry.voice)
    with pytest.warns(UserWarning, match="no voice v0"):
        voices = choose_voices(pipeline, [item], GenerateOptions())
    decoded, prompts = [], []
    last_tokens = pipeline.last_tokens

    def decode(mel):
        decoded.append(mel)
        return np.zeros(256 * len(mel), np.float32)

    def generate(asked, *more):
        prompts.extend(asked)
        return last_tokens(asked, *more)

    monkeypatch.setattr(pipeline, "decode", decode)
    monkeypatch.setattr(pipeline, "last_tokens", generate)

    def speak(stage):
        options = GenerateOptions(num_iter=1)
        result = diagnose.speaker(stage, pipeline, {entry.key: entry}, voices, options)(item)
        assert result.error is None and result.wave is not None
        return result.wave

    assert len(speak("recording")) == entry.samples and not decoded
    speak("vocoder")
    np.testing.assert_array_equal(decoded.pop(), utterance.mel.astype(np.float32))
    speak("infilled")
    assert 0 <= len(utterance.mel) - len(decoded.pop()) < 4
    assert not prompts
    speak("durations")
    (prompt,) = prompts
    own = prompt.text[-len(utterance.mel) :]
    np.testing.assert_array_equal(own, np.repeat(utterance.ids, utterance.durations))
    assert 0 <= len(decoded.pop()) - len(utterance.mel) < 4  # whole tokens
    speak("text")
    assert len(prompts) == 2


@pytest.mark.slow
def test_the_command(model, shard, tmp_path, monkeypatch, capsys):
    texts = [entry["text"] for entry in metas(shard)]
    answers = iter(texts + [text[1:] for text in texts] + texts)
    monkeypatch.setattr(recognition, "recognizer", lambda *args: lambda wave, language: next(answers))
    flags = ["--stages", "recording", "durations", "text", "--asr", "fake", "--setting", "masked:num_iter=1"]
    out, report = tmp_path / "out", tmp_path / "all.json"
    files = ["--output", str(out), "--json", str(report)]
    assert diagnose.main([str(model), str(shard), *flags, *files, "--quiet"]) == 0
    shown = capsys.readouterr().out
    scores, differences, rates, *confusions = shown.strip().split("\n\n")
    assert [line.split()[0] for line in scores.splitlines()] == ["setting", "recording", "durations", "text"]
    assert [line.split("  ")[0] for line in differences.splitlines()] == [
        "difference", "durations - recording", "text - durations", "text - recording",
    ]  # fmt: skip
    assert "+100.0 (+100.0 to +100.0)" in differences  # each text is one word
    assert rates.splitlines()[0].startswith("en: wrong, %") and not confusions  # the last stage is right
    stages = json.loads(report.read_text())["stages"]
    assert [stage["wer"] for stage in stages] == [0, 100, 0]
    assert len(audio.read(out / "recording" / "u000.wav")) == stages[0]["utterances"][0]["seconds"] * 24000


def metas(shard) -> list[dict]:
    import tarfile

    with tarfile.open(shard) as tar:
        return [json.load(tar.extractfile(m)) for m in tar.getmembers() if m.name.endswith(".json")]


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--setting", "mask"], "there is no sampler 'mask'"),
        (["--limit", "0"], "--limit must be at least 1"),
        (["--stages", "mel"], "invalid choice"),
    ],
)
def test_bad_arguments(flags, message, capsys):
    with pytest.raises(SystemExit) as raised:
        diagnose.main(["embedded", "x.tar", *flags])
    assert raised.value.code == 2 and message in capsys.readouterr().err
