"""Each loss by hand, token by token; what model guidance moves."""

import math
from dataclasses import replace

import pytest

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE

torch = pytest.importorskip("torch")

from joint import FILLER, MODEL, WEIGHTS, build, generator, hook, random_work
from torch import nn

from nanospeech_torch.sampling import flow
from nanospeech_torch.training.acoustic.config import AcousticLossConfig
from nanospeech_torch.training.acoustic.loss import JointLoss, duration_loss
from nanospeech_torch.training.acoustic.noise import draw_noise


@pytest.mark.parametrize("predict", ["clean", "velocity"])
def test_the_flow_loss_of_a_perfect_prediction_is_zero(predict):
    config = AcousticLossConfig()
    model = build(replace(MODEL, predict=predict))
    work = random_work(config, flow_share=1.0)
    noises, tokens = draw_noise(work, model, config), work.batch.tokens
    model.transformer.proj_out = nn.Identity()
    loss = JointLoss(model, config)
    perfect = tokens if predict == "clean" else tokens - noises.flow
    assert loss.flow_loss(work.masks, tokens, noises, perfect.flatten(0, 1), None) == 0
    off = loss.flow_loss(work.masks, tokens, noises, perfect.flatten(0, 1) + 0.5, None)
    gap = (1 - work.masks.flow_time).clamp(min=0.05) if predict == "clean" else torch.ones(len(tokens))
    targets = (work.batch.mask & ~work.masks.visible).sum(1)
    torch.testing.assert_close(off, (targets * (0.5 / gap) ** 2).sum(), rtol=1e-4, atol=0)


def test_both_predictions_have_the_same_loss_when_converted():
    clean, noise, guess = torch.randn(3, 4, 5, 8, generator=generator()).double()
    time = torch.tensor([0.0, 0.3, 0.6, 0.94]).double()
    x = flow.interpolate(clean, noise, time)
    velocity = (guess - x) / (1 - time[:, None, None])
    a = flow.loss(guess, clean, noise, time, "clean")
    b = flow.loss(velocity, clean, noise, time, "velocity")
    torch.testing.assert_close(a, b)
    late = flow.loss(clean[:1] + 1, clean[:1], noise[:1], torch.tensor([0.999]).double(), "clean")
    torch.testing.assert_close(late, torch.full((1, 5), 1 / 0.05**2).double())  # clamped


def known_mel(model, z, visible, cond):
    """Visible tokens, elsewhere the mel regression, where there is one."""
    return None if model.to_mel is None else torch.where(visible[..., None], cond, model.to_mel(z))


CONDITIONED = replace(MODEL, diffusion=replace(MODEL.diffusion, context=2, regression=True))


@pytest.mark.parametrize("architecture", [MODEL, CONDITIONED], ids=["alone", "in context"])
def test_the_losses_of_the_masked_path_by_hand(architecture):
    model, config = build(architecture), AcousticLossConfig(draws=3)
    work = random_work(config, flow_share=0.3)
    z = hook(model.transformer.norm_out)
    sums = JointLoss(model, config)(work, WEIGHTS)
    noises, head = draw_noise(work, model, config), model.diffusion_module
    regression = error = 0.0
    masked = work.masks.masked_targets.tolist()
    n = work.batch.mask.shape[1]
    lengths = work.batch.mask.sum(1).tolist()  # each utterance by itself: its neighbours end with it
    cond = work.batch.tokens + (
        config.visible_noise * noises.visible_scale.abs() * noises.visible
    )  # as the transformer sees it
    mel = known_mel(model, z[0], work.masks.visible, cond)
    head_inputs = [
        head.add_context(row[None, :length], known[None, :length])[0]
        for row, known, length in zip(z[0], mel, lengths, strict=True)
    ]
    for j, token in enumerate(masked):
        state, clean = z[0][token // n, token % n], work.batch.tokens[token // n, token % n]
        base, state = model.to_mel(state), head_inputs[token // n][token % n]
        regression += (base - clean).abs().mean()
        residual = (clean - base) / MODEL.residual_std
        for copy in range(3):
            i = copy * len(masked) + j
            t, noise = noises.head_time[i], noises.head[i]
            out = head.net(((1 - t) * noise + t * residual)[None], 1000 * t[None], state[None])[0]
            error += ((out - residual) / max(1 - float(t), 0.05)).square().mean()
    assert len(masked) > 20
    torch.testing.assert_close(sums["regression"], regression, rtol=1e-4, atol=0)
    torch.testing.assert_close(sums["head"], error, rtol=1e-4, atol=0)


@pytest.mark.parametrize("guidance", [0.0, 0.3])
@pytest.mark.parametrize("architecture", [MODEL, CONDITIONED], ids=["alone", "in context"])
def test_the_head_does_not_train_the_regression(guidance, architecture):
    model, config = build(architecture), AcousticLossConfig(guidance=guidance)
    weights = WEIGHTS | {"regression": 0.0, "duration": 0.0}
    sums = JointLoss(model, config)(random_work(config, flow_share=0.0), weights)
    sum(sums.values()).backward()
    assert model.to_mel.weight.grad is None or not model.to_mel.weight.grad.any()
    assert model.diffusion_module.net.cond_embed.weight.grad.any()
    assert model.transformer.input_embed.proj.weight.grad.any()


# durations


def test_hidden_durations_are_not_seen():
    model, config = build(), AcousticLossConfig()
    work = random_work(config, joined=1)
    frames, known = work.batch.durations.requires_grad_(), work.masks.known_durations
    prediction = hook(model.duration_predictor)
    duration_loss(model, work)
    gradient = torch.autograd.grad(prediction[0].sum(), frames)[0]
    assert known.any() and (gradient[~known] == 0).all() and (gradient[known] != 0).any()


def smooth_l1(error):
    error = abs(error)
    return 0.5 * error**2 / 0.1 if error < 0.1 else error - 0.05


def test_the_duration_loss_of_symbols_by_hand():
    model, config = build(), AcousticLossConfig()
    work = random_work(config)
    wanted = torch.log1p(work.batch.durations)
    guess = wanted + 0.2 * torch.randn(wanted.shape, generator=generator())
    model.duration_predictor.forward = lambda ids, frames, known, mask: guess
    targets = work.masks.duration_targets
    expected = sum(smooth_l1(float(e)) for e in (guess - wanted)[targets])
    assert float(duration_loss(model, work)) == pytest.approx(expected, rel=1e-4)
    guess = torch.where(targets, wanted, 7.0)
    assert float(duration_loss(model, work)) == 0.0


def test_the_duration_loss_of_utterances_by_hand():
    model, config = build(FILLER), AcousticLossConfig()
    work = random_work(config, config=FILLER)
    seconds = work.batch.mask.sum(1) * MODEL.transformer.patch * HOP / SAMPLE_RATE
    predicted = hook(model.duration_predictor)
    loss = duration_loss(model, work)
    expected = sum(
        smooth_l1(math.log1p(p) - math.log1p(s)) for p, s in zip(predicted[0].tolist(), seconds, strict=True)
    )
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-4)
    model.duration_predictor.forward = lambda mel, text, known: seconds
    assert float(duration_loss(model, work)) == 0.0


# model guidance


@torch.no_grad()
def outspoken(config):
    """A model whose guided and unguided losses are well apart."""
    model = build(config)
    head = model.diffusion_module.net
    outputs = [model.transformer.proj_out.weight, head.final_layer.linear.weight, head.cond_embed.weight]
    outputs += [] if model.to_mel is None else [model.to_mel.weight]
    inputs = [model.transformer.input_embed.proj.weight, model.transformer.text_embed.text_embed.weight]
    for weight in inputs + outputs:
        weight.mul_(6.0)
    return model


def apart(a, b):
    return abs(float(a) - float(b)) > 0.005 * abs(float(a))


@pytest.mark.parametrize("predict", ["clean", "velocity"])
@torch.no_grad()
def test_guidance_moves_the_flow_target_but_not_on_dropped_rows(predict):
    w = 0.7
    config, model = AcousticLossConfig(guidance=w, drop=0.4), outspoken(replace(MODEL, predict=predict))
    work = random_work(config, rows=8, flow_share=1.0, seed=2)
    masks, tokens = work.masks, work.batch.tokens
    assert 0 < masks.unconditional.sum() < 8
    z = hook(model.transformer.norm_out)
    got = JointLoss(model, config)(work, WEIGHTS)["flow"]
    (z, unconditional), noises = z, draw_noise(work, model, config)
    expected, n = 0.0, tokens.shape[1]
    for place in masks.flow_targets.tolist():
        row, token = place // n, place % n
        cond = model.transformer.proj_out(z[row, token])
        uncond = model.transformer.proj_out(unconditional[row, token])
        clean, noise = tokens[row, token], noises.flow[row, token]
        target = clean if predict == "clean" else clean - noise
        if not masks.unconditional[row]:
            target = target + w * (cond - uncond)
        gap = max(1 - float(masks.flow_time[row]), 0.05) if predict == "clean" else 1.0
        expected += float(((cond - target) / gap).square().mean())
    assert float(got) == pytest.approx(expected, rel=1e-4)
    assert apart(expected, JointLoss(model, replace(config, guidance=0.0))(work, WEIGHTS)["flow"])


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [MODEL, replace(MODEL, residual=False), CONDITIONED])
@torch.no_grad()
def test_guidance_moves_the_token_that_the_head_learns(architecture):
    """By what the sampler would move it by: the head's part, and the regression's where there is one."""
    w, residual = 0.7, architecture.residual
    config, model = AcousticLossConfig(guidance=w, draws=2), outspoken(architecture)
    work = random_work(config, rows=5, flow_share=0.0, seed=1)
    z = hook(model.transformer.norm_out)
    got = JointLoss(model, config)(work, WEIGHTS)["head"]
    (z, unconditional), noises, net = z, draw_noise(work, model, config), model.diffusion_module.net
    visible = work.masks.visible
    cond = work.batch.tokens + config.visible_noise * noises.visible_scale.abs() * noises.visible
    conditional, unconditional_inputs = (
        model.diffusion_module.add_context(x, known_mel(model, x, known, cond), work.batch.mask)
        for x, known in ((z, visible), (unconditional, torch.zeros_like(visible)))
    )
    masked, n, std = work.masks.masked_targets.tolist(), work.batch.mask.shape[1], MODEL.residual_std
    expected = 0.0
    for j, place in enumerate(masked):
        row, token = place // n, place % n
        c, u, clean = z[row, token], unconditional[row, token], work.batch.tokens[row, token]
        base = model.to_mel(c) if residual else 0.0
        base_u = model.to_mel(u) if residual else 0.0
        scale = std if residual else 1.0
        clean = (clean - base) / scale
        c, u = conditional[row, token], unconditional_inputs[row, token]
        for copy in range(2):
            i = copy * len(masked) + j
            t, noise = noises.head_time[i], noises.head[i]
            x = ((1 - t) * noise + t * clean)[None]  # of the data: only the target moves
            cond, uncond = net(x, 1000 * t[None], c[None])[0], net(x, 1000 * t[None], u[None])[0]
            # in units of a token: what `mar.sample` would give with and without the condition
            moved = (base + scale * cond) - (base_u + scale * uncond)
            target = clean + w * moved / scale
            expected += float(((cond - target) / max(1 - float(t), 0.05)).square().mean())
    assert float(got) == pytest.approx(expected, rel=1e-4)
    assert apart(expected, JointLoss(model, replace(config, guidance=0.0))(work, WEIGHTS)["head"])


def test_guidance_subtracts_what_the_samplers_would():
    """The unconditional states are the second row of `flow.guidance_rows`."""
    config, model = AcousticLossConfig(guidance=0.5, drop=0.0, visible_noise=0.0), build()
    for share in (0.0, 1.0):
        work = random_work(config, rows=1, flow_share=share, joined=1, seed=3)
        batch, masks, transformer = work.batch, work.masks, model.transformer
        states = hook(transformer.norm_out)
        JointLoss(model, config)(work, WEIGHTS)
        cond = torch.where(masks.visible[..., None], batch.tokens, 0.0)
        *rows, _ = flow.guidance_rows(transformer, cond, masks.visible, batch.text, True)
        noised = flow.interpolate(batch.tokens, draw_noise(work, model, config).flow, masks.flow_time)
        x = noised if share else torch.zeros_like(noised)
        modulations = transformer.modulations(masks.flow_time)
        transformer.hidden(x.expand(2, -1, -1), *rows, modulations)
        z, unconditional, both = states[:3]
        torch.testing.assert_close(both, torch.cat((z, unconditional)), atol=1e-4, rtol=1e-4)
        states.clear()


def test_without_guidance_nothing_unconditional_is_computed():
    model, work = build(), random_work(AcousticLossConfig())
    states = hook(model.transformer.norm_out)
    none = JointLoss(model, AcousticLossConfig())(work, WEIGHTS)
    assert len(states) == 1
    little = JointLoss(model, AcousticLossConfig(guidance=1e-9))(work, WEIGHTS)
    assert len(states) == 3
    for name, value in none.items():
        torch.testing.assert_close(little[name], value, rtol=1e-5, atol=1e-5)


def test_dropped_rows_are_not_guided():
    model, config = outspoken(MODEL), AcousticLossConfig(drop=1.0)
    work = random_work(config, flow_share=0.5)
    plain = JointLoss(model, config)(work, WEIGHTS)
    guided = JointLoss(model, replace(config, guidance=0.9))(work, WEIGHTS)
    for name, value in plain.items():
        torch.testing.assert_close(guided[name], value, rtol=1e-4, atol=1e-4)


def test_a_ddpm_head_is_not_guided():
    config = replace(MODEL, diffusion=replace(MODEL.diffusion, objective="ddpm"))
    model, work = outspoken(config), random_work(AcousticLossConfig(), config=config)
    plain, guided = (JointLoss(model, AcousticLossConfig(guidance=w))(work, WEIGHTS) for w in (0.0, 0.8))
    torch.testing.assert_close(guided["head"], plain["head"])
    assert apart(plain["flow"].detach(), guided["flow"].detach())


@pytest.mark.parametrize("w", [0.2, 0.5])
def test_guidance_w_is_a_scale_of_1_over_1_minus_w(w):
    """The prediction that a free network learns from the guided loss: u + cfg (clean - u)."""
    model, config = build(), AcousticLossConfig(guidance=w, drop=0.0, flow_time=(0.0, 0.1))
    work = random_work(config, rows=2, flow_share=1.0)
    noises, tokens = draw_noise(work, model, config), work.batch.tokens
    model.transformer.proj_out = nn.Identity()
    clean = tokens.flatten(0, 1)
    unconditional = torch.randn(clean.shape, generator=generator(1))
    guess = torch.zeros_like(clean, requires_grad=True)
    for _ in range(60):
        loss = JointLoss(model, config).flow_loss(work.masks, tokens, noises, guess, unconditional)
        (gradient,) = torch.autograd.grad(loss, guess)
        guess = (guess - 40.0 * gradient).detach().requires_grad_()
    picked = work.masks.flow_targets
    guided = unconditional + (clean - unconditional) / (1 - w)
    torch.testing.assert_close(guess[picked].detach(), guided[picked], atol=1e-3, rtol=1e-3)
