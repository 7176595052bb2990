"""Speech editing from a recording to a recording, without networks and with them."""

import functools
import warnings
from dataclasses import replace

import numpy as np
import pytest
from backends import NAMES, Backend, relative_error
from checkpoints import make_voice, tiny_config, write_checkpoint

from nanospeech_core.audio.mel import HOP, log_mel
from nanospeech_core.audio.signal import sound_begin, sound_end, without_offset
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.config import AlignerConfig, TextConfig
from nanospeech_core.editing import edit
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import DEFAULTS, GenerateOptions
from nanospeech_core.sampling.prompt import with_pauses
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

CONFIG = tiny_config(
    aligner=AlignerConfig(dim=16, key_dim=8, text_layers=1, mel_layers=1, text_num_embeds=len(SYMBOLS), lag=3)
)
TOKENIZER = Tokenizer("phonemes", SYMBOLS)
PATCH = CONFIG.transformer.patch


# a complete edit, without networks


class StubModel:
    """A model that aligns a symbol every ten frames, generates loud noise and decodes it to 0.25."""

    config = CONFIG

    def __init__(self):
        self.prompts, self.aligner = [], self

    def align(self, mel, ids):
        return np.diff(np.round(np.linspace(0, len(mel), len(ids) + 1)).astype(np.int64))

    def symbol_log_probs(self, mel, ids):
        return np.zeros((len(mel), len(ids)), np.float32)  # any text fits

    def infill_durations(self, ids, frames, known):
        assert (frames[known] > 0).all() and not known.all()
        return np.full(len(ids), np.log1p(10.0))

    def generate_mels(self, prompts, seeds, options):
        ((prompt,), (seed,)) = prompts, seeds
        self.prompts.append((prompt, seed, options))
        return [np.full((len(prompt.text) - PATCH * prompt.start, 100), 9.0, np.float32)]

    def decode(self, mel):
        self.decoded = mel
        return np.full((len(mel) - 1) * HOP, 0.25, np.float32)


def recording(seconds: float, rate: int, channels: int | None = None) -> np.ndarray:
    rng = np.random.default_rng(0)
    shape = round(seconds * rate) if channels is None else (round(seconds * rate), channels)
    return (0.05 * rng.standard_normal(shape)).astype(np.float32)


def edited(model, wave, rate, text, new_text, margin=30.0, **options):
    return edit.edit(model, wave, text, new_text, rate, margin, GenerateOptions(**options))


def kept(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """How many samples at the start, and how many at the end, are the same."""
    count = min(len(before), len(after))
    same = (before[:count] == after[:count]).reshape(count, -1).all(axis=1)
    tail = (before[::-1][:count] == after[::-1][:count]).reshape(count, -1).all(axis=1)
    return int(np.argmin(same)), int(np.argmin(tail))


WORDS = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize(("rate", "channels"), [(24000, None), (16000, 1), (44100, 2), (8000, None)])
def test_the_rest_is_bit_identical_at_any_rate(rate, channels):
    wave, model = recording(6.0, rate, channels), StubModel()
    result = edited(model, wave, rate, WORDS, WORDS.replace("five", "eleven"))
    symbols = " ".join(s.symbols for s in TOKENIZER.sentences(WORDS))
    word = TOKENIZER.sentences("five")[0].symbols
    begin = (symbols.index(word) + 1) / (len(symbols) + 2) * 6 - 3 * HOP / 24000  # the aligner's lag is 3
    end = begin + len(word) / (len(symbols) + 2) * 6
    head, tail = kept(wave, result)
    assert begin - 0.12 <= head / rate <= begin - 0.03
    assert end + 0.03 <= (len(wave) - tail) / rate <= end + 0.15
    # the model's speech, at the recording's own level
    level = 0.25 / (0.07 / 0.05)
    middle = result[head + rate // 20 : len(result) - tail - rate // 20]
    assert np.median(middle) == pytest.approx(level, rel=0.05 if channels != 2 else 0.5)
    (prompt, _, options), *more = model.prompts
    assert not more and (~prompt.visible).sum() >= 5 and options.num_iter == DEFAULTS.num_iter


def test_channels_keep_their_levels():
    """A voice that is louder on the left stays there."""
    mono = recording(6.0, 24000)
    wave = np.stack((mono, 0.25 * mono), axis=1)
    result = edited(StubModel(), wave, 24000, WORDS, WORDS.replace("five", "eleven"))
    head, tail = kept(wave, result)
    middle = result[head + 1200 : len(result) - tail - 1200]
    np.testing.assert_allclose(middle[:, 1], 0.25 * middle[:, 0], rtol=1e-4)
    # their mean is the model's speech, at the recording's own level
    assert np.median(middle.mean(axis=1)) == pytest.approx(0.25 / 0.07 * 0.05 * 0.625, rel=0.05)


def test_two_changes_far_apart_are_two_prompts():
    wave, model = recording(8.0, 24000), StubModel()
    result = edited(model, wave, 24000, WORDS, WORDS.replace("two", "six").replace("nine", "four"), seed=5)
    assert [seed for _, seed, _ in model.prompts] == [6, 5]
    head, tail = kept(wave, result)
    core = wave[len(wave) // 2 - 6000 : len(wave) // 2 + 6000]
    places = [i for i in range(len(result) - len(core)) if result[i] == core[0]]
    assert any(np.array_equal(result[i : i + len(core)], core) for i in places)
    assert head > 4000 and tail > 4000


def test_the_vocoders_context():
    wave, model = recording(6.0, 24000), StubModel()
    edited(model, wave, 24000, WORDS, WORDS.replace("five", "eleven"))
    generated = (model.decoded == 9.0).all(axis=1)
    assert generated.sum() == PATCH * (~model.prompts[0][0].visible[: len(generated)]).sum()
    assert not generated[:48].any() and generated[48] and not generated[-48:].any() and generated[-49]
    gain = 0.07 / np.sqrt(np.square(wave, dtype=np.float64).mean())
    mel = log_mel(without_offset(wave) * np.float32(gain))
    assert (np.abs(mel[:, None, :8] - model.decoded[None, [0, -1], :8]).max(-1) < 0.05).any(0).all()


def test_the_same_words_are_the_same_recording():
    wave, model = recording(3.0, 24000), StubModel()
    for text, message in (
        ("hello,   THERE!", "only in capitals, spaces"),
        (" Hello, there!", "is the old one"),
    ):
        with pytest.warns(UserWarning, match=message):
            result = edited(model, wave, 24000, "Hello, there!", text)
        assert np.array_equal(result, wave) and result is not wave and not model.prompts


def chime(seconds: float) -> np.ndarray:
    t = np.arange(round(seconds * 24000)) / 24000
    return (0.1 * np.sin(2 * np.pi * 880 * t) * np.exp(-t)).astype(np.float32)


def room_tone(seconds: float) -> np.ndarray:
    return (0.003 * np.random.default_rng(0).standard_normal(round(seconds * 24000))).astype(np.float32)


@functools.cache
def spoken_sentence() -> np.ndarray:
    (speech,) = pipeline("torch", None).speak("She saw a dog and a cat in the garden.", "george", num_iter=2)
    return speech.wave


@pytest.mark.slow
@pytest.mark.skipif(not (PRETRAINED / "config.json").exists(), reason="there is no embedded checkpoint yet")
@pytest.mark.parametrize(
    ("new", "word"),
    [
        ("She saw a dog and a cat in the yard.", "garden"),
        ("She saw a dog and a cat in the garden today.", "garden"),
        ("She saw a dog and a cat in the.", "the"),
        ("She saw a dog and a cat in the garden!", "garden"),
        ("He saw a dog and a cat in the garden.", "She"),
    ],
)
@pytest.mark.parametrize("other", ["chime", "room", "both", "before", "none", "offset"])
def test_what_is_not_speech_stays(new, word, other):
    speech = spoken_sentence()
    quiet = np.zeros(6000, np.float32)
    parts = {
        "chime": (speech, quiet, chime(4)),
        "room": (speech, room_tone(4)),
        "both": (chime(2), quiet, speech, quiet, chime(4)),
        "before": (room_tone(3), speech),
        "none": (speech,),
        "offset": (speech + np.float32(0.2),),
    }[other]
    wave, model = np.concatenate(parts), pipeline("torch", None)
    at = next(k for k, part in enumerate(parts) if len(part) == len(speech))
    begin = sum(map(len, parts[:at])) / 24000
    sound = begin + sound_begin(speech) / 24000, begin + sound_end(speech) / 24000
    result = model.edit(wave, "She saw a dog and a cat in the garden.", new, num_iter=2)
    head, tail = kept(wave, result)
    if word == "She":
        assert sound[0] - 0.2 < head / 24000 < sound[0] + 0.05
    else:
        assert sound[1] - 1.5 < head / 24000 < sound[1]
        assert sound[1] < (len(wave) - tail) / 24000 < sound[1] + 0.2
    patch = result[head : len(result) - tail]
    assert (patch - patch.mean()).std() < 2 * speech.std()  # an offset does not make it loud
    assert abs(patch[2400:-2400].mean() - wave.mean()) < 0.02


@pytest.mark.slow
@pytest.mark.skipif(not (PRETRAINED / "config.json").exists(), reason="there is no embedded checkpoint yet")
def test_a_loud_chime_does_not_make_the_words_loud():
    speech, model = spoken_sentence(), pipeline("torch", None)
    text, new = "She saw a dog and a cat in the garden.", "She saw a dog and a bird in the garden."
    levels = []
    for wave in (speech, np.concatenate((8 * chime(4), np.zeros(12000, np.float32), speech))):
        result = model.edit(wave, text, new, num_iter=2)
        head, tail = kept(wave, result)
        levels.append(result[head : len(result) - tail].std())
    assert 0.6 < levels[1] / levels[0] < 1.6  # it was 3.6


@pytest.mark.slow
@pytest.mark.skipif(not (PRETRAINED / "config.json").exists(), reason="there is no embedded checkpoint yet")
def test_a_text_that_is_not_said_is_warned_of():
    speech, model = spoken_sentence(), pipeline("torch", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.edit(
            speech, "She saw a dog and a cat in the garden.", "She saw a dog in the garden.", num_iter=1
        )
    with pytest.warns(UserWarning, match="--text may not be what is said in the recording"):
        model.edit(speech, "It was a dark and stormy night.", "It was a bright night.", num_iter=1)


def test_the_speed_is_of_the_new_words():
    wave = recording(6.0, 24000)
    lengths = [
        len(edited(StubModel(), wave, 24000, WORDS, WORDS.replace("five", "eleven"), speed=speed))
        for speed in (0.5, 1.0, 2.0)
    ]
    symbols = len(TOKENIZER.sentences("eleven")[0].symbols)
    assert lengths[0] - lengths[1] == pytest.approx(10 * symbols * HOP, abs=5 * HOP)
    assert lengths[1] - lengths[2] == pytest.approx(5 * symbols * HOP, abs=5 * HOP)


# bad input


@pytest.mark.parametrize(
    ("wave", "text", "new_text", "more", "message"),
    [
        (recording(3, 24000), "one two", "", {}, "--edit is empty"),
        (recording(3, 24000), "", "one", {}, "--text is empty"),
        ([0.0] * 24000, "one", "two", {}, "a recording must be a numpy array, not list"),
        (recording(3, 24000), "...", "one", {}, "there is nothing to speak"),
        (
            recording(3, 24000),
            "one two",
            "one",
            {"margin": -1},
            "--margin must be from 0 to 500 milliseconds",
        ),
        (recording(3, 24000), "one two", "one", {"margin": "x"}, "--margin must be"),
        (np.zeros(24000, np.float32), "one two", "one", {}, "the recording is silent"),
        (np.zeros(0, np.float32), "one two", "one", {}, "a recording must be floating-point numbers"),
        (np.ones(24000, np.int16), "one two", "one", {}, "not int16"),
        (recording(121, 24000), "one two", "one", {}, "lasts 121 s; at most 120 s"),
        (
            recording(3, 24000),
            "one two",
            "one",
            {"rate": 0},
            "the sample rate must be a whole number above 0",
        ),
        (recording(0.02, 24000), "one two", "one", {}, "too short for a mel spectrogram"),
    ],
)
def test_bad_input(wave, text, new_text, more, message):
    with pytest.raises(UserError, match=message):
        edited(StubModel(), wave, **({"rate": 24000, "text": text, "new_text": new_text} | more))


# with networks, both backends


@functools.cache
def pipeline(backend: str, folder):
    return Backend(backend).module("nanospeech").Nanospeech.from_pretrained(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("editing") / "tiny", config=CONFIG)


BUZZ = make_voice("buzz", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.").audio


@pytest.mark.parametrize(
    "options",
    [{}, {"use_diffusion": False}, {"refine": 0.5, "num_iter": 2}, {"cfg": 2.0, "margin": 0.0}],
    ids=str,
)
def test_both_backends_edit_alike(folder, options):
    torch, mlx = (
        pipeline(name, folder).edit(BUZZ, "Hello there.", "Hello over there.", seed=3, **options)
        for name in NAMES
    )
    assert torch.dtype == np.float32
    head, tail = kept(BUZZ, torch)
    assert (head, tail) == kept(BUZZ, mlx) and 0 < head + tail < len(BUZZ)
    assert relative_error(mlx, torch) <= 1e-3


@pytest.mark.parametrize("backend", NAMES)
def test_the_seed_and_the_path_change_the_edit(folder, backend):
    model = pipeline(backend, folder)
    waves = [
        model.edit(BUZZ, "Hello there.", "Hello you there.", **options)
        for options in ({}, {"seed": 1}, {"use_diffusion": False}, {"temperature": 1.0})
    ]
    assert np.array_equal(waves[0], model.edit(BUZZ, "Hello there.", "Hello you there."))
    for i, wave in enumerate(waves):
        assert all(len(wave) != len(other) or np.abs(wave - other).max() > 1e-4 for other in waves[:i])


@pytest.mark.parametrize("backend", NAMES)
def test_models_that_cannot_edit(backend):
    package = Backend(backend).module("nanospeech").Nanospeech
    characters = replace(CONFIG, text=TextConfig("characters", SYMBOLS, "filler"), phone_duration=None)
    for config in (replace(CONFIG, aligner=None), characters):
        with pytest.raises(UserError, match="this model cannot edit: it has no aligner"):
            package.from_config(config).edit(BUZZ, "Hello there.", "Hello.")


@pytest.mark.parametrize("backend", NAMES)
def test_known_durations_are_heeded(folder, backend):
    model = pipeline(backend, folder)
    ids = with_pauses(TOKENIZER.encode("həlˈoʊ ðˈɛɹ."), CONFIG)
    known = np.ones(len(ids), bool)
    known[4:7] = False
    slow, fast = (model.infill_durations(ids, np.full(len(ids), n), known) for n in (30, 3))
    assert slow.shape == (len(ids),) and not np.allclose(slow[4:7], fast[4:7])
    unread = np.where(known, 30, 77)
    assert np.allclose(slow, model.infill_durations(ids, unread, known))


@pytest.mark.skipif(not (PRETRAINED / "config.json").exists(), reason="there is no embedded checkpoint yet")
@pytest.mark.parametrize("backend", NAMES)
def test_the_embedded_checkpoint_finds_the_word(backend):
    """In a recording whose durations are known: they are of the corpus, as late as the aligner's lag."""
    model = pipeline(backend, None)
    heart = next(voice for voice in model.voices() if voice.name == "heart")
    assert "the south with" in heart.text
    result = model.edit(
        heart.audio, heart.text, heart.text.replace("south", "north"), lang="en-us", num_iter=2
    )
    word = heart.phonemes.index("sˈaʊθ")
    ends = np.cumsum(heart.durations) - model.config.aligner.lag * HOP / 24000
    begin, end = ends[word], ends[word + len("sˈaʊθ")]
    head, tail = kept(heart.audio, result)
    assert begin - 0.2 < head / 24000 < begin
    assert end < (len(heart.audio) - tail) / 24000 < end + 0.2
