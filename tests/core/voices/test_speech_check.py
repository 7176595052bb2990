"""What is no speech, and texts that cannot be what is said."""

import warnings

import numpy as np
import pytest
import soundfile
from backends import NAMES, Backend
from checkpoints import tiny_config

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.errors import UserError
from nanospeech_core.voices.recording import voice_from_recording
from nanospeech_core.voices.speech_check import (
    is_silent,
    text_checker,
    text_misfit,
    why_no_speech,
    why_not_its_text,
)
from nanospeech_core.voices.store import load_voice, voice_names

RATE = SAMPLE_RATE
TIME = np.arange(4 * RATE) / RATE
WHITE = np.random.default_rng(0).standard_normal(len(TIME))
EMBEDDED = voice_names(PRETRAINED) if (PRETRAINED / "config.json").exists() else []


@pytest.mark.parametrize(
    ("wave", "message"),
    [
        (0.1 * WHITE, "it is noise, not speech"),
        (0.1 * WHITE + 0.2, "it is noise, not speech"),
        (0.3 * np.sin(2 * np.pi * 440 * TIME), "it is a tone, not speech"),
        (0.3 * np.sin(2 * np.pi * 440 * TIME) * np.exp(-TIME), "it is a tone, not speech"),
        (np.round(np.clip(WHITE, -1, 1)) / 32768, "it is silent"),
        (np.full(len(TIME), 0.3), "it is silent"),
    ],
    ids=["noise", "noise with an offset", "tone", "chime", "one bit", "offset"],
)
def test_what_is_no_speech_is_no_voice(tmp_path, wave, message):
    soundfile.write(tmp_path / "a.wav", wave, RATE, subtype="PCM_16")
    with pytest.raises(UserError, match=f"a.wav: .*{message}"):
        voice_from_recording(tmp_path / "a.wav", "Hello there, this is me.")


@pytest.mark.parametrize("name", EMBEDDED)
def test_speech_is_speech(name):
    wave = load_voice(PRETRAINED, name).audio
    noisy = wave + 0.02 * np.resize(WHITE, len(wave)).astype(np.float32)
    for version in (wave, 0.01 * wave, noisy):
        assert not is_silent(version) and why_no_speech(version) is None


@pytest.mark.parametrize("name", EMBEDDED)
def test_an_offset_and_opposite_channels_give_the_same_voice(tmp_path, name):
    voice = load_voice(PRETRAINED, name)
    wave = 0.5 * voice.audio
    versions = {"plain": wave, "offset": wave + 0.3, "opposite": np.stack((wave, -wave), axis=1)}
    found = {}
    for kind, version in versions.items():
        soundfile.write(tmp_path / f"{kind}.wav", version, RATE, subtype="FLOAT")
        found[kind] = voice_from_recording(tmp_path / f"{kind}.wav", voice.text, voice.language).audio
    for kind in ("offset", "opposite"):
        count = min(map(len, (found[kind], found["plain"])))
        assert abs(len(found[kind]) - len(found["plain"])) <= RATE // 10
        assert np.corrcoef(found[kind][:count], found["plain"][:count])[0, 1] > 0.99


def test_texts_that_cannot_be_what_is_said():
    said = "ðɪs ɪz wʌt ɪz sˈɛd ɪn tˈuː sˈɛkəndz"
    assert why_not_its_text(said, 2.0) is None and why_not_its_text(said, 4.0) is None
    assert why_not_its_text("jˈɛs.", 7.0) == "is too short for 7.0 s of speech"
    assert why_not_its_text(3 * said, 2.0) == "is too long for 2.0 s of speech"


def test_a_text_that_cannot_be_is_told(tmp_path):
    syllables = 1 + 0.9 * np.sin(2 * np.pi * 4 * TIME)
    soundfile.write(tmp_path / "a.wav", 0.1 * WHITE * syllables, RATE)
    with pytest.warns(
        UserWarning, match='a.wav, and a wrong text gives a bad voice: "Yes." is too short for 4.0 s'
    ):
        voice_from_recording(tmp_path / "a.wav", "Yes.")


# the aligner


def test_the_misfit_is_what_the_best_path_loses():
    heard = np.log(np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]], np.float32))
    assert text_misfit(heard) == 0
    assert text_misfit(heard[::-1].copy()) == pytest.approx(2 * np.log(8) / 3, rel=1e-5)
    assert text_misfit(np.repeat(heard, 5, axis=0)) == 0


@pytest.fixture(params=NAMES)
def fits(request):
    model = Backend(request.param).module("nanospeech").Nanospeech.from_pretrained()
    return text_checker(model.config, model.aligner)


def test_texts_that_are_not_what_is_said(fits):
    voices = [load_voice(PRETRAINED, name) for name in EMBEDDED]
    found = {"dropped": 0, "twice": 0, "other": 0}
    for voice, other in zip(voices, [*voices[1:], voices[0]], strict=True):
        words = voice.phonemes.split(" ")
        assert fits(voice.audio, voice.phonemes)
        for half in (words[: len(words) // 2], words[len(words) // 2 :]):
            found["dropped"] += not fits(voice.audio, " ".join(half))
        found["twice"] += not fits(voice.audio, " ".join(words * 2))
        found["other"] += not fits(voice.audio, other.phonemes)
    assert found["dropped"] >= 11 and found["twice"] >= 4 and found["other"] >= 4  # of 12, 6 and 6


def test_a_model_without_an_aligner_cannot_tell():
    assert text_checker(tiny_config(), None) is None


def test_half_a_text_is_told(tmp_path):
    model = Backend("mlx").module("nanospeech").Nanospeech.from_pretrained()
    voice = load_voice(PRETRAINED, "heart")
    soundfile.write(tmp_path / "a.wav", voice.audio, RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.prepare(ref_audio=str(tmp_path / "a.wav"), ref_text=voice.text)
    words = voice.text.split()
    half = " ".join(words[len(words) // 2 :])
    with pytest.warns(UserWarning, match="^--ref-text may not be what is said .* does not fit the sound"):
        model.prepare(ref_audio=str(tmp_path / "a.wav"), ref_text=half)
