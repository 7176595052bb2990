"""Small functions as one kernel each on a GPU, compiled in the background.

MLX compiles such a kernel at run time, when it is first used. So that the first sound does not wait for that,
the first sentence of a process uses the kernels that come with MLX, one for each operation. Meanwhile all
functions are compiled in a thread, from the loading of a model on (with compile=False from the second
sentence on); they are used when they are ready. On a CPU nothing is compiled: MLX's compiler is g++ there,
which takes a second for a kernel that is no faster (docs/performance.md).
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import mlx.core as mx
import numpy as np

from nanospeech_core.config import ModelConfig
from nanospeech_core.sampling.prompt import Prompt

Compiled = TypeVar("Compiled")

_compiled = threading.Event()  # in this process
_thread = threading.local()  # .compiles: this thread compiles
_lock = threading.Lock()
_sentences = 0
_pretended = False
_compiler: threading.Thread | None = None


class Model(Protocol):
    """What `compile_in_background` runs: `Nanospeech`, which is in a higher layer."""

    config: ModelConfig

    @property
    def diffusion_module(self) -> object: ...

    @property
    def vocoder(self) -> object: ...

    def sample(self, prompt: Prompt, **options: Any) -> np.ndarray: ...

    def infill_durations(self, ids: np.ndarray, frames: np.ndarray, known: np.ndarray) -> np.ndarray: ...

    def decode(self, mel: np.ndarray) -> np.ndarray: ...


def on_gpu() -> bool:
    """Whether new arrays are made on a GPU."""
    return _pretended or mx.default_device() == mx.gpu


def pretend_gpu() -> None:
    """From now on, compute everything as on a GPU, on whatever device: for measurements and tests."""
    global _pretended
    _pretended = True
    _compiled.set()


def use_compiled(compiled: bool | None) -> bool:
    """Whether to use compiled functions: as told, or if None, on a GPU as soon as their kernels are ready."""
    if compiled is not None:
        return compiled
    return on_gpu() and (_compiled.is_set() or getattr(_thread, "compiles", False))


class CompiledParts:
    """The compiled functions of a model's networks, each made at its first use; a copy is empty."""

    def __init__(self) -> None:
        self._functions: dict[str, tuple[object, Any]] = {}

    def __deepcopy__(self, _: dict) -> CompiledParts:
        return CompiledParts()

    def get(
        self, name: str, compile: Callable[[Any], Compiled], network: Any, compiled: bool | None
    ) -> Compiled | None:
        """compile(network), the same each time; None: `use_compiled` says no."""
        if not use_compiled(compiled):
            return None
        found = self._functions.get(name)
        if found is None or found[0] is not network:
            found = self._functions[name] = network, compile(network)
        return found[1]


def fused(function: Callable[..., mx.array]) -> Callable[..., mx.array]:
    """An elementwise function of arrays as one kernel on a GPU, once it is compiled."""
    compiled = mx.compile(function, shapeless=True)

    @functools.wraps(function)
    def call(*arrays: mx.array) -> mx.array:
        ready = _compiled.is_set() or getattr(_thread, "compiles", False)
        return (compiled if ready and on_gpu() else function)(*arrays)

    return call


def compile_from_second_sentence(model: Model) -> None:
    """Start `compile_in_background` at the second call. Call it at the beginning of each sentence."""
    global _sentences
    _sentences += 1
    if _sentences > 1 and not getattr(_thread, "compiles", False):
        compile_in_background(model)


def compile_in_background(model: Model) -> threading.Thread | None:
    """Start to compile all kernels, for the types that the model computes in; once a process.

    Returns:
        the thread, for callers that wait for it (a benchmark); None on a CPU.
    """
    global _compiler
    if not on_gpu() or _compiled.is_set():
        return _compiler
    with _lock:
        if _compiler is None:
            # Not a daemon: the process waits for it at exit, as MLX must not end while a thread uses it.
            _compiler = threading.Thread(target=_compile, args=(model,), name="kernels")
            _compiler.start()
        return _compiler


def _compile(model: Model) -> None:
    _thread.compiles = True
    try:
        _run_all(model)
    except Exception as error:  # speech works without
        warnings.warn(f"MLX could not compile its kernels and works without them: {error}", stacklevel=1)
    else:
        _compiled.set()


def _run_all(model: Model) -> None:
    """Run each network once: a kernel depends on the types of its arrays, not on their lengths."""
    shape, tokens = model.config.transformer, 16
    visible = np.arange(tokens) < tokens // 2
    cond = np.zeros((tokens, shape.patch * shape.mel_dim), np.float32)
    prompt = Prompt(cond, visible, np.zeros(tokens * shape.patch, np.int64))
    if model.diffusion_module is not None:
        model.sample(prompt, sampler="masked")
    model.sample(prompt, sampler="ode", steps=1)
    frames = np.ones(tokens, np.int64)
    model.infill_durations(np.zeros(tokens, np.int64), frames, visible)
    if model.vocoder is not None:
        model.decode(np.zeros((tokens, shape.mel_dim), np.float32))
