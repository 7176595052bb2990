"""One recording to one utterance: audio of any kind, phonemes, durations, and each reason to refuse."""

import json
import subprocess
import sys
import time

import corpus
import numpy as np
import preparations
import pytest

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE, log_mel
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_torch.prepare import utterance as preparing
from nanospeech_torch.prepare.durations import AlignerSource, align
from nanospeech_torch.prepare.encoding import encode, with_serial
from nanospeech_torch.prepare.recording import MissingRequirement, Recording
from nanospeech_torch.prepare.utterance import Prepared, Recipe, Rejected, Utterance, prepare_recording

soundfile = pytest.importorskip("soundfile")
EVEN = AlignerSource(loaded=preparations.EvenAligner())
WITHOUT = AlignerSource("there is no such model")


def noise(seconds: float, rate: int = SAMPLE_RATE, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(0).normal(size=round(seconds * rate))).astype(np.float32)


def prepare(audio, aligner=EVEN, recipe=None, **meta):
    audio = corpus.audio_bytes(audio) if isinstance(audio, np.ndarray) else audio
    meta = {"text": "Hello there.", **meta}
    return prepare_recording(Recording("id", audio, meta), recipe or Recipe(), aligner)


def accepted(*args, **kwargs) -> Utterance:
    result = prepare(*args, **kwargs)
    assert isinstance(result, Prepared), result
    (utterance,) = result.utterances
    return utterance


def wave_of(result: Utterance) -> np.ndarray:
    import io

    wave, rate = soundfile.read(io.BytesIO(result.audio), dtype="float32")
    assert rate == SAMPLE_RATE and wave.ndim == 1
    return wave


# audio


FORMATS = [
    ("WAV", "PCM_16", 24000, 1),
    ("WAV", "FLOAT", 48000, 2),
    ("WAV", "PCM_U8", 8000, 1),
    ("FLAC", None, 16000, 1),
    ("OGG", "VORBIS", 22050, 2),
    ("OGG", "OPUS", 48000, 1),
    ("MP3", None, 44100, 2),
    ("AIFF", None, 22050, 1),
]


@pytest.mark.parametrize(("form", "subtype", "rate", "channels"), FORMATS)
@pytest.mark.parametrize("output", ["flac", "opus"])
def test_any_format_rate_and_channels(form, subtype, rate, channels, output):
    time = np.arange(rate * 2) / rate
    tone = 0.25 * np.sin(2 * np.pi * 500 * time)
    wave = np.stack([tone * 1.2, tone * 0.8], axis=1) if channels == 2 else tone
    result = accepted(corpus.audio_bytes(wave, rate, form, subtype), recipe=Recipe(format=output))
    decoded = wave_of(result)
    assert result.audio[:4] == {"flac": b"fLaC", "opus": b"OggS"}[output]
    assert abs(len(decoded) - 2 * SAMPLE_RATE) <= 1200  # mp3 pads
    assert result.meta["samples"] == len(decoded)
    middle = decoded[SAMPLE_RATE // 2 : SAMPLE_RATE * 3 // 2].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) == 500  # Hz, of one second
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.25, rel=0.05)  # the level is left as it is


def test_flac_keeps_the_samples():
    wave = noise(1.0)
    assert np.abs(wave_of(accepted(wave)) - wave).max() < 1 / 32000


def test_what_clips_stays():
    wave = np.clip(noise(1.0, level=1.0), -1, 1)
    assert np.abs(wave_of(accepted(wave)) - wave).max() < 1 / 16000


def test_audio_of_a_path(tmp_path):
    (tmp_path / "a.wav").write_bytes(corpus.audio_bytes(noise(1.0)))
    assert accepted(str(tmp_path / "a.wav")).audio == accepted(noise(1.0)).audio
    result = prepare(str(tmp_path / "b.wav"))
    assert (result.reason, "No such file" in result.detail) == ("no audio file", True)


def test_audio_of_an_address():
    memory = pytest.importorskip("fsspec").filesystem("memory")
    memory.pipe("/audio/a.wav", corpus.audio_bytes(noise(1.0)))
    assert accepted("memory://audio/a.wav").audio == accepted(noise(1.0)).audio
    assert prepare("memory://audio/b.wav").reason == "no audio file"


def test_opus_is_the_same_everywhere_and_always():
    code = (
        "import sys, numpy as np; from nanospeech_torch.prepare.encoding import encode;"
        "wave = np.random.default_rng(0).normal(size=24000).astype(np.float32) * 0.1;"
        "print(encode(wave, 'opus', 'id').hex())"
    )
    time.sleep(1.1 - time.time() % 1)  # libsndfile seeds by the second
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert bytes.fromhex(other.stdout) == encode(noise(1.0), "opus", "id") != encode(noise(1.0), "opus", "b")


def test_a_serial_number_fits_its_checksums():
    """libogg drops pages whose checksum is wrong: what can be decoded is complete."""
    original = corpus.audio_bytes(noise(3.0), form="OGG", subtype="OPUS")
    changed = with_serial(original, 0x12345678)
    assert changed[14:18] == bytes.fromhex("78563412") and len(changed) == len(original)
    assert with_serial(changed, int.from_bytes(original[14:18], "little")) == original
    import io

    decoded = [soundfile.read(io.BytesIO(content))[0] for content in (original, changed)]
    assert np.array_equal(*decoded) and len(decoded[0]) == 3 * SAMPLE_RATE


# what is refused


SILENCE = np.zeros(SAMPLE_RATE, dtype=np.float32)
CLICK = np.where(np.arange(SAMPLE_RATE) == 5000, 0.005, 0.0).astype(np.float32)
MP4 = b"\0\0\0\x20ftypM4A " + bytes(200)
REJECTED = {
    "empty text": ({"text": ""}, noise(1.0)),
    "blank text": ({"text": " \n\t"}, noise(1.0)),
    "text that is not UTF-8": ({"text": "caf\ufffd"}, noise(1.0)),
    "text that cannot be spoken": ({"text": "*** ..."}, noise(1.0)),
    "a control character": ({"text": "a\x00b"}, noise(1.0)),
    "a language that cannot be phonemized": ({"lang": "fr"}, noise(1.0)),
    "unreadable audio": ({}, b"RIFFnonsense"),
    "no audio at all": ({}, b""),
    "no samples": ({}, noise(0.0)),
    "m4a by its name": ({"suffix": ".m4a"}, b"nonsense"),
    "m4a by its head": ({}, MP4),
    "longer": ({}, corpus.audio_bytes(noise(120.2, 8000), rate=8000)),
    "shorter": ({}, noise(0.2)),
    "silent": ({}, SILENCE),
    "a click": ({}, CLICK),
    "not finite": ({}, corpus.audio_bytes(np.array([0.1, np.nan] * SAMPLE_RATE), subtype="FLOAT")),
    "slow": ({}, corpus.audio_bytes(noise(1.0), rate=1000)),
    "text too long": ({"text": "This is far too much for it. " * 3}, noise(1.0)),
    "text too short": ({"text": "I"}, noise(5.0)),
}
REASONS = {
    "blank text": "empty text",
    "a control character": "text that cannot be spoken",
    "no audio at all": "unreadable audio",
    "no samples": "shorter than 0.3 s",
    "m4a by its name": ".m4a audio, which libsndfile does not read: pip install av, or convert it to FLAC",
    "m4a by its head": ".m4a audio, which libsndfile does not read: pip install av, or convert it to FLAC",
    "longer": "longer than 120 s",
    "shorter": "shorter than 0.3 s",
    "a click": "silent",
    "not finite": "audio with values that are not finite",
    "slow": "a sample rate under 4000 Hz",
    "text too long": "text too long for its audio",
    "text too short": "text too short for its audio",
}


@pytest.mark.parametrize("name", REJECTED)
def test_reasons(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)  # FFmpeg would read more
    meta, audio = REJECTED[name]
    result = prepare(audio, **meta)
    assert isinstance(result, Rejected) and result.id == "id"
    assert result.reason == REASONS.get(name, name)


def test_silence_around_short_speech_is_no_fault():
    wave = np.concatenate([SILENCE, SILENCE, noise(0.5), SILENCE, SILENCE])
    assert accepted(wave, WITHOUT, Recipe(align=False), text="Two.").meta["samples"] == len(wave)


def test_a_rate_of_symbols_that_nobody_speaks_at():
    assert accepted(noise(2.0), phonemes="a" * 70).meta["phonemes"] == "a" * 70
    assert prepare(noise(2.0), phonemes="a" * 71).detail == "71 symbols, 2.00 s"


def test_a_problem_of_the_source_is_passed_on():
    result = prepare_recording(Recording("a", problem="no json", detail="x"), Recipe(), EVEN)
    assert result == Rejected("a", "no json", "x")


def test_an_unexpected_error_is_a_reason_too(monkeypatch):
    monkeypatch.setattr(preparing, "encode", lambda *_: 1 / 0)
    result = prepare(noise(1.0))
    assert (result.reason, result.detail) == ("an unexpected error", "ZeroDivisionError: division by zero")


# text


def test_phonemes_are_those_of_speaking():
    text = "Dr. Smith paid $5 at 10:30.  Did he? Yes!"
    sentences = Tokenizer("phonemes", SYMBOLS).sentences(text, "en-gb")
    result = accepted(noise(5.0), text=text, lang="en-GB")
    assert result.meta["phonemes"] == " ".join(s.symbols for s in sentences)
    assert result.meta["text"] == "Dr. Smith paid $5 at 10:30. Did he? Yes!"
    assert "tˈɛn θˈɜːti" in result.meta["phonemes"] and result.meta["lang"] == "en-gb"


LANGUAGES = {
    ("", "en-us"): "en-us",
    ("", "en-gb"): "en-gb",
    ("en", "en-gb"): "en-gb",
    ("English", "zh"): "en-us",
    ("en_AU", "en-gb"): "en-gb",
    ("EN-UK", "en-us"): "en-gb",
    ("zh-CN", "en-us"): "zh",
    ("cmn", "en-us"): "zh",
    ("fr", "en-us"): "fr",
}


@pytest.mark.parametrize(("declared", "default"), LANGUAGES)
def test_languages(declared, default):
    assert preparing.language(declared, "some text", default) == LANGUAGES[declared, default]
    assert preparing.language("", "有人应该帮汤姆", "en-us") == "zh"


def test_given_phonemes_stay_and_their_language_need_not_be_known():
    result = accepted(noise(1.0), WITHOUT, Recipe(align=False), phonemes="bɔ̃ʒuʁ", lang="fr", text="bonjour")
    assert (result.meta["phonemes"], result.meta["lang"]) == ("bɔ̃ʒuʁ", "fr")


def test_symbols_outside_the_vocabulary():
    assert accepted(noise(2.0), text="Hello タ there").unknown == ("タ",)
    given = accepted(noise(1.0), phonemes="həlˈoʊ#7", recipe=Recipe(align=False))
    assert given.unknown == ("#", "7") and given.meta["phonemes"] == "həlˈoʊ"
    given = accepted(noise(1.0), phonemes="a#" * 9, durations=[2] * 20)  # these belong to all symbols
    assert given.meta["phonemes"] == "a#" * 9 and given.timing == "given"


# durations


def timed(**changes) -> dict:
    return {"phonemes": "həlˈoʊ", "durations": [4, 4, 4, 4, 4, 8, 6, 6], **changes}


def test_given_durations_stay():
    result = accepted(noise(1.0), WITHOUT, **timed())
    assert (result.timing, result.meta["durations"]) == ("given", timed()["durations"])
    assert result.meta["duration_unit"] == 600
    seconds = accepted(noise(1.0), WITHOUT, **timed(durations=[0.125] * 8, duration_unit=24000))
    assert (seconds.timing, seconds.meta["duration_unit"]) == ("given", 24000)
    assert accepted(noise(1.09), WITHOUT, **timed()).timing == "given"  # codecs pad


@pytest.mark.parametrize(
    "changes",
    [
        {"durations": [5] * 9},
        {"durations": [5] * 7},
        {"durations": [6] * 8},
        {"durations": [4] * 8},
        {"durations": [4, 4, 4, 4, 4, 8, 6, -6]},
        {"durations": [4, 4, 4, 4, 4, 8, 6, "6"]},
        {"durations": "long"},
        {"duration_unit": 256},
        {"duration_unit": 0},
        {"duration_unit": None},
        {"phonemes": None},
    ],
    ids=str,
)
def test_durations_that_do_not_fit_are_found_again(changes):
    result = accepted(noise(1.0), text="Hello", **timed(**changes))
    meta = result.meta
    assert (result.timing, meta["duration_unit"]) == ("aligned", HOP)
    assert len(meta["durations"]) == len(meta["phonemes"]) + 2
    assert sum(meta["durations"]) == len(log_mel(noise(1.0))) and min(meta["durations"]) >= 1
    assert json.loads(json.dumps(meta)) == meta
    plain = accepted(noise(1.0), WITHOUT, Recipe(align=False), text="Hello", **timed(**changes))
    assert plain.timing == "none" and not {"durations", "duration_unit"} & plain.meta.keys()


def test_an_aligner_gets_pauses_around_the_phonemes():
    seen = []

    class Spy(preparations.EvenAligner):
        def align(self, mel, ids):
            seen.append((mel, ids))
            return super().align(mel, ids)

    vocab = (*sorted(SYMBOLS), "#")  # an order of its own
    result = accepted(noise(1.0), AlignerSource(loaded=Spy(), vocab=vocab), text="Hello")
    ((mel, ids),) = seen
    assert "".join(vocab[i] for i in ids) == f" {result.meta['phonemes']} "
    assert np.abs(np.exp(mel) - np.exp(log_mel(noise(1.0)))).max() < 0.02  # 16 bits


def test_an_aligner_that_finds_no_path():
    result = prepare(noise(1.0), AlignerSource(loaded=preparations.RefusingAligner()))
    assert (result.reason, result.detail) == ("the aligner finds no path", "no path")

    class Wrong:
        def align(self, mel, ids):
            return np.ones(len(ids), dtype=np.int64)

    assert prepare(noise(1.0), AlignerSource(loaded=Wrong())).reason == "the aligner finds no path"


def recorded(*names: str, pause: float = 0.4) -> tuple[np.ndarray, str]:
    """Recordings of the embedded voices, one after the other, and their text."""
    waves, texts = [], []
    for name in names:
        wave, rate = soundfile.read(PRETRAINED / "voices" / f"{name}.flac", dtype="float32")
        assert rate == SAMPLE_RATE
        waves += [wave, np.zeros(round(pause * rate), np.float32)]
        texts.append(json.loads((PRETRAINED / "voices" / f"{name}.json").read_text())["text"])
    return np.concatenate(waves), " ".join(texts)


@pytest.mark.slow
def test_a_long_recording_is_split_at_its_pauses():
    """The pieces have the text, the phonemes and the sound of the whole, and are aligned as it is."""
    pytest.importorskip("torch")
    source = AlignerSource()
    wave, text = recorded("emma", "heart", "michael", "george", "heart", "emma")
    result = prepare(wave, source, text=text)
    assert isinstance(result, Prepared) and len(result.utterances) == 2
    metas = [utterance.meta for utterance in result.utterances]
    assert [meta["id"] for meta in metas] == ["id-part1", "id-part2"]
    assert " ".join(meta["text"] for meta in metas) == text
    whole = prepare(wave, source, Recipe(split_seconds=0), text=text).utterances[0].meta
    assert " ".join(meta["phonemes"] for meta in metas) == whole["phonemes"]
    for utterance, meta in zip(result.utterances, metas, strict=True):
        part = wave_of(utterance)
        assert 2 < len(part) / SAMPLE_RATE <= 12
        start = np.argmax(np.correlate(wave, part[4000:12000], "valid")) - 4000
        assert np.abs(wave[start : start + len(part)] - part).max() < 1e-4  # 16 bits
        again = align(part, meta["phonemes"], source)
        assert sum(meta["durations"]) == again.sum()
        assert np.abs(np.cumsum(meta["durations"]) - np.cumsum(again))[:-1].max() <= 6


@pytest.mark.slow
def test_a_text_that_is_not_what_is_said():
    pytest.importorskip("torch")
    source = AlignerSource()
    wave, text = recorded("emma")
    assert isinstance(prepare(wave, source, text=text), Prepared)
    for other in ("george", "michael"):
        result = prepare(wave, source, text=recorded(other)[1])
        assert result.reason == "text that is not what is said" and "not found" in result.detail


@pytest.mark.slow
def test_silent_ends_are_cut():
    pytest.importorskip("torch")
    wave, text = recorded("emma")
    silent = np.zeros(10 * SAMPLE_RATE, np.float32)
    result = prepare(np.concatenate([silent, wave, silent]), AlignerSource(), text=text)
    assert 19.5 < result.seconds_cut < 21.5  # the recording itself ends with 0.75 s of silence
    (utterance,) = result.utterances
    assert abs(utterance.meta["samples"] - len(wave)) < SAMPLE_RATE
    assert len(wave_of(utterance)) == utterance.meta["samples"]


def test_channels_of_opposite_phase_do_not_cancel_out():
    wave = noise(1.0)
    content = corpus.audio_bytes(np.stack([wave, -wave], 1))
    heard = wave_of(accepted(content))
    assert min(np.abs(heard - wave).max(), np.abs(heard + wave).max()) < 1e-4


def test_without_an_aligner():
    with pytest.raises(MissingRequirement):
        prepare(noise(1.0), WITHOUT)


def test_the_json():
    result = accepted(noise(1.0), voice="ann", source="set", **timed())
    assert list(result.meta) == [
        *("id", "text", "lang", "voice", "phonemes", "durations", "duration_unit", "samples", "source")
    ]
    assert result.meta["samples"] == SAMPLE_RATE and result.meta["source"] == "set"
    assert "voice" not in accepted(noise(1.0), **timed()).meta
    assert accepted(noise(1.0), recipe=Recipe(voice="bob"), **timed()).meta["voice"] == "bob"
    recording = Recording("id", corpus.audio_bytes(noise(1.0)), timed(text="Hello"), default_voice="folder")
    for recipe, voice in ((Recipe(), "folder"), (Recipe(voice="bob"), "bob")):
        assert prepare_recording(recording, recipe, EVEN).utterances[0].meta["voice"] == voice
    assert accepted(noise(1.0), recipe=Recipe(voice="bob"), voice="ann", **timed()).meta["voice"] == "ann"
