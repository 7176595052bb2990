"""Batch plans: which utterances are joined to sequences, and which sequences make up batch 0, 1, 2, ...

The plans depend on the index, the config and the seed only. So a run that was stopped continues with the very
next batch, and several processes share the plans by taking every n-th.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE

from ..config import DataConfig
from .corpus import IndexEntry

FRAME_RATE = SAMPLE_RATE / HOP


class BatchPlan(NamedTuple):
    """What is in one batch."""

    number: int  # of the batch, over all epochs
    sequences: list[list[int]]  # the utterances of each, as positions in the index
    frames: int = 0  # to pad to; 0: as the longest sequence


def batch_plans(
    entries: list[IndexEntry],
    config: DataConfig,
    patch: int,
    seed: int,
    start: int = 0,
    rank: int = 0,
    world: int = 1,
) -> Iterator[BatchPlan]:
    """The endless plans from batch `start` on; process `rank` of `world` takes every world-th."""
    first = 0  # number of the epoch's first batch
    for epoch in itertools.count():
        plans = plan_epoch(entries, config, patch, seed, epoch)
        for number, (frames, sequences) in enumerate(plans, first):
            if number >= start and (number - start) % world == rank:
                yield BatchPlan(number, sequences, frames)
        first += len(plans)


def plan_epoch(
    entries: list[IndexEntry], config: DataConfig, patch: int, seed: int, epoch: int
) -> list[tuple[int, list[list[int]]]]:
    """(frames to pad to, sequences) of an epoch's batches, shuffled. Every utterance is in one of them."""
    rng = np.random.default_rng([seed, epoch])
    sequences = join_utterances(entries, config, rng)
    lengths = [sum(entries[i].frames for i in sequence) for sequence in sequences]
    batch_frames = config.batch_seconds * FRAME_RATE
    if config.buckets:
        buckets = bucket_lengths(config, max(lengths), patch)
        groups = group_into_buckets(lengths, rng.permutation(len(sequences)).tolist(), batch_frames, buckets)
    else:
        order = np.argsort(np.array(lengths) * rng.uniform(0.9, 1.1, len(sequences)))
        groups = [(0, numbers) for numbers in group_neighbors(lengths, order.tolist(), batch_frames)]
    shuffled = [groups[i] for i in rng.permutation(len(groups))]
    return [(frames, [sequences[i] for i in numbers]) for frames, numbers in shuffled]


def join_utterances(
    entries: list[IndexEntry], config: DataConfig, rng: np.random.Generator
) -> list[list[int]]:
    """Shuffle the utterances, then join neighbors of one voice to sequences. Each is in exactly one.

    A sequence of several utterances has at most `max_joined` of them and lasts at most `max_seconds`.
    """
    limit = int(config.max_seconds * FRAME_RATE)
    by_voice: dict[str, list[int]] = {}
    for i in rng.permutation(len(entries)).tolist():
        by_voice.setdefault(entries[i].voice, []).append(i)
    sequences = []
    for positions in by_voice.values():
        current: list[int] = []
        frames, count = 0, int(rng.integers(1, config.max_joined + 1))
        for i in positions:
            if current and (len(current) == count or frames + entries[i].frames > limit):
                sequences.append(current)
                current, frames, count = [], 0, int(rng.integers(1, config.max_joined + 1))
            current.append(i)
            frames += entries[i].frames
        sequences.append(current)
    return sequences


def group_neighbors(lengths: list[int], order: Sequence[int], batch_frames: float) -> list[list[int]]:
    """Groups of neighbors in `order`, of at most `batch_frames` when padded; a longer sequence is alone."""
    groups: list[list[int]] = []
    longest = 0
    for i in order:
        if groups and max(longest, lengths[i]) * (len(groups[-1]) + 1) <= batch_frames:
            groups[-1].append(i)
            longest = max(longest, lengths[i])
        else:
            groups.append([i])
            longest = lengths[i]
    return groups


def group_into_buckets(
    lengths: list[int], order: list[int], batch_frames: float, buckets: list[int]
) -> list[tuple[int, list[int]]]:
    """(frames to pad to, sequences) of batches of few shapes: a bucket's batches all have as many rows.

    Sequences that do not fill a batch go to the next longer bucket. Sequences of other batches fill up the
    last batch, so nothing is dropped.
    """
    result: list[tuple[int, list[int]]] = []
    waiting: list[int] = []
    by_length = sorted(order, key=lambda i: lengths[i])
    rank = {i: position for position, i in enumerate(order)}
    start = 0
    for bucket in buckets:
        rows = max(1, int(batch_frames // bucket))
        end = start
        while end < len(by_length) and lengths[by_length[end]] <= bucket:
            end += 1
        waiting += sorted(by_length[start:end], key=rank.__getitem__)
        start = end
        while len(waiting) >= rows:
            result.append((bucket, waiting[:rows]))
            waiting = waiting[rows:]
    if waiting:
        rows = max(1, int(batch_frames // buckets[-1]))
        others = set(order) - set(waiting)
        spare = [i for i in order if i in others] or waiting
        result.append((buckets[-1], [*waiting, *(spare * rows)][:rows]))
    return result


def bucket_lengths(config: DataConfig, longest: int, patch: int) -> list[int]:
    """The lengths of `config.buckets` buckets in frames: whole tokens, the last at least `longest`."""
    tokens = -(-max(longest, int(config.max_seconds * FRAME_RATE)) // patch)
    return sorted({patch * math.ceil(tokens * k / config.buckets) for k in range(1, config.buckets + 1)})
