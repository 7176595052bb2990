"""The measures of an evaluation: each library's face, and what the numbers come to."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.evaluation import scorers
from nanospeech_core.evaluation.dataset import Row
from nanospeech_core.evaluation.metrics import Measures, Spoken, describe, error_rate, measure, summarize
from nanospeech_core.evaluation.tables import table
from nanospeech_core.voices import recognition

SECOND = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000).astype(np.float32)


def fake(monkeypatch, name: str, **members) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)
    return module


# words


def test_units_are_words_without_punctuation():
    assert scorers.units("Don't -- STOP, Señor;\n2 well-known") == "don't stop señor 2 well known".split()
    assert scorers.units("it’s", "en") == ["it's"]
    assert scorers.units("...") == []


def test_units_of_chinese_are_simplified_characters():
    assert scorers.units("你好, world。請問2", "zh") == list("你好请问")
    assert scorers.units("請問您知道現在幾點了嗎？", "zh") == list("请问您知道现在几点了吗")


@pytest.mark.parametrize(
    ("wanted", "heard", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "", 3),
        ("a b c", "a x c", 1),
        ("a b c", "b c d e", 3),
        ("a", "b a c", 2),
    ],
)
def test_errors_are_counted(wanted, heard, errors):
    pytest.importorskip("jiwer")
    assert scorers.count_errors(wanted.split(), heard.split()) == errors


# recognizers


class Whisper:
    made = []
    supported_languages = ["en"]

    def __init__(self, name, **options):
        if name == "gone":
            raise ValueError("no such model\nmore of it")
        self.made.append((name, options))

    def transcribe(self, wave, **options):
        self.options = options
        return iter([SimpleNamespace(text=" Hello "), SimpleNamespace(text="there.")]), None


def test_faster_whisper(monkeypatch):
    fake(monkeypatch, "faster_whisper", WhisperModel=Whisper)
    for name in ("faster-whisper:tiny.en", "tiny.en"):
        assert recognition.recognizer(name, ["en"], threads=2)(SECOND, "en") == "Hello there."
        made, options = Whisper.made[-1]
        assert made == "tiny.en" and options["cpu_threads"] == 2 and options["device"] == "cpu"
    with pytest.raises(UserError, match="asr 'tiny.en' does not support zh$"):
        recognition.recognizer("tiny.en", ["en", "zh"])
    with pytest.raises(UserError, match="asr 'gone' cannot be loaded: no such model$"):
        recognition.recognizer("gone")


@pytest.mark.parametrize("name", ["wisper:tiny", "faster-whisper:", ":tiny", "C:\\models"])
def test_a_recognizer_of_another_kind(name):
    with pytest.raises(UserError, match="there is no recognizer .*; known: faster-whisper:NAME_OR_PATH"):
        recognition.recognizer(name)


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


def test_dnsmos_hears_within_its_range(monkeypatch):
    heard = {}
    library = fake(monkeypatch, "speechmos.dnsmos")
    library.run = lambda wave, sr: heard.update(wave=wave, sr=sr) or {"ovrl_mos": np.float64(3.25)}
    assert scorers.dnsmos()(SECOND * 1.5) == 3.25
    assert heard["sr"] == 16000 and np.abs(heard["wave"]).max() == 1


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


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100])
@pytest.mark.parametrize("count", [1, 2, 1601, 79616])
def test_resampled_length(rate, count):
    wave = recognition.resample(np.ones(count, dtype=np.float32), rate)
    assert len(wave) == -(-count * 16000 // rate) and wave.dtype == np.float32


# together


def one(errors: int, units: int, lang: str = "en", **more) -> dict:
    return {"id": "x", "lang": lang, "errors": errors, "units": units, "seconds": 2.0, **more}


def test_a_summary():
    lines = [
        one(0, 4, elapsed=100.0, dnsmos=3.0, similarity=None),
        one(3, 6, elapsed=1.0, dnsmos=2.0, similarity=0.5),
        one(1, 4, "zh", elapsed=2.0),
        {"id": "y", "lang": "en", "errors": 10, "units": 10, "error": "too long"},
    ]
    found = summarize(lines)
    assert (found["count"], found["failed"], found["seconds"]) == (4, 1, 6)
    assert found["wer"] == 65 and found["cer"] == 25  # of all words together, not the mean of the sentences'
    assert found["real_time_factor"] == 0.75  # without the first
    assert (found["dnsmos"], found["similarity"]) == (2.5, 0.5) and "f0_sd" not in found
    assert summarize([one(0, 1, elapsed=1.0)]).keys() == {"count", "failed", "seconds", "wer", "wer_ci"}


def test_an_interval_narrows_with_the_number_of_texts():
    few = error_rate([0, 1, 2, 5] * 2, [10] * 8, "wer")
    many = error_rate([0, 1, 2, 5] * 200, [10] * 800, "wer")
    assert few["wer"] == many["wer"] == 20
    widths = [high - low for low, high in (few["wer_ci"], many["wer_ci"])]
    # the standard error of a mean of n sentences, whose deviation is 18.7 points
    assert widths == [pytest.approx(2 * 1.96 * 18.7 / n**0.5, rel=0.15) for n in (8, 800)]
    assert few["wer_ci"][0] < 20 < few["wer_ci"][1]
    assert error_rate([1], [4], "cer") == {"cer": 25, "cer_ci": [25, 25]}


def test_nothing_is_measured_that_is_not_asked_for():
    wave = np.ones(24000, dtype=np.float32)
    row = Row("a", "Hello there.")
    assert describe(wave, Measures()) == {"embedding": None}
    assert measure(Spoken(wave), row, Measures(), {}) == {"seconds": 1.0}
    silent = Measures(embed=lambda wave: None)
    assert measure(Spoken(wave, 0.5), row, silent, {"similarity": {"embedding": np.ones(2)}}) == {
        "seconds": 1.0, "elapsed": 0.5, "similarity": None
    }  # fmt: skip


def test_a_table_is_aligned_and_has_no_empty_columns():
    lines = table(
        [
            {"setting": "masked", "count": 10, "wer": 8.861, "wer_ci": [1.3, 17.1], "dnsmos": 2.777},
            {"setting": "(reference)", "count": 10, "f0_sd": 2.5},
        ]
    ).splitlines()
    assert lines == [
        "setting      texts              WER %  DNSMOS  F0 sd, st",
        "masked          10  8.9 (1.3 to 17.1)    2.78          -",
        "(reference)     10                  -       -       2.50",
    ]


def test_the_command_that_installs_it_is_true():
    tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    assert scorers.INSTALL.startswith('pip install ".[evaluate]" in the folder of')
    extra = " ".join(project["project"]["optional-dependencies"]["evaluate"])
    for package in ("faster-whisper", "jiwer", "speechmos", "librosa", "webrtcvad-wheels"):
        assert package in extra
    assert "resemblyzer" not in extra  # it would build webrtcvad: scorers.voice_encoder says how instead
