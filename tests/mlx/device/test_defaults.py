"""What a GPU gets by default, with the CPU in its place: the whole path speaks as float32 on a CPU does."""

import numpy as np
import pytest
from checkpoints import write_checkpoint

from nanospeech_core.audio.mel import log_mel
from nanospeech_core.evaluation.counting import count_calls

mx = pytest.importorskip("mlx.core")
TEXT = "Hello there, how are you?"


@pytest.fixture
def gpu(monkeypatch):
    """A GPU whose kernels are ready. Graphs are not compiled, which takes g++ minutes, but padded as if."""
    from nanospeech_mlx.device import kernels

    monkeypatch.setattr(kernels, "_pretended", True)
    monkeypatch.setattr(kernels, "_compiled", type(kernels._compiled)())
    kernels._compiled.set()
    limit = mx.set_cache_limit(10**9)
    mx.disable_compile()
    yield kernels
    mx.enable_compile()
    mx.set_cache_limit(limit)


@pytest.fixture(scope="module")
def exact():
    from nanospeech_mlx import Nanospeech

    return Nanospeech.from_pretrained()


def alike(wave: np.ndarray, reference: np.ndarray) -> float:
    """Correlation of the log-mels of two waveforms of the same length."""
    assert wave.shape == reference.shape and np.isfinite(wave).all()
    return float(np.corrcoef(log_mel(wave).ravel(), log_mel(reference).ravel())[0, 1])


def speak(model, options: dict) -> np.ndarray:
    return model.generate(TEXT, seed=4, **options)


def stream(model, _: dict) -> np.ndarray:
    return np.concatenate(list(model.stream(TEXT, seed=4)))


def batch(model, _: dict) -> np.ndarray:
    waves = dict(model.generate_batch([TEXT, "Hello."], seed=4))
    return np.concatenate([waves[0], waves[1]])


def edit(model, options: dict) -> np.ndarray:
    return model.edit(options["wave"], "Hello there, how are you?", "Hello there, who are you?", seed=4)


WAYS = {
    "masked": (speak, {}),
    "guided": (speak, {"cfg": 2.0}),
    "ode": (speak, {"sampler": "ode", "steps": 4}),
    "ode guided": (speak, {"sampler": "ode", "steps": 3, "cfg": 2.0, "method": "midpoint"}),
    "refine": (speak, {"refine": 0.4, "refine_order": "random", "steps": 3}),
    "pause": (lambda model, o: model.generate("Hello [pause 1] there.", seed=4), {}),
    "stream": (stream, {}),
    "batch": (batch, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_gpu_speaks_as_a_cpu(way, exact, gpu, monkeypatch):
    from nanospeech_mlx import Nanospeech

    run, options = WAYS[way]
    with monkeypatch.context() as on_cpu:
        on_cpu.setattr(gpu, "_pretended", False)
        reference = run(exact, options)
    half = Nanospeech.from_pretrained()
    assert half.transformer.proj_out.weight.dtype == half.vocoder.backbone.norm.weight.dtype == mx.float16
    assert half.vocoder.head.out.weight.dtype == half.duration_predictor.to_pred.weight.dtype == mx.float32
    assert half.compiled is None and half.get_compiled_step() is not None
    assert alike(run(half, options), reference) > 0.99
    step, velocity = half.get_compiled_step(), half.get_compiled_velocity()
    vocoder = half.compiled_parts._functions["vocoder"][1]
    assert (velocity if way.startswith("ode") else step).misses and vocoder.misses


@pytest.mark.slow
def test_a_gpu_edits_and_clones_as_a_cpu(exact, gpu, monkeypatch, tmp_path):
    import soundfile

    from nanospeech_mlx import Nanospeech

    with monkeypatch.context() as on_cpu:
        on_cpu.setattr(gpu, "_pretended", False)
        wave = exact.generate(TEXT, seed=4)
        soundfile.write(
            tmp_path / "voice.wav", exact.generate(f"{TEXT} I am well, thank you.", seed=1), 24000
        )
        clone = {"ref_audio": tmp_path / "voice.wav", "ref_text": f"{TEXT} I am well, thank you."}
        edited, cloned = edit(exact, {"wave": wave}), exact.generate("Good day.", **clone)
    half = Nanospeech.from_pretrained()
    assert alike(edit(half, {"wave": wave}), edited) > 0.99
    assert alike(half.generate("Good day.", **clone), cloned) > 0.98


@pytest.mark.slow
@pytest.mark.parametrize("bits", [4, 8])
def test_quantized_weights_on_a_gpu(bits, gpu, tmp_path, monkeypatch):
    from convert.quantize import quantize_folder
    from nanospeech_mlx import Nanospeech

    folder = quantize_folder(write_checkpoint(tmp_path / "tiny"), bits, 32, tmp_path / "quantized")
    with monkeypatch.context() as on_cpu:
        on_cpu.setattr(gpu, "_pretended", False)
        reference = Nanospeech.from_pretrained(folder).generate("Hello.", seed=4)
    half = Nanospeech.from_pretrained(folder)
    assert half.transformer.transformer_blocks[0].attn.to_qkv.scales.dtype == mx.float16
    assert alike(half.generate("Hello.", seed=4), reference) > 0.98


def test_flags_override_the_device(gpu, tmp_path):
    from nanospeech_mlx import Nanospeech

    folder = write_checkpoint(tmp_path / "tiny")
    plain = Nanospeech.from_pretrained(folder, compile=False, precision="float32")
    assert plain.transformer.proj_out.weight.dtype == mx.float32
    assert plain.compiled is False and plain.get_compiled_step() is None
    plain.generate("Hello.")
    assert not plain.compiled_parts._functions


def test_durations_and_wave_are_read_and_nothing_is_freed(gpu, tmp_path):
    from nanospeech_mlx import Nanospeech

    model = Nanospeech.from_pretrained(write_checkpoint(tmp_path / "tiny"))
    for options in ({}, {"cfg": 2.0}, {"sampler": "ode", "steps": 3}):
        counted = {"clear_cache": (mx, "clear_cache"), "array": (type(model), "array")}
        with count_calls(counted) as counts:
            model.generate("Hello.", **options)
        assert {name: count.calls for name, count in counts.items()} == {"clear_cache": 0, "array": 2}


def test_the_cache_is_limited_on_a_gpu_only(gpu, tmp_path, monkeypatch):
    from nanospeech_mlx.device import defaults

    mx.set_cache_limit(10**9)
    defaults.limit_cache()
    assert mx.set_cache_limit(1000) == defaults.GPU.cache_limit
    defaults.limit_cache()
    assert mx.set_cache_limit(10**9) == 1000  # the user's own
    monkeypatch.setattr(gpu, "_pretended", False)
    defaults.limit_cache()
    assert mx.set_cache_limit(10**9) == 10**9


@pytest.mark.slow
def test_few_shapes_are_compiled_for_many_lengths(gpu):
    from nanospeech_mlx import Nanospeech

    words = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()
    model = Nanospeech.from_pretrained(precision="float32")
    lengths = {len(model.generate(" ".join(words[:count]) + ".")) for count in range(1, 15)}
    parts = {name: function.misses for name, (_, function) in model.compiled_parts._functions.items()}
    counts = {"iteration": model.get_compiled_step().misses, **parts}
    assert len(lengths) == 14
    assert counts["iteration"] <= 12 and max(parts.values()) <= 6, counts
