"""Inside a sample loop nothing is waited for: no step's numbers are read before the caller asks for them.

PyTorch's "meta" device has shapes and no numbers, and MLX has none while it traces: whatever reads one
raises. `keep`, which starts to evaluate and does not wait, is not traced.
"""

import numpy as np
import pytest
from backends import NAMES, OURS, Backend, random_weights

from nanospeech_core.sampling.noise import Noise
from nanospeech_core.sampling.reveal import make_reveal_plan
from nanospeech_core.sampling.schedules import ode_times

TOKENS, CHANNELS, KNOWN = 11, 20, 3
VISIBLE = np.arange(TOKENS) < KNOWN
COND = (
    np.random.default_rng(1).standard_normal((1, TOKENS, CHANNELS), dtype=np.float32) * VISIBLE[None, :, None]
)
TEXT = np.arange(TOKENS * OURS["patch"])[None] % OURS["text_num_embeds"]
MASK = np.ones((1, TOKENS), bool)


@pytest.fixture(params=NAMES)
def backend(request, monkeypatch) -> Backend:
    backend = Backend(request.param)
    if backend.name == "mlx":
        for loop in ("mar", "flow"):
            monkeypatch.setattr(backend.module(f"sampling.{loop}"), "keep", lambda *arrays: None)
    return backend


def without_numbers(backend: Backend, parts: list, loop) -> int:
    """How many steps `loop(inputs)` takes where there are no numbers to be read; `parts` are its networks."""
    inputs = [backend.array(part) for part in (COND, VISIBLE[None], TEXT, MASK)]
    if backend.name == "torch":
        for part in parts:
            part.to("meta")
        with backend.framework.inference_mode():
            return len(list(loop([part.to("meta") for part in inputs])))
    steps = []

    def traced(*arrays):
        steps.extend(loop(arrays))
        return arrays[0]

    backend.framework.compile(traced, inputs=[part.state for part in parts])(*inputs)
    return len(steps)


def networks(backend: Backend, objective: str) -> list:
    head = backend.module("models.diffloss").DiffLoss(CHANNELS, OURS["dim"], 2, 28, objective, 1, True)
    to_mel = backend.module("models.layers").nn.Linear(OURS["dim"], CHANNELS)
    parts = [backend.module("models.dit").DiT(**OURS), head, to_mel]
    return [backend.load(part, random_weights(backend.shapes(part))) for part in parts]


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["flow", "ddpm"])
@pytest.mark.parametrize("cfg", [1.0, 2.0])
def test_masked_decoding(backend, objective, cfg):
    parts = networks(backend, objective)
    plan = make_reveal_plan(~VISIBLE, 3, 0, cfg, "constant")
    noise = Noise(0, TOKENS, CHANNELS)

    def loop(inputs):
        cond, _, text, mask = inputs
        visible = VISIBLE[None] if backend.name == "mlx" else inputs[1]  # MLX's loop reads it
        sample = backend.module("sampling.mar").sample
        return sample(*parts, cond, visible, text, [plan], [noise], 4, 0.8, 0.5, mask)

    assert without_numbers(backend, parts, loop) == 3


@pytest.mark.slow
@pytest.mark.parametrize("cfg", [1.0, 2.0])
@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4"])
def test_the_ode(backend, method, cfg):
    (dit, *_) = networks(backend, "flow")

    def loop(inputs):
        cond, visible, text, mask = inputs
        times = ode_times(4, -1.0)
        return backend.module("sampling.flow").sample(
            dit, cond, visible, text, cond, times, method, cfg, "clean", mask
        )

    assert without_numbers(backend, [dit], loop) == 4


def test_reading_a_number_is_detected(backend):
    """That is, what the tests above rely on."""
    (dit, *_) = networks(backend, "flow")
    for read in (
        lambda x: x.sum().item(),
        lambda x: float(x.sum()),
        lambda x: bool(x.any()),
        lambda x: x.tolist(),
    ):
        with pytest.raises((RuntimeError, ValueError, NotImplementedError, TypeError)):
            without_numbers(backend, [dit], lambda inputs, read=read: [read(inputs[0])])
