"""The reveal plan: a reproducible partition of the masked tokens, in the order that was asked for."""

from dataclasses import replace

import numpy as np
import pytest

from nanospeech_core.sampling.options import ORDERS
from nanospeech_core.sampling.reveal import make_reveal_plan, stream_blocks, token_order
from nanospeech_core.sampling.schedules import reveal_counts


def random_mask(tokens: int, seed: int) -> np.ndarray:
    masked = np.random.default_rng(seed).random(tokens) < 0.7
    masked[-1] = True
    return masked


@pytest.mark.parametrize("num_iter", [1, 2, 7, 24, 500])
@pytest.mark.parametrize("tokens", [1, 2, 40, 301])
@pytest.mark.parametrize("order", ORDERS)
def test_plan_partitions_the_masked_tokens(tokens, num_iter, order):
    masked = random_mask(tokens, tokens)
    plan = make_reveal_plan(masked, num_iter, seed=3, cfg=2.0, order=order)
    revealed = np.concatenate(plan.reveal)
    assert np.array_equal(np.sort(revealed), np.flatnonzero(masked))
    assert [len(positions) for positions in plan.reveal] == reveal_counts(int(masked.sum()), num_iter)
    assert len(plan) == len(plan.cfg) == len(plan.reveal) == len(plan.temperature)
    for positions in plan.reveal:
        assert (np.diff(positions) > 0).all()


@pytest.mark.parametrize("ahead", [None, 0, 3, 1000])
@pytest.mark.parametrize("blocks", [None, (4, 16, 20)])
def test_spans_hold_what_is_sampled_and_read(ahead, blocks):
    masked = np.arange(50) >= 10
    plan = replace(make_reveal_plan(masked, 3, seed=3, blocks=blocks), ahead=ahead)
    left = masked.copy()
    for reveal, final, (first, end) in zip(plan.reveal, plan.visible_prefix(), plan.spans(), strict=True):
        assert first == np.flatnonzero(left)[0] and set(reveal) <= set(range(first, end))
        left[reveal] = False
        needed = 50 if ahead is None else min(50, final + ahead)
        assert not left[end:needed].any() and left[:first].sum() == 0
        if blocks and ahead == 3 and first < 13:
            assert end < 20  # not the whole utterance for the first block


def test_plan_is_its_seeds():
    masked = random_mask(100, 0)

    def order(seed: int) -> list[int]:
        return np.concatenate(make_reveal_plan(masked, 100, seed).reveal).tolist()

    assert order(5) == order(5)
    assert order(5) != order(6)


def test_more_iterations_refine_the_same_order():
    masked = np.ones(60, bool)
    order = [int(positions[0]) for positions in make_reveal_plan(masked, 60, 9).reveal]
    start = 0
    for positions in make_reveal_plan(masked, 8, 9).reveal:
        assert sorted(order[start : start + len(positions)]) == positions.tolist()
        start += len(positions)


def test_every_order_is_as_likely():
    first = [int(make_reveal_plan(np.ones(8, bool), 8, seed).reveal[0][0]) for seed in range(4000)]
    counts = np.bincount(first, minlength=8)
    assert (np.abs(counts - 500) < 5 * np.sqrt(500)).all()


@pytest.mark.parametrize("order", ORDERS)
def test_nothing_masked_is_an_empty_plan(order):
    plan = make_reveal_plan(np.zeros(5, bool), 4, 0, order=order, temperature_schedule="linear")
    assert plan.reveal == () and plan.cfg == () and plan.temperature == ()


@pytest.mark.parametrize("tokens", [2, 7, 64, 129, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_interleaved_tokens_are_far_apart(tokens, seed):
    """Of 2^k neighbours one is in the first 2^-k; so the gaps halve, and the last half has no neighbours."""
    start = 11  # of the masked tokens: what is visible before them does not matter
    order = token_order(np.arange(start + tokens) >= start, seed, "interleaved")
    place = np.argsort(order - start)
    for level in range(1, 10):
        gap = 2**level
        first = np.sort(order[: tokens // gap])
        assert (np.diff(first) % gap == 0).all()
        for begin in range(tokens - gap + 1):
            assert place[begin : begin + gap].min() < -(-tokens // gap)
    assert (np.diff(np.sort(order[(tokens + 1) // 2 :])) >= 2).all()


def test_fewer_neighbours_are_revealed_together_than_at_random():
    def together(order: str) -> int:
        plans = [make_reveal_plan(np.ones(120, bool), 12, seed, order=order) for seed in range(20)]
        return sum(int((np.diff(positions) == 1).sum()) for plan in plans for positions in plan.reveal)

    assert together("interleaved") < 0.2 * together("random") < 0.2 * together("blocks")


def test_where_interleaving_begins_is_the_seeds():
    firsts = {int(token_order(np.ones(64, bool), seed, "interleaved")[0]) for seed in range(200)}
    assert len(firsts) > 40


def test_blocks_run_from_left_to_right():
    plan = make_reveal_plan(random_mask(50, 1), 6, 3, order="blocks")
    assert np.array_equal(np.concatenate(plan.reveal), np.flatnonzero(random_mask(50, 1)))


def test_the_temperature_of_an_iteration_is_the_share_revealed_after_it():
    masked = np.ones(50, bool)
    assert make_reveal_plan(masked, 4, 0).temperature == (1.0,) * 4
    plan = make_reveal_plan(masked, 4, 0, temperature_schedule="linear")
    shares = np.cumsum([len(positions) for positions in plan.reveal]) / 50
    assert plan.temperature == pytest.approx(shares) and plan.temperature[-1] == 1
    assert make_reveal_plan(masked, 1, 0, temperature_schedule="linear").temperature == (1.0,)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("num_iter", [1, 3, 50])
def test_blocks_are_revealed_one_after_another(order, num_iter):
    masked = random_mask(90, 1)
    masked_tokens = np.flatnonzero(masked)
    blocks = stream_blocks(len(masked_tokens), 8, 1.5, 20)
    plan = make_reveal_plan(masked, num_iter, 4, order=order, blocks=blocks)
    assert np.array_equal(np.sort(np.concatenate(plan.reveal)), masked_tokens)
    start = k = 0
    for size in blocks:
        block = masked_tokens[start : start + size]
        count = min(num_iter, size)
        assert np.array_equal(np.sort(np.concatenate(plan.reveal[k : k + count])), block)
        start, k = start + size, k + count
    assert k == len(plan) == len(plan.cfg)


def test_how_much_is_known_after_each_iteration():
    masked = np.arange(30) >= 10
    plan = make_reveal_plan(masked, 3, 0, blocks=[4, 6, 10])
    assert plan.visible_prefix()[2::3] == [14, 20, 30]
    visible = ~masked
    for reveal, known in zip(plan.reveal, plan.visible_prefix(), strict=True):
        visible[reveal] = True
        assert visible[:known].all() and (known == 30 or not visible[known])
    assert make_reveal_plan(np.zeros(5, bool), 4, 0).visible_prefix() == []


@pytest.mark.parametrize("tokens", [1, 7, 12, 17, 18, 100, 1000])
def test_stream_blocks_grow_and_sum_up(tokens):
    blocks = stream_blocks(tokens, 12, 1.6, 47)
    assert sum(blocks) == tokens and min(blocks) > 0
    assert blocks[0] == min(tokens, 12) or tokens < 18 and len(blocks) == 1
    for before, after in zip(blocks, blocks[1:-1], strict=False):
        assert before <= after <= 47
    assert blocks[-1] < 1.5 * 47 + 1
