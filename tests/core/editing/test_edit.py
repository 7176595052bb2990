"""Speech editing: what has to change, the gap that it is drawn in, and the seams."""

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest
from backends import NAMES, Backend, relative_error
from checkpoints import make_voice, tiny_config, write_checkpoint

from nanospeech_core.audio.mel import HOP, log_mel
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.config import AlignerConfig, TextConfig
from nanospeech_core.editing import edit
from nanospeech_core.editing.changes import (
    Change,
    find_changes,
    make_gap,
    merge_near,
    quietest,
    window,
    words_of,
)
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import DEFAULTS, GenerateOptions
from nanospeech_core.sampling.prompt import pause_id, with_pauses
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

CONFIG = tiny_config(
    aligner=AlignerConfig(dim=16, key_dim=8, text_layers=1, mel_layers=1, text_num_embeds=len(SYMBOLS), lag=3)
)
TOKENIZER = Tokenizer("phonemes", SYMBOLS)
PAUSE = pause_id(CONFIG)
PATCH = CONFIG.transformer.patch


def changes_of(said: str, wanted: str) -> tuple[np.ndarray, list[Change]]:
    return find_changes(said.split(), wanted.split(), TOKENIZER, CONFIG)


def spoken(ids: np.ndarray) -> str:
    return "".join(SYMBOLS[i] for i in ids)


def applied(ids: np.ndarray, changes: list[Change]) -> np.ndarray:
    for change in reversed(changes):
        ids = np.concatenate((ids[: change.start], change.ids, ids[change.end :]))
    return ids


# what has to change


@pytest.mark.parametrize(
    ("said", "wanted", "expected"),
    [
        ("ab cd ef", "ab xyz ef", [("cd", "xyz")]),
        ("ab cd ef", "ab ef", [("cd ", "")]),
        ("ab cd ef", "ab cd", [(" ef", "")]),
        ("ab cd ef", "cd ef", [("ab ", "")]),
        ("ab cd", "ab xy cd", [("", "xy ")]),
        ("ab cd", "xy ab cd", [("", "xy ")]),
        ("ab cd", "ab cd xy", [("", " xy")]),
        ("ab cd ef kh", "xy cd kh ij", [("ab", "xy"), ("ef ", ""), ("", " ij")]),
        ("ab", "xy z", [("ab", "xy z")]),
        ("ab, cd", "ab cd", [("ab,", "ab")]),
        ("ˈab cd", "aˌb cd", []),
        ("ab ab ab", "ab ab ab", []),
    ],
)
def test_changes(said, wanted, expected):
    ids, changes = changes_of(said, wanted)
    assert spoken(ids) == f" {said} "
    assert [(spoken(ids[c.start : c.end]), spoken(c.ids)) for c in changes] == expected


def test_changes_make_of_one_text_the_other():
    rng = np.random.default_rng(0)
    for _ in range(300):
        said, wanted = (rng.choice(["ab", "c", "def", "kh,"], rng.integers(1, 9)).tolist() for _ in range(2))
        ids, changes = find_changes(said, wanted, TOKENIZER, CONFIG)
        assert spoken(applied(ids, changes)) == f" {' '.join(wanted)} "
        frames = rng.integers(1, 9, len(ids))
        merged = merge_near(changes, ids, frames, margin=1, patch=1)
        assert spoken(applied(ids, merged)) == f" {' '.join(wanted)} "
        between = [frames[a.end : b.start].sum() for a, b in zip(merged, merged[1:], strict=False)]
        assert all(count >= 10 + 4 + 2 for count in between)
        assert bool(changes) == (said != wanted)


def test_the_context_is_whole_words_and_some_seconds():
    words = ["".join(letters) for letters in itertools.permutations("abdef", 3)][:40]
    ids, (change,) = changes_of(" ".join(words), " ".join([*words[:20], "xyz", *words[21:]]))
    frames = np.full(len(ids), 20)
    first, last = window(change, ids, frames, PAUSE)
    assert ids[first] == ids[last - 1] == PAUSE
    for count in (frames[first : change.start].sum(), frames[change.end : last].sum()):
        assert 750 - 4 * 20 < count <= 750
    assert window(change, ids, np.ones_like(ids), PAUSE) == (0, len(ids))


# the gap


def gap_of(said: str, wanted: str, margin: int, lag: int, new: int = 7, seed: int = 0):
    """A gap in a recording of random mel, whose frame t has t in its first bin."""
    rng = np.random.default_rng(seed)
    ids, (change,) = changes_of(said, wanted)
    frames = rng.integers(6, 12, len(ids))
    mel = rng.standard_normal((frames.sum(), 100)).astype(np.float32)
    mel[:, 0] = np.arange(len(mel))
    lengths = np.full(len(change.ids), new)
    span = (0, len(ids))
    gap = make_gap(change, ids, frames, lengths, span, mel, margin, lag, CONFIG)
    return gap, change, ids, frames, mel, lengths


EDITS = [("ab cd ef", "ab xyz ef"), ("ab cd ef", "ab ef"), ("ab cd", "xy ab cd"), ("ab cd", "ab cd xy")]


@pytest.mark.parametrize("lag", [0, 5])
@pytest.mark.parametrize("margin", [0, 3, 6])
@pytest.mark.parametrize(("said", "wanted"), EDITS)
@pytest.mark.parametrize("seed", range(4))
def test_all_but_the_gap_is_the_recording(said, wanted, margin, lag, seed):
    gap, change, ids, frames, mel, lengths = gap_of(said, wanted, margin, lag, seed=seed)
    text = np.repeat(
        np.concatenate((ids[: change.start], change.ids, ids[change.end :])),
        np.concatenate((frames[: change.start], lengths, frames[change.end :])),
    )
    prompt = gap.prompt
    assert len(prompt.text) == len(prompt.cond) * PATCH and np.array_equal(prompt.text[: len(text)], text)
    shown = (prompt.cond.reshape(-1, 100) * CONFIG.mel.std + CONFIG.mel.mean)[:, 0]
    visible = np.repeat(prompt.visible, PATCH)
    assert not visible[gap.start : gap.stop].any() and visible[: gap.start].all()
    whole = len(text) // PATCH * PATCH
    assert visible[gap.stop : whole].all() and not visible[whole:].any()
    np.testing.assert_allclose(shown[: gap.start], np.arange(gap.left), atol=1e-3)
    rest = np.arange(gap.right, len(mel))[: max(0, whole - gap.stop)]
    np.testing.assert_allclose(shown[gap.stop : gap.stop + len(rest)], rest, atol=1e-3)
    assert prompt.start * PATCH == gap.start == gap.left


@pytest.mark.parametrize("lag", [0, 5])
@pytest.mark.parametrize("margin", [0, 3, 6])
@pytest.mark.parametrize("seed", range(4))
def test_the_gap_is_the_changed_words_and_a_little_around_them(margin, lag, seed):
    gap, change, _, frames, _, lengths = gap_of("ab cd ef", "ab xyz ef", margin, lag, seed=seed)
    begin, end = frames[: change.start].sum() - lag, frames[: change.end].sum() - lag
    most = 2 * margin + PATCH
    near = margin - PATCH if margin < PATCH else margin  # there may be no whole token within the margin
    assert near <= begin - gap.left <= most
    assert near <= gap.right - end <= most
    grown = lengths.sum() - frames[change.start : change.end].sum()
    assert gap.stop - gap.start == gap.right - gap.left + grown


def test_a_seam_is_where_it_is_quiet():
    mel = np.zeros((40, 3), np.float32)
    mel[[15, 16]] = -9
    assert quietest(mel, 8, 24, 4, 0) == 16
    assert quietest(mel, 28, 44, 4, 20) == 36  # the recording's frame 16 is frame 36 here
    assert quietest(mel, 8, 14, 4, 0) in (8, 12)
    assert quietest(mel, 9, 11, 4, 0) in (8, 12) and quietest(mel, 5, 5, 4, 0) == 4


def test_words_too_many_to_be_said_at_once():
    with pytest.raises(UserError, match="would last 1.. s; the model speaks at most 44 s"):
        gap_of("ab cd ef", "ab xyz ef", 3, 0, new=4000)


# the seams


def sine(count: int, phase: float, rate: int = 24000) -> np.ndarray:
    return np.sin(2 * np.pi * 200 * np.arange(count) / rate + phase)


@pytest.mark.parametrize("phase", [0.3, 2.0, 3.1, 5.0])
def test_periods_meet_at_the_seams(phase):
    wave, piece = sine(24000, 0.0), sine(12000, phase)
    joined = edit.splice(wave, piece, (0.3, 0.5), (0.1, 0.4), 24000)
    assert abs(len(joined) - 24000 - 2400) <= 2 * 144
    steepest = np.abs(np.diff(wave)).max()
    assert np.abs(np.diff(joined)).max() < 1.1 * steepest
    power = np.convolve(np.square(joined), np.ones(120) / 120, "valid")  # of periods
    assert power.min() > 0.45  # no seam cancels itself


@pytest.mark.parametrize("channels", [None, 1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outside_of_the_seams_nothing_changes(channels, dtype):
    rng = np.random.default_rng(0)
    wave = rng.standard_normal((16000, channels) if channels else 16000).astype(dtype)
    piece = rng.standard_normal(8000)
    joined = edit.splice(wave, piece, (0.25, 0.5), (0.1, 0.3), 16000)
    assert joined.dtype == dtype and joined.shape[1:] == wave.shape[1:]
    assert np.array_equal(joined[: 4000 - 160], wave[: 4000 - 160])
    after = len(wave) - 8000 - 160
    assert np.array_equal(joined[-after:], wave[-after:])
    assert not np.isclose(joined[4000:6000], wave[4000:6000]).all(axis=-1).any()
    start = edit.splice(wave, piece, (0.0, 0.5), (0.0, 0.3), 16000)
    assert np.array_equal(start[-after:], wave[-after:])
    np.testing.assert_allclose(start.reshape(len(start), -1)[0], piece[0], rtol=0.01)  # no seam at the start
    end = edit.splice(wave, piece, (0.25, None), (0.1, 0.5), 16000)
    assert np.array_equal(end[: 4000 - 160], wave[: 4000 - 160])
    np.testing.assert_allclose(end.reshape(len(end), -1)[-1], piece[-1], rtol=0.01)


# a whole edit, without networks


class Stand:
    """A speaker that hears a symbol every ten frames, draws loud noise and decodes it to 0.25."""

    config = CONFIG

    def __init__(self):
        self.prompts, self.aligner = [], self

    def align(self, mel, ids):
        return np.diff(np.round(np.linspace(0, len(mel), len(ids) + 1)).astype(np.int64))

    def infill_durations(self, ids, frames, known):
        assert (frames[known] > 0).all() and not known.all()
        return np.full(len(ids), np.log1p(10.0))

    def sample(self, prompt, seed, **options):
        self.prompts.append((prompt, seed, options))
        return np.full((len(prompt.text) - PATCH * prompt.start, 100), 9.0, np.float32)

    def decode(self, mel):
        self.decoded = mel
        return np.full((len(mel) - 1) * HOP, 0.25, np.float32)


def recording(seconds: float, rate: int, channels: int | None = None) -> np.ndarray:
    rng = np.random.default_rng(0)
    shape = round(seconds * rate) if channels is None else (round(seconds * rate), channels)
    return (0.05 * rng.standard_normal(shape)).astype(np.float32)


def edited(stand, wave, rate, said, wanted, margin=30.0, **options):
    return edit.edit(stand, wave, said, wanted, rate, margin, GenerateOptions(**options))


def kept(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """How many samples at the start, and how many at the end, are the same."""
    count = min(len(before), len(after))
    same = (before[:count] == after[:count]).reshape(count, -1).all(axis=1)
    tail = (before[::-1][:count] == after[::-1][:count]).reshape(count, -1).all(axis=1)
    return int(np.argmin(same)), int(np.argmin(tail))


WORDS = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize(("rate", "channels"), [(24000, None), (16000, 1), (44100, 2), (8000, None)])
def test_the_rest_is_bit_identical_at_any_rate(rate, channels):
    wave, stand = recording(6.0, rate, channels), Stand()
    result = edited(stand, wave, rate, WORDS, WORDS.replace("five", "eleven"))
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
    (prompt, _, options), *more = stand.prompts
    assert not more and (~prompt.visible).sum() >= 5 and options["num_iter"] == DEFAULTS.num_iter


def test_channels_keep_their_levels():
    """A voice that is louder on the left stays there."""
    mono = recording(6.0, 24000)
    wave = np.stack((mono, 0.25 * mono), axis=1)
    result = edited(Stand(), wave, 24000, WORDS, WORDS.replace("five", "eleven"))
    head, tail = kept(wave, result)
    middle = result[head + 1200 : len(result) - tail - 1200]
    np.testing.assert_allclose(middle[:, 1], 0.25 * middle[:, 0], rtol=1e-4)
    # their mean is the model's speech, at the recording's own level
    assert np.median(middle.mean(axis=1)) == pytest.approx(0.25 / 0.07 * 0.05 * 0.625, rel=0.05)


def test_words_with_phonemes():
    given = "say [tomato](/təmˈɑːɾoʊ/) now"
    plain, mine = (words_of(text, TOKENIZER, "en-us") for text in ("say tomato now", given))
    assert mine == [plain[0], "təmˈɑːɾoʊ", *plain[2:]] and mine != plain
    assert words_of("say tomato now", TOKENIZER, "en-us", {"tomato": "təmˈɑːɾoʊ"}) == mine
    with pytest.raises(UserError, match="knows no .pause."):
        words_of("say [pause 0.5] now", TOKENIZER, "en-us")


def test_two_changes_far_apart_are_two_gaps():
    wave, stand = recording(8.0, 24000), Stand()
    result = edited(stand, wave, 24000, WORDS, WORDS.replace("two", "six").replace("nine", "four"), seed=5)
    assert [seed for _, seed, _ in stand.prompts] == [6, 5]
    head, tail = kept(wave, result)
    core = wave[len(wave) // 2 - 6000 : len(wave) // 2 + 6000]
    places = [i for i in range(len(result) - len(core)) if result[i] == core[0]]
    assert any(np.array_equal(result[i : i + len(core)], core) for i in places)
    assert head > 4000 and tail > 4000


def test_what_the_vocoder_hears():
    wave, stand = recording(6.0, 24000), Stand()
    edited(stand, wave, 24000, WORDS, WORDS.replace("five", "eleven"))
    drawn = (stand.decoded == 9.0).all(axis=1)
    assert drawn.sum() == PATCH * (~stand.prompts[0][0].visible[: len(drawn)]).sum()
    assert not drawn[:48].any() and drawn[48] and not drawn[-48:].any() and drawn[-49]
    gain = 0.07 / np.sqrt(np.square(wave, dtype=np.float64).mean())
    heard = log_mel(wave * np.float32(gain))
    assert (np.abs(heard[:, None, :8] - stand.decoded[None, [0, -1], :8]).max(-1) < 0.05).any(0).all()


def test_the_same_words_are_the_same_recording():
    wave, stand = recording(3.0, 24000), Stand()
    result = edited(stand, wave, 24000, "Hello, there!", "hello,   there!")
    assert np.array_equal(result, wave) and result is not wave and not stand.prompts


def test_the_speed_is_of_the_new_words():
    wave = recording(6.0, 24000)
    lengths = [
        len(edited(Stand(), wave, 24000, WORDS, WORDS.replace("five", "eleven"), speed=speed))
        for speed in (0.5, 1.0, 2.0)
    ]
    symbols = len(TOKENIZER.sentences("eleven")[0].symbols)
    assert lengths[0] - lengths[1] == pytest.approx(10 * symbols * HOP, abs=5 * HOP)
    assert lengths[1] - lengths[2] == pytest.approx(5 * symbols * HOP, abs=5 * HOP)


# bad input


@pytest.mark.parametrize(
    ("wave", "said", "wanted", "more", "message"),
    [
        (recording(3, 24000), "one two", "", {}, "--edit is empty"),
        (recording(3, 24000), "", "one", {}, "--text is empty"),
        ([0.0] * 24000, "one", "two", {}, "a recording is a numpy array, not list"),
        (recording(3, 24000), "...", "one", {}, "there is nothing to speak"),
        (
            recording(3, 24000),
            "one two",
            "one",
            {"margin": -1},
            "--margin must be from 0 to 500 milliseconds",
        ),
        (recording(3, 24000), "one two", "one", {"margin": "x"}, "--margin must be"),
        (recording(3, 24000), "one two", "one", {"speed": 9}, "--speed must be"),
        (np.zeros(24000, np.float32), "one two", "one", {}, "the recording is silent"),
        (np.zeros(0, np.float32), "one two", "one", {}, "a recording is floating-point numbers"),
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
def test_bad_input(wave, said, wanted, more, message):
    with pytest.raises(UserError, match=message):
        edited(Stand(), wave, **({"rate": 24000, "said": said, "wanted": wanted} | more))


# with networks, both backends


@functools.cache
def speaker(backend: str, folder):
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
        speaker(name, folder).edit(BUZZ, "Hello there.", "Hello over there.", seed=3, **options)
        for name in NAMES
    )
    assert torch.dtype == np.float32
    head, tail = kept(BUZZ, torch)
    assert (head, tail) == kept(BUZZ, mlx) and 0 < head + tail < len(BUZZ)
    assert relative_error(mlx, torch) <= 1e-3


@pytest.mark.parametrize("backend", NAMES)
def test_the_seed_and_the_path_are_heard(folder, backend):
    model = speaker(backend, folder)
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
    model = speaker(backend, folder)
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
    model = speaker(backend, None)
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
