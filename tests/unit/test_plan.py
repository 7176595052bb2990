"""The plan of masked decoding and its noise: a partition, reproducible, and free of the order of decoding."""

import numpy as np
import pytest

from nanospeech_core.options import ORDERS
from nanospeech_core.plan import Noise, make_plan, token_order
from nanospeech_core.schedule import reveal_counts


def random_mask(tokens: int, seed: int) -> np.ndarray:
    masked = np.random.default_rng(seed).random(tokens) < 0.7
    masked[-1] = True
    return masked


@pytest.mark.parametrize("num_iter", [1, 2, 7, 24, 500])
@pytest.mark.parametrize("tokens", [1, 2, 40, 301])
@pytest.mark.parametrize("order", ORDERS)
def test_plan_partitions_the_masked_tokens(tokens, num_iter, order):
    masked = random_mask(tokens, tokens)
    plan = make_plan(masked, num_iter, seed=3, cfg=2.0, order=order)
    revealed = np.concatenate(plan.reveal)
    assert np.array_equal(np.sort(revealed), np.flatnonzero(masked))
    assert [len(positions) for positions in plan.reveal] == reveal_counts(int(masked.sum()), num_iter)
    assert len(plan) == len(plan.cfg) == len(plan.reveal) == len(plan.temperature)
    for positions in plan.reveal:
        assert (np.diff(positions) > 0).all()


def test_plan_is_its_seeds():
    masked = random_mask(100, 0)

    def order(seed: int) -> list[int]:
        return np.concatenate(make_plan(masked, 100, seed).reveal).tolist()

    assert order(5) == order(5)
    assert order(5) != order(6)


def test_more_iterations_refine_the_same_order():
    masked = np.ones(60, bool)
    order = [int(positions[0]) for positions in make_plan(masked, 60, 9).reveal]
    start = 0
    for positions in make_plan(masked, 8, 9).reveal:
        assert sorted(order[start : start + len(positions)]) == positions.tolist()
        start += len(positions)


def test_every_order_is_as_likely():
    first = [int(make_plan(np.ones(8, bool), 8, seed).reveal[0][0]) for seed in range(4000)]
    counts = np.bincount(first, minlength=8)
    assert (np.abs(counts - 500) < 5 * np.sqrt(500)).all()


@pytest.mark.parametrize("order", ORDERS)
def test_nothing_masked_is_an_empty_plan(order):
    plan = make_plan(np.zeros(5, bool), 4, 0, order=order, temperature_schedule="linear")
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
        plans = [make_plan(np.ones(120, bool), 12, seed, order=order) for seed in range(20)]
        return sum(int((np.diff(positions) == 1).sum()) for plan in plans for positions in plan.reveal)

    assert together("interleaved") < 0.2 * together("random") < 0.2 * together("blocks")


def test_where_interleaving_begins_is_the_seeds():
    firsts = {int(token_order(np.ones(64, bool), seed, "interleaved")[0]) for seed in range(200)}
    assert len(firsts) > 40


def test_blocks_run_from_left_to_right():
    plan = make_plan(random_mask(50, 1), 6, 3, order="blocks")
    assert np.array_equal(np.concatenate(plan.reveal), np.flatnonzero(random_mask(50, 1)))


def test_the_temperature_of_an_iteration_is_the_share_revealed_after_it():
    masked = np.ones(50, bool)
    assert make_plan(masked, 4, 0).temperature == (1.0,) * 4
    plan = make_plan(masked, 4, 0, temperature_schedule="linear")
    shares = np.cumsum([len(positions) for positions in plan.reveal]) / 50
    assert plan.temperature == pytest.approx(shares) and plan.temperature[-1] == 1
    assert make_plan(masked, 1, 0, temperature_schedule="linear").temperature == (1.0,)


def test_initial_noise_belongs_to_the_position():
    """However long the utterance and whatever is masked: token i of a seed starts from the same draw."""
    short, long = Noise(4, 10, 6).initial, Noise(4, 25, 6).initial
    assert short.dtype == np.float32
    assert np.array_equal(long[:10], short)
    assert not np.array_equal(Noise(5, 10, 6).initial, short)


def test_step_noise_is_of_seed_and_iteration():
    noise = Noise(4, 10, 6)
    first = noise.steps(0, 5, 3)
    assert first.shape == (5, 3, 6) and first.dtype == np.float32
    assert np.array_equal(
        Noise(4, 99, 6).steps(0, 5, 3), first
    )  # asked later or for another length: the same
    assert not np.array_equal(noise.steps(1, 5, 3), first)
    assert not np.array_equal(Noise(5, 10, 6).steps(0, 5, 3), first)


def test_noise_is_standard_normal():
    noise = Noise(0, 2000, 50)
    for draws in (noise.initial, noise.steps(0, 20, 100)):
        assert abs(draws.mean()) < 4 / np.sqrt(draws.size)
        assert draws.std() == pytest.approx(1, abs=0.02)
    a, b = noise.initial.ravel()[:100000], noise.steps(0, 20, 100).ravel()[:100000]
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02  # two streams, not one
