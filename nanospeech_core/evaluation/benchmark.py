"""Measure how fast a model speaks, and how much work a sentence is."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from ..errors import UserError
from ..pipeline import Pipeline
from ..sampling.options import GenerateOptions
from ..system.files import check_writable, replacing
from ..text.checks import check_text
from .counting import Targets, count_calls
from .environment import environment
from .peers import comparison
from .peers.peer import PeerFiles
from .settings import Setting, settings_for

TEXTS = {
    "short": "Good morning, how are you?",
    "sentence": "The last train to the coast leaves at a quarter past nine, so there is time for some tea.",
    "paragraph": "When the rain had stopped, we walked down to the harbour. A grey boat lay beside the wall, "
    "and an old man was mending a net on its deck. He told us that the storm had broken two of his masts, "
    "but that his crew had come home safely. We bought some fish from him, and he wished us a good evening.",
}
DEFAULT_SETTINGS = ("masked", "masked:stream=true", "masked:num_iter=8", "ode", "ode:method=rk4")
BUSY = 0.5  # load average per CPU


@dataclass(frozen=True)
class BenchmarkBackend:
    """What a backend provides to a benchmark."""

    import_backend: Callable[[], object]
    # (a checkpoint or None, one of PRECISIONS, whether to compile or None) -> the backend's Nanospeech
    load: Callable[[str | None, str, bool | None], Any]
    call_targets: Callable[[], Targets]
    reset_peak_memory: Callable[[], None]
    peak_memory: Callable[[], int | None]  # bytes since the reset; None: the backend does not say
    device_info: Callable[[], dict]  # entries of the report
    default_precision: Callable[[], str] = lambda: "float32"  # of the device


@dataclass(frozen=True)
class BenchmarkConfig:
    """What to measure."""

    texts: Mapping[str, str]  # by a name for the table
    settings: tuple[Setting, ...]
    default_settings: bool  # the user named none: those that the model does not support are left out
    precisions: tuple[str, ...] = ()  # none: the device's default
    checkpoint: str | None = None  # None: the embedded model
    voice: str | None = None  # None: the model's first
    compile: bool | None = None  # None: as the device needs it
    against: tuple[str, ...] = ()  # names of `PEERS`; then nothing but the comparison is measured
    peer_files: PeerFiles = PeerFiles()
    runs: int = 5  # that are timed
    json: str | None = None  # the report's file


def benchmark(backend: BenchmarkBackend, config: BenchmarkConfig, quiet: bool = False) -> dict:
    """Run a benchmark. All input is checked before the backend is imported.

    Args:
        backend: the backend to measure.
        config: what to measure.
        quiet: show no progress bar.
    Returns:
        the report, as `config.json` gets it; for `tables.benchmark_table`, and with `against`, when it has a
        "comparison" instead of "results", for `comparison.comparison_table`.
    Raises:
        UserError: bad input, a peer that is not installed, or a text that cannot be spoken.
    """
    if config.json:
        check_writable(config.json)
    for text in config.texts.values():
        check_text(text, "--text")
    load_average = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    if load_average is not None and load_average > BUSY * (os.cpu_count() or 1):
        warnings.warn(
            f"the machine is busy (load average {load_average:.1f}): the times are not reliable", stacklevel=2
        )
    peers = comparison.load_peers(config.against, config.peer_files)
    started = time.perf_counter()
    backend.import_backend()
    report: dict[str, Any] = {
        "model": config.checkpoint or "embedded",
        **environment(),
        "load_average": load_average,
        "threads": {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")},
        "runs": config.runs,
        "compile": config.compile,
        "texts": dict(config.texts),
        "import": time.perf_counter() - started,
        **backend.device_info(),
        "loads": [],
        "results": [],
    }
    for precision in config.precisions or (backend.default_precision(),):
        times = []
        for _ in range(config.runs + 1):
            pipeline = None  # frees the previous one
            started = time.perf_counter()
            pipeline = backend.load(config.checkpoint, precision, config.compile)
            times.append(time.perf_counter() - started)
        assert pipeline is not None
        report["compile"] = pipeline.compiled
        quantization = pipeline.config.quantization
        report["quantization"] = quantization and asdict(quantization)
        report["loads"].append({"precision": precision, "load": median(times[1:]), "runs": times[1:]})
        if config.against:
            options = replace(config.settings[0].options, voice=config.voice)
            ours = comparison.own_systems(pipeline, report["backend"], options)
            systems = [*ours, *((peer, False) for peer in peers)]
            sentences = list(config.texts.values())
            report["comparison"] = comparison.compare(systems, sentences, config.runs, quiet)
        else:
            report["results"] += measure(backend, pipeline, config, precision, quiet)
    report["process_peak_memory"] = _process_peak_memory()
    if config.json:
        with replacing(config.json) as path:
            path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return report


def measure(
    backend: BenchmarkBackend, pipeline: Any, config: BenchmarkConfig, precision: str, quiet: bool
) -> list[dict]:
    """Measure every text with every setting: first the calls, in an untimed second run, then the times.

    If it is compiled, an extra run comes in between. The time that it takes beyond the median counts as
    the time of compiling; the new and the repeated shapes in it are counted.

    Each timed round runs all texts and settings, so that a temporary slowdown of the machine affects all of
    them alike.

    Args:
        backend: the backend of the model.
        pipeline: the backend's Nanospeech.
        config: what to measure.
        precision: the model's.
        quiet: show no progress bar.
    Returns:
        a result per text and setting.
    """
    from tqdm import tqdm

    settings = settings_for(pipeline.config, config.settings, config.default_settings)
    cases = [
        (name, setting, replace(setting.options, voice=config.voice))
        for name in config.texts
        for setting in settings
    ]
    results: list[dict[str, Any]] = []
    total, disable = len(cases) * (config.runs + 1), quiet or None  # None: shown on a terminal only
    with tqdm(total=total, leave=False, file=sys.stderr, disable=disable) as bar:
        for name, setting, options in cases:
            compiled, pipeline.compiled = pipeline.compiled, False  # calls in compiled code are not counted
            time_speech(pipeline, config.texts[name], options)  # what is computed once per model
            own = pipeline.references.get(
                pipeline.folder, options, config.texts[name], pipeline.config, pipeline.aligner
            )[0].num_iter
            with count_calls(backend.call_targets()) as counts:
                timing = time_speech(pipeline, config.texts[name], options)
            pipeline.compiled = compiled
            cold: dict[str, Any] = {"cold": None, "misses": None, "hits": None}
            if compiled and setting.needs_head:
                step = pipeline.get_compiled_step()
                misses, hits = step.misses, step.hits
                elapsed = time_speech(pipeline, config.texts[name], options)["elapsed"]
                cold = {"cold": elapsed, "misses": step.misses - misses, "hits": step.hits - hits}
            results.append(
                {
                    "text": name,
                    "precision": precision,
                    "setting": setting.name,
                    "options": setting.effective_options(pipeline.config.sampling, [own]),
                    "sentences": timing["sentences"],
                    "seconds": timing["seconds"],
                    "counts": {part: asdict(count) for part, count in counts.items()},
                    "peak_memory": None,
                    **cold,
                    "runs": {"first_sound": [], "elapsed": []},
                }
            )
            bar.update()
        for _ in range(config.runs):
            for (name, _, options), result in zip(cases, results, strict=True):
                backend.reset_peak_memory()
                timing = time_speech(pipeline, config.texts[name], options)
                peak = backend.peak_memory()
                if peak is not None:
                    result["peak_memory"] = max(peak, result["peak_memory"] or 0)
                for key, values in result["runs"].items():
                    values.append(timing[key])
                bar.update()
    for result in results:
        result |= {key: median(values) for key, values in result["runs"].items()}
        result["real_time_factor"] = result["elapsed"] / result["seconds"]
        result["compiling"] = None if result["cold"] is None else result["cold"] - result["elapsed"]
    return results


def time_speech(pipeline: Pipeline, text: str, options: GenerateOptions) -> dict[str, Any]:
    """Speak a text once, from text to samples.

    Returns:
        `first_sound` and `elapsed`, seconds since the start; `seconds` of speech; the number of `sentences`.
    Raises:
        UserError: the text gives no speech.
    """
    sentences = samples = 0
    first = None

    def progress(_: int, total: int) -> None:
        nonlocal sentences
        sentences = total

    started = time.perf_counter()
    for speech in pipeline.speak(text, progress=progress, **asdict(options)):
        first = time.perf_counter() - started if first is None else first
        samples += len(speech.wave)
    elapsed = time.perf_counter() - started
    if not samples:
        raise UserError(f"nothing was spoken for {text!r}")
    seconds = samples / pipeline.sample_rate
    return {"first_sound": first, "elapsed": elapsed, "seconds": seconds, "sentences": sentences}


def _process_peak_memory() -> int | None:
    """The maximum resident set size of this process, in bytes; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # macOS counts in bytes, Linux in kilobytes
