"""What MLX compiles, and when: nothing on a CPU, and on a GPU not before the second sentence."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from backends import relative_error
from checkpoints import write_checkpoint

pytest.importorskip("mlx.core")

ROOT = Path(__file__).parents[3]
SENTENCES = """
import json, sys
import mlx.core as mx
mx.set_default_device(mx.cpu)  # a Mac would use its GPU
from nanospeech_mlx import Nanospeech

tts = Nanospeech.from_pretrained()
calls = lambda: len(open(sys.argv[1]).readlines())
for text, own in [
    ("Hello there.", {}),
    ("你好，世界！", {}),
    ("A longer one, of another shape and in another voice.", {"voice": "emma"}),
    ("Hello there.", {"stream": True}),
    ("Hello there.", {"cfg": 2.0, "order": "random"}),
    ("Hello there.", {"sampler": "ode"}),
    ("Hello there.", {"refine": 0.3}),
]:
    tts.generate(text, **own)
dict(tts.generate_batch(["One text.", "And another, longer text."]))
wave = tts.generate("Hello there.")
tts.edit(wave, "Hello there.", "Hello here.")
print(calls())
"""


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """The file to which g++ and its like, now found first, add a line for each time they are called."""
    log, folder = tmp_path / "calls", tmp_path / "bin"
    log.touch()
    folder.mkdir()
    for name in ("g++", "c++", "gcc", "cc", "clang++", "clang"):
        real = shutil.which(name)
        run = f'exec {real} "$@"' if real else "exit 127"
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> {log}\n{run}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return log


@pytest.mark.slow
def test_no_compiler_is_called_on_a_cpu(compiler):
    """In a fresh process with an empty cache: in no language, on no shape, by no sampler."""
    done = subprocess.run(
        [sys.executable, "-c", SENTENCES, compiler],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
    assert not list(compiler.parent.joinpath("tmp").rglob("*.so"))


@pytest.mark.slow
def test_the_count_would_see_one(compiler):
    """That the test above can fail."""
    code = "import mlx.core as mx; mx.set_default_device(mx.cpu); "
    code += "mx.eval(mx.compile(lambda x: mx.exp(x) * 2 + 1)(mx.ones(3)))"
    if shutil.which("g++") is None or "not found" in subprocess.getoutput("g++ --version"):
        pytest.skip("there is no g++ here")
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "g++" in compiler.read_text()


@pytest.fixture
def gpu(monkeypatch):
    """The CPU in a GPU's place, in a process that has not spoken yet."""
    from nanospeech_mlx.device import kernels

    monkeypatch.setattr(kernels, "on_gpu", lambda: True)
    monkeypatch.setattr(kernels, "_compiled", type(kernels._compiled)())
    monkeypatch.setattr(kernels, "_sentences", 0)
    monkeypatch.setattr(kernels, "_compiler", None)
    return kernels


@pytest.mark.slow
def test_a_gpu_compiles_from_the_second_sentence_on(gpu, tmp_path, monkeypatch):
    import mlx.core as mx

    from nanospeech_mlx import Nanospeech

    compiled = []
    real = mx.compile

    def compile(function, **options):
        once = real(function, **options)
        return lambda *arrays: compiled.append(function.__name__) or once(*arrays)

    folder = write_checkpoint(tmp_path / "tiny")
    monkeypatch.setattr(mx, "compile", compile)
    scale = gpu.fused(lambda x: 2 * x + 1)  # as the networks' own: they were made before
    monkeypatch.setattr(gpu, "_run_all", lambda model: scale(mx.ones(2)))
    tts = Nanospeech.from_pretrained(folder, compile=False)
    tts.generate("Hello.")
    assert gpu._compiler is None and scale(mx.ones(2)).tolist() == [3, 3] and not compiled
    tts.generate("Hello.")
    gpu._compiler.join()
    assert compiled == ["<lambda>"] and gpu._compiled.is_set()
    assert scale(mx.ones(2)).tolist() == [3, 3] and len(compiled) == 2
    first = gpu._compiler
    tts.generate("Hello.")
    assert gpu._compiler is first  # once a process


def test_while_kernels_are_compiled_sentences_are_not(gpu, tmp_path, monkeypatch):
    """Compiling begins when the model is loaded, and the first sentences do not wait for it."""
    from nanospeech_mlx import Nanospeech

    ready = threading.Event()
    monkeypatch.setattr(gpu, "_run_all", lambda model: ready.wait(60))
    tts = Nanospeech.from_pretrained(write_checkpoint(tmp_path / "tiny"))
    assert gpu._compiler.is_alive() and tts.generate("Hello.").size
    assert tts.get_compiled_step() is None and not tts.compiled_parts._functions
    ready.set()
    gpu._compiler.join()
    assert tts.get_compiled_step() is not None


def test_the_speech_is_the_same_before_and_after(gpu, tmp_path):
    from nanospeech_mlx import Nanospeech

    tts = Nanospeech.from_pretrained(write_checkpoint(tmp_path / "tiny"), compile=False, precision="float32")
    before = tts.generate("Hello there.", seed=3)
    thread = gpu.compile_in_background(tts)
    thread.join()
    assert gpu._compiled.is_set()
    after = tts.generate("Hello there.", seed=3)
    assert relative_error(after, before) < 1e-5


def test_a_failing_compiler_gives_a_warning_and_is_ignored(gpu, tmp_path, monkeypatch, recwarn):
    from nanospeech_mlx import Nanospeech

    def fails(model):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(gpu, "_run_all", fails)
    tts = Nanospeech.from_pretrained(write_checkpoint(tmp_path / "tiny"), compile=False)
    gpu.compile_in_background(tts).join()
    assert any("no compiler" in str(warning.message) for warning in recwarn)
    assert np.isfinite(tts.generate("Hello.")).all() and not gpu._compiled.is_set()


def test_on_a_cpu_compile_warns_that_it_does_nothing(tmp_path):
    from nanospeech_mlx import Nanospeech

    folder = write_checkpoint(tmp_path / "tiny")
    with pytest.warns(UserWarning, match="for a GPU only"):
        tts = Nanospeech.from_pretrained(folder, compile=True)
    assert tts.compiled is False and tts.generate("Hello.").size
