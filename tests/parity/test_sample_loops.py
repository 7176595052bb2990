"""Both backends' diffusion heads and masked decoding: closed forms, oracles in place of networks."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from backends import NAMES, OURS, Backend, random_weights, relative_error

from nanospeech_core.sampling.ddpm import ddpm_alpha_bars, ddpm_table
from nanospeech_core.sampling.noise import Noise
from nanospeech_core.sampling.prompt import Prompt, collate
from nanospeech_core.sampling.reveal import make_reveal_plan


@pytest.fixture(params=NAMES)
def backend(request):
    return Backend(request.param)


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


# the diffusion head


@pytest.fixture
def oracle_head(backend):
    """A DiffLoss whose network is a function of x, t (a float) and z: its conditioning is t, then z."""

    def make(objective: str, function):
        join = backend.framework.concatenate

        def time_embed(t):
            return join((t[:, None], 0 * t[:, None], 0 * t[:, None], 0 * t[:, None]), -1)

        time_embed.mlp = []  # it has no weights

        def cond_embed(z):
            return join((0 * z[:, :1], z), -1)

        def denoise(x, y):
            return function(x, float(y[0, 0]), y[:, 1:])

        head = backend.module("models.diffloss").DiffLoss(3, 3, 1, 8, objective)
        del head.net
        head.net = SimpleNamespace(
            time_embed=time_embed, cond_embed=cond_embed, denoise=denoise, modulations=lambda y: y
        )
        return head

    return make


@pytest.mark.parametrize("steps", [1, 2, 5, 40, 100])
@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_flow_head_lands_on_the_clean_token(backend, oracle_head, steps, cfg):
    """Here z is the clean token: one Euler step or a hundred end there, whatever the noise."""
    head = oracle_head("flow", lambda x, t, z: z)
    z = normal(1, 6, 3)
    rows = z if cfg == 1 else np.concatenate((z, z))
    states = list(head.sample(backend.array(rows), backend.array(normal(0, 6, 3)), None, steps, 1.0, cfg))
    assert len(states) == steps
    np.testing.assert_allclose(backend.numpy(states[-1]), z, atol=1e-5)


def test_flow_head_passes_the_time_to_its_network(backend, oracle_head):
    seen = []

    def network(x, t, z):
        seen.append(t)
        return z

    head = oracle_head("flow", network)
    list(head.sample(backend.array(normal(1, 2, 3)), backend.array(normal(0, 2, 3)), None, 4, 1.0, 1.0))
    assert seen == [0, 250, 500, 750]


def test_temperature_scales_the_flow_heads_noise(backend, oracle_head):
    head = oracle_head("flow", lambda x, t, z: x)  # stays where it starts
    z, init = backend.array(normal(1, 2, 3)), backend.array(normal(0, 2, 3))
    *_, end = head.sample(z, init, None, 3, 0.7, 1.0)
    np.testing.assert_allclose(backend.numpy(end), 0.7 * normal(0, 2, 3), rtol=1e-6)


@pytest.mark.parametrize("objective", ["flow", "ddpm"])
def test_head_guidance_by_an_equal_row_is_none(backend, objective):
    head = backend.module("models.diffloss").DiffLoss(3, 5, 2, 16, objective)
    backend.load(head, random_weights(backend.shapes(head)))
    z, init, noise = normal(1, 4, 5), backend.array(normal(0, 4, 3)), normal(2, 10, 4, 3)
    noise = noise if objective == "ddpm" else None
    *_, plain = head.sample(backend.array(z), init, noise, 10, 1.0, 1.0)
    *_, guided = head.sample(backend.array(np.concatenate((z, z))), init, noise, 10, 1.0, 3.0)
    assert relative_error(backend.numpy(guided), backend.numpy(plain)) < 1e-4


@pytest.mark.parametrize("temperature", [1.0, 0.0])
@pytest.mark.parametrize("steps", [4, 20])
def test_ddpm_head_samples_a_gaussian(backend, oracle_head, steps, temperature):
    """For data N(m, s^2) the exact reverse steps are Gaussian: by their mean and variance we get m, s.

    A step's variance is the posterior's plus that of the unknown x_0, so the learned range is tested too.
    """
    mean, std = 0.5, 0.4
    table = {row.timestep: row for row in ddpm_table(steps)}

    def network(x, t, z):
        row, bar = table[t], table[t].sqrt_alpha_bar ** 2
        total = 1 - bar + bar * std**2
        eps = (x - math.sqrt(bar) * mean) * (math.sqrt(1 - bar) / total)
        unknown = std**2 * (1 - bar) / total
        log_var = math.log(math.exp(row.min_log_var) + row.mean_x0**2 * unknown)
        share = (log_var - row.min_log_var) / (row.max_log_var - row.min_log_var)
        return backend.framework.concatenate((eps, 0 * eps + 2 * share - 1), -1)

    rows = 4000
    head = oracle_head("ddpm", network)
    z, init, noise = (
        backend.array(normal(1, rows, 3)),
        backend.array(normal(0, rows, 3)),
        normal(2, steps, rows, 3),
    )
    *_, end = head.sample(z, init, noise, steps, temperature, 1.0)
    samples = backend.numpy(end)
    assert samples.mean() == pytest.approx(mean, abs=5 * std / math.sqrt(samples.size))
    if temperature == 1:
        assert samples.std() == pytest.approx(std, rel=0.03)  # five times the error of 12000 samples
    else:
        assert samples.std() < 0.5 * std


def test_ddpm_head_ends_without_noise(backend, oracle_head):
    """The clean token known throughout: the last step adds no noise, so that it is met."""
    bars = ddpm_alpha_bars()
    clean = normal(1, 6, 3)

    def network(x, t, z):
        bar = float(bars[int(t)])
        eps = (x - math.sqrt(bar) * z) / math.sqrt(1 - bar)
        return backend.framework.concatenate((eps, 0 * eps + 1), -1)

    head = oracle_head("ddpm", network)
    *_, end = head.sample(
        backend.array(clean), backend.array(normal(0, 6, 3)), normal(2, 20, 6, 3), 20, 1.0, 1.0
    )
    np.testing.assert_allclose(backend.numpy(end), clean, atol=1e-4)


# masked autoregressive decoding


def nothing(backend: Backend, tokens: int) -> list:
    """cond, visible and text of one utterance of which nothing is known."""
    shapes = np.zeros((1, tokens, 3), np.float32), np.zeros((1, tokens), bool), np.zeros((1, 4), int)
    return [backend.array(part) for part in shapes]


class Conditions:
    """In place of DiT: its last hidden state is `z`, whatever is visible, or `unconditional` without text.

    It keeps its inputs.
    """

    def __init__(self, z, unconditional=None):
        self.z, self.unconditional, self.seen = z, unconditional, []

    def embed_text(self, text, tokens, drop, mask):
        assert drop is None or drop.all()
        return "text" if drop is None else "none"

    def modulations(self, time):
        assert float(time[0]) == 0
        return "at time 0"

    def hidden(self, x, cond, visible, text_embed, modulations, mask, span=None):
        assert modulations == "at time 0" and float(abs(x).max()) == 0
        if text_embed == "none":
            assert not (cond != 0).any() and not visible.any()
            return self.unconditional
        self.seen.append((cond, visible))
        return self.z if span is None else self.z[:, span[0] : span[1]]


@pytest.mark.parametrize("cfg", [(1.0, 1.0), (3.0, 3.0), (1.0, 3.0)], ids=["plain", "guided", "guided last"])
@pytest.mark.parametrize("num_iter", [1, 4, 100])
def test_mar_reveals_each_token_once(backend, oracle_head, num_iter, cfg):
    """z and the network's output are the token to come, so the loop must put each where it belongs."""
    target, tokens = normal(1, 12, 3), 12
    visible = np.arange(tokens) < 4
    cond = target * visible[:, None]
    plan = make_reveal_plan(~visible, num_iter, 5)
    plan = replace(plan, cfg=(cfg[0],) * (len(plan) - 1) + (cfg[1],))
    z = backend.array(target[None])
    transformer = Conditions(
        z, None if max(plan.cfg) == 1 else z
    )  # without guidance nothing is computed twice
    head = oracle_head("flow", lambda x, t, z: z)
    text = backend.array(np.zeros((1, 4), int))
    run = backend.module("sampling.mar").sample(
        transformer,
        head,
        None,
        backend.array(cond[None]),
        backend.array(visible[None]),
        text,
        [plan],
        [Noise(5, tokens, 3)],
        3,
    )
    known = visible.copy()
    for k, (state, estimate) in enumerate(run):
        visible_now, flags = (backend.numpy(part) for part in transformer.seen[k])
        assert np.array_equal(flags[0], known)
        np.testing.assert_allclose(visible_now[0], target * known[:, None], atol=1e-5)
        known[plan.reveal[k]] = True
        np.testing.assert_allclose(backend.numpy(state)[0], target * known[:, None], atol=1e-5)
        assert np.array_equal(backend.numpy(estimate), backend.numpy(state))  # without a regression
    assert known.all() and len(transformer.seen) == len(plan)


def test_mar_adds_the_residual_to_the_regression(backend, oracle_head):
    """to_mel gives the base (guided as the head is), the head what is missing, in units of residual_std."""
    c, u, tokens = normal(1, 6, 3), normal(2, 6, 3), 6
    transformer = Conditions(backend.array(c[None]), backend.array(u[None]))
    head = oracle_head("flow", lambda x, t, z: 0 * z + 0.25)
    plan = make_reveal_plan(np.ones(tokens, bool), 3, 5, 2.0, "constant")
    cond, visible, text = nothing(backend, tokens)
    noises = [Noise(5, tokens, 3)]
    states = backend.module("sampling.mar").sample(
        transformer, head, lambda z: 10 * z, cond, visible, text, [plan], noises, 2, 1.0, 0.5
    )
    sampled = 10 * (u + 2 * (c - u)) + 0.125
    known = np.zeros((tokens, 1), bool)
    for reveal, (state, estimate) in zip(plan.reveal, states, strict=True):
        known[reveal] = True
        expected = np.where(known, sampled, 0), np.where(known, sampled, 10 * c)
        np.testing.assert_allclose(backend.numpy(state)[0], expected[0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(backend.numpy(estimate)[0], expected[1], rtol=1e-4, atol=1e-4)
    assert known.all()


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("cfg", [1.0, 2.0])
def test_mar_conditions_the_head_on_the_neighbours(backend, monkeypatch, regression, cfg):
    """The head's network returns its conditioning, which is computed here token by token."""
    module, tokens, std = backend.module("models.diffloss"), 7, 0.5
    head = module.DiffLoss(3, 3, 1, 8, "flow", 2, regression)
    weights = random_weights(backend.shapes(head))
    backend.load(head, weights)
    monkeypatch.setattr(module.SimpleMLPAdaLN, "denoise", lambda self, x, y: y)
    monkeypatch.setattr(module.SimpleMLPAdaLN, "modulations", lambda self, y: y)
    monkeypatch.setattr(
        module.DiffLoss, "embed_times", lambda self, steps: backend.array(np.zeros((steps, 1)))
    )
    del head.net.cond_embed
    head.net.cond_embed = lambda z: z
    to_mel = normal(4, 3, 3)
    kernel, bias = weights["context.conv.weight"], weights["context.conv.bias"]
    assert kernel.shape == (3, 6 if regression else 3, 5)

    def conditioning(z: np.ndarray, mel: np.ndarray) -> np.ndarray:
        result = []
        for i in range(tokens):
            near = bias.astype(np.float64)
            for offset in range(-2, 3):
                if 0 <= i + offset < tokens:  # beyond are zeros
                    there = z[i + offset]
                    if regression:
                        there = np.concatenate((there, mel[i + offset]))
                    near = near + kernel[:, :, offset + 2] @ there
            near = near / (1 + np.exp(-near))
            result.append(z[i] + weights["context.out.weight"] @ near + weights["context.out.bias"])
        return np.array(result)

    c, u = normal(1, tokens, 3), normal(2, tokens, 3)
    visible = np.arange(tokens) < 2
    cond = normal(3, tokens, 3) * visible[:, None]
    transformer = Conditions(backend.array(c[None]), backend.array(u[None]))
    arrays = map(backend.array, (cond[None], visible[None], np.zeros((1, 4), int)))
    plan, matrix = make_reveal_plan(~visible, 3, 5, cfg, "constant"), backend.array(to_mel)
    *_, (end, _) = backend.module("sampling.mar").sample(
        transformer, head, lambda z: z @ matrix, *arrays, [plan], [Noise(5, tokens, 3)], 2, 1.0, std
    )
    # the mel beside a token: what is visible, from the iteration after it was sampled on; else the regression
    expected, visible_now = cond.astype(np.float64), visible.copy()
    unconditional = conditioning(u, u @ to_mel) * std + u @ to_mel  # sees none
    for rows in plan.reveal:
        mel = np.where(visible_now[:, None], expected, c @ to_mel)
        seen = conditioning(c, mel) * std + c @ to_mel
        expected[rows], visible_now[rows] = (unconditional + cfg * (seen - unconditional))[rows], True
    assert visible_now.all()
    np.testing.assert_allclose(backend.numpy(end)[0], expected, rtol=1e-4, atol=1e-4)


def test_the_temperature_rises_over_the_iterations(backend, oracle_head):
    """The network stays where it starts, so a token is its noise, as hot as its iteration is."""
    head = oracle_head("flow", lambda x, t, z: x)
    tokens, noise = 20, Noise(5, 20, 3)
    plan = make_reveal_plan(np.ones(tokens, bool), 6, 5, temperature_schedule="linear")
    transformer = Conditions(backend.array(normal(1, 1, tokens, 3)))
    *_, (end, _) = backend.module("sampling.mar").sample(
        transformer, head, None, *nothing(backend, tokens), [plan], [noise], 3, 0.8
    )
    done = 0
    for positions in plan.reveal:
        done += len(positions)
        expected = 0.8 * done / tokens * noise.initial[positions]
        np.testing.assert_allclose(backend.numpy(end)[0, positions], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "regression"), [("flow", True), ("ddpm", False)])
def test_a_batch_is_decoded_as_its_utterances_are(backend, objective, regression):
    """With padding, plans of different lengths and guidance: as each by itself."""
    dit = backend.module("models.dit").DiT(**OURS)
    head = backend.module("models.diffloss").DiffLoss(20, 32, 2, 24, objective, 1, regression)
    to_mel = backend.module("models.layers").nn.Linear(32, 20)
    for seed, model in enumerate((dit, head, to_mel)):
        backend.load(model, random_weights(backend.shapes(model), seed))
    prompts, plans, noises = [], [], []
    for seed, tokens in enumerate((9, 4, 7)):
        visible = np.arange(tokens) < 2
        cond = normal(seed, tokens, 20) * visible[:, None]
        prompts.append(Prompt(cond, visible, np.random.default_rng(seed).integers(0, 11, tokens * 2)))
        plans.append(make_reveal_plan(~visible, 4, seed, 2.0))
        noises.append(Noise(seed, tokens, 20))

    def ends(rows_of_batch: slice) -> list[np.ndarray]:
        *arrays, mask = collate(prompts[rows_of_batch], 2)
        arrays = map(backend.array, arrays)
        mask = None if mask is None else backend.array(mask)
        *_, (end, _) = backend.module("sampling.mar").sample(
            dit, head, to_mel, *arrays, plans[rows_of_batch], noises[rows_of_batch], 3, 0.8, 0.5, mask
        )
        return list(backend.numpy(end))

    for k, (prompt, together) in enumerate(zip(prompts, ends(slice(None)), strict=True)):
        (alone,) = ends(slice(k, k + 1))
        assert relative_error(together[: len(prompt.cond)], alone) < 1e-5
