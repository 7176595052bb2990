"""MLX's GPU against its CPU: on a Mac, Metal. A hosted Mac's virtual GPU rounds more coarsely than others."""

import os
import subprocess
import sys
from pathlib import Path

import devices
import numpy as np
import pytest
from checkpoints import write_checkpoint
from devices import DEVICES, computing_on

mx = pytest.importorskip("mlx.core")
ROOT = Path(__file__).parents[3]
ALIKE = devices.ALIKE["float32"]  # of a waveform, whose small differences grow, a tenth
SAMPLERS = {"masked": {"num_iter": 3}, "ode": {"steps": 4}, "refine": {"steps": 4, "num_iter": 2}}


@pytest.fixture
def on():
    """Run what follows on a device."""
    with computing_on("cpu"):
        yield lambda name: mx.set_default_device(getattr(mx, name))


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


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("bits", [4, 8])
def test_quantized_weights(on, device, bits, precision, tmp_path):
    """Of the embedded model on a GPU, of a tiny one on a CPU, where MLX's quantized products are slow."""
    from convert.quantize import quantize_folder
    from nanospeech_mlx import Nanospeech

    source, group = (None, 64) if device == "gpu" else (write_checkpoint(tmp_path / "tiny", "mlx"), 32)
    folder = quantize_folder(source, bits, group, tmp_path / "quantized")
    on("cpu")
    expected = Nanospeech.from_pretrained(folder).generate("Hello there.", seed=1)
    on(device)
    wave = Nanospeech.from_pretrained(folder, precision=precision).generate("Hello there.", seed=1)
    assert np.isfinite(wave).all() and len(wave) == len(expected) and np.abs(wave).max() > 0.01
    if precision == "float32":
        assert difference(wave, expected) < 10 * ALIKE


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_a_voice_from_a_recording(on, device, model, tmp_path):
    """The aligner finds the same durations, and the voice speaks."""
    import soundfile

    on("cpu")
    wave = model.generate("The quick brown fox jumps over the lazy dog.", voice="emma", seed=3)
    soundfile.write(tmp_path / "me.wav", wave, model.sample_rate)
    options = {
        "ref_audio": str(tmp_path / "me.wav"),
        "ref_text": "The quick brown fox jumps over the lazy dog.",
    }
    rng = np.random.default_rng(0)
    mel, ids = rng.normal(-5, 2, (90, 100)).astype(np.float32), rng.integers(1, 60, 20)
    expected = model.aligner.align(mel, ids)
    on(device)
    assert np.abs(model.aligner.align(mel, ids) - expected).max() <= 2  # frames
    model.references = type(model.references)()  # else the voice is the one that the CPU has read
    spoken = model.generate("Hello there.", seed=1, **options)
    assert np.isfinite(spoken).all() and 0.02 < np.sqrt((spoken**2).mean()) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_an_edit_and_a_batch(on, device, model):
    on("cpu")
    wave = model.generate("Hello there, how are you today?", seed=1)
    on(device)
    edited = model.edit(wave, "Hello there, how are you today?", "Hello there, how are you tomorrow?")
    assert np.isfinite(edited).all() and np.array_equal(edited[: len(wave) // 4], wave[: len(wave) // 4])
    assert not np.array_equal(edited[-len(wave) // 4 :], wave[-len(wave) // 4 :])
    texts = ["Hello there.", "And a second text, which is longer."]
    batch = dict(model.generate_batch(texts, seed=2))
    for number, text in enumerate(texts):
        alone = model.generate(text, seed=2)
        assert len(alone) == len(batch[number])
        assert difference(batch[number], alone) < 10 * ALIKE


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_sample_loops(on, device, model, sampler):
    """`sample`: the mel without text, voice and vocoder."""
    from nanospeech_core.sampling.prompt import Prompt

    rng = np.random.default_rng(4)
    cond, visible = rng.standard_normal((40, 400)).astype(np.float32), np.arange(40) < 16
    prompt = Prompt(cond * visible[:, None], visible, rng.integers(1, 60, 160))
    mels = []
    for place in ("cpu", device):
        on(place)
        mels.append(model.sample(prompt, sampler=sampler, **SAMPLERS[sampler]))
    assert mels[1].shape == (96, 100) and difference(mels[1], mels[0]) < 10 * ALIKE


@pytest.mark.parametrize("device", DEVICES)
def test_work_may_change_threads_on_any_device(on, device, model):
    import threading

    on(device)
    expected = list(model.stream("Hello there, how are you today?", seed=2))
    chunks, got = model.stream("Hello there, how are you today?", seed=2), []
    for _ in expected:
        thread = threading.Thread(target=lambda: got.append(next(chunks)))
        thread.start()
        thread.join()
    assert all(map(np.array_equal, got, expected)) and len(got) == len(expected) > 1


def test_depthwise_convolutions_meet_the_fast_kernel_of_a_gpu(monkeypatch):
    """Metal has one for convolutions without padding (mlx/backend/metal/conv.cpp, `conv_1D_gpu`)."""
    from nanospeech_mlx.device import kernels
    from nanospeech_mlx.models.layers import Conv1d

    seen, real = [], mx.conv1d
    monkeypatch.setattr(
        mx, "conv1d", lambda *a, **options: seen.append((a[2:], options)) or real(*a, **options)
    )
    layer, x = Conv1d(32, 32, 7, padding=3, groups=32), mx.random.normal((2, 20, 32), key=mx.random.key(0))
    on_cpu = layer(x)
    assert not seen
    monkeypatch.setattr(kernels, "on_gpu", lambda: True)
    assert mx.allclose(layer(x), on_cpu, atol=1e-5) and seen == [((), {"groups": 32})]


def test_products_are_exact_in_tests():
    """MLX reads it once, when it is first needed: it has to be set before, here and in what tests start."""
    code = "import os; print(os.environ.get('MLX_ENABLE_TF32'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert os.environ["MLX_ENABLE_TF32"] == "0" and done.stdout == "0\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "last"), [("", None), ("cpu", "Device(cpu, 0)"), ("tpu", "must be cpu or gpu, not 'tpu'")]
)
def test_the_device_is_chosen_by_the_environment(device, last):
    code = "import mlx.core as mx, nanospeech_mlx; nanospeech_mlx.DiT; print(mx.default_device())"
    env = {**os.environ, "NANOSPEECH_DEVICE": device}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    expected = (
        str(mx.Device(mx.gpu)) if last is None and mx.is_available(mx.gpu) else last or "Device(cpu, 0)"
    )
    assert expected in (done.stdout + done.stderr).splitlines()[-1]
