"""Batches made from plans, in this process or in workers."""

import itertools
import multiprocessing
import subprocess
import sys
from dataclasses import replace

import commands
import corpus
import psutil
import pytest

from nanospeech_core.errors import UserError

torch = pytest.importorskip("torch")

from nanospeech_torch.training.config import DataConfig
from nanospeech_torch.training.data.batch import Batch, collate
from nanospeech_torch.training.data.batch_plans import BatchPlan, batch_plans
from nanospeech_torch.training.data.corpus import read_index
from nanospeech_torch.training.data.loading import UtteranceBatchDataset, batch_seed, receive
from nanospeech_torch.training.data.utterances import (
    UtteranceDataset,
)

MODEL = corpus.small_model()
PATCH = MODEL.transformer.patch


def index(path, model=MODEL):
    return read_index(DataConfig(shards=(str(path),)), model, lambda line: None)


def build(sequences, length, seed) -> Batch:
    """A batch, its seed among the ids."""
    batch = collate(sequences, MODEL, length // PATCH)
    return replace(batch, first_tokens=torch.full_like(batch.first_tokens, seed % 2**31))


# libraries and loaders


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in vars(a))


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
    complete = batches(items, 12)
    rest = batches(items, 5, start=7)
    assert all(same(a, b) for (a, _), (b, _) in zip(complete[7:], rest, strict=True))
    seeds = [int(batch.first_tokens[0]) for batch, _ in complete]
    assert seeds == [batch_seed(3, number) % 2**31 for number in range(12)] and len(set(seeds)) == 12


def test_batch_seeds_are_far_apart():
    seeds = {batch_seed(seed, number) for seed in range(30) for number in range(100)}
    assert len(seeds) == 3000 and all(0 <= seed < 2**63 for seed in seeds)
    torch.Generator().manual_seed(2**63 - 1 + 1)  # the noises' is the next: the greatest is a seed too


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_audio_found_late_is_skipped_and_reported(tmp_path, workers):
    shard = corpus.write_corpus(tmp_path / "x.tar", 8)
    items = index(shard)
    spoil(shard, items, [1, 5])
    library = UtteranceDataset(items, 0.0)
    sequences = [[0, 1, 2], [5], [3, 4]]
    stream = UtteranceBatchDataset(library, build, 0).stream(
        iter([BatchPlan(0, sequences), BatchPlan(1, [[6, 7]])]), workers
    )
    (batch, skipped), (valid, none) = list(stream)
    assert skipped == ["unreadable audio"] * 2 and none == []
    left = [[library[0], library[2]], [library[3], library[4]]]
    assert same(batch, build(left, 0, batch_seed(0, 0)))
    assert same(valid, build([[library[6], library[7]]], 0, batch_seed(0, 1)))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_of_broken_audio_only_is_one_clear_error(tmp_path, workers):
    shard = corpus.write_corpus(tmp_path / "x.tar", 6)
    items = index(shard)
    spoil(shard, items, range(1, 6))
    order = [BatchPlan(6, [[0]]), BatchPlan(7, [[1, 2], [3], [5]]), BatchPlan(8, [[0]])]
    stream = UtteranceBatchDataset(UtteranceDataset(items, 0.0), build, 0).stream(iter(order), workers)
    batch, skipped = next(stream)
    assert len(batch.mask) == 1 and skipped == []
    with pytest.raises(UserError) as caught:
        next(stream)
    message = "no utterance of batch 7 can be read (u001, u002, u003, ...: unreadable audio)"
    assert str(caught.value) == message


@pytest.mark.parametrize("error", [ConnectionResetError(104, "Connection reset by peer"), EOFError()])
def test_a_worker_killed_while_it_sends_is_told_as_any_other(error):
    def batches():
        yield 1
        raise error

    received = receive(batches())
    assert next(received) == 1
    with pytest.raises(RuntimeError, match="^DataLoader worker is killed: "):
        next(received)


def test_a_missing_file_is_not_the_workers_death():
    def batches():
        raise FileNotFoundError("Caught FileNotFoundError in DataLoader worker process 0.")
        yield

    with pytest.raises(FileNotFoundError):
        next(receive(batches()))


START = """
import multiprocessing, sys
from pathlib import Path
from nanospeech_torch.training.data.loading import BatchDataset

class Numbers(BatchDataset):
    def __getitem__(self, number):
        return number, []

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    stream = Numbers().stream(iter(range(10**9)), workers=2)
    next(stream)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_end_when_the_training_process_is_killed(method, tmp_path):
    """However they are started: Python 3.14 uses a fork server."""
    if method not in multiprocessing.get_all_start_methods() or sys.platform == "darwin" and method == "fork":
        pytest.skip(f"{method} is not used here")
    (tmp_path / "start.py").write_text(START)
    line = [sys.executable, str(tmp_path / "start.py"), method]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(line, env=commands.environment(), text=True, **pipes)
    try:
        assert process.stdout.readline() == "ready\n"
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) >= 2
    finally:
        process.kill()
        process.wait()
    alive = psutil.wait_procs(workers, timeout=30)[1]
    for worker in alive:
        worker.kill()
    assert not alive
