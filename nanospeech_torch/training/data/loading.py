"""Making batches from plans, in this process or in worker processes.

What is random in a batch depends on the run's seed and the batch's number only.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from nanospeech_core.errors import UserError

from .batch_plans import BatchPlan
from .corpus import Skip
from .utterances import UtteranceDataset


class BatchDataset(torch.utils.data.Dataset):
    """Maps a plan to (the batch, why utterances of it were skipped). Instead of a batch there is a UserError
    if none can be made.
    """

    def stream(
        self, plans: Iterable[Any], workers: int = 0, pin_memory: bool = False
    ) -> Iterator[tuple[Any, list[str]]]:
        """The batches of `plans`, in order, made by `workers` processes; 0: in this process."""
        loader = torch.utils.data.DataLoader(
            self,
            batch_size=None,
            sampler=plans,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            pin_memory=pin_memory,
            worker_init_fn=begin_worker,
        )
        for batch, skipped in receive(loader) if workers else loader:
            if isinstance(batch, UserError):
                raise batch
            yield batch, skipped


def receive(loader: Iterable[Any]) -> Iterator[Any]:
    """What a loader's workers send. If one is killed while it sends, torch may raise what it finds on the way
    instead of its own RuntimeError("DataLoader worker ... is killed"): here it is always that.
    """
    batches = iter(loader)
    while True:
        try:
            batch = next(batches)
        except StopIteration:
            return
        except (ConnectionError, EOFError, FileNotFoundError) as error:
            if "in DataLoader worker" in str(error):  # of the data
                raise
            raise RuntimeError(f"DataLoader worker is killed: {type(error).__name__}") from error
        yield batch


class UtteranceBatchDataset(BatchDataset):
    """Maps a `BatchPlan` to a task's batch of utterances.

    Args:
        utterances: the corpus.
        build: (sequences of utterances, frames to pad to, seed) -> the task's batch.
        seed: of the run.
    """

    def __init__(self, utterances: UtteranceDataset, build: Callable[..., Any], seed: int) -> None:
        self.utterances, self.build, self.seed = utterances, build, seed

    def __getitem__(self, plan: BatchPlan) -> tuple[Any, list[str]]:
        """A batch, and why utterances of it were skipped; a UserError instead if none is left."""
        sequences, skipped, broken = [], [], []
        for positions in plan.sequences:
            sequence = []
            for i in positions:
                try:
                    sequence.append(self.utterances[i])
                except Skip as reason:
                    skipped.append(str(reason))
                    broken.append(self.utterances.entries[i].key)
            if sequence:
                sequences.append(sequence)
        if not sequences:  # returned: a worker's exception would arrive with its traceback as text
            what = f"{', '.join(broken[:3])}{', ...' * (len(broken) > 3)}: {skipped[0]}"
            return UserError(f"no utterance of batch {plan.number} can be read ({what})"), skipped
        return self.build(sequences, plan.frames, batch_seed(self.seed, plan.number)), skipped


def begin_worker(worker: int) -> None:
    """Leave Ctrl-C, and a scheduler's SIGTERM, to the training process: the whole process group gets them.
    The worker ends when the training process does, even if that is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """End this process when the training process has ended.

    torch's workers ask for their parent's number. Where processes come from a fork server, which is Python
    3.14's way on Linux, that is the server: it lives as long as they do.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def batch_seed(seed: int, number: int) -> int:
    """The seed of a batch's masks and noise."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> 1)
