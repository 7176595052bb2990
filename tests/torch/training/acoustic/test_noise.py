"""The noise of a joint batch."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from joint import MODEL, build, random_work

from nanospeech_torch.training.acoustic.config import AcousticLossConfig
from nanospeech_torch.training.acoustic.noise import draw_noise

# noises


def test_noises_are_a_function_of_the_seed():
    model, loss = build(), AcousticLossConfig()
    work = random_work(loss)
    a = draw_noise(work, model, loss)
    torch.manual_seed(5)
    other = replace(work, batch=replace(work.batch, tokens=torch.zeros_like(work.batch.tokens)))
    b = draw_noise(other, build(seed=1), loss)
    c = draw_noise(replace(work, seed=work.seed + 1), model, loss)
    for name in vars(a):
        assert torch.equal(getattr(a, name), getattr(b, name))
        assert not torch.equal(getattr(a, name), getattr(c, name))


def test_noises_are_standard_and_of_their_shapes():
    model, loss = build(), AcousticLossConfig(draws=4, head_time=(0.5, 0.7))
    work = random_work(loss, rows=12)
    noises = draw_noise(work, model, loss)
    rows = 4 * len(work.masks.masked_targets)
    assert noises.flow.shape == noises.visible.shape == work.batch.tokens.shape
    assert noises.head.shape == (rows, 400) and noises.head_time.shape == (rows,)
    assert noises.visible_scale.shape == (12, 1, 1)
    for noise in (noises.flow, noises.visible, noises.head):
        assert abs(noise.mean()) < 0.01 and abs(noise.std() - 1) < 0.01
    logits = torch.logit(noises.head_time)
    assert abs(logits.mean() - 0.5) < 0.1 and abs(logits.std() - 0.7) < 0.1
    assert abs((noises.flow * noises.visible).mean()) < 0.01  # not one noise twice


def test_the_steps_of_ddpm_are_integers_and_uniform():
    config = replace(MODEL, diffusion=replace(MODEL.diffusion, objective="ddpm"))
    loss = AcousticLossConfig(draws=20)
    time = draw_noise(random_work(loss, rows=20), build(config), loss).head_time
    assert time.dtype == torch.int64 and time.min() >= 0 and time.max() <= 999
    assert abs(time.double().mean() - 499.5) < 15 and abs(time.double().std() - 288.7) < 10


def test_without_a_head_it_has_no_noise():
    model, loss = build(replace(MODEL, diffusion=None)), AcousticLossConfig()
    assert draw_noise(random_work(loss), model, loss).head.shape == (0, 400)
