"""Speaking in a thread of its own, as servers and windows do; loading in one and speaking in others."""

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint

ROOT = Path(__file__).parents[3]
SPEAKS = """
import threading
from nanospeech_{name} import Nanospeech

tts, waves = Nanospeech.from_pretrained(), []
for _ in range(2):
    thread = threading.Thread(target=lambda: waves.append(tts.generate("Hello.", use_diffusion=True)))
    thread.start()
    thread.join()
print(len(waves), (waves[0] == waves[1]).all())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_process_that_spoke_in_threads_ends_well(name):
    Backend(name)
    for _ in range(3):  # without `free_streams_at_thread_end` MLX 0.32 aborts in most of the runs
        command = [sys.executable, "-c", SPEAKS.format(name=name)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            env=os.environ,
        )
        assert (done.returncode, done.stdout) == (0, "2 True\n"), done.stderr


# On a GPU compiled functions are used. The process ends while the thread does.
COMPILES = """
import threading
import mlx.core as mx
from nanospeech_mlx.device import threads
compiled = mx.compile(lambda x: mx.exp(x) * 2 + 1)
def use():
    threads.keep(compiled(mx.ones(3)))
    mx.random.normal((2,))
for _ in range(3):
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
"""


@pytest.mark.slow
def test_a_process_that_compiled_in_threads_ends_well():
    pytest.importorskip("mlx.core")
    for _ in range(3):  # without `free_streams_at_thread_end` it aborts in most of the runs
        done = subprocess.run([sys.executable, "-c", COMPILES], cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def in_new_thread(function: Callable[[], Any]) -> Any:
    """The result of a function in a thread that has ended."""
    results: list = []

    def run() -> None:
        try:
            results.append(function())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(120)
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    pytest.importorskip("mlx.core")
    return write_checkpoint(tmp_path_factory.mktemp("model") / "tiny", config=tiny_config())


def test_every_use_in_a_thread_frees_its_streams(folder, monkeypatch):
    """Once a thread, whatever the thread does first."""
    import mlx.core as mx

    from nanospeech_mlx import Nanospeech

    embedded = Nanospeech.from_pretrained()
    tts = Nanospeech.from_pretrained(folder)
    wave = np.random.default_rng(0).standard_normal(24_000).astype(np.float32) / 20
    chunks = tts.stream("Hello there, how are you today?", sampler="masked", num_iter=4)
    next(chunks)
    uses: dict[str, Callable[[], Any]] = {
        "load": lambda: Nanospeech.from_pretrained(folder),
        "config": lambda: Nanospeech.from_config(tts.config),
        "precision": lambda: tts.set_precision("float32"),
        "chunk": lambda: next(chunks),
        "align": lambda: embedded.aligner.align(np.zeros((40, 100), np.float32), np.arange(1, 5)),
        "generate": lambda: tts.generate("Hello.", sampler="ode", steps=1),
        "decode": lambda: tts.decode(np.zeros((8, 100), np.float32)),
        "edit": lambda: tts.edit(wave, "Hello there.", "Hello you.", sampler="ode", steps=1),
    }
    real, cleared = mx.clear_streams, []
    monkeypatch.setattr(mx, "clear_streams", lambda: cleared.append(threading.get_ident()) or real())
    for name, use in uses.items():
        before = len(cleared)
        in_new_thread(use)
        assert len(cleared) == before + 1, name
    assert threading.get_ident() not in cleared


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", ["float16", "bfloat16", "4 bits", "8 bits", "compiled", "set to float16 in a thread"]
)
def test_what_one_thread_loads_others_use(folder, tmp_path, monkeypatch, how):
    from nanospeech_mlx import Nanospeech
    from nanospeech_mlx.device import kernels

    source, options = folder, {"sampler": "masked", "num_iter": 2, "diffusion_steps": 2}
    if how.endswith("bits"):
        from convert.quantize import quantize_folder

        source = quantize_folder(folder, int(how[0]), 32, tmp_path / "quantized")
    if how == "compiled":  # by MLX for a GPU only: the CPU has to pass for one
        monkeypatch.setattr(kernels, "on_gpu", lambda: True)

    def load() -> Nanospeech:
        precision = how if how.endswith("float16") else "float32"
        return Nanospeech.from_pretrained(source, compile=how == "compiled", precision=precision)

    def work(tts: Nanospeech) -> list[np.ndarray]:
        wave = np.random.default_rng(0).standard_normal(24_000).astype(np.float32) / 20
        return [
            tts.generate("Hello there.", **options),
            np.concatenate(list(tts.stream("Hello there.", **options))),
            *[wave for _, wave in tts.generate_batch(["Hello there.", "You."], **options)],
            tts.edit(wave, "Hello there.", "Hello you.", **options),
        ]

    here = load()
    if how.startswith("set"):
        here.set_precision("float16")
    expected = work(here)
    tts = in_new_thread(load)
    if how.startswith("set"):
        in_new_thread(lambda: tts.set_precision("float16"))
    for _ in range(3):
        assert all(map(np.array_equal, in_new_thread(lambda: work(tts)), expected))
    assert all(map(np.array_equal, work(tts), expected))


@pytest.mark.slow
@pytest.mark.skipif(not all(map(importlib.util.find_spec, ("mlx", "mlx_lm"))), reason="needs mlx-lm")
def test_a_conversation_may_change_threads(tmp_path):
    """Loaded in one, each answer in another."""
    from language_models import write_random_llm

    from nanospeech_mlx.chat.language_model import LanguageModel

    name = str(write_random_llm(tmp_path / "llm"))
    settings = {"temperature": 0.0, "max_tokens": 20}
    questions = ["Hello there.", "And you?", "Why?"]
    here = LanguageModel.from_pretrained(name, **settings)
    expected = ["".join(here.answer(question)) for question in questions]
    model = in_new_thread(lambda: LanguageModel.from_pretrained(name, **settings))
    answers = [in_new_thread(lambda asked=asked: "".join(model.answer(asked))) for asked in questions]
    assert answers == expected and any(answers)
