"""The scorers of an evaluation, around stand-ins for their libraries."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from nanospeech_core.evaluation import scorers
from nanospeech_core.voices import recognition

SECOND = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000).astype(np.float32)


def fake(monkeypatch, name: str, **members) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)
    return module


# words


def test_words_have_no_punctuation():
    assert (
        scorers.words_or_characters("Don't -- STOP, Señor;\n2 well-known")
        == "don't stop señor 2 well known".split()
    )
    assert scorers.words_or_characters("it’s", "en") == ["it's"]
    assert scorers.words_or_characters("...") == []


def test_chinese_characters_are_simplified():
    assert scorers.words_or_characters("你好, world。請問2", "zh") == list("你好请问")
    assert scorers.words_or_characters("請問您知道現在幾點了嗎？", "zh") == list("请问您知道现在几点了吗")


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "", 3),
        ("a b c", "a x c", 1),
        ("a b c", "b c d e", 3),
        ("a", "b a c", 2),
    ],
)
def test_errors_are_counted(reference, hypothesis, errors):
    pytest.importorskip("jiwer")
    assert scorers.count_errors(reference.split(), hypothesis.split()) == errors


# how it sounds


def test_the_encoder_of_silence(monkeypatch):
    encoder = SimpleNamespace(embed_utterance=lambda wave: wave[:2])
    fake(
        monkeypatch,
        "resemblyzer",
        VoiceEncoder=lambda device, verbose: encoder,
        preprocess_wav=lambda wave: wave[np.abs(wave) > 0.5],
    )
    embed = scorers.voice_encoder()
    assert embed(np.zeros(100, dtype=np.float32)) is None  # Resemblyzer would take its logarithm
    assert embed(np.full(100, 0.4, dtype=np.float32)) is None  # no voice in it
    assert embed(np.full(100, 1.2, dtype=np.float32)).tolist() == [1, 1]  # not beyond 16 bits


def test_dnsmos_receives_samples_in_its_range(monkeypatch):
    received = {}
    library = fake(monkeypatch, "speechmos.dnsmos")
    library.run = lambda wave, sr: received.update(wave=wave, sr=sr) or {"ovrl_mos": np.float64(3.25)}
    assert scorers.dnsmos()(SECOND * 1.5) == 3.25
    assert received["sr"] == 16000 and np.abs(received["wave"]).max() == 1


def test_prosody_of_known_speech():
    pytest.importorskip("librosa")
    prosody = scorers.prosody()
    pitch, level = prosody(SECOND)
    assert pitch < 0.3 and level < 0.5
    # an octave apart, half of the time each: a deviation of 6 semitones; 12 dB apart: of 6 dB
    octave = np.concatenate([SECOND, 0.25 * SECOND[::2], 0.25 * SECOND[::2]])
    pitch, level = prosody(octave)
    assert pitch == pytest.approx(6, abs=0.5) and level == pytest.approx(6, abs=0.5)
    # one tenth of it an octave off, as a tracker may have it: hardly anything
    assert prosody(np.concatenate([SECOND, SECOND[: 2 * 1600 : 2]]))[0] < 0.3
    # 60 dB below is no speech, whatever the tracker finds there
    assert prosody(np.concatenate([SECOND, 0.001 * SECOND[::2], 0.001 * SECOND[::2]]))[0] < 0.3
    assert prosody(np.zeros(16000, dtype=np.float32)) == (None, None)
    assert prosody(SECOND[:300])[0] is None  # too short for a pitch


def test_real_dnsmos_and_similarity():
    for name in ("speechmos", "onnxruntime", "resemblyzer", "webrtcvad"):
        pytest.importorskip(name)
    from nanospeech_core.audio.mel import SAMPLE_RATE
    from nanospeech_core.checkpoints.folder import PRETRAINED
    from nanospeech_core.voices.store import list_voices

    opinion, embed = scorers.dnsmos(), scorers.voice_encoder()
    voices = {voice.name: recognition.resample(voice.audio, SAMPLE_RATE) for voice in list_voices(PRETRAINED)}
    noise = np.random.default_rng(0).normal(0, 0.05, 48000).astype(np.float32)
    assert opinion(voices["heart"]) > 2.5 > 1.5 > opinion(noise)
    half = len(voices["heart"]) // 2
    same = embed(voices["heart"][:half]) @ embed(voices["heart"][half:])
    assert same > embed(voices["heart"]) @ embed(voices["george"]) + 0.1


def test_the_command_that_installs_it_is_true():
    tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    assert scorers.INSTALL.startswith('pip install ".[evaluate]" in the folder of')
    extra = " ".join(project["project"]["optional-dependencies"]["evaluate"])
    for package in ("faster-whisper", "jiwer", "speechmos", "librosa", "webrtcvad-wheels"):
        assert package in extra
    assert "resemblyzer" not in extra  # it would build webrtcvad: scorers.voice_encoder names the other way
