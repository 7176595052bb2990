"""Training data: the same batches from memory, anew, or by workers; what is broken is told and left out."""

import itertools
import json
from dataclasses import replace

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE, log_mel
from nanospeech_core.errors import UserError
from nanospeech_core.text.tokenizer import SYMBOLS

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

from nanospeech_torch.training.config import DataConfig
from nanospeech_torch.training.data.batch import (
    Batch,
    Library,
    Loader,
    Utterance,
    batch_seed,
    collate,
    frame_counts,
    load_utterance,
    map_tensors,
)
from nanospeech_torch.training.data.batch_plans import BatchPlan, plans
from nanospeech_torch.training.data.corpus import Skip, read_index

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
    return replace(batch, first=torch.full_like(batch.first, seed % 2**31))


# frames


@pytest.mark.parametrize("seed", range(20))
def test_frame_counts_add_up_and_round_each_boundary(seed):
    rng = np.random.default_rng(seed)
    durations = rng.integers(0, 12, 40) * 600
    exact = np.cumsum(durations) / HOP
    frames = int(exact[-1]) + 1
    counts = frame_counts(durations.astype(np.float32), frames)
    assert counts.sum() == frames and (counts >= 0).all()
    ends = np.cumsum(counts)
    assert np.abs(ends - exact)[:-1].max() <= 0.5 and abs(ends[-1] - exact[-1]) <= 1
    assert (counts[durations == 0][:-1] == 0).all()


def test_frame_counts_of_durations_longer_or_shorter_than_the_mel():
    assert frame_counts(np.array([1, 1, 1]) * HOP, 10).tolist() == [1, 1, 8]
    assert frame_counts(np.array([4, 4, 4, 4]) * HOP, 6).tolist() == [4, 2, 0, 0]


# an utterance


def test_an_utterance_is_its_mel_and_the_frames_of_its_symbols(tmp_path):
    wave, meta = corpus.tone_utterance(np.random.default_rng(4))
    item = one(tmp_path, corpus.audio_bytes(wave, subtype="FLOAT"), meta)
    got = load_utterance(item, MODEL)
    assert got.mel.dtype == np.float16 and got.mel.shape == (corpus.frames_of(meta), 100)
    np.testing.assert_allclose(got.mel, log_mel(wave), atol=5e-3)
    assert got.ids.tolist() == [SYMBOLS.index(symbol) for symbol in f" {meta['phonemes']} "]
    assert got.ids.dtype == got.frames.dtype == np.int64
    ends = np.cumsum(got.frames)[:-1] * HOP
    assert np.abs(ends - np.cumsum(meta["durations"])[:-1] * 600).max() <= HOP / 2
    assert (got.key, got.voice, got.text) == ("a", "v0", meta["text"])


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_another_rate_is_resampled(tmp_path, rate):
    import soxr

    wave, meta = corpus.tone_utterance(np.random.default_rng(4))
    audio = corpus.audio_bytes(soxr.resample(wave, SAMPLE_RATE, rate), rate, subtype="FLOAT")
    got = load_utterance(one(tmp_path, audio, meta), MODEL).mel
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
    got = load_utterance(item, MODEL)
    frames = corpus.frames_of(meta)
    assert len(got.mel) == frames == got.frames.sum()
    heard = log_mel(recorded).astype(np.float16)
    known = min(frames, len(heard))
    np.testing.assert_array_equal(got.mel[:known], heard[:known])
    np.testing.assert_array_equal(got.mel[known:], np.tile(heard[-1:], (frames - known, 1)))


def test_audio_of_another_length_is_skipped(tmp_path):
    wave, meta = corpus.tone_utterance(np.random.default_rng(0))
    for recorded in (wave[:-2401], np.concatenate((wave, np.zeros(2401, np.float32))), np.tile(wave, 100)):
        item = one(tmp_path, corpus.audio_bytes(recorded), meta)
        with pytest.raises(Skip, match="^audio of another length than its json says$"):
            load_utterance(item, MODEL)


@pytest.mark.parametrize(("samples", "enough"), [(1, False), (512, False), (513, True)])
def test_hardly_any_audio(tmp_path, samples, enough):
    """Of what the json says is short, a codec may have left next to nothing."""
    meta = {"phonemes": "a", "durations": [1, 1, 1], "samples": 2000}
    item = one(tmp_path, corpus.audio_bytes(np.full(samples, 0.1, np.float32)), meta)
    if enough:
        assert load_utterance(item, MODEL).mel.shape == (8, 100)
    else:
        with pytest.raises(Skip, match="too short"):
            load_utterance(item, MODEL)


def test_filler_utterances_have_no_frames(tmp_path):
    model = replace(MODEL, text=replace(MODEL.text, alignment="filler"), phone_duration=None)
    wave, meta = corpus.tone_utterance(np.random.default_rng(0))
    got = load_utterance(one(tmp_path, corpus.audio_bytes(wave), meta, model), model)
    assert got.frames.shape == (0,) and len(got.ids) == 6
    batch = collate([[got], [got, got]], model)
    ids = got.ids.tolist()
    assert batch.text[0, :7].tolist() == [*ids, -1] and batch.text[1, :13].tolist() == [*ids, *ids, -1]
    assert not batch.frames.any()


# batches


def test_collate():
    rng = np.random.default_rng(0)
    utterances = [
        Utterance(
            "k", "v", "", rng.normal(size=(sum(n), 100)).astype("f2"), rng.integers(0, 9, 3), np.array(n)
        )
        for n in ((5, 4, 9), (3, 3, 3), (2, 6, 1))
    ]
    batch = collate([utterances[:1], utterances[1:]], MODEL)
    assert batch.mask.sum(1).tolist() == [18 // PATCH, 18 // PATCH]
    for row, sequence in enumerate((utterances[:1], utterances[1:])):
        text = np.concatenate([np.repeat(u.ids, u.frames) for u in sequence])
        assert batch.text[row].tolist() == text[:16].tolist()  # the last 2 frames fill no token
        mel = np.concatenate([u.mel for u in sequence]).astype(np.float32)[:16]
        frames = batch.tokens[row].reshape(16, 100).numpy()
        np.testing.assert_allclose(frames * MODEL.mel.std + MODEL.mel.mean, mel, atol=1e-5)
    assert batch.first.tolist() == [0, 9 // PATCH] and batch.first_symbols.tolist() == [0, 3]
    assert batch.ids.tolist()[0] == utterances[0].ids.tolist() + [-1] * 3
    assert batch.frames.tolist() == [[5, 4, 9, 0, 0, 0], [3, 3, 3, 2, 6, 1]]


@pytest.mark.parametrize("length", [0, 3, 4, 9])
def test_collate_pads(length):
    mels = [np.ones((n, 100), np.float16) for n in (18, 9)]
    rows = [[Utterance("k", "v", "", mel, np.array([3]), np.array([len(mel)]))] for mel in mels]
    batch = collate(rows, MODEL, length)
    n = max(4, length)
    assert batch.mask.tolist() == [[True] * 4 + [False] * (n - 4), [True] * 2 + [False] * (n - 2)]
    assert not batch.tokens[~batch.mask].any() and batch.tokens[batch.mask].all()
    assert torch.equal(batch.text >= 0, batch.mask.repeat_interleave(PATCH, dim=1))


def test_map_tensors_reaches_all_and_only_tensors():
    batch = collate([[Utterance("k", "v", "", np.ones((8, 100), "f2"), np.array([3]), np.array([8]))]], MODEL)
    doubled = map_tensors(batch, lambda tensor: torch.cat((tensor, tensor)))
    assert all(len(getattr(doubled, name)) == 2 for name in vars(batch)) and len(batch.mask) == 1
    assert map_tensors({"a": 1}, torch.neg) == {"a": 1}


# libraries and loaders


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in vars(a))


def batches(items, count, memory_hours=1.0, workers=0, seed=3, start=0, report=lambda line: None, **config):
    library = Library(items, MODEL, memory_hours, report)
    config = DataConfig(batch_seconds=4.0, max_seconds=3.0, **config)
    stream = Loader(library, build, seed).stream(plans(library.items, config, PATCH, seed, start), workers)
    return list(itertools.islice(stream, count))


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return corpus.write_corpus(tmp_path_factory.mktemp("data") / "x.tar", 10, 2)


@pytest.mark.slow
@pytest.mark.parametrize("buckets", [0, 2])
def test_lazily_or_by_workers_the_batches_are_those_of_memory(shard, buckets):
    items = index(shard)
    in_memory = batches(items, 7, buckets=buckets)
    assert all(skipped == [] for _, skipped in in_memory)
    assert len({tuple(batch.mask.shape) for batch, _ in in_memory}) <= (buckets or 99)
    for changes in ({"memory_hours": 0.0}, {"workers": 2}, {"memory_hours": 0.0, "workers": 2}):
        others = batches(items, 7, buckets=buckets, **changes)
        assert all(same(a, b) for (a, _), (b, _) in zip(in_memory, others, strict=True)), changes


def test_going_on_gives_the_same_batches_under_the_same_seeds(shard):
    items = index(shard)
    whole = batches(items, 12)
    rest = batches(items, 5, start=7)
    assert all(same(a, b) for (a, _), (b, _) in zip(whole[7:], rest, strict=True))
    seeds = [int(batch.first[0]) for batch, _ in whole]
    assert seeds == [batch_seed(3, number) % 2**31 for number in range(12)] and len(set(seeds)) == 12


def test_batch_seeds_are_far_apart():
    seeds = {batch_seed(seed, number) for seed in range(30) for number in range(100)}
    assert len(seeds) == 3000 and all(0 <= seed < 2**63 for seed in seeds)
    torch.Generator().manual_seed(2**63 - 1 + 1)  # the noises' is the next: the greatest is a seed too


def spoil(shard, items, numbers):
    """Overwrite the audio of items where it lies."""
    with open(shard, "r+b") as file:
        for number in numbers:
            file.seek(items[number].place.offset)
            file.write(b"\0" * items[number].place.size)


def test_broken_audio_is_dropped_from_memory_and_reported(tmp_path):
    shard = corpus.write_corpus(tmp_path / "x.tar", 8)
    items = index(shard)
    spoil(shard, items, [1, 5])
    lines = []
    library = Library(items, MODEL, 1.0, lines.append)
    assert [item.key for item in library.items] == [
        item.key for i, item in enumerate(items) if i not in (1, 5)
    ]
    assert [library[i].key for i in range(6)] == [item.key for item in library.items]
    assert lines == ["skipped 2: unreadable audio"]
    spoil(shard, items, range(8))
    with pytest.raises(UserError, match=r"no data: all utterances were skipped \(unreadable audio\)"):
        Library(items, MODEL, 1.0, lines.append)


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_audio_found_late_is_skipped_and_told(tmp_path, workers):
    shard = corpus.write_corpus(tmp_path / "x.tar", 8)
    items = index(shard)
    spoil(shard, items, [1, 5])
    library = Library(items, MODEL, 0.0)
    sequences = [[0, 1, 2], [5], [3, 4]]
    stream = Loader(library, build, 0).stream(
        iter([BatchPlan(0, sequences), BatchPlan(1, [[6, 7]])]), workers
    )
    (batch, skipped), (whole, none) = list(stream)
    assert skipped == ["unreadable audio"] * 2 and none == []
    left = [[library[0], library[2]], [library[3], library[4]]]
    assert same(batch, build(left, 0, batch_seed(0, 0)))
    assert same(whole, build([[library[6], library[7]]], 0, batch_seed(0, 1)))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_of_broken_audio_only_is_one_clear_error(tmp_path, workers):
    shard = corpus.write_corpus(tmp_path / "x.tar", 6)
    items = index(shard)
    spoil(shard, items, range(1, 6))
    order = [BatchPlan(6, [[0]]), BatchPlan(7, [[1, 2], [3], [5]]), BatchPlan(8, [[0]])]
    stream = Loader(Library(items, MODEL, 0.0), build, 0).stream(iter(order), workers)
    batch, skipped = next(stream)
    assert len(batch.mask) == 1 and skipped == []
    with pytest.raises(UserError) as caught:
        next(stream)
    message = "no utterance of batch 7 can be read (u001, u002, u003, ...: unreadable audio)"
    assert str(caught.value) == message
