"""Voices from recordings: any format, the best seconds of long ones, the words that a recognizer finds."""

import sys
import types
import warnings

import numpy as np
import pytest
import soundfile
from text_stages import phonemize

from nanospeech_core.audio import files as audio
from nanospeech_core.errors import UserError
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.voices.recording import (
    MAX_SECONDS,
    best_cut,
    find_pause,
    text_until,
    voice_from_recording,
)

RATE = audio.SAMPLE_RATE


def noise(seconds: float, level: float = 0.3) -> np.ndarray:
    return np.random.default_rng(0).uniform(-level, level, round(seconds * RATE)).astype(np.float32)


def speech(seconds: float, level: float = 0.3) -> np.ndarray:
    """Noise with syllables, as loud as `noise` in the mean."""
    wave = noise(seconds, level)
    syllables = 1 + 0.9 * np.sin(2 * np.pi * 4 * np.arange(len(wave)) / RATE)
    return (wave * syllables / np.sqrt(1.405)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), dtype=np.float32)


def record(path, *parts: np.ndarray):
    audio.write(path, np.concatenate(parts))
    return path


def recognizer(monkeypatch, text: str) -> list:
    """A stand-in for faster-whisper that recognizes `text`; returns its calls."""
    calls = []

    class WhisperModel:
        supported_languages = ("en", "zh")

        def __init__(self, name, **options):
            calls.append(name)

        def transcribe(self, wave, language=None, **options):
            calls.append((len(wave) / 16000, language))
            return [types.SimpleNamespace(text=text)], None

    module = types.SimpleNamespace(WhisperModel=WhisperModel)
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    monkeypatch.setitem(sys.modules, "mlx_whisper", None)
    return calls


def test_from_a_recording(tmp_path):
    path = record(tmp_path / "me.wav", silence(1), speech(2.5, 0.03), silence(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        voice = voice_from_recording(path, "Hello.  It's 5 pm.", "en-gb")
    assert voice.name == "me" and voice.durations is None and voice.language == "en-gb"
    assert voice.text == "Hello. It's 5 pm."
    assert voice.phonemes == phonemize("Hello. It's five P-M.", "en-gb")
    assert voice.seconds == pytest.approx(2.6, abs=0.03)
    assert np.sqrt(np.mean(voice.audio**2)) == pytest.approx(0.07, rel=1e-3)


def test_the_language_of_the_text(tmp_path):
    path = record(tmp_path / "me.wav", speech(2.5))
    assert voice_from_recording(path, "Hello.").language == "en-us"
    if sys.version_info < (3, 13):
        assert voice_from_recording(path, "你好。").language == "zh"


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg"])
@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (16000, 1)])
def test_any_rate_and_stereo(tmp_path, suffix, rate, channels):
    wave = np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate) * 0.2
    wave += 0.1 * np.random.default_rng(0).standard_normal(len(wave))
    wave *= 1 + 0.9 * np.sin(2 * np.pi * 4 * np.arange(len(wave)) / rate)
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate)
    voice = voice_from_recording(path, "Hello.")
    assert voice.seconds == pytest.approx(3, abs=0.1)
    spectrum = np.abs(np.fft.rfft(voice.audio))
    assert np.argmax(spectrum) * RATE / len(voice.audio) == pytest.approx(440, abs=2)


def test_m4a_by_ffmpeg(tmp_path):
    av = pytest.importorskip("av")
    rate, path = 44100, tmp_path / "a.m4a"
    wave = (0.2 * np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.stack([wave, 0 * wave]), format="fltp", layout="stereo")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    decoded = audio.read(path)
    assert len(decoded) / RATE == pytest.approx(3, abs=0.1)
    assert np.sqrt(2 * np.mean(decoded**2)) == pytest.approx(0.1, rel=0.05)  # the mean of both channels
    (tmp_path / "b.m4a").write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UserError, match="b.m4a: it is not an audio file that libsndfile or FFmpeg can read"):
        audio.read(tmp_path / "b.m4a")


def test_m4a_without_ffmpeg(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    with pytest.raises(UserError, match="other formats .*pip install av"):
        audio.read(tmp_path / "a.m4a")


@pytest.mark.parametrize(
    ("wave", "text", "message"),
    [
        (silence(3), "Hello.", "silent"),
        (speech(1.9), "Hello.", "lasts 1.9 s; at least 2 s are needed"),
        (speech(16), "Hello.", "lasts 16.0 s, and this model has no aligner"),
        (speech(3), "...", "nothing to speak"),
        (speech(3), "", "empty"),
    ],
)
def test_bad_recordings(tmp_path, wave, text, message):
    with pytest.raises(UserError, match=message):
        voice_from_recording(record(tmp_path / "me.wav", wave), text)


# recordings that are too long


def even(wave: np.ndarray, phonemes: str) -> np.ndarray:
    """An aligner for which every symbol is equally long."""
    return np.linspace(0, len(wave) / RATE, len(phonemes) + 3)


def test_a_long_recording_is_cut_between_words(tmp_path):
    text = (
        "This is the first sentence of several. Here, with $5, is the second one. And this one is the third."
    )
    path = record(tmp_path / "me.wav", speech(24))
    with pytest.warns(
        UserWarning, match=r"me.wav lasts 24.0 s; the first .* s are used: \"This is"
    ) as caught:
        voice = voice_from_recording(path, text, "en-us", find_onsets=even)
    assert 2 < voice.seconds <= MAX_SECONDS + 0.1
    assert text.startswith(voice.text) and voice.text[-1].isalnum() or voice.text[-1] in ".,"
    complete = " ".join(s.symbols for s in Tokenizer("phonemes", SYMBOLS).sentences(text))
    assert complete.startswith(voice.phonemes) and complete[len(voice.phonemes)] == " "
    assert voice.seconds == pytest.approx(24 * (len(voice.phonemes) + 1) / (len(complete) + 2), abs=0.3)
    assert sum("lasts 24.0 s" in str(warning.message) for warning in caught) == 1


def test_too_long_to_find_its_words(tmp_path):
    path = record(tmp_path / "me.wav", speech(121))
    with pytest.raises(UserError, match="lasts 121 s; only 15 s are used, so cut it to 120 s"):
        voice_from_recording(path, "Hello there.", find_onsets=even)
    path = record(tmp_path / "me.wav", speech(20))
    with pytest.raises(UserError, match="no pause is found between its words"):
        voice_from_recording(path, "Hello.", find_onsets=even)


def test_the_longest_pause_is_the_best_place():
    phonemes = "ab cd, ef gh. ij"

    def cut(comma: float, stop: float, letter: float = 1.0) -> tuple[float, str]:
        pauses = {",": comma, ".": stop, " ": 0.1}
        lengths = [0.3, *(pauses.get(symbol, letter) for symbol in phonemes), 0.3]
        seconds, symbols = best_cut(np.concatenate(([0], np.cumsum(lengths))), phonemes, "a.wav")
        return round(seconds, 6), phonemes[:symbols]

    assert cut(0.3, 0.1) == (4.6, "ab cd,")  # 4.4 to 4.8 s
    assert cut(0.1, 0.3) == (8.9, "ab cd, ef gh.")
    assert cut(0.8, 0.5)[1] == "ab cd, ef gh."  # long enough, and later
    assert cut(0.3, 0.6, letter=2.0)[1] == "ab cd,"  # the other is beyond 15 s


def test_the_text_of_the_first_symbols():
    text = "One of the cats is here. It cost $5 and more."
    sentences = Tokenizer("phonemes", SYMBOLS).sentences(text, min_characters=1)
    complete = " ".join(sentence.symbols for sentence in sentences)
    assert len(sentences) == 2
    for symbols, expected in (
        (len(complete), text),
        (complete.index(" ɪt"), "One of the cats is here."),
        (complete.index(" ænd"), "One of the cats is here. It cost $5"),
        (complete.index("ðə"), "One of"),
    ):
        assert text_until(sentences, symbols) == expected


def test_the_last_pause_before_fifteen_seconds():
    parts = [noise(5), silence(0.4), noise(5), silence(0.2), noise(3), silence(0.05), noise(20)]
    assert find_pause(np.concatenate(parts)) == pytest.approx(10.5, abs=0.02)
    assert find_pause(np.concatenate([noise(1), silence(1), noise(9), silence(0.1), noise(9)])) == (
        pytest.approx(11.05, abs=0.02)  # not before 2 s
    )
    wave = noise(20)
    wave[round(7.5 * RATE) : round(7.51 * RATE)] *= 0.3
    assert find_pause(wave) == pytest.approx(7.5, abs=0.02)


# recordings without their text


def test_the_words_are_recognized(tmp_path, monkeypatch):
    calls = recognizer(monkeypatch, " Hello there. ")
    path = record(tmp_path / "me.wav", speech(3))
    with pytest.warns(UserWarning, match=r'words recognized in .*me.wav are: "Hello there."'):
        voice = voice_from_recording(path)
    assert voice.text == "Hello there." and voice.phonemes == phonemize("Hello there.")
    assert calls == ["small", (pytest.approx(3, abs=0.01), None)]
    with pytest.warns(UserWarning, match="words recognized"):
        voice_from_recording(path, language="en-gb", asr="faster-whisper:some/folder")
    assert calls[2:] == ["some/folder", (pytest.approx(3, abs=0.01), "en")]


def test_the_beginning_of_a_long_recording_is_recognized(tmp_path, monkeypatch):
    calls = recognizer(monkeypatch, "Hello there.")
    path = record(tmp_path / "me.wav", speech(9), silence(0.5), speech(10))
    with pytest.warns(UserWarning, match="lasts 19.5 s; the first 9.. s are used"):
        voice = voice_from_recording(path)
    assert voice.seconds == pytest.approx(9.05, abs=0.03) and calls[1][0] == pytest.approx(9.05, abs=0.03)


def test_by_mlx_whisper(tmp_path, monkeypatch):
    given = {}
    module = types.SimpleNamespace(
        transcribe=lambda wave, **o: given.update(o) or {"text": " Hello\n there."}
    )
    monkeypatch.setitem(sys.modules, "mlx_whisper", module)
    with pytest.warns(UserWarning, match='"Hello there."'):
        voice_from_recording(record(tmp_path / "me.wav", speech(3)))
    assert given["path_or_hf_repo"] == "mlx-community/whisper-small-mlx" and given["language"] is None


def test_no_words_and_no_recognizer(tmp_path, monkeypatch):
    path = record(tmp_path / "me.wav", speech(3))
    recognizer(monkeypatch, " ... ")
    with pytest.raises(UserError, match="faster-whisper:small recognizes no words in it; give --ref-text"):
        voice_from_recording(path)
    with pytest.raises(UserError, match="there is no recognizer 'vosk:x'"):
        voice_from_recording(path, asr="vosk:x")
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(UserError, match="none is installed: pip install faster-whisper"):
        voice_from_recording(path)


@pytest.mark.parametrize(("text", "message"), [(" ", "^--ref-text is empty$"), (5, "^--ref-text must be a")])
def test_a_text_that_is_none(text, message):
    with pytest.raises(UserError, match=message):
        voice_from_recording("not/read/then.wav", text)
