"""The masks of a batch: which tokens and durations are visible, which are targets, on which path."""

import math
from dataclasses import replace

import numpy as np
import pytest

from nanospeech_core.sampling.options import ORDERS
from nanospeech_core.sampling.reveal import token_order

torch = pytest.importorskip("torch")

from joint import FILLER, MODEL, generator, random_batch

from nanospeech_torch.training.acoustic.config import AcousticLossConfig
from nanospeech_torch.training.acoustic.masking import draw_duration_masks, draw_masks, logit_normal
from nanospeech_torch.training.data.batch import Batch, collate
from nanospeech_torch.training.data.utterances import Utterance

PATCH = MODEL.transformer.patch


def target_of(masks, mask):
    """bool [batch, tokens]: what either path learns."""
    target = torch.zeros(mask.numel(), dtype=torch.bool)
    target[masks.flow_targets] = True
    target[masks.masked_targets] = True
    return target.reshape(mask.shape)


def plain_batch(rows: int, tokens: int) -> Batch:
    """Rows of full length with nothing in them."""
    ids = torch.zeros(rows, 4, dtype=torch.int64)
    return Batch(
        tokens=torch.zeros(rows, tokens, 1),
        text=torch.zeros(rows, tokens, dtype=torch.int64),
        mask=torch.ones(rows, tokens, dtype=torch.bool),
        first_tokens=torch.zeros(rows, dtype=torch.int64),
        ids=ids,
        durations=ids.float(),
        first_symbols=torch.zeros(rows, dtype=torch.int64),
    )


# what is visible


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("law", ["cosine", "uniform"])
def test_targets_are_neither_visible_nor_padded_and_every_row_has_one(seed, law):
    batch = random_batch(rows=7, seed=seed)
    masks = draw_masks(batch, AcousticLossConfig(mask_law=law), 0.34, generator(seed))
    target = target_of(masks, batch.mask)
    assert not (masks.visible & target).any()
    assert torch.equal(masks.visible | target, batch.mask)  # so nothing padded is either
    assert target.any(1).all()
    assert not masks.visible[masks.unconditional].any()


def test_each_path_learns_its_rows():
    batch = random_batch(rows=9)
    masks = draw_masks(batch, AcousticLossConfig(), 0.4, generator(1))
    tokens = batch.mask.shape[1]
    rows = torch.arange(9)
    assert set((masks.flow_targets // tokens).tolist()) == set(rows[masks.is_flow].tolist())
    assert set((masks.masked_targets // tokens).tolist()) == set(rows[~masks.is_flow].tolist())
    assert torch.equal(masks.flow_time > 0, masks.is_flow) and (masks.flow_time < 1).all()
    for targets in (masks.flow_targets, masks.masked_targets):
        assert len(targets) == len(set(targets.tolist()))


def test_a_row_of_one_token_keeps_it_hidden():
    one = Utterance("k", "v", "", np.zeros((PATCH, 100), np.float16), np.array([1]), np.array([PATCH]))
    batch = collate([[one]] * 50, MODEL)
    for seed in range(5):
        masks = draw_masks(batch, AcousticLossConfig(), 0.5, generator(seed))
        assert target_of(masks, batch.mask).all() and not masks.visible.any()


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 3, 8])
@pytest.mark.parametrize("share", [0.0, 0.34, 1.0])
def test_flow_rows_have_their_share(rows, share):
    batch, g = plain_batch(rows, 5), generator()
    where = torch.stack(
        [draw_masks(batch, AcousticLossConfig(), share, g).is_flow for _ in range(800)]
    ).double()
    counts = where.sum(1)
    assert set(counts.tolist()) <= {math.floor(rows * share), math.ceil(rows * share)}
    assert abs(counts.mean() / rows - share) < 0.06 / rows
    assert (where.mean(0) - share).abs().max() < 0.07  # any row may be one


def test_shares_of_dropped_rows_and_of_spans():
    masks = draw_masks(plain_batch(8000, 20), AcousticLossConfig(drop=0.25, span=0.8), 1.0, generator())
    visible = masks.visible.any(1)
    assert abs(masks.unconditional.double().mean() - 0.25) < 0.02
    assert abs(visible[~masks.unconditional].double().mean() - 0.8) < 0.02
    assert not draw_masks(
        plain_batch(500, 20), AcousticLossConfig(drop=0.0), 1.0, generator()
    ).unconditional.any()
    assert draw_masks(
        plain_batch(500, 20), AcousticLossConfig(drop=1.0), 1.0, generator()
    ).unconditional.all()


def test_spans_are_of_10_to_40_percent_anywhere():
    tokens = 1000
    masks = draw_masks(
        plain_batch(3000, tokens), AcousticLossConfig(span=1.0, prefix=0.5, drop=0.0), 1.0, generator()
    )
    visible = masks.visible.int()
    edges = torch.diff(visible, dim=1, prepend=torch.zeros(3000, 1, dtype=torch.int32)).clamp(min=0).sum(1)
    assert (edges == 1).all()  # one span each
    width = visible.sum(1) / tokens
    grid = np.linspace(0.1, 0.4, 31)
    got = np.searchsorted(np.sort(width.numpy()), grid) / 3000
    assert np.abs(got - np.linspace(0, 1, 31)).max() < 0.03  # uniform
    begin = visible.argmax(1)
    assert abs((begin == 0).double().mean() - 0.5) < 0.03
    elsewhere = begin > 0
    place = (begin / (tokens - visible.sum(1)))[elsewhere]
    assert abs(place.mean() - 0.5) < 0.03 and abs(place.std() - math.sqrt(1 / 12)) < 0.02


def test_prefix_rows_show_a_prefix_and_joined_ones_often_their_first_utterance():
    batch = random_batch(64)
    config = AcousticLossConfig(prefix=1.0, span=1.0, drop=0.0)
    exact, joined = 0, 0
    for seed in range(10):
        visible = draw_masks(batch, config, 1.0, generator(seed)).visible
        width = visible.sum(1)
        position = torch.arange(visible.shape[1])[None]
        assert torch.equal(visible, position < width[:, None])
        exact += int((width == batch.first_tokens)[batch.first_tokens > 0].sum())
        joined += int((batch.first_tokens > 0).sum())
        single = batch.first_tokens == 0
        assert (width[single] <= 0.4 * batch.mask.sum(1)[single]).all()
    assert 0.45 < exact / joined < 0.65


LAWS = {
    "cosine": lambda share: 1 - 2 / np.pi * np.arccos(share),  # P(cos(pi/2 u) <= share)
    "uniform": lambda share: share,
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_masked_share_follows_its_law(law, order):
    rows, tokens = 3000, 500
    config = AcousticLossConfig(span=0.0, drop=0.0, mask_law=law, mask_order=(order,))
    visible = draw_masks(plain_batch(rows, tokens), config, 0.0, generator(1)).visible
    shares = np.sort(1 - visible.double().mean(1).numpy())
    grid = np.linspace(0.02, 0.98, 97)
    assert np.abs(np.searchsorted(shares, grid) / rows - LAWS[law](grid)).max() < 0.03
    # and which tokens are masked is even, or what is visible begins on the left
    if order == "blocks":
        assert not (visible[:, 1:] & ~visible[:, :-1]).any()
    else:
        assert (visible.double().mean(0) - visible.double().mean()).abs().max() < 0.04


def test_interleaved_masks_are_those_of_generation():
    """What is visible is the beginning of an order that a seed of generation's gives."""
    tokens = 24
    config = AcousticLossConfig(span=0.0, drop=0.0, mask_order=("interleaved",))
    visible = draw_masks(plain_batch(300, tokens), config, 0.0, generator(2)).visible.numpy()
    orders = [token_order(np.ones(tokens, bool), seed, "interleaved") for seed in range(400)]
    known = {(n, *np.sort(order[:n])) for order in orders for n in range(tokens)}
    assert all((row.sum(), *np.flatnonzero(row)) in known for row in visible)
    assert len(np.unique(visible, axis=0)) > 100


def test_each_row_has_a_random_order():
    """Of two orders, each masks half of the rows: those of "blocks" show their beginning."""
    config = AcousticLossConfig(span=0.0, drop=0.0, mask_order=("random", "blocks"))
    visible = draw_masks(plain_batch(4000, 200), config, 0.0, generator(4)).visible
    visible = visible[visible.any(1) & (visible.sum(1) < 150)]  # where chance does not do the same
    in_front = ~(visible[:, 1:] & ~visible[:, :-1]).any(1)
    assert abs(float(in_front.double().mean()) - 0.5) < 0.03


def test_a_padded_row_is_masked_by_its_own_length():
    """From left to right: the share that is visible is of what there is."""
    batch = plain_batch(4000, 40)
    mask = batch.mask.clone()
    mask[:, 10:] = False
    config = AcousticLossConfig(span=0.0, drop=0.0, mask_law="uniform", mask_order=("blocks",))
    visible = draw_masks(replace(batch, mask=mask), config, 0.0, generator(3)).visible
    counts = torch.bincount(visible.sum(1), minlength=11) / 4000
    assert not visible[:, 10:].any() and (counts[:10] - 0.1).abs().max() < 0.03


def test_rows_that_would_be_entirely_visible_have_nothing_visible():
    rows, tokens = 20_000, 3
    visible = draw_masks(
        plain_batch(rows, tokens), AcousticLossConfig(span=0.0, drop=0.0), 0.0, generator()
    ).visible
    u = (np.arange(5000) + 0.5) / 5000
    masked = np.cos(math.pi / 2 * u)
    nothing = np.mean(masked**tokens + (1 - masked) ** tokens)
    assert abs(float((visible.sum(1) == 0).double().mean()) - nothing) < 0.012
    assert not visible.all(1).any()


def test_the_flow_path_is_not_masked_at_random():
    assert not draw_masks(plain_batch(300, 50), AcousticLossConfig(span=0.0), 1.0, generator()).visible.any()


def test_masks_are_a_function_of_the_generator():
    batch = random_batch()
    a, b, c = (draw_masks(batch, AcousticLossConfig(), 0.34, generator(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(getattr(a, name), getattr(b, name)) for name in vars(a))
    assert not torch.equal(a.visible, c.visible) and not torch.equal(a.known_durations, c.known_durations)


# the inputs of the duration predictor


def test_known_durations_are_of_the_first_utterance_or_of_a_first_part():
    batch, g = random_batch(60), generator()
    real = batch.ids >= 0
    none = exact = many = 0
    for _ in range(30):
        known, targets = draw_duration_masks(batch, g, filler=False)
        assert torch.equal(known ^ targets, real) and not (known & targets).any()
        count = known.sum(1)
        assert torch.equal(known, (torch.arange(real.shape[1])[None] < count[:, None]))
        joined = batch.first_symbols > 0
        assert set(count[joined].tolist()) <= {0, 12}
        assert (count[~joined] <= real.sum(1)[~joined] // 2).all()
        none, exact, many = (
            none + int((count[joined] == 0).sum()),
            exact + int((count == 12).sum()),
            many + 30,
        )
    assert abs(none / many - 0.1) < 0.03 and none + exact == many


def test_a_total_length_is_learnt_from_at_least_one_frame():
    batch, g = random_batch(60, config=FILLER), generator()
    real = batch.mask.repeat_interleave(PATCH, dim=1)
    for _ in range(20):
        known, targets = draw_duration_masks(batch, g, filler=True)
        assert targets.shape == (60, 1) and targets.all() and known.shape == real.shape
        assert known.any(1).all() and not (known & ~real).any()
        joined = batch.first_tokens > 0
        assert set((known.sum(1) - batch.first_tokens * PATCH)[joined & (known.sum(1) > 1)].tolist()) == {0}


# noises


@pytest.mark.parametrize(("mean", "std"), [(-0.8, 0.8), (-0.4, 1.0), (0.0, 0.5)])
def test_logit_normal_moments(mean, std):
    t = logit_normal(40_000, (mean, std), generator())
    assert ((t > 0) & (t < 1)).all()
    logits = torch.logit(t.double())
    assert abs(float(logits.mean()) - mean) < 0.02 and abs(float(logits.std()) - std) < 0.02
    assert abs(float(t.median()) - 1 / (1 + math.exp(-mean))) < 0.01
