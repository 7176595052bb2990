"""Small functions as one kernel each on a GPU, compiled in the background.

MLX compiles such a kernel at run time, when it is first used. So that the first sound need not wait for that,
the first sentence of a process runs the operations of a function one by one, by kernels that MLX brings. When
the second begins, all are compiled in a thread of their own; they are used when they are ready. On a CPU,
MLX's compiler is g++, which takes a second for a kernel that is no faster than the operations one by one
(docs/performance.md): there nothing is compiled.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import mlx.core as mx
import numpy as np

from nanospeech_core.sampling.prompt import Prompt

if TYPE_CHECKING:
    from nanospeech_core.pipeline import Pipeline as Nanospeech

_compiled = threading.Event()  # in this process
_thread = threading.local()  # .compiles: it is the one that does
_lock = threading.Lock()
_sentences = 0
_compiler: threading.Thread | None = None


def on_gpu() -> bool:
    """New arrays are made on a GPU."""
    return mx.default_device() == mx.gpu


def fused(function: Callable[..., mx.array]) -> Callable[..., mx.array]:
    """A function of arrays, element by element, that is one kernel on a GPU once it is compiled."""
    compiled = mx.compile(function, shapeless=True)

    @functools.wraps(function)
    def call(*arrays: mx.array) -> mx.array:
        ready = _compiled.is_set() or getattr(_thread, "compiles", False)
        return (compiled if ready and on_gpu() else function)(*arrays)

    return call


def count_sentence(speaker: Nanospeech) -> None:
    """Called at the beginning of each sentence: at that of the second, `compile_all` begins."""
    global _sentences
    _sentences += 1
    if _sentences > 1 and not getattr(_thread, "compiles", False):
        compile_all(speaker)


def compile_all(speaker: Nanospeech) -> threading.Thread | None:
    """Have all kernels compiled in the background, once a process, of the types that a model computes in.

    Returns:
        the thread, to be waited for where that matters (a benchmark); None on a CPU.
    """
    global _compiler
    if not on_gpu():
        return None
    with _lock:
        if _compiler is None:
            # The end of the process waits for it: MLX must not be torn down under a thread that uses it.
            _compiler = threading.Thread(target=_compile, args=(speaker,), name="kernels")
            _compiler.start()
        return _compiler


def _compile(speaker: Nanospeech) -> None:
    _thread.compiles = True
    try:
        _use_all(speaker)
    except Exception as error:  # speech does not depend on it
        warnings.warn(f"MLX could not compile its kernels ({error}); it speaks without", stacklevel=1)
    else:
        _compiled.set()


def _use_all(speaker: Nanospeech) -> None:
    """Run each network once: a kernel depends on the types of its arrays, not on their lengths."""
    shape, tokens = speaker.config.transformer, 16
    visible = np.arange(tokens) < tokens // 2
    cond = np.zeros((tokens, shape.patch * shape.mel_dim), np.float32)
    prompt = Prompt(cond, visible, np.zeros(tokens * shape.patch, np.int64))
    if speaker.diffusion_module is not None:
        speaker.sample(prompt, sampler="masked")
    speaker.sample(prompt, sampler="ode", steps=1)
    frames = np.ones(tokens, np.int64)
    speaker.infill_durations(np.zeros(tokens, np.int64), frames, visible)
    if speaker.vocoder is not None:
        speaker.decode(np.zeros((tokens, shape.mel_dim), np.float32))
