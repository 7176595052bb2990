"""Every sample loop of both backends on the same random weights, inputs and noise: each step, float32."""

import itertools

import numpy as np
import pytest
from backends import ORIGINAL, OURS, Backend, random_weights, relative_error

from nanospeech_core.sampling.noise import Noise
from nanospeech_core.sampling.reveal import make_reveal_plan
from nanospeech_core.sampling.schedules import ode_times

TOLERANCE = 1e-4
TOKENS, CHANNELS, KNOWN = 11, 20, 3
TEXT = np.array([3, 0, 10, 7, 1, 4, 4, 9, 2])

rng = np.random.default_rng(1)
VISIBLE = np.arange(TOKENS) < KNOWN
COND = rng.standard_normal((TOKENS, CHANNELS), dtype=np.float32) * VISIBLE[:, None]


@pytest.fixture(scope="module")
def both():
    return Backend("torch"), Backend("mlx")


def dit(backend: Backend, config: dict):
    model = backend.module("models.dit").DiT(**config)
    return backend.load(model, random_weights(backend.shapes(model), 0))


def diffloss(backend: Backend, objective: str, context: int = 0, regression: bool = False):
    model = backend.module("models.diffloss").DiffLoss(CHANNELS, 32, 2, 28, objective, context, regression)
    return backend.load(model, random_weights(backend.shapes(model), 1))


def to_mel(backend: Backend, residual: bool):
    """The mel regression, z [rows, 32] -> [rows, channels]: a Linear of the backend's."""
    if not residual:
        return None
    linear = backend.module("models.layers").nn.Linear(32, CHANNELS)
    return backend.load(linear, random_weights(backend.shapes(linear), 2))


def assert_same_states(reference: list[np.ndarray], ours: list[np.ndarray], count: int):
    assert len(reference) == len(ours) == count
    for a, b in zip(reference, ours, strict=True):
        assert a.dtype == b.dtype == np.float32
        assert relative_error(b, a) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("predict", ["clean", "velocity"])
@pytest.mark.parametrize("cfg", [1.0, 2.0])
@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4"])
@pytest.mark.parametrize("style", [OURS, ORIGINAL], ids=["ours", "original"])
def test_ode(both, style, method, cfg, predict):
    noise = Noise(7, TOKENS, CHANNELS).initial

    def states(backend: Backend) -> list[np.ndarray]:
        cond, visible, text, start = (backend.array(x[None]) for x in (COND, VISIBLE, TEXT, noise))
        run = backend.module("sampling.flow").sample(
            dit(backend, style), cond, visible, text, start, ode_times(3, -0.5), method, cfg, predict
        )
        return [backend.numpy(x) for x in run]

    assert_same_states(*map(states, both), count=3)


# (cfg, ramp): without guidance the ramp has no effect
RAMPS = [(1.0, "linear"), (2.0, "linear"), (2.0, "constant")]
MAR = list(itertools.product(["flow", "ddpm"], [False, True], RAMPS, [1, 4, 50]))


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "residual", "ramp", "num_iter"), MAR)
@pytest.mark.parametrize("style", [OURS, ORIGINAL], ids=["ours", "original"])
def test_mar(both, style, objective, residual, ramp, num_iter):
    plan = make_reveal_plan(~VISIBLE, num_iter, 7, *ramp)
    noise = Noise(7, TOKENS, CHANNELS)

    def states(backend: Backend) -> list[np.ndarray]:
        cond, visible, text = (backend.array(x[None]) for x in (COND, VISIBLE, TEXT))
        run = backend.module("sampling.mar").sample(
            dit(backend, style), diffloss(backend, objective), to_mel(backend, residual),
            cond, visible, text, [plan], [noise], diffusion_steps=5, temperature=0.9, residual_std=0.5,
        )  # fmt: skip
        states = [backend.numpy(x).copy() for pair in run for x in pair]
        assert (backend.numpy(cond)[0] == COND).all(), "the caller's tokens were changed"
        assert (backend.numpy(visible)[0] == VISIBLE).all()
        return states

    assert_same_states(*map(states, both), count=2 * min(num_iter, TOKENS - KNOWN))


@pytest.mark.slow
@pytest.mark.parametrize("cfg", [1.0, 2.0])
@pytest.mark.parametrize("order", ["interleaved", "blocks"])
@pytest.mark.parametrize(("context", "regression"), [(2, False), (0, True), (1, True)])
def test_mar_in_context(both, context, regression, order, cfg):
    plan = make_reveal_plan(~VISIBLE, 4, 7, cfg, "linear", order, "linear")
    noise = Noise(7, TOKENS, CHANNELS)

    def states(backend: Backend) -> list[np.ndarray]:
        run = backend.module("sampling.mar").sample(
            dit(backend, OURS), diffloss(backend, "flow", context, regression), to_mel(backend, True),
            *(backend.array(x[None]) for x in (COND, VISIBLE, TEXT)), [plan], [noise], 5, 0.9, 0.5,
        )  # fmt: skip
        return [backend.numpy(x).copy() for pair in run for x in pair]

    assert_same_states(*map(states, both), count=8)


@pytest.mark.parametrize("name", ["torch", "mlx"])
def test_the_head_is_conditioned_on_visible_neighbours(name):
    """Even if the transformer ignores its input: as far as the context reaches, and not on masked tokens."""
    backend = Backend(name)
    constant = backend.array(np.ones((1, TOKENS, 32), np.float32))
    transformer = type("Constant", (), {"hidden": lambda *inputs: constant})()
    head, regression = diffloss(backend, "flow", 2, True), to_mel(backend, True)

    def conditioning(cond: np.ndarray) -> np.ndarray:
        arrays = (backend.array(x[None]) for x in (cond, VISIBLE))
        return backend.numpy(
            backend.module("sampling.mar").head_inputs(
                transformer, head, regression, *arrays, None, None, None
            )[0]
        )

    before = conditioning(COND)
    for token, reached in ((KNOWN - 1, range(KNOWN - 3, KNOWN + 2)), (KNOWN, [])):
        changed = COND.copy()
        changed[token] += 1.0
        moved = np.abs(conditioning(changed) - before).max(-1) > 1e-4
        assert np.flatnonzero(moved).tolist() == list(reached)


@pytest.mark.slow
@pytest.mark.parametrize("cfg", [1.0, 3.0])
@pytest.mark.parametrize(("objective", "steps"), [("flow", 1), ("flow", 8), ("ddpm", 2), ("ddpm", 100)])
def test_head(both, objective, steps, cfg):
    rng = np.random.default_rng(2)
    rows = 3
    z = rng.standard_normal((rows if cfg == 1 else 2 * rows, 32), dtype=np.float32)
    init = rng.standard_normal((rows, CHANNELS), dtype=np.float32)
    noise = rng.standard_normal((steps, rows, CHANNELS), dtype=np.float32) if objective == "ddpm" else None

    def states(backend: Backend) -> list[np.ndarray]:
        run = diffloss(backend, objective).sample(
            backend.array(z), backend.array(init), noise, steps, 0.8, cfg
        )
        return [backend.numpy(x) for x in run]

    assert_same_states(*map(states, both), count=steps)
