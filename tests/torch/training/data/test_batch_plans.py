"""The batch plans: nothing is lost, doubled or mixed up, wherever they begin, for any number of processes."""

import itertools
from collections import Counter

import numpy as np
import pytest

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE

pytest.importorskip("torch")

from nanospeech_torch.training.config import DataConfig
from nanospeech_torch.training.data.batch_plans import (
    FRAME_RATE,
    batch_plans,
    bucket_lengths,
    group_into_buckets,
    group_neighbors,
    join_utterances,
    plan_epoch,
)
from nanospeech_torch.training.data.corpus import AudioLocation, IndexEntry

PATCH = 4


def items_of(count, voices=3, seed=0, seconds=(0.3, 3.0)) -> list[IndexEntry]:
    rng = np.random.default_rng(seed)
    lengths = (rng.uniform(*seconds, count) * SAMPLE_RATE).astype(int).tolist()
    place, ids = AudioLocation("x"), np.zeros(1, np.int16)
    return [IndexEntry(f"u{i}", f"v{i % voices}", "", ids, None, n, place) for i, n in enumerate(lengths)]


def random_config(rng, **changes) -> DataConfig:
    return DataConfig(
        max_seconds=float(rng.uniform(3.0, 9.0)),
        batch_seconds=float(rng.uniform(2.0, 40.0)),
        max_joined=int(rng.integers(1, 6)),
        **changes,
    )


def flat(sequences) -> list[int]:
    return [i for sequence in sequences for i in sequence]


# sequences


@pytest.mark.parametrize("seed", range(8))
def test_join_uses_every_item_once_and_keeps_the_voice(seed):
    rng = np.random.default_rng(seed)
    items, config = items_of(int(rng.integers(1, 300)), int(rng.integers(1, 9)), seed), random_config(rng)
    sequences = join_utterances(items, config, rng)
    assert sorted(flat(sequences)) == list(range(len(items)))
    for sequence in sequences:
        assert len({items[i].voice for i in sequence}) == 1 and 1 <= len(sequence) <= config.max_joined
        assert len(sequence) == 1 or sum(items[i].frames for i in sequence) <= config.max_seconds * FRAME_RATE


def test_sequences_are_of_all_sizes_and_change_with_the_epoch():
    items = items_of(300, seconds=(0.3, 0.5))
    config = DataConfig(max_joined=4)
    sequences = join_utterances(items, config, np.random.default_rng(0))
    sizes = Counter(map(len, sequences))
    assert set(sizes) == {1, 2, 3, 4} and min(sizes.values()) > 10
    assert join_utterances(items, config, np.random.default_rng(0)) == sequences
    assert join_utterances(items, config, np.random.default_rng(1)) != sequences
    alone = join_utterances(items, DataConfig(max_joined=1), np.random.default_rng(0))
    assert Counter(map(len, alone)) == {1: 300} and flat(alone) != sorted(flat(alone))


# batches


@pytest.mark.parametrize("seed", range(8))
def test_group_keeps_the_order_and_the_limit(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 400, int(rng.integers(1, 200))).tolist()
    order = rng.permutation(len(lengths)).tolist()
    limit = float(rng.uniform(100, 2000))
    groups = group_neighbors(lengths, order, limit)
    assert flat(groups) == order
    for numbers in groups:
        assert len(numbers) == 1 or max(lengths[i] for i in numbers) * len(numbers) <= limit
    for numbers, following in itertools.pairwise(groups):  # none could have taken one more
        longest = max(lengths[i] for i in [*numbers, following[0]])
        assert longest * (len(numbers) + 1) > limit


@pytest.mark.parametrize("seed", range(8))
def test_an_epoch_has_every_item_once(seed):
    rng = np.random.default_rng(seed)
    items, config = items_of(int(rng.integers(1, 300)), seed=seed), random_config(rng)
    limit = config.batch_seconds * FRAME_RATE
    for epoch in range(3):
        batches = plan_epoch(items, config, PATCH, seed, epoch)
        assert sorted(flat(flat(sequences for _, sequences in batches))) == list(range(len(items)))
        for length, sequences in batches:
            frames = [sum(items[i].frames for i in sequence) for sequence in sequences]
            assert length == 0 and (len(frames) == 1 or max(frames) * len(frames) <= limit)


def test_a_batch_has_sequences_of_like_length():
    items = items_of(500)
    config = DataConfig(batch_seconds=20.0, max_seconds=6.0)
    padded = real = 0
    for _, sequences in plan_epoch(items, config, PATCH, 0, 0):
        frames = [sum(items[i].frames for i in sequence) for sequence in sequences]
        padded, real = padded + max(frames) * len(frames), real + sum(frames)
    assert real / padded > 0.88


@pytest.mark.parametrize("seed", range(12))
def test_bucketed_batches_have_few_shapes_and_drop_nothing(seed):
    rng = np.random.default_rng(seed)
    buckets = int(rng.integers(1, 9))
    # few items too: less than one batch
    count = int(rng.integers(1, 300)) if seed % 3 else int(rng.integers(1, 6))
    items, config = items_of(count, seed=seed), random_config(rng, buckets=buckets)
    shapes = set()
    for epoch in range(3):
        batches = plan_epoch(items, config, PATCH, seed, epoch)
        seen = Counter(flat(flat(sequences for _, sequences in batches)))
        assert set(seen) == set(range(count))
        shapes |= {(length, len(sequences)) for length, sequences in batches}
        for length, sequences in batches:
            assert all(sum(items[i].frames for i in sequence) <= length for sequence in sequences)
        # only the last batch may contain sequences of others
        last = max((len(s) for length, s in batches if length == max(length for length, _ in batches)))
        assert sum(seen.values()) - count <= last * config.max_joined
    assert len(shapes) <= buckets
    assert len({length for length, _ in shapes}) == len(shapes)  # as many rows in every batch of a length
    for length, rows in shapes:
        assert length % PATCH == 0
        assert rows == max(1, int(config.batch_seconds * FRAME_RATE // length))


def test_static_groups_by_hand():
    lengths = [10, 20, 10, 40, 30, 10, 40]
    order = [6, 5, 4, 3, 2, 1, 0]
    # 20 frames take 4 of batches of 80 frames, 40 take 2; one of the short ones is left over
    groups = group_into_buckets([*lengths, 15], [*order, 7], 80, [20, 40])
    assert groups[0] == (20, [5, 2, 1, 0])
    assert groups[1:] == [(40, [7, 6]), (40, [4, 3])]
    # nothing to fill up with but itself
    assert group_into_buckets([10], [0], 80, [20, 40]) == [(40, [0, 0])]
    # what fills up was elsewhere already
    assert group_into_buckets([40, 40, 40], [2, 0, 1], 80, [40]) == [(40, [2, 0]), (40, [1, 2])]
    # rows longer than a batch
    assert group_into_buckets([40, 30], [0, 1], 10, [40]) == [(40, [0]), (40, [1])]


@pytest.mark.parametrize("buckets", [1, 2, 5, 1000])
def test_the_ladder_reaches_the_longest(buckets):
    for longest, seconds in ((1126, 12.0), (1125, 12.0), (2000, 12.0), (5, 0.05)):
        shapes = bucket_lengths(DataConfig(buckets=buckets, max_seconds=seconds), longest, PATCH)
        assert len(shapes) <= buckets and shapes == sorted(set(shapes))
        assert (
            max(longest, int(seconds * FRAME_RATE)) <= shapes[-1] < max(longest, seconds * FRAME_RATE) + PATCH
        )
        assert all(shape % PATCH == 0 and shape > 0 for shape in shapes)
    # the same shapes in every epoch, though the longest sequence is another: by max_seconds
    config = DataConfig(buckets=buckets, max_seconds=12.0)
    assert bucket_lengths(config, 600, PATCH) == bucket_lengths(config, 1125, PATCH)


# the stream


@pytest.mark.parametrize("buckets", [0, 3])
def test_the_stream_is_epoch_after_epoch(buckets):
    items, config = items_of(60), DataConfig(batch_seconds=10.0, max_seconds=6.0, buckets=buckets)
    epochs = [plan_epoch(items, config, PATCH, 5, epoch) for epoch in range(4)]
    assert epochs[0] != epochs[1]
    expected = [batch for epoch in epochs for batch in epoch]
    got = list(itertools.islice(batch_plans(items, config, PATCH, 5), len(expected)))
    assert [plan.number for plan in got] == list(range(len(expected)))
    assert [(plan.frames, plan.sequences) for plan in got] == expected
    other = list(itertools.islice(batch_plans(items, config, PATCH, 6), len(expected)))
    assert [plan.sequences for plan in other] != [plan.sequences for plan in got]


def test_start_skips_exactly_so_many():
    items, config = items_of(25), DataConfig(batch_seconds=10.0, max_seconds=6.0)
    epoch = len(plan_epoch(items, config, PATCH, 5, 0))
    complete = list(itertools.islice(batch_plans(items, config, PATCH, 5), 5 * epoch))
    assert epoch > 3
    for start in range(4 * epoch):
        rest = itertools.islice(batch_plans(items, config, PATCH, 5, start), len(complete) - start)
        assert list(rest) == complete[start:], start


@pytest.mark.parametrize("world", [1, 2, 3, 8])
@pytest.mark.parametrize("start", [0, 1, 17])
def test_ranks_share_the_stream(world, start):
    items, config = items_of(25), DataConfig(batch_seconds=10.0, max_seconds=6.0)
    complete = list(itertools.islice(batch_plans(items, config, PATCH, 5, start), 6 * world))
    shares = [
        list(itertools.islice(batch_plans(items, config, PATCH, 5, start, rank, world), 6))
        for rank in range(world)
    ]
    assert [shares[i % world][i // world] for i in range(len(complete))] == complete
    # a step takes one batch of each, and another world can go on from there
    taken = {plan.number for share in shares for plan in share}
    assert taken == set(range(start, start + 6 * world))


def test_frames_are_those_of_the_mel():
    for samples in (HOP * 10, HOP * 10 + 255, HOP * 11 - 1):
        assert IndexEntry("k", "v", "", np.zeros(1, np.int16), None, samples, AudioLocation("x")).frames == 11
