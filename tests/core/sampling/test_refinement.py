"""Refinement: which tokens of a draft are masked again, and that the others stay."""

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint

from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.settings import parse_setting
from nanospeech_core.sampling.prompt import Prompt
from nanospeech_core.sampling.refinement import disagreement, remask
from nanospeech_core.sampling.schedules import ode_times

TOKENS, CHANNELS, KNOWN = 40, 400, 8
rng = np.random.default_rng(0)
COND = rng.standard_normal((TOKENS, CHANNELS), dtype=np.float32) * (np.arange(TOKENS) < KNOWN)[:, None]
IDS = rng.integers(0, 100, 4 * TOKENS)
PROMPT = Prompt(COND, np.arange(TOKENS) < KNOWN, IDS)
REST = slice(KNOWN, None)


def trail(draft: np.ndarray, changes: np.ndarray, times: list[float]) -> list[np.ndarray]:
    """The states of Euler's method whose network predicts draft + changes [tokens], and at last the draft."""
    states = [np.zeros_like(draft)]
    for t, end in zip(times[:-1], times[1:], strict=True):
        clean = draft + (0 if end == times[-1] else changes[:, None])
        states.append(states[-1] + (clean - states[-1]) * ((end - t) / (1 - t)))
    return states


@pytest.mark.parametrize("sway", [0.0, -1.0])
@pytest.mark.parametrize("steps", [2, 3, 8])
def test_disagreement_is_how_much_the_clean_prediction_changed(steps, sway):
    times = ode_times(steps, sway)
    draft, changes = rng.standard_normal((5, 6)), np.array([0.0, 1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(disagreement(trail(draft, changes, times), times), abs(changes), atol=1e-9)


def test_disagreement_is_with_every_promise_on_the_way():
    times = ode_times(4)
    states = [rng.standard_normal((3, 6)) for _ in times]
    last = states[:-2] + trail(states[-1], np.array([0.0, 1.0, 2.0]), times)[-2:]
    promises = [x + (y - x) * (1 - t) / 0.25 for x, y, t in zip(last, last[1:], times[:3], strict=False)]
    expected = np.mean([np.sqrt(np.square(last[-1] - p).mean(-1)) for p in promises], axis=0)
    np.testing.assert_allclose(disagreement(last, times), expected)


def test_a_single_step_has_nothing_to_disagree_with():
    with pytest.raises(UserError, match="at least 2 --steps"):
        disagreement([np.zeros((3, 2))] * 2, [0.0, 1.0])


def test_the_worst_are_masked_and_the_rest_is_kept():
    times = ode_times(4)
    draft = rng.standard_normal((TOKENS, CHANNELS), dtype=np.float32)
    changes = np.arange(TOKENS)[::-1].astype(float)  # the prompt's own would be the worst
    changes[[11, 30]] += 100
    states = trail(draft, changes, times)
    got = remask(PROMPT, states, times, 0.125, "worst", 0)
    remasked = ~got.visible
    assert np.flatnonzero(remasked).tolist() == [8, 9, 11, 30]
    assert (got.cond[remasked] == 0).all() and (got.cond[:KNOWN] == COND[:KNOWN]).all()
    kept = got.visible & ~PROMPT.visible
    assert (got.cond[kept] == states[-1][kept]).all() and got.text is PROMPT.text


@pytest.mark.parametrize("share", [0.0, 0.01, 0.25, 0.5, 1.0])
def test_random_masks_a_share_of_the_draft(share):
    states = [np.zeros_like(COND), np.ones_like(COND)]
    masks = [~remask(PROMPT, states, [0.0, 1.0], share, "random", seed).visible for seed in range(300)]
    assert all(mask.sum() == round(share * 32) and not mask[:KNOWN].any() for mask in masks)
    assert np.abs(np.mean(masks, axis=0)[KNOWN:] - round(share * 32) / 32).max() < 0.15
    again = remask(PROMPT, states, [0.0, 1.0], share, "random", 7)
    assert (~again.visible == masks[7]).all()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("refine") / "tiny", config=tiny_config())


@pytest.fixture(params=NAMES)
def model(request, folder):
    return Backend(request.param).module("nanospeech").Nanospeech.from_pretrained(folder)


def tokens(model, sampler: str = "refine", **options) -> np.ndarray:
    if sampler != "masked":
        options["steps"] = 4
    if sampler != "ode":
        options["num_iter"] = 3
    return model.sample(PROMPT, seed=3, sampler=sampler, **options).reshape(-1, CHANNELS)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["worst", "random"])
@pytest.mark.parametrize("cfg", [1.0, 2.0])
def test_nothing_is_the_ode_and_all_is_masked_diffusion(model, order, cfg):
    none, entire = (tokens(model, refine=share, refine_order=order, cfg=cfg) for share in (0.0, 1.0))
    assert np.array_equal(none, tokens(model, "ode", cfg=cfg))
    assert np.array_equal(entire, tokens(model, "masked", cfg=cfg))
    assert not np.isclose(none, entire).all(axis=-1).any()


@pytest.mark.parametrize("order", ["worst", "random"])
def test_a_share_changes_and_the_rest_stays(model, order):
    draft, refined = tokens(model, "ode"), tokens(model, refine=0.25, refine_order=order)
    changed = (draft != refined).all(axis=-1)
    assert changed.sum() == 8
    assert np.array_equal(draft[~changed], refined[~changed])


def test_the_two_orders_choose_differently(model):
    one, other = (tokens(model, refine=0.25, refine_order=order) for order in ("worst", "random"))
    assert ((one != other).any(axis=-1)).sum() >= 2


def test_the_new_tokens_depend_on_those_that_are_kept(model):
    """The draft's kept tokens are context: another draft, other tokens in the same places."""
    draft, other = (
        model.sample(PROMPT, seed=3, steps=steps, num_iter=1, refine=0.25, refine_order="random").reshape(
            -1, CHANNELS
        )
        for steps in (1, 4)
    )
    mask = ~remask(PROMPT, [COND, COND], [0.0, 1.0], 0.25, "random", 3).visible[REST]
    assert mask.sum() == 8
    assert not np.isclose(draft[mask], other[mask], atol=1e-6).all(axis=-1).any()


def test_the_setting_of_an_evaluation():
    setting = parse_setting("refine:steps=4,refine=0.4,num_iter=4,refine_order=random")
    assert setting.needs_head and setting.options.sampler == "refine"
    used = setting.effective_options(tiny_config().sampling)
    assert [used[key] for key in ("sampler", "refine", "refine_order", "steps", "num_iter", "method")] == [
        "refine", 0.4, "random", 4, 4, "euler",
    ]  # fmt: skip
    assert parse_setting("refine").options.refine == 0.3
    with pytest.raises(UserError, match="ode has no option 'refine'"):
        parse_setting("ode:refine=0.3")
    with pytest.raises(UserError, match="refine must be a number, not 'x'"):
        parse_setting("refine:refine=x")
