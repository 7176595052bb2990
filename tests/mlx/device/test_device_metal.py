"""MLX's GPU against its CPU: on a Mac, Metal. A hosted Mac's virtual GPU rounds more coarsely than others."""

import numpy as np
import pytest

mx = pytest.importorskip("mlx.core")
DEVICES = [pytest.param("gpu", marks=pytest.mark.mac), "cpu"]  # the CPU has to pass the same, everywhere
ALIKE = 1e-2  # relative to the largest; of a waveform, whose small differences grow, a tenth
SAMPLERS = {"masked": {"num_iter": 3}, "ode": {"steps": 4}, "refine": {"steps": 4, "num_iter": 2}}


@pytest.fixture
def on():
    """Run what follows on a device."""
    before = mx.default_device()
    yield lambda name: mx.set_default_device(getattr(mx, name))
    mx.set_default_device(before)


@pytest.fixture(scope="module")
def model():
    from nanospeech_mlx import Nanospeech

    return Nanospeech.from_pretrained()


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / np.abs(other).max())


@pytest.mark.parametrize("device", DEVICES)
def test_rotary_positions_far_out(on, device):
    """Metal rotates by fast sines of angles that are not reduced first."""
    from nanospeech_mlx.models.attention import rotary_table, rotate

    on(device)
    x = np.random.default_rng(0).standard_normal((1, 2, 3001, 64), dtype=np.float32)
    rotated = np.array(rotate(mx.array(x), rotary_table(mx.array(x[:, 0]), 64)))
    angles = np.arange(3001)[:, None] / 10000.0 ** (np.arange(0, 64, 2) / 64)
    pairs = x[..., 0::2] + 1j * x[..., 1::2]
    expected = pairs * np.exp(1j * angles)
    for position in (0, 1, 800, 3000):
        ours = rotated[..., position, 0::2] + 1j * rotated[..., position, 1::2]
        assert np.abs(ours - expected[..., position, :]).max() < ALIKE


@pytest.mark.parametrize("device", DEVICES)
def test_the_vocoder(on, device, model):
    rng = np.random.default_rng(1)
    mel = rng.normal(-5, 2, (300, 100)).astype(np.float32)
    on("cpu")
    expected = model.decode(mel)
    on(device)
    assert difference(model.decode(mel), expected) < ALIKE


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_speech(on, device, model, sampler):
    options = {"sampler": sampler, "seed": 5, **SAMPLERS[sampler]}
    text = "Hello there, how are you today?"
    on("cpu")
    expected = model.generate(text, **options)
    on(device)
    wave = model.generate(text, **options)
    assert len(wave) == len(expected) and np.isfinite(wave).all()
    assert difference(wave, expected) < 10 * ALIKE


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("compile", [False, True], ids=["plain", "compiled"])
def test_streams(on, device, model, compile):
    on(device)
    model.compiled, model.compiled_step = compile, None
    try:
        chunks = list(model.stream("The first words are played while the last ones are made.", seed=2))
    finally:
        model.compiled, model.compiled_step = False, None
    wave = np.concatenate(chunks)
    assert len(chunks) > 1 and np.isfinite(wave).all() and 0.02 < np.sqrt((wave**2).mean()) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision(on, device, precision):
    from nanospeech_mlx import Nanospeech

    on(device)
    wave = Nanospeech.from_pretrained(precision=precision).generate("Hello there.", seed=1)
    assert np.isfinite(wave).all() and 0.02 < np.sqrt((wave**2).mean()) < 0.3
