"""What the networks compute on this device: the golden values, and a sentence in each precision."""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..checkpoints.folder import PRETRAINED, load_folder
from ..checkpoints.quantization import quantize_all
from ..config import ModelConfig, QuantizationConfig
from ..pipeline import Pipeline
from ..speech.speech import Speech
from . import golden
from .finding import NOTE, OK, WRONG, Finding, worst

EXACT, FAST = 1e-4, 0.02  # relative errors of float32: of a CPU; of a GPU's TF32 and fast math
# About ten times what PyTorch and MLX give on a CPU; the log-mel of another seed is off by 0.1.
BOUNDS = {"float32": FAST, "float16": 0.01, "bfloat16": 0.05, "8-bit": 0.05}
MEL_BOUNDS = {"float32": 0.02, "float16": 0.02, "bfloat16": 0.05, "8-bit": 0.05}  # nats, mean difference
SILENCE = 0.005  # root mean square; speech has 0.05
LONG = 1.0  # seconds: a sentence that takes longer is generated once, not twice
QUANTIZED = "8-bit"


@dataclass(frozen=True)
class DoctorBackend:
    """What a backend provides to these checks: `doctor.checks.backend()` of its package."""

    # (float32, float16, bfloat16 or `QUANTIZED`) -> the embedded model, its weights evaluated
    load: Callable[[str], Pipeline]
    exact: Callable[[], bool]  # whether float32 products have float32 precision: on a CPU
    # (precision) -> why this device cannot compute in it; "" if it can
    lacks: Callable[[str], str]
    exact_advice: str  # how to get exact float32 products on a GPU


def find_backend(name: str) -> DoctorBackend:
    """The backend of `BACKENDS` with this name."""
    return importlib.import_module(f"nanospeech_{name}.doctor.checks").backend()


def quantized_checkpoint() -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """The embedded model's config and tensors with weights of 8 bits, for MLX."""
    config, tensors = load_folder(PRETRAINED, "mlx")
    quantization = QuantizationConfig(bits=8)
    parts = ("vocoder.", "aligner.")  # have files of their own, which `convert quantize` leaves as they are
    own = {name: tensor for name, tensor in tensors.items() if not name.startswith(parts)}
    return replace(config, quantization=quantization), tensors | quantize_all(own, quantization)


def check_golden(name: str) -> Finding:
    """Run every network in float32 on fixed inputs, and compare with the golden values."""
    backend = find_backend(name)
    model = backend.load("float32")
    errors = network_errors(model, golden.NETWORKS | golden.MORE_NETWORKS)
    bound = EXACT if backend.exact() else FAST
    values = {"errors": errors, "bound": bound}
    text = f"largest errors: {list_errors(errors)}"
    # A value that is not a number fails too: its error is infinite.
    wrong = [key for key, error in errors.items() if error > (FAST if key in golden.ROUNDED else bound)]
    if wrong:
        advice = "speech may be wrong on this device: report this, with the output of --json"
        text += f"; at most {bound:g} is expected of {', '.join(wrong).replace('_', ' ')}"
        return Finding(WRONG, text, advice, values)
    if any(error > EXACT for key, error in errors.items() if key not in golden.ROUNDED):
        return Finding(NOTE, f"{text}: a GPU's fast math", backend.exact_advice, values)
    return Finding(OK, text, "", values)


def network_errors(model: Pipeline, networks: Mapping[str, Callable[[Any], np.ndarray]]) -> dict[str, float]:
    """The relative error of each network."""
    expected, _ = golden.read()
    return {
        name: golden.relative_error(golden.keep(network(model)), expected[name])
        for name, network in networks.items()
    }


def list_errors(errors: Mapping[str, float]) -> str:
    """Errors in a line: "transformer 2e-06, head 1e-06"."""
    return ", ".join(f"{name.replace('_', ' ')} {error:.0e}" for name, error in errors.items())


def check_precision(name: str, precision: str) -> Finding:
    """Speak a sentence in a precision: how fast, and how near to the golden one; and the networks' errors."""
    backend = find_backend(name)
    if reason := backend.lacks(precision):
        return Finding(NOTE, f"not checked: {reason}", "use --precision float32", {"usable": False})
    started = time.perf_counter()
    model = backend.load(precision)
    loading = time.perf_counter() - started
    times, speech = time_sentence(model)
    errors = network_errors(model, golden.NETWORKS)
    values: dict[str, Any] = {"usable": True, "load": loading, **times, "errors": errors}
    findings = [
        judge_speech(speech, precision),
        judge_errors(errors, precision),
        judge_speed(times, precision),
    ]
    status = worst([finding.status for finding in findings])
    for finding in findings:
        values |= finding.values
    text = (
        f"real-time factor {times['real_time_factor']:.2f}, first sound after {times['first_sound']:.2f} s"
        + "".join(f"; {finding.text}" for finding in findings if finding.text)
    )
    advice = next((finding.advice for finding in findings if finding.status == status), "")
    return Finding(status, text, advice, values)


def time_sentence(model: Pipeline) -> tuple[dict[str, float], list[Speech]]:
    """Speak the sentence, and stream it to its first sound.

    Returns:
        `cold`, the first run, and `elapsed`, the second, in seconds (the same where the first one is long);
        `real_time_factor` of the latter; `first_sound` of a stream; and the speech of the last run.
    """
    times: dict[str, float] = {}
    expected, _ = golden.read()
    with golden.fixed_durations(model, expected["frames"]):
        for key in ("cold", "elapsed"):
            started = time.perf_counter()
            speech = list(model.speak(golden.SENTENCE, **golden.OPTIONS))
            times[key] = time.perf_counter() - started
            if times["cold"] > LONG:
                break
    times["elapsed"] = times.get("elapsed", times["cold"])
    seconds = sum(len(part.wave) for part in speech) / model.sample_rate
    times["real_time_factor"] = times["elapsed"] / seconds
    started = time.perf_counter()
    chunks = model.speak(golden.SENTENCE, **golden.OPTIONS, stream=True)
    with closing(chunks):  # type: ignore[type-var]  # a generator
        next(chunks)
        times["first_sound"] = time.perf_counter() - started
    return times, speech


def judge_speech(speech: list[Speech], precision: str) -> Finding:
    """Whether it is the golden sentence, by its log-mel."""
    wave = np.concatenate([part.wave for part in speech])
    level = float(np.sqrt(np.square(wave, dtype=np.float64).mean()))
    values: dict[str, Any] = {"level": level, "mel_difference": None, "mel_bound": MEL_BOUNDS[precision]}
    advice = f"do not speak in {precision} on this device, and report this, with the output of --json"
    if not math.isfinite(level):
        return Finding(WRONG, "the sound has values that are not numbers", advice, values | {"level": None})
    if level < SILENCE:
        return Finding(WRONG, "the sound is silence", advice, values)
    expected, phonemes = golden.read()
    if (read := "".join(phone.text for part in speech for phone in part.phones)) != phonemes:
        text = f"espeak-ng reads the sentence otherwise ({read} for {phonemes}), so the sound is not compared"
        return Finding(NOTE, text, "pip install --force-reinstall espeakng-loader", values)
    mel = golden.coarse_mel(wave)
    if mel.shape != expected["mel"].shape:
        seconds = len(wave) / speech[0].sample_rate
        return Finding(WRONG, f"the sentence lasts {seconds:.2f} s, otherwise than it should", advice, values)
    values["mel_difference"] = float(np.abs(mel - expected["mel"]).mean())
    text = f"log-mel off by {values['mel_difference']:.4f}"
    if values["mel_difference"] > MEL_BOUNDS[precision]:
        return Finding(WRONG, f"{text}; at most {MEL_BOUNDS[precision]:g} is expected", advice, values)
    return Finding(OK, text, "", values)


def judge_errors(errors: Mapping[str, float], precision: str) -> Finding:
    """Whether the networks' errors are within the bound of the precision."""
    values = {"error_bound": BOUNDS[precision]}
    name, largest = max(errors.items(), key=lambda item: item[1])
    if largest <= BOUNDS[precision]:
        return Finding(OK, "", "", values)
    text = f"error of the {name.replace('_', ' ')} {largest:.0e}; at most {BOUNDS[precision]:g} is expected"
    return Finding(WRONG, text, f"use another precision than {precision}, and report this", values)


def judge_speed(times: Mapping[str, float], precision: str) -> Finding:
    """Whether speech is generated faster than it is played."""
    if times["real_time_factor"] < 1:
        return Finding(OK, "")
    if precision == "float32":
        advice = "it cannot be played without gaps: close other programs, or write a file with --output"
    else:
        advice = "--precision float32 is fastest on a CPU"
    return Finding(NOTE, "slower than it is played", advice)
