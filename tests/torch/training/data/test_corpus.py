"""The corpus index: what an entry contains, what is left out and why, and what is held out."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.errors import UserError
from nanospeech_core.text.symbols import SYMBOLS

pytest.importorskip("torch")
pytest.importorskip("soundfile")

from nanospeech_torch.training.config import DataConfig
from nanospeech_torch.training.data.corpus import (
    AudioLocation,
    IndexEntry,
    read_index,
    split_held_out,
)

MODEL = corpus.small_model()
FILLER = replace(MODEL, text=replace(MODEL.text, alignment="filler"), phone_duration=None)


def index(*patterns, model=MODEL, durations=None, **config):
    """The index of a config's shards, and what was reported."""
    lines = []
    config = DataConfig(shards=tuple(str(pattern) for pattern in patterns), **config)
    return read_index(config, model, lines.append, durations), lines


def members_of(utterances: dict[str, tuple[bytes, dict]], suffix: str = "wav") -> list[tuple[str, bytes]]:
    """Files of utterances: audio and json of each key."""
    files = []
    for key, (audio, meta) in utterances.items():
        files += [(f"{key}.{suffix}", audio), (f"{key}.json", json.dumps(meta).encode())]
    return files


def changed(meta, **changes):
    return {key: value for key, value in (meta | changes).items() if value is not ...}


def tone(seed=0, letters=6, **changes):
    """An utterance's audio and json; a change to `...` takes the value away."""
    wave, meta = corpus.tone_utterance(np.random.default_rng(seed), letters=letters)
    return corpus.audio_bytes(wave), changed(meta, **changes)


# items


def test_an_item_has_the_values_of_its_json(tmp_path):
    audio, meta = tone(1, voice="amy", text="Hello ☃.")
    meta["phonemes"] = "a☃" + meta["phonemes"][2:]
    (item,), lines = index(corpus.write_tar(tmp_path / "x.tar", members_of({"k": (audio, meta)})))
    space = SYMBOLS.index(" ")
    letters = [SYMBOLS.index(symbol) if symbol in SYMBOLS else -1 for symbol in meta["phonemes"]]
    assert item.ids.tolist() == [space, *letters, space] and letters[1] == -1
    assert (item.key, item.voice, item.text) == ("k", "amy", "Hello ☃.")
    assert item.durations.tolist() == [600 * d for d in meta["durations"]]
    assert item.samples == 600 * sum(meta["durations"]) and item.frames == corpus.frames_of(meta)
    assert item.location.read() == audio
    assert lines == [
        f"1 utterances, {item.samples / SAMPLE_RATE / 3600:.2f} h, 1 voices",
        "1 symbols are not in the vocabulary and are trained on without text",
    ]


@pytest.mark.parametrize("voice", [..., None, ""])
def test_without_a_voice_an_utterance_is_its_own(tmp_path, voice):
    utterances = {key: tone(voice=voice, text=None) for key in "ab"}
    items, lines = index(corpus.write_tar(tmp_path / "x.tar", members_of(utterances)))
    assert [(item.voice, item.text) for item in items] == [("a", ""), ("b", "")]
    assert "2 voices" in lines[0]


def test_voices_may_be_numbers(tmp_path):
    utterances = {"a": tone(voice=0), "b": tone(voice=0), "c": tone(voice="0")}
    items, lines = index(corpus.write_tar(tmp_path / "x.tar", members_of(utterances)))
    assert {item.voice for item in items} == {"0"} and "1 voices" in lines[0]


@pytest.mark.parametrize(
    ("lang", "language"),
    [("en-gb", "en"), ("es", "es"), ("Spanish", "es"), ("zh-CN", "zh"), ("", ""), (None, ""), ("tlh", "")],
)
def test_the_language_of_an_utterance(tmp_path, lang, language):
    (item,), _ = index(corpus.write_tar(tmp_path / "x.tar", members_of({"k": tone(lang=lang)})))
    assert item.language == language


def test_character_models_read_the_text(tmp_path):
    text = replace(MODEL.text, kind="characters", vocab=(" ", "a", "b", "d"))
    transformer = replace(MODEL.transformer, text_num_embeds=4)
    model = replace(MODEL, text=text, transformer=transformer)
    utterances = {"k": tone(text="bad b ", phonemes="x")}
    (item,), _ = index(corpus.write_tar(tmp_path / "x.tar", members_of(utterances)), model=model)
    assert item.ids.tolist() == [0, 2, 1, 3, 0, 2, 0, 0]


def test_the_length_is_of_the_json_else_of_the_durations_else_of_the_header(tmp_path):
    import soxr

    wave, meta = corpus.tone_utterance(np.random.default_rng(0))
    known = len(wave)
    half = corpus.audio_bytes(soxr.resample(wave, SAMPLE_RATE, 16000), 16000)
    given = {
        "samples": (b"not read", meta | {"samples": known - 100}),
        "durations": (b"not read", meta),
        "zero": (b"not read", meta | {"samples": 0}),
        "word": (b"not read", meta | {"samples": "3"}),
        "header": (half, changed(meta, durations=...)),
    }
    path = corpus.write_tar(tmp_path / "x.tar", members_of(given))
    items, lines = index(path, model=FILLER)
    lengths = {item.key: item.samples for item in items}
    assert lengths == {"samples": known - 100, "header": pytest.approx(known, abs=2)}
    assert lines[1:] == ["skipped 3: unreadable audio"]  # without need of durations nobody reads them
    items, lines = index(path)
    lengths = {item.key: item.samples for item in items}
    assert lengths == {"samples": known - 100, "durations": known, "zero": known, "word": known}
    assert lines[1:] == ["skipped 1: no durations"]


def test_the_unit_of_durations(tmp_path):
    audio, meta = tone()
    seconds = meta | {"durations": [d * 0.025 for d in meta["durations"]], "duration_unit": SAMPLE_RATE}
    (a, b), _ = index(
        corpus.write_tar(tmp_path / "x.tar", members_of({"a": (audio, meta), "b": (audio, seconds)}))
    )
    np.testing.assert_allclose(a.durations, b.durations, rtol=1e-6)
    assert a.samples == b.samples


def test_alignment_training_needs_no_durations(tmp_path):
    utterances = {"a": tone(durations=...), "b": tone(durations="nonsense")}
    items, _ = index(corpus.write_tar(tmp_path / "x.tar", members_of(utterances)), durations=False)
    assert [item.durations for item in items] == [None, None]
    assert {len(item.ids) for item in items} == {8}  # the pauses at both ends are there all the same
    with pytest.raises(UserError, match=r"all 2 utterances were skipped \(no durations\)"):
        index(tmp_path / "x.tar")


def test_filler_models_have_no_pauses_at_the_ends(tmp_path):
    (item,), _ = index(corpus.write_tar(tmp_path / "x.tar", members_of({"a": tone()})), model=FILLER)
    assert len(item.ids) == 6 and item.durations is None


BAD = {
    "no phonemes": [{"phonemes": ...}, {"phonemes": ""}, {"phonemes": ["a"] * 6}],
    "no durations": [
        *({"durations": ...}, {"durations": [1, 2, "x", 4, 5, 6, 7, 8]}, {"durations": [-1, *range(7)]}),
        *({"durations": [float("nan")] * 8}, {"durations": [True] * 8}, {"duration_unit": 0}),
        {"duration_unit": "600"},
    ],
    "durations that do not match the phonemes": [{"phonemes": "abc"}, {"phonemes": "a" * 9}],
    "durations that do not add up to the audio's": [{"samples": 4000}, {"samples": 10**6}],
    "longer than 2 s (data.max_seconds)": [{"durations": [11] * 8}],
    "too short": [{"durations": [0] * 8}, {"durations": [0.2] * 8}],
}


@pytest.mark.parametrize("reason", BAD)
def test_every_reason_to_skip_is_counted(tmp_path, reason):
    utterances = {"good": tone()} | {f"bad{i}": tone(**changes) for i, changes in enumerate(BAD[reason])}
    path = corpus.write_tar(tmp_path / "x.tar", members_of(utterances))
    items, lines = index(path, max_seconds=2.0)
    assert [item.key for item in items] == ["good"]
    assert lines[1:] == [f"skipped {len(BAD[reason])}: {reason}"]


def test_a_text_longer_than_its_audio_is_skipped_where_it_is_not_aligned(tmp_path):
    utterances = {key: tone(samples=HOP * n, phonemes="a" * 60) for key, n in (("a", 60), ("b", 62))}
    items, lines = index(corpus.write_tar(tmp_path / "x.tar", members_of(utterances)), model=FILLER)
    assert [item.key for item in items] == ["b"] and lines[1:] == ["skipped 1: too short"]


def test_the_longest_that_fits(tmp_path):
    utterances = {"at": tone(durations=[10] * 8), "over": tone(durations=[10] * 7 + [10.01])}
    items, _ = index(corpus.write_tar(tmp_path / "x.tar", members_of(utterances)), max_seconds=2.0)
    assert [item.key for item in items] == ["at"]


def test_no_data(tmp_path):
    with pytest.raises(UserError, match="nothing matches .*nowhere"):
        index(tmp_path / "nowhere-*.tar")
    with pytest.raises(UserError, match=r"data\.shards \(it is empty\)"):
        index()
    with pytest.raises(UserError, match=r"all 0 utterances were skipped \(the shards are empty\)"):
        index(corpus.write_tar(tmp_path / "x.tar", []))
    with pytest.raises(UserError, match="a mel has 100 bins"):
        model = replace(MODEL, transformer=replace(MODEL.transformer, mel_dim=80), diffusion=None)
        index(tmp_path / "x.tar", model=model)


def test_shards_and_folders_give_the_same_index(tmp_path):
    utterances = {f"u{i}": tone(i) for i in range(6)}
    corpus.write_tar(tmp_path / "all.tar", members_of(utterances))
    folder = tmp_path / "folder"
    shutil.unpack_archive(tmp_path / "all.tar", folder)
    from_tar, _ = index(tmp_path / "all.tar")
    from_folder, _ = index(folder)
    assert [item.location.read() for item in from_tar] == [item.location.read() for item in from_folder]
    both, lines = index(tmp_path / "all.tar", folder)
    for items in (from_folder, both):
        assert [(i.key, i.ids.tolist(), i.samples) for i in items] == [
            (i.key, i.ids.tolist(), i.samples) for i in from_tar
        ]
    assert lines[1:] == ["skipped 6: an id that was read before"]


# what is held out


def items_of(keys) -> list[IndexEntry]:
    return [IndexEntry(key, "v", "", np.zeros(1, np.int16), None, 24000, AudioLocation("x")) for key in keys]


def test_held_out_stays_held_out_when_data_is_added():
    keys = [f"u{i}" for i in range(400)]
    held_out, training = split_held_out(items_of(keys[:200]), 10)
    assert len(held_out) == 10
    assert sorted(i.key for i in held_out + training) == sorted(keys[:200])
    assert [i.key for i in training] == [k for k in keys[:200] if k in {i.key for i in training}]  # in order
    for more in (keys[:201], keys, keys[::-1]):
        later, rest = split_held_out(items_of(more), 10)
        assert not {i.key for i in later} & {i.key for i in training}
        assert len(later) == 10 and len(rest) == len(more) - 10
    assert [i.key for i in split_held_out(items_of(keys[::-1][200:]), 10)[0]] == [i.key for i in held_out]


def test_bounds_of_held_out():
    items = items_of("abc")
    assert split_held_out(items, 0) == ([], items)
    assert len(split_held_out(items, 2)[1]) == 1
    for held_out in (3, 4):
        with pytest.raises(UserError, match=f"data.held_out is {held_out}, of 3 utterances"):
            split_held_out(items, held_out)


def test_the_given_layout_is_read(tmp_path):
    """One utterance as `python -m nanospeech_torch.prepare` writes it."""
    audio, meta = tone(2)
    meta |= {"id": "src/u1", "lang": "en-us", "samples": 600 * sum(meta["durations"]), "source": "a.csv"}
    path = corpus.write_tar(tmp_path / "train-000000.tar", members_of({"src-u1": (audio, meta)}))
    (item,), _ = index(path)
    assert Path(item.location.path) == path and item.frames == item.samples // HOP + 1
