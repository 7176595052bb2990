"""The joint loss: what may be seen, sums that add up over batches and ignore padding; it falls."""

from dataclasses import replace

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.mel import log_mel

torch = pytest.importorskip("torch")

from joint import (
    FILLER,
    MODEL,
    WEIGHTS,
    build,
    hook,
    padded,
    part,
    random_work,
)
from torch import nn

from nanospeech_torch.sampling import mar
from nanospeech_torch.training.acoustic.batch import build_joint_batch
from nanospeech_torch.training.acoustic.config import AcousticLossConfig
from nanospeech_torch.training.acoustic.loss import JointLoss
from nanospeech_torch.training.acoustic.noise import draw_noise
from nanospeech_torch.training.data.utterances import Utterance, durations_in_frames
from nanospeech_torch.training.monitoring.metrics import RunningMeans

HEADS = {
    "flow": MODEL,
    "in context": replace(MODEL, diffusion=replace(MODEL.diffusion, context=2, regression=True)),
    "ddpm": replace(MODEL, diffusion=replace(MODEL.diffusion, objective="ddpm")),
    "not residual": replace(MODEL, residual=False),
    "velocity": replace(MODEL, predict="velocity"),
    "no head": replace(MODEL, diffusion=None),
    "no durations": replace(MODEL, phone_duration=None),
    "filler": FILLER,
}
PARTS = {
    "not residual": {"flow", "head", "duration"},
    "no head": {"flow", "duration"},
    "no durations": {"flow", "head", "regression"},
}


def objective(model, config, work, weights=WEIGHTS, noises=None, counts=None):
    """The weighted loss and its parts, as the engine makes them of the sums."""
    sums = JointLoss(model, config)(work, weights, noises)
    parts = {name: value / max(1.0, (counts or work.counts)[name]) for name, value in sums.items()}
    return sum(weights[name] * value for name, value in parts.items()), parts


def gradients(model, total) -> dict:
    model.zero_grad()
    total.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


# the parts


@pytest.mark.parametrize("name", HEADS)
def test_parts_are_finite_and_every_parameter_gets_a_gradient(name):
    model, config = build(HEADS[name]), AcousticLossConfig(drop=0.3)
    share = 1.0 if name == "no head" else None
    work = random_work(config, rows=10, flow_share=share, config=HEADS[name])
    work.batch.text[0, 3] = -1  # a frame without text: the filler's embedding
    total, parts = objective(model, config, work)
    assert set(parts) == PARTS.get(name, {"flow", "head", "regression", "duration"})
    assert all(torch.isfinite(value) and value > 0 for value in parts.values())
    found = gradients(model, total)
    assert [n for n, _ in model.named_parameters() if n not in found or not found[n].any()] == []


def test_at_the_start_only_what_lies_behind_zeros_has_no_gradient():
    """Zero-initialized outputs and modulations hide what lies before them for the first step."""
    model, config = build(trained=False), AcousticLossConfig()
    found = gradients(model, objective(model, config, random_work(config))[0])
    without = {n for n, _ in model.named_parameters() if n not in found or not found[n].any()}
    hidden = ("transformer.time_embed.", "diffusion_module.net.")
    assert all(n.startswith(hidden) or ".grn." in n for n in without), sorted(without)
    assert "diffusion_module.net.final_layer.linear.weight" not in without


@pytest.mark.parametrize("off", [{"flow"}, {"head"}, {"regression"}, {"duration"}, {"head", "regression"}])
def test_a_part_of_weight_0_is_not_computed(off):
    model, config = build(), AcousticLossConfig()
    calls = {
        "flow": hook(model.transformer.proj_out),
        "head": hook(model.diffusion_module.net),
        "duration": hook(model.duration_predictor),
    }
    weights = {name: 0.0 if name in off else 1.0 for name in WEIGHTS}
    work = random_work(config)
    sums = JointLoss(model, config)(work, weights)
    assert set(sums) == set(WEIGHTS) - off
    assert {name for name, seen in calls.items() if seen} == set(calls) - off
    complete = JointLoss(model, config)(work, WEIGHTS)  # and the others are as with it
    for name, value in sums.items():
        torch.testing.assert_close(value, complete[name])


def test_durations_alone_need_no_transformer():
    model, config = build(), AcousticLossConfig()
    seen = hook(model.transformer.norm_out)
    weights = dict.fromkeys(WEIGHTS, 0.0)
    assert set(JointLoss(model, config)(random_work(config), weights | {"duration": 1.0})) == {"duration"}
    assert JointLoss(model, config)(random_work(config), weights) == {} and seen == []


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_batch_of_one_path_has_nothing_of_the_other(share):
    model, config = build(), AcousticLossConfig(guidance=0.5)
    work = random_work(config, flow_share=share)
    total, parts = objective(model, config, work)
    empty = {"regression", "head"} if share else {"flow"}
    assert {name for name, value in parts.items() if value == 0} == empty
    assert {name for name, count in work.counts.items() if count == 0} == empty
    assert all(torch.isfinite(gradient).all() for gradient in gradients(model, total).values())


def test_the_noises_are_those_of_the_seed():
    model, config = build(), AcousticLossConfig()
    work = random_work(config)
    sums = JointLoss(model, config)(work, WEIGHTS)
    torch.manual_seed(7)
    again = JointLoss(model, config)(work, WEIGHTS, draw_noise(work, model, config))
    assert all(torch.equal(sums[name], again[name]) for name in WEIGHTS)
    other = JointLoss(model, config)(replace(work, seed=99), WEIGHTS)
    assert {name for name in WEIGHTS if not torch.equal(sums[name], other[name])} == {
        "flow",
        "regression",
        "head",
    }


# sums


@pytest.mark.slow
@pytest.mark.parametrize("guidance", [0.0, 0.6])
@pytest.mark.parametrize("name", ["flow", "in context", "ddpm", "velocity", "filler"])
def test_parts_of_a_batch_add_up_to_the_batch(name, guidance):
    """Accumulated or shared among processes: the same losses and gradients."""
    config = AcousticLossConfig(guidance=guidance, drop=0.3, draft=0.5)
    if name == "filler":  # its duration predictor, as the original, does not mask padding
        config = replace(config, duration_weight=0.0)
    weights = {"flow": 1.0, "regression": 0.7, "head": 0.4, "duration": config.duration_weight}
    model = build(HEADS[name])
    work = random_work(config, rows=7, flow_share=0.5, config=HEADS[name])
    noises = draw_noise(work, model, config)
    total, parts = objective(model, config, work, weights, noises)
    complete = gradients(model, total)
    model.zero_grad()
    sums = {}
    for rows in ([0, 3, 4], [1], [2, 5, 6]):
        some, some_noises = part(work, noises, rows)
        share, some_parts = objective(model, config, some, weights, some_noises, work.counts)
        share.backward()
        for key, value in some_parts.items():
            sums[key] = sums.get(key, 0.0) + value.detach()
    for key, value in parts.items():
        torch.testing.assert_close(sums[key], value.detach(), rtol=1e-5, atol=1e-6)
    for key, gradient in complete.items():
        found = dict(model.named_parameters())[key].grad
        torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-5 * float(1 + gradient.abs().max()))


@pytest.mark.parametrize("name", ["flow", "in context", "ddpm"])
def test_padding_changes_nothing(name):
    model, config = build(HEADS[name]), AcousticLossConfig(guidance=0.4, draft=0.5)
    work = random_work(config, flow_share=0.5, config=HEADS[name])
    noises = draw_noise(work, model, config)
    sums = JointLoss(model, config)(work, WEIGHTS, noises)
    longer, longer_noises = padded(work, noises, 11)
    longer = JointLoss(model, config)(longer, WEIGHTS, longer_noises)
    # nor does what stands in it
    spoilt = replace(work, batch=replace(work.batch, tokens=work.batch.tokens.clone()))
    spoilt.batch.tokens[~work.batch.mask] = 50.0
    assert (~work.batch.mask).any()
    filled = JointLoss(model, config)(spoilt, WEIGHTS, noises)
    for key, value in sums.items():
        torch.testing.assert_close(longer[key], value, rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(filled[key], value, rtol=1e-5, atol=1e-4)


# what may be seen


def test_hidden_tokens_are_not_seen():
    model, config = build(), AcousticLossConfig(guidance=0.3)
    work = random_work(config, rows=8, flow_share=0.4)
    masks, mask = work.masks, work.batch.mask
    tokens = work.batch.tokens.requires_grad_()
    z = hook(model.transformer.norm_out)
    JointLoss(model, config)(work, WEIGHTS)
    z, unconditional = z
    masked = ~masks.is_flow
    assert 0 < masked.sum() < 8

    def seen(rows):
        states = z * (rows[:, None] & mask)[..., None]
        return torch.autograd.grad(states.sum(), tokens, retain_graph=True)[0].abs().sum(-1)

    gradient = seen(masked)
    assert (gradient[~masks.visible] == 0).all()
    assert (gradient[masks.visible & masked[:, None]] > 0).all()
    flow_rows = masks.is_flow[:, None] & mask  # a flow row sees all of its tokens, noised
    gradient = seen(masks.is_flow)
    assert (gradient[flow_rows] > 0).all() and (gradient[~flow_rows] == 0).all()
    assert not unconditional.requires_grad


def test_the_masked_path_is_the_one_that_speaks():
    """What is trained is `mar.hidden_states` of the visible tokens: no time, no noised input."""
    model, config = build(), AcousticLossConfig(drop=0.0, visible_noise=0.0)
    work = random_work(config, flow_share=0.0)
    batch, masks, transformer = work.batch, work.masks, model.transformer
    seen = hook(transformer.norm_out)
    JointLoss(model, config)(work, WEIGHTS)
    cond = torch.where(masks.visible[..., None], batch.tokens, 0.0)
    text = transformer.embed_text(batch.text, batch.mask.shape[1], None, batch.mask)
    modulations = transformer.modulations(torch.zeros(1))
    mar.hidden_states(transformer, cond, masks.visible, text, modulations, batch.mask)
    assert masks.visible.any()
    torch.testing.assert_close(seen[0][batch.mask], seen[1][batch.mask], atol=1e-5, rtol=1e-5)


def test_visible_tokens_are_spoiled_a_little():
    model, config = build(), AcousticLossConfig(visible_noise=0.2)
    given = []
    model.transformer.input_embed.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    work = random_work(config, rows=40, flow_share=0.0)
    noises, visible = draw_noise(work, model, config), work.masks.visible
    JointLoss(model, config)(work, WEIGHTS)
    channels = model.transformer.channels
    noised, cond = given[0][..., :channels], given[0][..., channels : 2 * channels]
    assert not cond[~visible].any() and not noised.any()
    error = (cond - work.batch.tokens)[visible]
    scale = 0.2 * noises.visible_scale.abs().expand_as(cond)[visible]
    torch.testing.assert_close(error, scale * noises.visible[visible], atol=1e-5, rtol=1e-4)
    assert visible.sum() > 50 and abs(float(noises.visible_scale.std()) - 1) < 0.4


def test_generated_tokens_are_moved_towards_the_regression_of_the_span():
    model, config = build(), AcousticLossConfig(visible_noise=0.0, draft=0.8, drop=0.0)
    seen = []
    model.transformer.input_embed.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    work = random_work(config, rows=40, flow_share=0.5)
    masks, tokens = work.masks, work.batch.tokens
    JointLoss(model, config)(work, WEIGHTS)
    channels = model.transformer.channels
    first, second = (x[..., channels : 2 * channels] for x in seen)
    span = masks.span[..., None]
    assert torch.equal(first, torch.where(span, tokens, 0.0))  # the estimate is made of the span, ...
    assert torch.equal(second[masks.span], tokens[masks.span])  # which stays as it is
    generated = masks.visible & ~masks.span
    assert generated.any() and masks.span.any() and not (generated & masks.is_flow[:, None]).any()

    transformer = model.transformer
    text = transformer.embed_text(work.batch.text, tokens.shape[1], masks.unconditional, work.batch.mask)
    modulations = transformer.modulations(torch.zeros(1))
    z = mar.hidden_states(transformer, first, masks.span, text, modulations, work.batch.mask)
    far = 0.8 * draw_noise(work, model, config).estimate_share
    wanted = (1 - far) * tokens + far * model.to_mel(z)
    torch.testing.assert_close(second[generated], wanted[generated], atol=1e-5, rtol=1e-4)


def test_dropped_rows_see_no_text():
    model, config = build(), AcousticLossConfig(drop=1.0)
    seen = hook(model.transformer.norm_out)
    work = random_work(config, flow_share=0.5)
    text = work.batch.text
    changed = replace(work, batch=replace(work.batch, text=torch.where(text >= 0, (text + 5) % 100, text)))
    loss = JointLoss(model, config)
    loss(work, WEIGHTS)
    loss(changed, WEIGHTS)
    real = work.batch.mask
    assert torch.equal(seen[0][real], seen[1][real])
    loss(replace(changed, masks=replace(work.masks, unconditional=~work.masks.unconditional)), WEIGHTS)
    assert (seen[1] != seen[2])[real].any(1).all()


# it learns


@pytest.mark.slow
def test_a_tiny_model_learns_two_utterances_by_heart():
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    utterances = []
    for _ in range(2):
        wave, meta = corpus.tone_utterance(rng)
        mel = log_mel(wave)
        ids = np.array([MODEL.text.vocab.index(symbol) for symbol in f" {meta['phonemes']} "])
        frames = durations_in_frames(np.array(meta["durations"]) * corpus.UNIT, len(mel))
        utterances.append(Utterance("k", "v", "", mel.astype(np.float16), ids, frames))
    model, config = build(trained=False), AcousticLossConfig()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.98))
    first, last = RunningMeans(), RunningMeans()
    for step in range(120):
        work = build_joint_batch([[u] for u in utterances] * 2, 0, step, MODEL, config, 0.5)
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * min(1.0, 1.5 * (1 - step / 120))
        total, parts = objective(model, config, work)
        optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        means = first if step < 10 else last if step >= 100 else RunningMeans()
        means.add({name: value.detach() for name, value in parts.items()})
    first, last = first.pop(), last.pop()
    falls = {"flow": 0.3, "regression": 0.4, "head": 0.2, "duration": 0.05}
    assert all(last[name] < share * first[name] for name, share in falls.items()), (first, last)
