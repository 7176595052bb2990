"""Utterances: decoded audio, and durations in frames."""

import itertools
import json
from dataclasses import replace

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE, log_mel
from nanospeech_core.errors import UserError
from nanospeech_core.text.symbols import SYMBOLS

torch = pytest.importorskip("torch")

from nanospeech_torch.training.config import DataConfig
from nanospeech_torch.training.data.batch import Batch, collate
from nanospeech_torch.training.data.batch_plans import batch_plans
from nanospeech_torch.training.data.corpus import Skip, read_index
from nanospeech_torch.training.data.loading import UtteranceBatchDataset
from nanospeech_torch.training.data.utterances import (
    UtteranceDataset,
    durations_in_frames,
    load_utterance,
)

MODEL = corpus.small_model()
PATCH = MODEL.transformer.patch


def index(path, model=MODEL):
    return read_index(DataConfig(shards=(str(path),)), model, lambda line: None)


def one(tmp_path, audio: bytes, meta: dict, model=MODEL, suffix="wav"):
    """The only item of a shard."""
    members = [(f"a.{suffix}", audio), ("a.json", json.dumps(meta).encode())]
    (item,) = index(corpus.write_tar(tmp_path / "one.tar", members), model)
    return item


def build(sequences, length, seed) -> Batch:
    """A batch, its seed among the ids."""
    batch = collate(sequences, MODEL, length // PATCH)
    return replace(batch, first_tokens=torch.full_like(batch.first_tokens, seed % 2**31))


# libraries and loaders


def batches(items, count, memory_hours=1.0, workers=0, seed=3, start=0, report=lambda line: None, **config):
    library = UtteranceDataset(items, memory_hours, report)
    config = DataConfig(batch_seconds=4.0, max_seconds=3.0, **config)
    stream = UtteranceBatchDataset(library, build, seed).stream(
        batch_plans(library.entries, config, PATCH, seed, start), workers
    )
    return list(itertools.islice(stream, count))


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return corpus.write_corpus(tmp_path_factory.mktemp("data") / "x.tar", 10, 2)


def spoil(shard, items, numbers):
    """Overwrite the audio of items where it lies."""
    with open(shard, "r+b") as file:
        for number in numbers:
            file.seek(items[number].location.offset)
            file.write(b"\0" * items[number].location.size)


@pytest.mark.parametrize("seed", range(20))
def test_frame_counts_add_up_and_round_each_boundary(seed):
    rng = np.random.default_rng(seed)
    durations = rng.integers(0, 12, 40) * 600
    exact = np.cumsum(durations) / HOP
    frames = int(exact[-1]) + 1
    counts = durations_in_frames(durations.astype(np.float32), frames)
    assert counts.sum() == frames and (counts >= 0).all()
    ends = np.cumsum(counts)
    assert np.abs(ends - exact)[:-1].max() <= 0.5 and abs(ends[-1] - exact[-1]) <= 1
    assert (counts[durations == 0][:-1] == 0).all()


def test_frame_counts_of_durations_longer_or_shorter_than_the_mel():
    assert durations_in_frames(np.array([1, 1, 1]) * HOP, 10).tolist() == [1, 1, 8]
    assert durations_in_frames(np.array([4, 4, 4, 4]) * HOP, 6).tolist() == [4, 2, 0, 0]


def test_an_utterance_is_its_mel_and_the_frames_of_its_symbols(tmp_path):
    wave, meta = corpus.tone_utterance(np.random.default_rng(4))
    item = one(tmp_path, corpus.audio_bytes(wave, subtype="FLOAT"), meta)
    got = load_utterance(item)
    assert got.mel.dtype == np.float16 and got.mel.shape == (corpus.frames_of(meta), 100)
    np.testing.assert_allclose(got.mel, log_mel(wave), atol=5e-3)
    assert got.ids.tolist() == [SYMBOLS.index(symbol) for symbol in f" {meta['phonemes']} "]
    assert got.ids.dtype == got.durations.dtype == np.int64
    ends = np.cumsum(got.durations)[:-1] * HOP
    assert np.abs(ends - np.cumsum(meta["durations"])[:-1] * 600).max() <= HOP / 2
    assert (got.key, got.voice, got.text) == ("a", "v0", meta["text"])


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_another_rate_is_resampled(tmp_path, rate):
    import soxr

    wave, meta = corpus.tone_utterance(np.random.default_rng(4))
    audio = corpus.audio_bytes(soxr.resample(wave, SAMPLE_RATE, rate), rate, subtype="FLOAT")
    got = load_utterance(one(tmp_path, audio, meta)).mel
    assert got.shape == (corpus.frames_of(meta), 100)
    low = slice(0, 25)  # bins under 1.5 kHz
    difference = np.abs(got - log_mel(wave))[3:-3, low]
    assert np.median(difference) < 0.02 and difference.mean() < 0.1


@pytest.mark.parametrize("extra", [-2000, -300, 0, 300, 2000])
def test_what_a_codec_padded_is_cut_and_what_it_swallowed_repeats_the_last_frame(tmp_path, extra):
    rng = np.random.default_rng(0)
    wave, meta = corpus.tone_utterance(rng)
    recorded = (
        wave[:extra] if extra < 0 else np.concatenate((wave, 0.1 * rng.normal(size=extra))).astype("f4")
    )
    item = one(tmp_path, corpus.audio_bytes(recorded, subtype="FLOAT"), meta)
    got = load_utterance(item)
    frames = corpus.frames_of(meta)
    assert len(got.mel) == frames == got.durations.sum()
    computed = log_mel(recorded).astype(np.float16)
    known = min(frames, len(computed))
    np.testing.assert_array_equal(got.mel[:known], computed[:known])
    np.testing.assert_array_equal(got.mel[known:], np.tile(computed[-1:], (frames - known, 1)))


def test_audio_of_another_length_is_skipped(tmp_path):
    wave, meta = corpus.tone_utterance(np.random.default_rng(0))
    for recorded in (wave[:-2401], np.concatenate((wave, np.zeros(2401, np.float32))), np.tile(wave, 100)):
        item = one(tmp_path, corpus.audio_bytes(recorded), meta)
        with pytest.raises(Skip, match="^audio of another length than its json says$"):
            load_utterance(item)


@pytest.mark.parametrize(("samples", "enough"), [(1, False), (512, False), (513, True)])
def test_hardly_any_audio(tmp_path, samples, enough):
    """A codec may have left next to nothing of a recording that is short by its json."""
    meta = {"phonemes": "a", "durations": [1, 1, 1], "samples": 2000}
    item = one(tmp_path, corpus.audio_bytes(np.full(samples, 0.1, np.float32)), meta)
    if enough:
        assert load_utterance(item).mel.shape == (8, 100)
    else:
        with pytest.raises(Skip, match="too short"):
            load_utterance(item)


def test_filler_utterances_have_no_frames(tmp_path):
    model = replace(MODEL, text=replace(MODEL.text, alignment="filler"), phone_duration=None)
    wave, meta = corpus.tone_utterance(np.random.default_rng(0))
    got = load_utterance(one(tmp_path, corpus.audio_bytes(wave), meta, model))
    assert got.durations.shape == (0,) and len(got.ids) == 6
    batch = collate([[got], [got, got]], model)
    ids = got.ids.tolist()
    assert batch.text[0, :7].tolist() == [*ids, -1] and batch.text[1, :13].tolist() == [*ids, *ids, -1]
    assert not batch.durations.any()


def test_broken_audio_is_dropped_from_memory_and_reported(tmp_path):
    shard = corpus.write_corpus(tmp_path / "x.tar", 8)
    items = index(shard)
    spoil(shard, items, [1, 5])
    lines = []
    library = UtteranceDataset(items, 1.0, lines.append)
    assert [item.key for item in library.entries] == [
        item.key for i, item in enumerate(items) if i not in (1, 5)
    ]
    assert [library[i].key for i in range(6)] == [item.key for item in library.entries]
    assert lines == ["skipped 2: unreadable audio"]
    spoil(shard, items, range(8))
    with pytest.raises(UserError, match=r"no data: all utterances were skipped \(unreadable audio\)"):
        UtteranceDataset(items, 1.0, lines.append)
