"""The joint loss: what is masked, what may be seen, what is learnt from; closed forms; it falls."""

import math
from dataclasses import replace

import corpus
import numpy as np
import pytest

from nanospeech_core.mel import log_mel

torch = pytest.importorskip("torch")

from nanospeech_torch import flow, mar  # noqa: E402
from nanospeech_torch.nanospeech import Nanospeech  # noqa: E402
from nanospeech_torch.training.config import LossConfig  # noqa: E402
from nanospeech_torch.training.data import Batch, Utterance, collate, frame_counts  # noqa: E402
from nanospeech_torch.training.init import initialize  # noqa: E402
from nanospeech_torch.training.losses import (  # noqa: E402
    draw_masks,
    duration_loss,
    joint_loss,
    logit_normal,
)

MODEL = corpus.small_model()
PATCH = MODEL.transformer.patch


def random_batch(rows=6, seed=0, joined=2) -> Batch:
    """Sequences of 1 to `joined` utterances of different lengths."""
    rng = np.random.default_rng(seed)

    def utterance():
        frames = rng.integers(2, 9, 12)
        mel = rng.normal(-5, 2.5, (frames.sum(), 100)).astype(np.float16)
        return Utterance("k", "v", "", mel, rng.integers(0, len(MODEL.text.vocab), 12), frames)

    return collate([[utterance() for _ in range(1 + i % joined)] for i in range(rows)], MODEL)


def build(config=MODEL, seed=0, trained=True) -> Nanospeech:
    """A model; `trained`: with no weight left at the zeros that it starts from."""
    torch.manual_seed(seed)
    model = Nanospeech.from_config(config)
    initialize(model)
    if trained:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# masks


@pytest.mark.parametrize("seed", range(10))
def test_masks_are_disjoint_and_never_leave_a_row_without_target(seed):
    batch = random_batch(rows=7, seed=seed)
    masks = draw_masks(batch, LossConfig(), 0.34, generator(seed))
    assert masks.visible.shape == masks.target.shape == batch.mask.shape
    assert not (masks.visible & masks.target).any()
    assert torch.equal(masks.visible | masks.target, batch.mask)
    assert masks.target.any(1).all()
    assert not masks.visible[masks.drop].any()


def test_a_row_of_one_token_keeps_it_hidden():
    mel = np.zeros((PATCH, 100), dtype=np.float16)
    one = Utterance("k", "v", "", mel, np.array([1]), np.array([PATCH]))
    batch = collate([[one]] * 50, MODEL)
    for seed in range(5):
        masks = draw_masks(batch, LossConfig(), 0.5, generator(seed))
        assert masks.target.all() and not masks.visible.any()


@pytest.mark.parametrize("rows", [1, 3, 8])
@pytest.mark.parametrize("share", [0.0, 0.34, 1.0])
def test_flow_rows_have_their_share(rows, share):
    batch, g = random_batch(rows), generator()
    counts = [int(draw_masks(batch, LossConfig(), share, g).is_flow.sum()) for _ in range(600)]
    assert set(counts) <= {math.floor(rows * share), math.ceil(rows * share)}
    assert abs(np.mean(counts) / rows - share) < 0.06 / rows
    where = torch.stack([draw_masks(batch, LossConfig(), share, g).is_flow for _ in range(600)]).float()
    assert (where.mean(0) - share).abs().max() < 0.08  # any row may be one


def test_shares_of_dropped_and_spans():
    batch, g = random_batch(64, joined=1), generator()
    many = [draw_masks(batch, LossConfig(drop=0.25, span=0.8), 1.0, g) for _ in range(40)]
    drop = torch.stack([masks.drop for masks in many])
    shown = torch.stack([masks.visible.any(1) for masks in many])
    assert abs(drop.float().mean() - 0.25) < 0.03
    assert abs(shown[~drop].float().mean() - 0.8) < 0.05


def test_prefix_rows_show_a_prefix_and_joined_ones_often_their_first_utterance():
    batch = random_batch(64)
    config = LossConfig(prefix=1.0, span=1.0, drop=0.0)
    exact, joined = 0, 0
    for seed in range(10):
        masks = draw_masks(batch, config, 1.0, generator(seed))
        width = masks.visible.sum(1)
        position = torch.arange(masks.visible.shape[1])[None]
        assert torch.equal(masks.visible, position < width[:, None])
        exact += int((width == batch.first)[batch.first > 0].sum())
        joined += int((batch.first > 0).sum())
        single = batch.first == 0
        assert (width[single] <= 0.4 * batch.mask.sum(1)[single]).all()
    assert 0.45 < exact / joined < 0.65


def test_spans_elsewhere_are_spans():
    batch = random_batch(64, joined=1)
    masks = draw_masks(batch, LossConfig(prefix=0.0, span=1.0, drop=0.0), 1.0, generator())
    starts = (masks.visible[:, 1:] & ~masks.visible[:, :-1]).sum(1) + masks.visible[:, 0]
    assert (starts <= 1).all() and starts.sum() > 50
    assert not masks.visible[:, 0].all()


def test_masked_share_follows_the_cosine():
    batch, g = random_batch(64, joined=1), generator()
    config = LossConfig(span=0.0, drop=0.0)
    shares = [draw_masks(batch, config, 0.0, g).target.sum() / batch.mask.sum() for _ in range(100)]
    # the mean of cos(pi/2 u), and the rows that would have been shown whole, which show nothing
    u = (np.arange(2000) + 0.5) / 2000
    length = batch.mask.sum(1).numpy()
    whole = ((1 - np.cos(math.pi / 2 * u[:, None])) ** length).mean(axis=0)
    expected = 2 / math.pi + np.average(whole, weights=length)
    assert abs(float(np.mean(shares)) - expected) < 0.012


def test_masks_are_a_function_of_the_generator():
    batch = random_batch()
    a, b, c = (draw_masks(batch, LossConfig(), 0.34, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(a.visible, b.visible) and not torch.equal(a.visible, c.visible)


# the loss

HEADS = {
    "flow": MODEL,
    "ddpm": replace(MODEL, diffusion=replace(MODEL.diffusion, objective="ddpm")),
    "not residual": replace(MODEL, residual=False),
    "velocity": replace(MODEL, predict="velocity"),
    "no head": replace(MODEL, diffusion=None),
    "no durations": replace(MODEL, phone_duration=None),
}
PARTS = {
    "not residual": {"flow", "head", "duration"},
    "no head": {"flow", "duration"},
    "no durations": {"flow", "head", "regression"},
}


@pytest.mark.parametrize("name", HEADS)
def test_parts_are_finite_and_every_parameter_gets_a_gradient(name):
    model = build(HEADS[name])
    batch = random_batch()
    batch.text[0, 3] = -1  # a frame without text: the filler's embedding
    total, parts = joint_loss(model, batch, LossConfig(), 1.0, generator())
    assert set(parts) == PARTS.get(name, {"flow", "head", "regression", "duration"})
    assert all(torch.isfinite(v) and v >= 0 and not v.requires_grad for v in parts.values())
    total.backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


def test_at_the_start_only_what_lies_behind_zeros_has_no_gradient():
    """Zero-initialized outputs and modulations hide what lies before them for the first step."""
    model = build(trained=False)
    total, _ = joint_loss(model, random_batch(), LossConfig(), 1.0, generator())
    total.backward()
    without = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    hidden = ("transformer.time_embed.", "diffusion_module.net.")
    grn = {n for n in without if ".grn." in n}
    assert all(n.startswith(hidden) for n in without - grn), sorted(without)
    assert "diffusion_module.net.final_layer.linear.weight" not in without


def test_total_is_the_weighted_sum():
    config = LossConfig(regression_weight=0.7, duration_weight=0.3)
    for head_weight in (0.0, 0.4):
        total, parts = joint_loss(build(), random_batch(), config, head_weight, generator())
        assert ("head" in parts) == (head_weight > 0)
        expected = parts["flow"] + 0.7 * parts["regression"] + 0.3 * parts["duration"]
        expected = expected + head_weight * parts.get("head", 0.0)
        assert float(total.detach()) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_batch_of_one_path_has_no_part_of_the_other(share):
    total, parts = joint_loss(build(), random_batch(), LossConfig(flow_share=share), 1.0, generator())
    assert set(parts) == ({"flow", "duration"} if share else {"regression", "head", "duration"})
    total.backward()


def test_the_masked_path_does_not_see_hidden_tokens():
    model, batch = build(), random_batch(rows=8)
    tokens = batch.tokens.requires_grad_()
    seen = []
    model.transformer.norm_out.register_forward_hook(lambda module, inputs, output: seen.append(output))
    config = LossConfig(flow_share=0.3)
    joint_loss(model, batch, config, 1.0, generator(5))
    masks = draw_masks(batch, config, 0.3, generator(5))  # the first draws of the joint loss
    assert 0 < masks.is_flow.sum() < 8
    (z,) = seen
    masked_rows = (z * ~masks.is_flow[:, None, None]).sum()
    gradient = torch.autograd.grad(masked_rows, tokens, retain_graph=True)[0].abs().sum(-1)
    assert (gradient[~masks.visible] == 0).all()
    assert (gradient[masks.visible & ~masks.is_flow[:, None]] > 0).all()
    # a flow row sees all of its tokens, noised
    flow_rows = torch.autograd.grad((z * masks.is_flow[:, None, None]).sum(), tokens)[0].abs().sum(-1)
    assert (flow_rows[masks.target & masks.is_flow[:, None]] > 0).all()


def test_the_masked_path_is_the_one_that_speaks():
    """What is trained is `mar.condition` of the visible tokens: no time, no noised input."""
    model, batch = build(), random_batch()
    config = LossConfig(flow_share=0.0, drop=0.0, visible_noise=0.0)
    seen = []
    model.transformer.norm_out.register_forward_hook(lambda module, inputs, output: seen.append(output))
    joint_loss(model, batch, config, 1.0, generator(2))
    masks = draw_masks(batch, config, 0.0, generator(2))
    transformer = model.transformer
    cond = torch.where(masks.visible[..., None], batch.tokens, 0.0)
    text = transformer.embed_text(batch.text, batch.mask.shape[1], None, batch.mask)
    modulations = transformer.modulations(torch.zeros(1))
    mar.condition(transformer, cond, masks.visible, text, modulations, batch.mask)
    assert masks.visible.any()
    torch.testing.assert_close(seen[0][batch.mask], seen[1][batch.mask], atol=1e-5, rtol=1e-5)


def test_the_head_does_not_train_the_regression():
    model = build()
    config = LossConfig(flow_share=0.0, regression_weight=0.0)
    total, _ = joint_loss(model, random_batch(), config, 1.0, generator())
    total.backward()
    assert not model.to_mel.weight.grad.any() and not model.to_mel.bias.grad.any()
    assert model.diffusion_module.net.cond_embed.weight.grad.any()
    assert model.transformer.input_embed.proj.weight.grad.any()


def test_visible_tokens_are_spoiled_a_little():
    model, batch = build(), random_batch(rows=32)
    given = []
    model.transformer.input_embed.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    config = LossConfig(flow_share=0.0, visible_noise=0.2)
    joint_loss(model, batch, config, 0.0, generator(3))
    masks = draw_masks(batch, config, 0.0, generator(3))
    channels = model.transformer.channels
    cond = given[0][..., channels : 2 * channels].detach()
    assert not cond[~masks.visible].any() and not given[0][..., :channels].any()
    stds = [
        float((cond[row] - batch.tokens[row])[masks.visible[row]].std())
        for row in range(32)
        if masks.visible[row].sum() > 2
    ]
    assert len(stds) > 15 and max(stds) < 0.8
    # half-normal: the mean of |N(0, 0.2)|
    assert abs(np.mean(stds) - 0.2 * math.sqrt(2 / math.pi)) < 0.06


def test_padding_changes_nothing():
    """A row gives the same z alone and beside a longer one."""
    model = build()
    short, long = random_batch(1, seed=1, joined=1), random_batch(2, seed=1)
    assert short.mask.shape[1] < long.mask.shape[1]

    def z(batch, rows):
        transformer, n = model.transformer, batch.mask.shape[1]
        visible = torch.zeros_like(batch.mask)
        text = transformer.embed_text(batch.text, n, None, batch.mask)
        zeros = torch.zeros_like(batch.tokens)
        modulations = transformer.modulations(torch.zeros(rows))
        return transformer.hidden(zeros, zeros, visible, text, modulations, batch.mask)

    alone, beside = z(short, 1)[0], z(long, 2)[0]
    torch.testing.assert_close(beside[: len(alone)], alone, atol=1e-5, rtol=1e-4)


def test_dropped_rows_see_no_text():
    model, batch = build(), random_batch()
    config = LossConfig(drop=1.0, flow_share=0.0)
    seen = []
    model.transformer.norm_out.register_forward_hook(lambda module, inputs, output: seen.append(output))
    joint_loss(model, batch, config, 1.0, generator())
    changed = replace(batch, text=torch.where(batch.text >= 0, (batch.text + 5) % 100, batch.text))
    joint_loss(model, changed, config, 1.0, generator())
    real = batch.mask
    assert torch.equal(seen[0][real], seen[1][real])
    joint_loss(model, changed, replace(config, drop=0.0), 1.0, generator())
    assert not torch.equal(seen[1][real], seen[2][real])


def test_hidden_durations_are_not_seen():
    model, batch = build(), random_batch(joined=1)
    frames = batch.frames.requires_grad_()
    given = []
    model.duration_predictor.register_forward_hook(lambda m, inputs, output: given.append((inputs, output)))
    duration_loss(model, batch, generator(1))
    (_, _, known, _), prediction = given[0]
    gradient = torch.autograd.grad(prediction.sum(), frames)[0]
    assert known.any() and (gradient[~known] == 0).all() and (gradient[known] != 0).any()


def test_duration_loss_is_zero_for_a_perfect_prediction():
    model, batch = build(), random_batch()
    model.duration_predictor.forward = lambda ids, frames, known, mask: torch.log1p(batch.frames)
    assert float(duration_loss(model, batch, generator())) == 0.0


# closed forms


def test_flow_loss_of_a_perfect_prediction_is_zero():
    clean, noise = torch.randn(2, 4, 5, 8, generator=generator())
    time = torch.tensor([0.0, 0.3, 0.9, 0.99])
    assert (flow.loss(clean, clean, noise, time, "clean") == 0).all()
    assert (flow.loss(clean - noise, clean, noise, time, "velocity") == 0).all()
    assert flow.loss(clean, clean, noise, time, "velocity").min() > 0


def test_both_predictions_have_the_same_loss_when_converted():
    clean, noise, guess = torch.randn(3, 4, 5, 8, generator=generator()).double()
    time = torch.tensor([0.0, 0.3, 0.6, 0.94]).double()
    x = flow.interpolate(clean, noise, time)
    velocity = (guess - x) / (1 - time[:, None, None])
    a = flow.loss(guess, clean, noise, time, "clean")
    b = flow.loss(velocity, clean, noise, time, "velocity")
    torch.testing.assert_close(a, b)


def test_flow_loss_near_the_end_is_clamped():
    clean, noise = torch.zeros(2, 1, 3, 8)
    late = flow.loss(clean + 1, clean, noise, torch.tensor([0.999]), "clean")
    torch.testing.assert_close(late, torch.full((1, 3), 1 / 0.05**2))


@pytest.mark.parametrize(("mean", "std"), [(-0.8, 0.8), (-0.4, 1.0), (0.0, 0.5)])
def test_logit_normal_moments(mean, std):
    t = logit_normal(40_000, (mean, std), generator())
    assert ((t > 0) & (t < 1)).all()
    logits = torch.logit(t.double())
    assert abs(float(logits.mean()) - mean) < 0.02 and abs(float(logits.std()) - std) < 0.02
    assert abs(float(t.median()) - 1 / (1 + math.exp(-mean))) < 0.01


# it learns


def test_a_tiny_model_learns_two_utterances_by_heart():
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    utterances = []
    for _ in range(2):
        wave, meta = corpus.tone_utterance(rng)
        mel = log_mel(wave)
        ids = np.array([MODEL.text.vocab.index(symbol) for symbol in f" {meta['phonemes']} "])
        frames = frame_counts(meta["durations"], corpus.UNIT, len(mel))
        utterances.append(Utterance("k", "v", "", mel.astype(np.float16), ids, frames))
    batch = collate([[u] for u in utterances] * 2, MODEL)
    model, g = build(trained=False), generator()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.98))
    history = []
    for step in range(60):
        total, parts = joint_loss(model, batch, LossConfig(), min(1.0, step / 20), g)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        history.append({name: float(value) for name, value in parts.items()})

    def mean(name, part):
        values = [entry[name] for entry in history if name in entry]
        return np.mean(values[:5] if part == "first" else values[-5:])

    assert mean("regression", "last") < 0.5 * mean("regression", "first")
    assert mean("duration", "last") < 0.5 * mean("duration", "first")
    assert mean("flow", "last") < 0.8 * mean("flow", "first")
    assert mean("head", "last") < mean("head", "first")
