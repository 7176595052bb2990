"""Both backends' ODE solvers and flow path, against closed forms."""

import math

import numpy as np
import pytest
from backends import NAMES, OURS, Backend, random_weights, relative_error

from nanospeech_core.sampling.schedules import ode_times

METHODS = {"euler": 1, "midpoint": 2, "rk4": 4}


@pytest.fixture(params=NAMES)
def backend(request):
    return Backend(request.param)


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def solve(backend: Backend, f, start: np.ndarray, times: list[float], method: str) -> np.ndarray:
    *_, end = backend.module("sampling.flow").solve(f, backend.array(start), times, method)
    return backend.numpy(end)


@pytest.mark.parametrize(("method", "order"), METHODS.items())
@pytest.mark.parametrize("sway", [0.0, -1.0])
def test_solvers_converge_with_their_order(backend, method, order, sway):
    """dx/dt = -x and dx/dt = A x, a rotation: halving the interval divides the error by 2 to the order."""
    start = np.array([[1.0, 0.5]], np.float32)
    rotation = backend.array(np.array([[0.0, 2.0], [-2.0, 0.0]], np.float32))
    rotated = np.array([[math.cos(2) - 0.5 * math.sin(2), math.sin(2) + 0.5 * math.cos(2)]])
    for f, exact in ((lambda t, x: -x, math.exp(-1) * start), (lambda t, x: x @ rotation, rotated)):
        steps = {1: (32, 64), 2: (8, 16), 4: (4, 8)}[order]  # float32 leaves rk4 no room beyond
        coarse, fine = (
            np.abs(solve(backend, f, start, ode_times(n, sway), method) - exact).max() for n in steps
        )
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.35)


@pytest.mark.parametrize(("method", "degree"), [("euler", 0), ("midpoint", 1), ("rk4", 3)])
def test_solvers_integrate_polynomials_of_time(backend, method, degree):
    """Stages are taken at the right times: dx/dt = (k + 1) t^k is exact up to a degree, and no further."""
    start = np.zeros(1, np.float32)
    for k in range(degree + 2):
        end = solve(backend, lambda t, x, k=k: (k + 1) * t**k + 0 * x, start, ode_times(2), method)
        assert (abs(end[0] - 1) < 1e-6) == (k <= degree)


@pytest.mark.parametrize("method", METHODS)
def test_solver_yields_every_interval(backend, method):
    start = backend.array(normal(0, 3))
    states = list(backend.module("sampling.flow").solve(lambda t, x: 0 * x + 1, start, ode_times(5), method))
    ends = [backend.numpy(x) - normal(0, 3) for x in states]
    np.testing.assert_allclose(ends, np.outer(ode_times(5)[1:], np.ones(3)), atol=1e-6)


def test_rectified_flow_transports_a_gaussian(backend):
    """With the exact velocity E[x_1 - x_0 | x_t] towards N(m, s^2), noise x_0 ends at m + s x_0."""
    mean, std = 1.5, 0.3

    def velocity(t: float, x):
        gain = 1 / ((1 - t) ** 2 + (t * std) ** 2)
        return mean + (t * std**2 - (1 - t)) * gain * (x - t * mean)

    noise = normal(0, 64)
    end = solve(backend, velocity, noise, ode_times(32), "rk4")
    np.testing.assert_allclose(end, mean + std * noise, atol=1e-4)


class Oracle:
    """In place of DiT: `predict(t, x, row)` is its output, row 0 conditional, row 1 unconditional."""

    def __init__(self, predict):
        self.predict = predict

    def embed_text(self, text, tokens, drop, mask):
        return text  # only its number of rows is used

    def modulations(self, times):
        return [np.array(times)[None]]

    def hidden(self, x, cond, visible, text_embed, modulations, mask):
        ((time,),) = modulations[0]
        return float(time), x

    def proj_out(self, z):
        return self.predict(*z)


def sample_flow(
    backend: Backend, oracle: Oracle, noise: np.ndarray, times: list[float], **options
) -> np.ndarray:
    cond, visible = backend.array(0 * noise[None]), backend.array(np.zeros((1, len(noise)), bool))
    text, start = backend.array(np.zeros((1, 4), int)), backend.array(noise[None])
    *_, end = backend.module("sampling.flow").sample(oracle, cond, visible, text, start, times, **options)
    return backend.numpy(end)[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("steps", [1, 2, 16])
def test_a_clean_prediction_is_reached(backend, method, steps):
    clean = normal(1, 5, 3)
    oracle = Oracle(lambda t, x: backend.array(clean)[None] + 0 * x)
    end = sample_flow(backend, oracle, normal(0, 5, 3), ode_times(steps), method=method, predict="clean")
    if method == "euler":  # the others also evaluate t = 1, where the gap is clamped
        np.testing.assert_allclose(end, clean, atol=1e-5)
    else:
        assert np.abs(end - clean).max() < np.abs(normal(0, 5, 3) - clean).max()


def test_a_constant_velocity_is_followed(backend):
    clean, noise = normal(1, 5, 3), normal(0, 5, 3)
    oracle = Oracle(lambda t, x: backend.array(clean - noise)[None] + 0 * x)
    for method in METHODS:
        end = sample_flow(backend, oracle, noise, ode_times(3, -1.0), method=method, predict="velocity")
        np.testing.assert_allclose(end, clean, atol=1e-5)


def test_guidance_extrapolates_from_the_unconditional(backend):
    """Both rows predict a velocity; the guided one is u + cfg (c - u)."""
    c, u, noise = normal(1, 5, 3), normal(2, 5, 3), normal(0, 5, 3)
    oracle = Oracle(lambda t, x: backend.array(np.stack((c, u))) + 0 * x)  # two rows or an error
    end = sample_flow(backend, oracle, noise, ode_times(2), cfg=2.5, predict="velocity")
    np.testing.assert_allclose(end, noise + u + 2.5 * (c - u), atol=1e-5)


def test_guidance_by_an_equal_row_is_none(backend):
    dit = backend.module("models.dit").DiT(**OURS)
    backend.load(dit, random_weights(backend.shapes(dit)))
    x, cond = (backend.array(normal(seed, 1, 7, 20)) for seed in (0, 1))
    visible, text = backend.array(np.arange(7)[None] < 2), backend.array(np.arange(10)[None])
    flow = backend.module("sampling.flow")
    embedded = dit.embed_text(text, 7)
    twice = [backend.array(backend.numpy(part).repeat(2, 0)) for part in (cond, visible, embedded)]
    plain = flow.velocity(dit, x, cond, visible, embedded, 0.4, 1.0, "clean")
    guided = flow.velocity(dit, x, *twice, 0.4, 3.0, "clean")
    assert relative_error(backend.numpy(guided), backend.numpy(plain)) < 1e-5


def test_dropped_rows_see_nothing(backend):
    """What guidance and its training call unconditional depends on neither text nor visible tokens."""
    dit = backend.module("models.dit").DiT(**OURS)
    backend.load(dit, random_weights(backend.shapes(dit)))
    x, time = backend.array(normal(0, 1, 7, 20)), backend.array(np.array([0.3], np.float32))

    def out(seed: int, drop: bool) -> np.ndarray:
        cond = backend.array(normal(seed, 1, 7, 20))
        text = backend.array(np.random.default_rng(seed).integers(0, 11, (1, 20)))
        visible = backend.array(np.arange(7)[None] < seed)
        return backend.numpy(dit(x, cond, text, time, visible, backend.array(np.array([drop]))))

    assert np.array_equal(out(2, True), out(4, True))
    assert relative_error(out(2, False), out(4, False)) > 0.01
