"""python -m nanospeech_torch.training.speed CONFIG [section.key=value ...]

Measure how fast a config trains on this device, eager and compiled: steps per second, hours of audio per
hour, the share of the device's arithmetic that is used (MFU), and the operations that take the most time. It
trains on noise, so no data have to be prepared, and nothing is kept.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nanospeech_core.system.process import command, importing, note

PROG = "python -m nanospeech_torch.training.speed"

with importing(__name__, PROG):
    import argparse
    import io
    import itertools
    import json
    import os
    import tarfile
    import tempfile
    import time
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    import numpy as np

    from nanospeech_core.audio.mel import SAMPLE_RATE
    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.errors import UserError
    from nanospeech_core.evaluation.tables import align_columns
    from nanospeech_core.system.files import replacing
    from nanospeech_core.system.install import need

    from .data.corpus import DURATION_UNIT
    from .tasks import load_config, load_task

if TYPE_CHECKING:
    from .engine.engine import Engine

# Dense bfloat16 products of NVIDIA's data sheets, in 10^12 operations per second, by the device's name.
PEAKS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0}
LETTERS = "abdefhijklmnopstuvwz"
BATCHES = 4  # different ones, in turn
PROFILED = 3  # steps
TOP = 5  # operations


@command(PROG)
def main(argv: Sequence[str] | None, prog: str) -> int:
    """Measure how fast a config trains on this device."""
    parser = argparse.ArgumentParser(
        prog=prog, description=(__doc__ or "").split("\n\n")[1], allow_abbrev=False
    )
    parser.add_argument("config", help="a TOML, YAML or JSON file (see examples/); its data are not read")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="settings, as for `train`")
    parser.add_argument("--seconds", type=float, default=10.0, help="of timed steps, each way (default: 10)")
    parser.add_argument("--eager", action="store_true", help="do not measure the compiled step")
    parser.add_argument("--peak", type=float, metavar="TFLOPS", help="of the device, for the MFU "
        f"(default: what NVIDIA states for {', '.join(PEAKS)}; on others there is no MFU)")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--quiet", action="store_true", help="print no line for each stage")
    args = parser.parse_args(argv)
    for name in ("seconds", "peak"):
        value = getattr(args, name)
        if value is not None and not 0 < value < float("inf"):
            parser.error(f"--{name} must be more than 0")

    def report(stage: str) -> None:
        if not args.quiet:
            note(f"{prog}: {stage}")

    return guard(lambda: run(args, report), prog, quiet=False)


def run(args: argparse.Namespace, report: Callable[[str], None]) -> None:
    """Measure and print. report: called with each stage, before it begins."""
    report("loading PyTorch and the config")
    need(("torch", "accelerate"), "training", "train")
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # the profiler's own messages; read when torch is imported
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="nanospeech-speed-") as folder:
        overrides = [*args.overrides, *own_settings(args.config, args.overrides, Path(folder))]
        for compiled in (False,) if args.eager else (False, True):
            settings = [*overrides, f"engine.compile={str(compiled).lower()}"]
            settings.append(f"out={json.dumps(str(Path(folder) / f'compiled-{compiled}'))}")
            figures = measure(args.config, settings, args.seconds, report)
            results.append({"compiled": compiled, **figures})
    operations = results[0]["tflop_per_step"]
    for result in results:
        result["tflop_per_step"] = operations  # a compiled step computes the same
        peak = args.peak or next((v for name, v in PEAKS.items() if name in result["device"]), None)
        if peak is not None:
            result["mfu"] = operations * result["steps_per_s"] / peak
    print_result(describe(results))
    if args.json is not None:
        with replacing(args.json) as path:
            path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def own_settings(config_path: str, overrides: Sequence[str], folder: Path) -> list[str]:
    """Settings that replace the config's data by noise, and turn off what is not a training step."""
    config: Any = load_config(config_path, overrides)
    batch = config.data.batch_seconds if hasattr(config.data, "batch_seconds") else 60.0
    longest = min(12.0, getattr(config.data, "max_seconds", 12.0))
    write_noise(folder / "noise.tar", 1.2 * (BATCHES + 1) * batch, longest)
    data = "sources" if config.task == "vocoder" else "shards"
    held_out = "hold_out_every" if config.task == "vocoder" else "held_out"
    watch = ("validate_every", "validate_minutes", "sample_every", "sample_minutes")
    return [
        f"data.{data}={json.dumps([str(folder / 'noise.tar')])}",
        f"data.{held_out}=0",
        *(f"watch.{name}=0" for name in watch),
        'watch.asr=""',
        'watch.eval_texts=""',
        "watch.trackers=[]",
    ]


def write_noise(path: Path, seconds: float, longest: float) -> None:
    """A shard of noise with random phonemes, `seconds` of it; utterances of a third of `longest` and more."""
    import soundfile

    rng, total, number = np.random.default_rng(0), 0.0, 0
    with tarfile.open(path, "w") as tar:
        while total < seconds:
            wanted = rng.uniform(longest / 3, 0.9 * longest)
            durations = rng.integers(2, 7, max(3, round(wanted * SAMPLE_RATE / DURATION_UNIT / 4)))
            phonemes = "".join(rng.choice(list(LETTERS), len(durations) - 2))
            wave = 0.05 * rng.standard_normal(int(durations.sum()) * DURATION_UNIT).astype(np.float32)
            audio = io.BytesIO()
            soundfile.write(audio, wave, SAMPLE_RATE, format="WAV", subtype="PCM_16")
            text = {"text": phonemes, "voice": f"v{number % 8}", "phonemes": phonemes, "lang": "en-us"}
            meta = json.dumps({**text, "durations": durations.tolist()})
            for suffix, data in (("wav", audio.getvalue()), ("json", meta.encode())):
                info = tarfile.TarInfo(f"n{number:05d}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            total, number = total + len(wave) / SAMPLE_RATE, number + 1


def measure(
    config_path: str, settings: Sequence[str], seconds: float, report: Callable[[str], None]
) -> dict[str, Any]:
    """Train for a while. Returns the figures of one way.

    report: called with each stage.
    Raises:
        UserError: a bad config, or too little memory.
    """
    import torch

    from .engine import runtime
    from .engine.engine import Engine

    engine = Engine(load_task(config_path, settings, lambda line: None))
    if engine.world > 1:
        raise UserError("the speed of one process is measured: start it without `accelerate launch`")
    compiled = engine.config.engine.compile
    way = "compiled" if compiled else "eager"
    report(f"{way}: reading {BATCHES} batches")
    engine.start()
    began = time.perf_counter()
    loaded = [batch for batch, _ in itertools.islice(engine.task.stream(0, 0, 1), BATCHES)]
    loading = (time.perf_counter() - began) / len(loaded)
    batches = [batch.to(engine.device) for batch in loaded]
    operations = 0.0
    if not compiled:  # compiled code has no operations to count
        report(f"{way}: counting the operations of {BATCHES} steps")
        operations = count_operations(engine, batches)
    report(f"{way}: {2 * BATCHES} steps to warm up{', the first of which compiles' if compiled else ''}")
    began = time.perf_counter()
    for _ in range(2):
        train(engine, batches)
    warm_up = time.perf_counter() - began
    report(f"{way}: timing steps for {seconds:g} s")
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        train(engine, batches)
        steps += len(batches)
    elapsed = time.perf_counter() - began
    audio = sum(batch.seconds for batch in batches) / len(batches)
    report(f"{way}: profiling {PROFILED} steps")
    cuda = engine.device.type == "cuda"
    result = {
        "device": torch.cuda.get_device_name(engine.device) if cuda else "cpu",
        "torch": torch.__version__,
        "precision": engine.precision,
        "parameters": sum(p.numel() for p in engine.task.model.parameters()),
        "batch_seconds": audio,
        "steps": steps,
        "steps_per_s": steps / elapsed,
        "audio_hours_per_hour": audio * steps / elapsed,
        "tflop_per_step": operations / 1e12,
        "memory_gb": runtime.peak_memory(engine.device),
        "warm_up_s": warm_up,
        "loading_s_per_batch": loading,
        "most_time": most_time(engine, batches),
    }
    engine.accelerator.state.destroy_process_group()
    if cuda:
        torch.cuda.reset_peak_memory_stats(engine.device)
    return result


def train(engine: Engine, batches: Sequence[Any]) -> None:
    """A step on each batch, done when it returns."""
    import torch

    for batch in batches:
        engine.train_step([batch])
    if engine.device.type == "cuda":
        torch.cuda.synchronize(engine.device)


def count_operations(engine: Engine, batches: Sequence[Any]) -> float:
    """Floating-point operations of a step, forward and backward, mean of the batches: products only."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        train(engine, batches)
    return counter.get_total_flops() / len(batches)


def most_time(engine: Engine, batches: Sequence[Any]) -> list[dict[str, Any]]:
    """The operations that take the most time of the device: name, share of all, times per step."""
    from torch.profiler import ProfilerActivity, profile

    cuda = engine.device.type == "cuda"
    chosen = [*itertools.islice(itertools.cycle(batches), PROFILED)]
    with profile(activities=[ProfilerActivity.CUDA if cuda else ProfilerActivity.CPU]) as profiler:
        train(engine, chosen)
    times = [
        (event.self_device_time_total if cuda else event.self_cpu_time_total, event.key, event.count)
        for event in profiler.key_averages()
    ]
    total = sum(time for time, _, _ in times) or 1.0
    return [
        {"name": name, "share": time / total, "per_step": count / PROFILED}
        for time, name, count in sorted(times, reverse=True)[:TOP]
    ]


def describe(results: Sequence[dict[str, Any]]) -> str:
    """A table of both ways, and their operations."""
    first = results[0]
    titles = ["", "steps/s", "h of audio/h", "TFLOP/step", "MFU", "memory, GB", "warm-up, s", "batch, s"]
    rows = [titles]
    for result in results:
        cells = [
            "compiled" if result["compiled"] else "eager",
            f"{result['steps_per_s']:.2f}",
            f"{result['audio_hours_per_hour']:.0f}",
            f"{result['tflop_per_step']:.3f}",
            f"{100 * result['mfu']:.1f}%" if "mfu" in result else "-",
            f"{result['memory_gb']:.1f}",
            f"{result['warm_up_s']:.0f}",
            f"{result['loading_s_per_batch']:.2f}",
        ]
        rows.append(cells)
    lines = [
        f"{first['device']}, torch {first['torch']}, {first['precision']}, "
        f"{first['parameters'] / 1e6:.1f} million parameters, batches of {first['batch_seconds']:.0f} s",
        align_columns(rows),
        "batch, s: to read a batch in this process, without engine.workers",
    ]
    for result in results:
        lines.append(f"most time, {'compiled' if result['compiled'] else 'eager'}:")
        lines += [
            f"  {100 * entry['share']:4.1f}%  {entry['per_step']:6.1f} per step  {entry['name'][:90]}"
            for entry in result["most_time"]
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
