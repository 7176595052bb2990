"""Training data: shards of any kind, joined and batched so that nothing is lost, doubled or mixed up."""

import io
import itertools
import json
import tarfile
from collections import Counter
from dataclasses import replace

import corpus
import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.mel import HOP, SAMPLE_RATE, log_mel
from nanospeech_core.text import SYMBOLS

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

from nanospeech_torch.training import data  # noqa: E402
from nanospeech_torch.training.config import DataConfig  # noqa: E402
from nanospeech_torch.training.shards import read_pairs  # noqa: E402

MODEL = corpus.small_model()
PATCH = MODEL.transformer.patch


def load(*patterns, model=MODEL, **config):
    """The utterances of a config, and what loading them reported."""
    lines = []
    config = DataConfig(shards=tuple(str(p) for p in patterns), **config)
    return data.load_utterances(config, model, lines.append), lines


def fake_utterances(count, voices=3, seed=0):
    """Utterances of 30 to 300 frames without audio: every mel value is the utterance's number."""
    rng = np.random.default_rng(seed)
    result = []
    for i in range(count):
        frames = rng.integers(1, 30, 10)
        frames[-1] += max(0, 30 - frames.sum())
        mel = np.full((frames.sum(), 100), i, dtype=np.float16)
        ids = rng.integers(0, len(SYMBOLS), 10)
        result.append(data.Utterance(f"u{i}", f"v{i % voices}", "", mel, ids, frames))
    return result


# frames


@pytest.mark.parametrize("seed", range(20))
def test_frame_counts_add_up_and_round_each_boundary(seed):
    rng = np.random.default_rng(seed)
    durations = rng.integers(0, 12, 40)
    exact = np.cumsum(durations) * 600 / HOP
    frames = int(exact[-1]) + 1
    counts = data.frame_counts(list(durations), 600, frames)
    assert counts.sum() == frames and (counts >= 0).all()
    ends = np.cumsum(counts)
    assert np.abs(ends - exact)[:-1].max() <= 0.5 and abs(ends[-1] - exact[-1]) <= 1
    assert (counts[durations == 0][:-1] == 0).all()


def test_frame_counts_of_durations_longer_or_shorter_than_the_mel():
    assert data.frame_counts([1, 1, 1], HOP, 10).tolist() == [1, 1, 8]
    assert data.frame_counts([4, 4, 4, 4], HOP, 6).tolist() == [4, 2, 0, 0]


# reading


def test_key_is_the_name_up_to_the_first_dot_of_the_base_name(tmp_path):
    meta = b'{"n": %d}'
    members = [
        ("v1.0/a.16k.flac", b"A0"),
        ("v1.0/a.json", meta % 0),
        ("v1.0/a.npy", b"not ours"),
        ("v1.0/b.json", meta % 1),
        ("v1.0/b.OGG", b"A1"),
        ("v1.0/._b.json", b"hidden"),
        ("c.mp3", b"A2"),
        ("c.json", meta % 2),
    ]
    path = corpus.write_tar(tmp_path / "x.tar", members)
    skipped = []
    pairs = list(read_pairs((str(path),), skipped.append))
    assert pairs == [("v1.0/a", b"A0", {"n": 0}), ("v1.0/b", b"A1", {"n": 1}), ("c", b"A2", {"n": 2})]
    assert skipped == []


def test_incomplete_broken_and_repeated_samples_are_counted(tmp_path):
    members = [
        *(("a.json", b"{}"), ("b.wav", b"x"), ("c.wav", b"x"), ("c.json", b"{broken")),
        *(("d.wav", b"x"), ("d.json", b"[1]"), ("e.wav", b"1"), ("e.json", b"\xff")),
        *(("f.wav", b"1"), ("f.json", b"{}"), ("g.wav", b"1"), ("f.wav", b"2"), ("f.json", b"{}")),
    ]
    path = corpus.write_tar(tmp_path / "x.tar", members)
    skipped = Counter()
    pairs = list(read_pairs((str(path),), lambda reason: skipped.update([reason])))
    assert pairs == [("f", b"1", {})]
    assert skipped == {"no audio": 1, "no json": 2, "broken json": 3, "an id that was read before": 1}


def test_folders_and_shards_in_sorted_order_once(tmp_path):
    folder = tmp_path / "a-folder"
    folder.mkdir()
    for name in ("x.1", "x.2", "x"):
        (folder / f"{name}.flac").write_bytes(name.encode())
        (folder / f"{name}.json").write_text("{}")
    (folder / "notes.txt").write_text("no sample")
    corpus.write_tar(tmp_path / "b.tar", [("y.wav", b"y"), ("y.json", b"{}")])
    patterns = (str(tmp_path / "*"), str(tmp_path / "*.tar"))  # the second matches what the first did
    assert [key for key, _, _ in read_pairs(patterns)] == ["x", "x.1", "x.2", "y"]


@pytest.mark.parametrize(
    "damage", ["no tar", "empty", "cut in a member", "cut between members", "bad header"]
)
def test_broken_tar_is_an_error_that_names_it(tmp_path, damage):
    path = corpus.write_tar(
        tmp_path / "x.tar", [(f"{k}.{s}", b"1" * 512) for k in "abc" for s in ("wav", "json")]
    )
    content = bytearray(path.read_bytes())
    if damage == "no tar":
        content = b"nonsense" * 1000
    elif damage == "empty":
        content = b""
    elif damage == "cut in a member":
        content = content[: 3 * 1024 + 700]
    elif damage == "cut between members":
        content = content[: 4 * 1024]
    else:
        content[2 * 1024 : 2 * 1024 + 512] = b"\x7f" * 512
    path.write_bytes(content)
    with pytest.raises(UserError, match="x.tar"):
        list(read_pairs((str(path),)))


def test_compressed_tar(tmp_path):
    path = corpus.write_tar(tmp_path / "x.tar", [("a.wav", b"1"), ("a.json", b"{}")])
    packed = tmp_path / "x.tar.gz"
    with tarfile.open(packed, "w:gz") as tar, tarfile.open(path) as plain:
        for member in plain:
            tar.addfile(member, plain.extractfile(member))
    assert len(list(read_pairs((str(packed),)))) == 1
    packed.write_bytes(packed.read_bytes()[:100])
    with pytest.raises(UserError, match="x.tar.gz"):
        list(read_pairs((str(packed),)))


FORMATS = [
    ("wav", "WAV", "PCM_16", 24000),
    ("wav", "WAV", "FLOAT", 48000),
    ("flac", "FLAC", None, 16000),
    ("ogg", "OGG", "VORBIS", 24000),
    ("opus", "OGG", "OPUS", 24000),
    ("mp3", "MP3", None, 44100),
    ("aiff", "AIFF", None, 22050),
    ("caf", "CAF", "PCM_16", 24000),
]


@pytest.mark.parametrize(("suffix", "form", "subtype", "rate"), FORMATS)
def test_any_format_rate_and_channels(tmp_path, suffix, form, subtype, rate):
    import soxr

    wave, meta = corpus.tone_utterance(np.random.default_rng(0), letters=10)
    stereo = np.stack([wave, 0.5 * wave], axis=1)
    audio = corpus.audio_bytes(soxr.resample(stereo, SAMPLE_RATE, rate), rate, form, subtype)
    members = [(f"a.{suffix}", audio), ("a.json", json.dumps(meta).encode())]
    (utterance,), lines = load(corpus.write_tar(tmp_path / "x.tar", members))
    assert abs(len(utterance.mel) - corpus.frames_of(meta)) <= 12
    assert utterance.frames.sum() == len(utterance.mel) and len(utterance.frames) == 12
    expected = log_mel(0.75 * wave)
    middle = slice(20, min(len(expected), len(utterance.mel)) - 20)
    if form not in ("MP3", "OGG"):  # lossy codecs change the quiet bins
        assert np.abs(utterance.mel[middle] - expected[middle])[:, :40].mean() < 0.1
    assert len(lines) == 1


def test_load_reads_ids_frames_and_texts(tmp_path):
    rng = np.random.default_rng(1)
    wave, meta = corpus.tone_utterance(rng, "amy")
    del meta["voice"]
    meta |= {"phonemes": "a☃" + meta["phonemes"][2:]}
    members = [("a.wav", corpus.audio_bytes(wave)), ("a.json", json.dumps(meta).encode())]
    (utterance,), lines = load(corpus.write_tar(tmp_path / "x.tar", members))
    space = SYMBOLS.index(" ")
    expected = [space, *(SYMBOLS.index(s) if s in SYMBOLS else -1 for s in meta["phonemes"]), space]
    assert utterance.ids.tolist() == expected and -1 in expected
    assert utterance.voice == "a" and utterance.text == meta["text"]
    assert "1 symbols are not in the vocabulary" in lines[-1]
    assert utterance.mel.shape == (corpus.frames_of(meta), 100) and utterance.mel.dtype == np.float16


def test_character_models_read_the_text(tmp_path):
    wave, meta = corpus.tone_utterance(np.random.default_rng(1))
    meta |= {"phonemes": "x", "text": "bad b a"[: len(meta["durations"]) - 2].ljust(6, "b")}
    members = [("a.wav", corpus.audio_bytes(wave)), ("a.json", json.dumps(meta).encode())]
    text = replace(MODEL.text, kind="characters", vocab=(" ", "a", "b", "d"))
    (utterance,), _ = load(corpus.write_tar(tmp_path / "x.tar", members), model=replace(MODEL, text=text))
    assert utterance.ids.tolist() == [0, 2, 1, 3, 0, 2, 0, 0]


def test_duration_unit(tmp_path):
    wave, meta = corpus.tone_utterance(np.random.default_rng(1))
    plain = [("a.wav", corpus.audio_bytes(wave)), ("a.json", json.dumps(meta).encode())]
    meta |= {"durations": [d * 0.025 for d in meta["durations"]], "duration_unit": SAMPLE_RATE}
    seconds = [("b.wav", corpus.audio_bytes(wave)), ("b.json", json.dumps(meta).encode())]
    (a, b), _ = load(corpus.write_tar(tmp_path / "x.tar", plain + seconds))
    assert np.array_equal(a.frames, b.frames)


def changed(meta, **changes):
    return {k: v for k, v in (meta | changes).items() if v is not None}


BAD = {
    "no phonemes": {"phonemes": None},
    "no durations": {"durations": None},
    "no durations ": {"durations": [1, 2, "x", 4, 5, 6, 7, 8]},
    "no durations  ": {"durations": [-1, 2, 3, 4, 5, 6, 7, 8]},
    "no durations   ": {"duration_unit": 0},
    "durations that do not match the phonemes": {"phonemes": "abc"},
    "durations that do not add up to the audio's": {"duration_unit": 900},
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_json_is_a_counted_skip(tmp_path, reason):
    rng = np.random.default_rng(0)
    members = []
    for key, changes in (("good", {}), ("bad", BAD[reason])):
        wave, meta = corpus.tone_utterance(rng)
        meta = changed(meta, **changes)
        members += [(f"{key}.wav", corpus.audio_bytes(wave)), (f"{key}.json", json.dumps(meta).encode())]
    kept, lines = load(corpus.write_tar(tmp_path / "x.tar", members))
    assert [u.key for u in kept] == ["good"]
    assert lines[1:] == [f"skipped 1: {reason.strip()}"]


def test_bad_audio_is_a_counted_skip(tmp_path):
    wave, meta = corpus.tone_utterance(np.random.default_rng(0))
    spoiled = wave.copy()
    spoiled[100] = np.nan
    waves = {
        "good": corpus.audio_bytes(wave),
        "noise": b"not audio",
        "none": corpus.audio_bytes(wave[:0]),
        "nan": corpus.audio_bytes(spoiled, subtype="FLOAT"),
        "long": corpus.audio_bytes(np.tile(wave, 3)),
    }
    members = []
    for key, audio in waves.items():
        members += [(f"{key}.wav", audio), (f"{key}.json", json.dumps(meta).encode())]
    path = corpus.write_tar(tmp_path / "x.tar", members)
    kept, lines = load(path, max_seconds=len(wave) / SAMPLE_RATE)
    assert [u.key for u in kept] == ["good"]
    reasons = (
        "audio with values that are not finite",
        f"longer than {len(wave) / SAMPLE_RATE:g} s",
        "too short",
    )
    assert lines[1:] == [f"skipped 1: {reason}" for reason in (*reasons, "unreadable audio")]


def test_too_short(tmp_path):
    meta = {"phonemes": "a", "durations": [1, 1, 0]}
    members = [("a.wav", corpus.audio_bytes(np.zeros(1200))), ("a.json", json.dumps(meta).encode())]
    with pytest.raises(UserError, match=r"all 1 utterances were skipped \(too short\)"):
        load(corpus.write_tar(tmp_path / "x.tar", members))


def test_no_data(tmp_path):
    with pytest.raises(UserError, match="nothing matches .*nowhere"):
        load(tmp_path / "nowhere-*.tar")
    with pytest.raises(UserError, match=r"data\.shards \(it is empty\)"):
        load()
    with pytest.raises(UserError, match="all 0 utterances"):
        load(corpus.write_tar(tmp_path / "x.tar", []))


def test_held_out_stays_held_out_when_data_is_added():
    utterances = fake_utterances(200)
    held_out, training = data.split(utterances[:100], 10)
    assert len(held_out) == 10 and len(training) == 90
    assert {u.key for u in held_out} | {u.key for u in training} == {u.key for u in utterances[:100]}
    later, _ = data.split(utterances, 10)
    assert not {u.key for u in later} & {u.key for u in training}
    assert data.split(utterances, 0) == ([], utterances)
    with pytest.raises(UserError, match="held_out is 100"):
        data.split(utterances[:100], 100)


# sequences and batches


@pytest.mark.parametrize("max_joined", [1, 3, 100])
def test_join_uses_every_utterance_once(max_joined):
    utterances = fake_utterances(200)
    config = DataConfig(max_seconds=6.0, max_joined=max_joined)
    sequences = data.join(utterances, config, np.random.default_rng(0))
    assert sorted(u.key for s in sequences for u in s) == sorted(u.key for u in utterances)
    for sequence in sequences:
        assert len({u.voice for u in sequence}) == 1 and 1 <= len(sequence) <= max_joined
        assert len(sequence) == 1 or sum(len(u.mel) for u in sequence) * HOP <= 6.0 * SAMPLE_RATE
    sizes = Counter(map(len, sequences))
    assert set(sizes) == ({1} if max_joined == 1 else {1, 2, 3}) or max_joined == 100 and max(sizes) > 3
    other = data.join(utterances, config, np.random.default_rng(1))
    assert [[u.key for u in s] for s in other] != [[u.key for u in s] for s in sequences]


def epoch_of(stream, count):
    """Batches until `count` utterances have passed: (batches, Counter of utterance numbers)."""
    seen, result = Counter(), []
    while seen.total() < count:
        batch = next(stream)
        result.append(batch)
        for row in range(len(batch.mask)):
            values = (batch.tokens[row] * MODEL.mel.std + MODEL.mel.mean)[batch.mask[row]]
            seen.update(torch.unique_consecutive(values.round().long().flatten()).tolist())
    return result, seen


def test_batches_drop_nothing_and_keep_to_the_limit():
    utterances = fake_utterances(150)
    config = DataConfig(batch_seconds=8.0, max_seconds=6.0)
    stream = data.batches(utterances, config, MODEL, seed=3)
    for _ in range(3):  # epochs
        result, seen = epoch_of(stream, 150)
        assert seen == Counter(range(150))
        limit = 8.0 * SAMPLE_RATE / HOP / PATCH
        assert all(batch.mask.numel() <= limit for batch in result)
        assert np.mean([batch.mask.float().mean() for batch in result]) > 0.85  # similar lengths together


def test_a_sequence_longer_than_a_batch_is_alone():
    utterances = fake_utterances(30)
    config = DataConfig(batch_seconds=1.0, max_joined=1)
    result, seen = epoch_of(data.batches(utterances, config, MODEL, seed=0), 30)
    assert seen == Counter(range(30))
    limit = 1.0 * SAMPLE_RATE / HOP / PATCH
    sizes = {len(batch.mask) for batch in result if batch.mask.numel() > limit}
    assert sizes == {1}


def test_batches_are_a_function_of_the_seed():
    utterances, config = fake_utterances(60), DataConfig(batch_seconds=8.0, max_seconds=6.0)

    def take(seed, start, count):
        stream = data.batches(utterances, config, MODEL, seed, start)
        return [batch.tokens for batch in itertools.islice(stream, count)]

    whole = take(5, 0, 60)  # several epochs
    for start in (1, 7, 30, 59):
        rest = take(5, start, 60 - start)
        assert all(torch.equal(a, b) for a, b in zip(whole[start:], rest, strict=True))
    other = take(6, 0, 5)
    assert any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(whole, other, strict=False))


def test_collate():
    rng = np.random.default_rng(0)
    lengths = ((5, 4, 9), (3, 3, 3), (2, 6, 1))
    utterances = [
        data.Utterance(
            "k",
            "v",
            "",
            rng.normal(size=(sum(n), 100)).astype(np.float16),
            rng.integers(0, 9, 3),
            np.array(n),
        )
        for n in lengths
    ]
    batch = data.collate([utterances[:1], utterances[1:]], MODEL)
    assert batch.mask.sum(1).tolist() == [18 // PATCH, 18 // PATCH]
    single = data.collate([utterances[:1], utterances[1:2]], MODEL)
    assert single.mask.tolist() == [[True] * 4, [True] * 2 + [False] * 2]
    assert not single.tokens[1, 2:].any() and (single.text[1, 8:] == -1).all()
    for row, sequence in enumerate((utterances[:1], utterances[1:])):
        text = np.concatenate([np.repeat(u.ids, u.frames) for u in sequence])
        assert batch.text[row].tolist() == text[:16].tolist()  # the last 2 frames fill no token
        mel = np.concatenate([u.mel for u in sequence]).astype(np.float32)[:16]
        frames = batch.tokens[row].reshape(16, 100).numpy()
        np.testing.assert_allclose(frames * MODEL.mel.std + MODEL.mel.mean, mel, atol=1e-5)
    assert batch.first.tolist() == [0, 9 // PATCH] and batch.first_symbols.tolist() == [0, 3]
    assert batch.ids.tolist()[0] == utterances[0].ids.tolist() + [-1] * 3
    assert batch.frames.tolist() == [[5, 4, 9, 0, 0, 0], [3, 3, 3, 2, 6, 1]]


def test_mel_survives_the_shard(tmp_path):
    wave, meta = corpus.tone_utterance(np.random.default_rng(4))
    members = [("a.wav", corpus.audio_bytes(wave, subtype="FLOAT")), ("a.json", json.dumps(meta).encode())]
    (utterance,), _ = load(corpus.write_tar(tmp_path / "x.tar", members))
    np.testing.assert_allclose(utterance.mel, log_mel(wave), atol=5e-3)
    again, _ = soundfile.read(io.BytesIO(members[0][1]), dtype="float32")
    assert np.array_equal(again, wave)
