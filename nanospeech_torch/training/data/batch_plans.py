"""The order of training: utterances joined into sequences, sequences of like length into numbered batches.

It depends on the items, the config and the seed only, so a run that stopped goes on exactly where it stood,
and several processes share the stream by taking every n-th batch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE

from ..config import DataConfig
from .corpus import Item

FRAME_RATE = SAMPLE_RATE / HOP


class BatchPlan(NamedTuple):
    """One batch before its audio is read."""

    number: int
    sequences: list[list[int]]  # of items
    length: int = 0  # frames to pad to


def join(items: list[Item], config: DataConfig, rng: np.random.Generator) -> list[list[int]]:
    """Shuffle, then join neighbours of one voice into sequences; every item is in one of them.

    A joined sequence has at most `max_joined` utterances and lasts at most `max_seconds`.
    """
    limit = int(config.max_seconds * FRAME_RATE)
    by_voice: dict[str, list[int]] = {}
    for i in rng.permutation(len(items)).tolist():
        by_voice.setdefault(items[i].voice, []).append(i)
    sequences = []
    for numbers in by_voice.values():
        current: list[int] = []
        frames, want = 0, int(rng.integers(1, config.max_joined + 1))
        for i in numbers:
            if current and (len(current) == want or frames + items[i].frames > limit):
                sequences.append(current)
                current, frames, want = [], 0, int(rng.integers(1, config.max_joined + 1))
            current.append(i)
            frames += items[i].frames
        sequences.append(current)
    return sequences


def group(lengths: list[int], order: Sequence[int], batch_frames: float) -> list[list[int]]:
    """Batches of neighbours in `order`, at most `batch_frames` when padded; a longer sequence is alone."""
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


def group_static(
    lengths: list[int], order: list[int], batch_frames: float, shapes: list[int]
) -> list[tuple[int, list[int]]]:
    """(length, sequences) of batches of few shapes: each length in `shapes` always has as many rows.

    What does not fill a batch goes to the next longer shape; the last batch is filled up by sequences that
    were in another one already, so nothing is dropped.
    """
    result: list[tuple[int, list[int]]] = []
    waiting: list[int] = []
    numbers = sorted(order, key=lambda i: lengths[i])
    rank = {i: place for place, i in enumerate(order)}
    start = 0
    for shape in shapes:
        rows = max(1, int(batch_frames // shape))
        end = start
        while end < len(numbers) and lengths[numbers[end]] <= shape:
            end += 1
        waiting += sorted(numbers[start:end], key=rank.__getitem__)
        start = end
        while len(waiting) >= rows:
            result.append((shape, waiting[:rows]))
            waiting = waiting[rows:]
    if waiting:
        rows = max(1, int(batch_frames // shapes[-1]))
        others = set(order) - set(waiting)
        spare = [i for i in order if i in others] or waiting
        result.append((shapes[-1], [*waiting, *(spare * rows)][:rows]))
    return result


def ladder(config: DataConfig, longest: int, patch: int) -> list[int]:
    """The lengths in frames of `config.buckets` shapes, whole tokens, the last at least `longest`."""
    top = -(-max(longest, int(config.max_seconds * FRAME_RATE)) // patch)
    return sorted({patch * math.ceil(top * k / config.buckets) for k in range(1, config.buckets + 1)})


def epoch_plans(
    items: list[Item], config: DataConfig, patch: int, seed: int, epoch: int
) -> list[tuple[int, list[list[int]]]]:
    """(length to pad to, sequences) of an epoch's batches in random order; every item is in one."""
    rng = np.random.default_rng([seed, epoch])
    sequences = join(items, config, rng)
    lengths = [sum(items[i].frames for i in sequence) for sequence in sequences]
    batch_frames = config.batch_seconds * FRAME_RATE
    if config.buckets:
        shapes = ladder(config, max(lengths), patch)
        groups = group_static(lengths, rng.permutation(len(sequences)).tolist(), batch_frames, shapes)
    else:
        order = np.argsort(np.array(lengths) * rng.uniform(0.9, 1.1, len(sequences)))
        groups = [(0, numbers) for numbers in group(lengths, order.tolist(), batch_frames)]
    shuffled = [groups[i] for i in rng.permutation(len(groups))]
    return [(length, [sequences[i] for i in numbers]) for length, numbers in shuffled]


def plans(
    items: list[Item],
    config: DataConfig,
    patch: int,
    seed: int,
    start: int = 0,
    rank: int = 0,
    world: int = 1,
) -> Iterator[BatchPlan]:
    """The endless stream from batch `start` on; process `rank` of `world` takes every world-th."""
    first = 0  # batch of the epoch
    for epoch in itertools.count():
        epoch_batches = epoch_plans(items, config, patch, seed, epoch)
        for number, (length, sequences) in enumerate(epoch_batches, first):
            if number >= start and (number - start) % world == rank:
                yield BatchPlan(number, sequences, length)
        first += len(epoch_batches)
