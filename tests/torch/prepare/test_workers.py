"""The workers of a preparation: their number changes nothing, their errors are reported."""

import contextlib
import os
from collections import Counter

import preparations
import psutil
import pytest
from preparations import contents, read_shard, settings, tones, write_shard

from nanospeech_torch.prepare import utterance as preparing
from nanospeech_torch.prepare.dataset import prepare
from nanospeech_torch.prepare.durations import AlignerSource
from nanospeech_torch.prepare.recording import MissingRequirement, Recording
from nanospeech_torch.prepare.utterance import Recipe, Rejected
from nanospeech_torch.prepare.workers import AHEAD, prepare_all

pytest.importorskip("soundfile")


@pytest.mark.slow
def test_workers_change_nothing(tmp_path, source):
    even = AlignerSource(loaded=preparations.EvenAligner())
    bare = write_shard(tmp_path / "bare.tar", [(f"b{id}", a, m) for id, a, m in tones(9, 1, durations=False)])
    outputs = []
    for workers in (0, 1, 2):
        out = tmp_path / f"out-{workers}"
        report = prepare(settings(source, bare), out, workers=workers, aligner=even)
        assert report["durations"] == {"aligned": 9, "given": 8}
        outputs.append(contents(out))
    assert outputs[0] == outputs[1] == outputs[2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [preparations.DeadlyAligner, preparations.HungryAligner])
def test_a_worker_that_dies_takes_one_recording_with_it(tmp_path, kind):
    """And leaves the order, and those that others were at, as they were."""
    utterances = tones(24, durations=False)
    lengths = Counter(len(meta["phonemes"]) for _, _, meta in utterances)
    rarest = min(lengths, key=lambda n: (lengths[n], n))
    source = write_shard(tmp_path / "in.tar", utterances)
    deadly = AlignerSource(loaded=kind(rarest))
    report = prepare(settings(source, shard_size=99), tmp_path / "out", workers=2, aligner=deadly)
    victims = [id for id, _, meta in utterances if len(meta["phonemes"]) == rarest]
    (entry,) = report["rejected"]["reasons"]
    assert (entry["reason"], entry["count"]) == ("a worker process dies of it", len(victims))
    assert entry["first"] == victims[:5] and 0 < len(victims) < 12
    survivors = [id for id, _, _ in utterances if id not in victims]
    assert list(read_shard(tmp_path / "out" / "data-000000.tar")) == survivors


@pytest.mark.slow
def test_a_worker_that_is_killed_while_it_sends_a_result(tmp_path, monkeypatch):
    """Nobody waits for the rest, and the recording is not to blame."""
    monkeypatch.setattr("nanospeech_torch.prepare.workers.PATIENCE", 0.2)
    source = write_shard(tmp_path / "in.tar", tones(24, durations=False))
    interrupted = AlignerSource(loaded=preparations.InterruptedAligner(tmp_path / "killed"))
    report = prepare(settings(source), tmp_path / "out", workers=2, aligner=interrupted)
    assert (tmp_path / "killed").exists()
    assert report["durations"] == {"aligned": 24} and not report["rejected"]["count"]


def test_without_workers_a_recording_without_memory_is_rejected(tmp_path):
    hungry = AlignerSource(loaded=preparations.HungryAligner(5))
    utterances = [u for u in tones(24, durations=False) if len(u[2]["phonemes"]) in (5, 6)]
    source = write_shard(tmp_path / "in.tar", utterances)
    (entry,) = prepare(settings(source), tmp_path / "out", 0, hungry)["rejected"]["reasons"]
    assert entry["reason"] == "memory runs out" and 0 < entry["count"] < len(utterances)


def test_a_corpus_is_not_read_ahead():
    """A few recordings of each worker are in memory, however long the results are left lying."""
    read = []

    def endless():
        while True:
            read.append(len(read))
            yield len(read), Recording(str(len(read)), problem="broken")

    with contextlib.closing(prepare_all(endless(), Recipe(), 2, AlignerSource())) as results:
        for expected in range(1, 30):
            position, result = next(results)
            assert (position, result) == (expected, Rejected(str(expected), "broken"))
            assert len(read) <= expected + 2 * AHEAD + 1


def test_without_an_aligner_nothing_is_done(tmp_path):
    source = write_shard(tmp_path / "in.tar", tones(3, durations=False))
    for workers in (0, 1):
        with pytest.raises(MissingRequirement, match="there is no aligner"):
            prepare(settings(source), tmp_path / "out", workers, preparations.NoAligner())
    assert not list((tmp_path / "out").glob("*.tar"))


def test_workers_use_one_thread_each(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    stream = [(i, Recording(str(i), problem="x")) for i in range(3)]
    seen = []
    for _ in prepare_all(stream, Recipe(), 1, AlignerSource()):
        (worker,) = (c for c in psutil.Process().children() if "spawn_main" in " ".join(c.cmdline()))
        seen.append({name: worker.environ()[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")})
    assert seen[0] == {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    assert os.environ["OMP_NUM_THREADS"] == "7" and "OPENBLAS_NUM_THREADS" not in os.environ


def test_a_phonemizer_that_cannot_start_ends_it(tmp_path, monkeypatch):
    """No recording is to blame for that."""
    source = write_shard(tmp_path / "in.tar", [(id, a, {"text": "Hello."}) for id, a, _ in tones(3)])
    preparing.check_phonemizer.cache_clear()
    for name, error in (("phonemizer", ImportError), ("full", OSError(28, "No space left on device"))):
        with monkeypatch.context() as patch:

            def failing(*arguments, error=error):
                raise error

            patch.setattr("nanospeech_core.text.espeak.phonemizer.phonemize", failing)
            with pytest.raises(
                MissingRequirement, match="No space left" if name == "full" else "ImportError"
            ):
                prepare(settings(source), tmp_path / "out", workers=0)
    assert not list((tmp_path / "out").glob("*.tar"))
