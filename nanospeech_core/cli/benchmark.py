"""`python -m nanospeech_{mlx,torch}.benchmark`: all of it but the backend, which is passed in."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median

from ..errors import UserError
from ..evaluation.counting import counting
from ..evaluation.dataset import Setting, parse_setting
from ..evaluation.tables import aligned, surroundings
from ..sampling.options import COMPILE_HELP, PRECISION_HELP, PRECISIONS, GenerateOptions
from ..system.encodings import argument
from ..system.files import check_writable, replacing
from ..text.checks import check_text
from . import output

DESCRIPTION = (
    "Speak texts of several lengths by several samplers, and tell how long it takes and how much work it is: "
    "time to load, to the first sound and to the end, real-time factor (time / duration of the speech), peak "
    "memory, and for each sentence the passes of the transformer and the evaluations of the diffusion head. "
    "All is done once without being timed, then --runs times in turn; what is told is the median."
)
TEXTS = {
    "short": "Good morning, how are you?",
    "sentence": "The last train to the coast leaves at a quarter past nine, so there is time for some tea.",
    "paragraph": "When the rain had stopped, we walked down to the harbour. A grey boat lay beside the wall, "
    "and an old man was mending a net on its deck. He told us that the storm had broken two of his masts, "
    "but that his crew had come home safely. We bought some fish from him, and he wished us a good evening.",
}
SETTINGS = ("masked", "masked:stream=true", "masked:num_iter=8", "ode", "ode:method=rk4")
# Title, key of a result, factor, digits behind the point.
COLUMNS = (
    ("speech, s", "seconds", 1, 1),
    ("first sound, ms", "first_sound", 1e3, 0),
    ("all, ms", "elapsed", 1e3, 0),
    ("real-time factor", "real_time_factor", 1, 3),
    ("peak, MB", "peak_memory", 1e-6, 0),
    ("compiling, ms", "compiling", 1e3, 0),
    ("shapes", "misses", 1, 0),
    ("hits", "hits", 1, 0),
)
COUNTS = (("passes", "transformer"), ("head evaluations", "diffusion_head"), ("mx.eval", "mx_eval"))


@dataclass(frozen=True)
class Backend:
    """What a framework does in its own way."""

    prepare: Callable[[], None]  # imports it
    # a checkpoint or None, one of PRECISIONS, whether masked decoding is compiled -> a `Nanospeech`
    load: Callable[[str | None, str, bool], object]
    counted: Callable[[], Mapping[str, tuple[object, str]]]  # of `counting`
    reset_peak_memory: Callable[[], None]
    peak_memory: Callable[[], int | None]  # bytes that the framework has held since; None: it cannot say
    facts: Callable[[], dict]  # its device and the like


def run(backend: Backend, argv: Sequence[str] | None, prog: str) -> int:
    """The command's body.

    Args:
        backend: the framework.
        argv: the arguments, without the program's name; None: those of the process.
        prog: the program's name in messages.
    Returns:
        the exit code of `output.guard`.
    Raises:
        SystemExit: 2 after a mistake in the arguments, 0 after --help and --version.
    """
    args = _parse(argv, prog)
    return output.guard(lambda: _benchmark(backend, args), prog, args.quiet)


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION, allow_abbrev=False)
    # fmt: off
    parser.add_argument("checkpoint", nargs="?", metavar="CKPT", help="folder, hub id, `embedded` (default)")
    parser.add_argument("--setting", action="append", metavar="SAMPLER[:KEY=VALUE,...]", help="`masked`, "
        f"`ode` or `refine`, with options of generate; repeatable (default: {', '.join(SETTINGS)})")
    parser.add_argument("--length", action="append", choices=list(TEXTS), help="which of its texts "
        "(English) it speaks; repeatable (default: all)")
    parser.add_argument("--text", type=argument, action="append", metavar="TEXT",
        help="a text in their place; repeatable")
    parser.add_argument("--voice", metavar="NAME", help="a voice of the model (default: its first)")
    parser.add_argument("--precision", action="append", choices=PRECISIONS, help=PRECISION_HELP +
        "; repeatable (default: float32)")
    parser.add_argument("--compile", action="store_true", help=f"{COMPILE_HELP}; the table tells how long")
    parser.add_argument("--runs", type=int, metavar="N", default=5, help="timed runs (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write all that is measured, run by run")
    parser.add_argument("--quiet", action="store_true", help="print the table and errors only")
    parser.add_argument("--version", action="version", version=f"nanospeech-mar {output.version()}")
    # fmt: on
    args = parser.parse_args(argv)
    try:
        args.settings = [parse_setting(text) for text in args.setting or SETTINGS]
        args.precisions = args.precision or ["float32"]
        lengths = args.length or list(TEXTS)
        for flag, values in (
            ("setting", [setting.folder for setting in args.settings]),
            ("precision", args.precisions),
            ("length", lengths),
        ):
            if len(set(values)) < len(values):
                raise UserError(f"a --{flag} is given twice")
        if args.text and args.length:
            raise UserError("--text and --length exclude each other")
        if not 1 <= args.runs <= 1000:
            raise UserError("--runs must be from 1 to 1000")
    except UserError as error:
        parser.error(str(error))
    args.texts = {name: TEXTS[name] for name in lengths}
    if args.text:
        args.texts = {f"text {number}": text for number, text in enumerate(args.text, 1)}
    return args


def _benchmark(backend: Backend, args: argparse.Namespace) -> None:
    if args.json:
        check_writable(args.json)
    for text in args.texts.values():
        check_text(text, "--text")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    if load is not None and load > 0.5 * (os.cpu_count() or 1):
        warnings.warn(f"the machine is busy (load average {load:.1f}): the times say little", stacklevel=2)
    started = time.perf_counter()
    backend.prepare()
    report = {
        "model": args.checkpoint or "embedded",
        **surroundings(),
        "load_average": load,
        "threads": {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")},
        "runs": args.runs,
        "compile": args.compile,
        "texts": args.texts,
        "import": time.perf_counter() - started,
        **backend.facts(),
        "loads": [],
        "results": [],
    }
    for precision in args.precisions:
        times = []
        for _ in range(args.runs + 1):
            speaker = None  # the one before is freed
            started = time.perf_counter()
            speaker = backend.load(args.checkpoint, precision, args.compile)
            times.append(time.perf_counter() - started)
        report["quantization"] = speaker.config.quantization and asdict(speaker.config.quantization)
        report["loads"].append({"precision": precision, "load": median(times[1:]), "runs": times[1:]})
        report["results"] += measure(backend, speaker, args, precision)
    report["process_peak_memory"] = _process_peak_memory()
    if args.json:
        with replacing(args.json) as path:
            path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    output.print_result(table(report))


def measure(backend: Backend, speaker, args: argparse.Namespace, precision: str) -> list[dict]:
    """Speak every text by every setting: counted and not timed, then timed in `args.runs` rounds.

    With `args.compile`, each is spoken once in between: what the first run takes longer than the median is
    called the time of compiling, and the shapes that it meets for the first time and again are counted.

    Rounds go through all of them, so that what slows the machine for a while slows them alike.
    """
    from tqdm import tqdm

    settings: list[Setting] = args.settings
    if speaker.diffusion_module is None:
        settings = [setting for setting in settings if not setting.needs_head]
        if args.setting and len(settings) < len(args.settings):
            raise UserError("this model has no diffusion head: it can be asked for ode settings only")
    options = [replace(setting.options, voice=args.voice) for setting in settings]
    cases = [(name, *setting) for name in args.texts for setting in zip(settings, options, strict=True)]
    results = []
    total, hidden = len(cases) * (args.runs + 1), args.quiet or None  # None: shown on a terminal only
    with tqdm(total=total, leave=False, file=sys.stderr, disable=hidden) as bar:
        for name, setting, own in cases:
            compiled, speaker.compiled = speaker.compiled, False  # inside what is compiled no calls are seen
            with counting(backend.counted()) as counts:
                spoken = speak(speaker, args.texts[name], own)
            speaker.compiled = compiled
            cold = {"cold": None, "misses": None, "hits": None}
            if compiled and setting.needs_head:
                step = speaker.get_compiled_step()
                misses, hits = step.misses, step.hits
                elapsed = speak(speaker, args.texts[name], own)["elapsed"]
                cold = {"cold": elapsed, "misses": step.misses - misses, "hits": step.hits - hits}
            results.append(
                {
                    "text": name,
                    "precision": precision,
                    "setting": setting.name,
                    "options": setting.used(speaker.config.sampling),
                    "sentences": spoken["sentences"],
                    "seconds": spoken["seconds"],
                    "counts": {part: asdict(count) for part, count in counts.items()},
                    "peak_memory": None,
                    **cold,
                    "runs": {"first_sound": [], "elapsed": []},
                }
            )
            bar.update()
        for _ in range(args.runs):
            for (name, _, own), result in zip(cases, results, strict=True):
                backend.reset_peak_memory()
                spoken = speak(speaker, args.texts[name], own)
                peak = backend.peak_memory()
                if peak is not None:
                    result["peak_memory"] = max(peak, result["peak_memory"] or 0)
                for key, values in result["runs"].items():
                    values.append(spoken[key])
                bar.update()
    for result in results:
        result |= {key: median(values) for key, values in result["runs"].items()}
        result["real_time_factor"] = result["elapsed"] / result["seconds"]
        result["compiling"] = None if result["cold"] is None else result["cold"] - result["elapsed"]
    return results


def speak(speaker, text: str, options: GenerateOptions) -> dict:
    """Speak once: `first_sound` and `elapsed`, seconds since the call; `seconds` of speech; `sentences`.

    From the text to samples: phonemes, the voice's recording, durations, all of it.
    """
    sentences = samples = 0
    first = None

    def progress(_: int, total: int) -> None:
        nonlocal sentences
        sentences = total

    started = time.perf_counter()
    for speech in speaker.speak(text, progress=progress, **asdict(options)):
        first = time.perf_counter() - started if first is None else first
        samples += len(speech.wave)
    elapsed = time.perf_counter() - started
    if not samples:
        raise UserError(f"nothing was spoken for {text!r}")
    seconds = samples / speaker.sample_rate
    return {"first_sound": first, "elapsed": elapsed, "seconds": seconds, "sentences": sentences}


def table(report: dict) -> str:
    """The machine, the times to load, and a line for each result; counts are for each sentence."""
    machine, results = report["machine"], report["results"]
    facts = [report["backend"], report["model"], report["device"], machine["processor"]]
    facts += [f"{machine['cpus']} CPUs", machine["system"]]
    framework = report["backend"].removeprefix("nanospeech_")
    facts += [f"{framework} {report['versions'].get(framework)}"]
    facts += [f"{name}={value}" for name, value in report["threads"].items()]
    loads = [f"{load['load']:.2f} s ({load['precision']})" for load in report["loads"]]
    columns = [column for column in COLUMNS if any(result[column[1]] is not None for result in results)]
    counts = [column for column in COUNTS if any(column[1] in result["counts"] for result in results)]
    lines = [["text", "setting", "precision", *(column[0] for column in (*columns, *counts))]]
    for result in results:
        cells = [result["text"], result["setting"], result["precision"]]
        cells += [
            "" if result[key] is None else f"{result[key] * factor:.{digits}f}"
            for _, key, factor, digits in columns
        ]
        cells += [_count(result["counts"][part], result["sentences"]) for _, part in counts]
        lines.append(cells)
    times = f"import {report['import']:.2f} s, load {', '.join(loads)}, medians of {report['runs']} runs"
    if report["process_peak_memory"] is not None:
        times += f"; the process held {report['process_peak_memory'] / 1e6:.0f} MB at most"
    return "\n".join((", ".join(facts), times, "", aligned(lines, left=3)))


def _count(count: dict, sentences: int) -> str:
    """Calls for each sentence; `x 2` where guidance makes them batches of two rows."""
    cell = f"{count['calls'] / sentences:.4g}"
    return cell + " x 2" if count["rows"] == 2 * count["calls"] > 0 else cell


def _process_peak_memory() -> int | None:
    """The most bytes that this process has held in memory (its maximum resident set); None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most  # macOS tells bytes, Linux kilobytes
