"""Tiny training runs: on a corpus of tones (see `corpus`), in this process or in others."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import corpus

from nanospeech_torch.training.acoustic.config import AcousticConfig, AcousticLossConfig
from nanospeech_torch.training.config import DataConfig, EngineConfig, OptimizerConfig, WatchConfig

ROOT = Path(__file__).parents[2]
CLOCKS = ("minutes", "minutes_left", "memory_gb", "steps_per_s", "audio_hours_per_hour")
STEP = re.compile(r"step (\d+) .*\bgradient ")


def tiny(shard: Path | str, out: Path | str) -> AcousticConfig:
    """Six steps in float32 on the CPU, each of them logged; checkpoints at the end only."""
    return AcousticConfig(
        out=str(out),
        data=DataConfig(shards=(str(shard),), held_out=2, max_seconds=3.0, batch_seconds=4.0),
        loss=AcousticLossConfig(head_start=1, head_ramp=2),
        optimizer=OptimizerConfig(steps=6, learning_rate=4e-3, warmup=2),
        engine=EngineConfig(device="cpu", precision="fp32", threads=1, checkpoint_minutes=60.0),
        watch=WatchConfig(log_every=1, validate_every=3, sample_every=0),
        model=corpus.small_model(),
    )


def change(config, **changes):
    """`change(config, out="x", optimizer={"steps": 3})`: a section by the values that differ."""
    for name, value in changes.items():
        if isinstance(value, dict):
            value = replace(getattr(config, name), **value)
        config = replace(config, **{name: value})
    return config


def write(config, path: Path) -> Path:
    """The config as a file for the command."""
    from nanospeech_torch.training.engine.settings import as_json

    path.write_text(json.dumps(as_json(config)), encoding="utf-8")
    return path


def read_log(config) -> list[dict]:
    text = (Path(config.out) / "log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def losses(config) -> dict[int, dict]:
    """What each training step logged, the last of each, but for how long it took."""
    entries = [entry for entry in read_log(config) if "gradient" in entry]
    return {e["step"]: {k: v for k, v in e.items() if k not in CLOCKS} for e in entries}


def files(config) -> list[str]:
    return sorted(path.name for path in Path(config.out).iterdir())


# other processes


def start(command: list[str]) -> subprocess.Popen:
    """`python COMMAND...` in the repository, in a process group of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def train(path: Path, *overrides: str) -> subprocess.Popen:
    return start(["-m", "nanospeech_torch.train", str(path), *overrides])


def launch(processes: int, *command: str) -> subprocess.Popen:
    """`accelerate launch` of so many processes."""
    how = f"--multi_gpu --num_machines 1 --mixed_precision no --dynamo_backend no --num_processes {processes}"
    port = ["--main_process_port", "0"]
    return start(["-m", "accelerate.commands.launch", *how.split(), *port, *command])


def launch_nodes(nodes: int, *command: str) -> list[subprocess.Popen]:
    """torchrun of one process on each of so many machines; all of them are this one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    how = f"--nnodes {nodes} --nproc-per-node 1 --rdzv-id test --rdzv-backend c10d"
    how += f" --rdzv-endpoint 127.0.0.1:{port} --local-addr 127.0.0.1"
    return [start(["-m", "torch.distributed.run", *how.split(), *command]) for _ in range(nodes)]


def wait_for_step(process: subprocess.Popen, step: int) -> None:
    """Read what a run prints until it has done `step` steps."""
    for line in process.stdout:
        found = STEP.match(line)
        if found and int(found[1]) >= step:
            return
    raise AssertionError(f"training ended early: {process.stderr.read()}")


def finish(process: subprocess.Popen, seconds: float = 120) -> tuple[int, str, str]:
    """(exit status, standard output, standard error); nothing of its process group is left."""
    try:
        output, errors = process.communicate(timeout=seconds)
        return process.returncode, output, errors
    finally:
        stop(process)


def stop(process: subprocess.Popen) -> None:
    """End a process; a launcher is given the time to end those that it started."""
    process.terminate()
    try:
        process.wait(60)
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """Kill whatever is left of a process and its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


# in this process


def reset_accelerate() -> None:
    """Forget what accelerate keeps for the entire process: the precision, above all."""
    if "accelerate" in sys.modules:
        from accelerate.state import AcceleratorState, GradientState

        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()


def gradients_of_one(task, pair: list) -> tuple[dict, dict]:
    """The losses and gradients of two batches put into one: the same rows, masks and noises."""
    import torch

    from nanospeech_torch.training.acoustic.noise import draw_noise

    loss = task.losses["model"]
    model, config = loss.model, loss.config
    noises = [draw_noise(work, model, config) for work in pair]
    work, noise = concatenate(pair, noises, config.draws)
    weights = task.weights("model", 0)
    sums = loss(work, weights, noise)
    values = {name: value / work.counts[name] for name, value in sums.items()}
    model.zero_grad(set_to_none=True)
    sum(weights[name] * value for name, value in values.items()).backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert any(torch.any(value != 0) for value in gradients.values())
    return {name: value.item() for name, value in values.items()}, gradients


def concatenate(pair: list, noises: list, head_copies: int):
    """Two (`JointBatch`, `Noise`) -> one of each, the second's rows below the first's."""
    import torch
    import torch.nn.functional as F

    longest = max(work.batch.tokens.shape[1] for work in pair)

    def rows(values, fill):
        """Padded to the longest [rows, length, ...] and put one below the other."""
        size = max(value.shape[1] for value in values)
        widths = [[0, 0] * (value.ndim - 2) + [0, size - value.shape[1]] for value in values]
        padded = [F.pad(value, width, value=fill) for value, width in zip(values, widths, strict=True)]
        return torch.cat(padded)

    def field(section, name, fill=0):
        values = [getattr(section(work), name) for work in pair]
        return torch.cat(values) if values[0].ndim == 1 else rows(values, fill)

    def targets(name):
        """Of the flattened tokens: the rows are longer now, and there are others above."""
        found, above = [], 0
        for work in pair:
            index, length = getattr(work.masks, name), work.batch.tokens.shape[1]
            found.append((above + index // length) * longest + index % length)
            above += len(work.batch.tokens)
        return torch.cat(found)

    fills = {"text": -1, "ids": -1}
    names = ("tokens", "text", "mask", "first_tokens", "ids", "durations", "first_symbols")
    batch = {name: field(lambda work: work.batch, name, fills.get(name, 0)) for name in names}
    names = ("unconditional", "visible", "flow_time", "is_flow", "known_durations", "duration_targets")
    masks = {name: field(lambda work: work.masks, name) for name in names}
    masks |= {name: targets(name) for name in ("flow_targets", "masked_targets")}
    first = pair[0]
    work = replace(
        first,
        batch=replace(first.batch, **batch),
        masks=replace(first.masks, **masks),
        counts={name: first.counts[name] + pair[1].counts[name] for name in first.counts},
    )
    # the head's rows are [copy, token], so those of a copy go together
    heads = [noise.head.unflatten(0, (head_copies, -1)) for noise in noises]
    times = [noise.head_time.unflatten(0, (head_copies, -1)) for noise in noises]
    noise = replace(
        noises[0],
        flow=rows([n.flow for n in noises], 0),
        visible=rows([n.visible for n in noises], 0),
        visible_scale=torch.cat([n.visible_scale for n in noises]),
        head=torch.cat(heads, 1).flatten(0, 1),
        head_time=torch.cat(times, 1).flatten(0, 1),
    )
    return work, noise


def record_compiled(monkeypatch) -> tuple[list, list]:
    """Have torch.compile trace and run eagerly: the graphs that it makes, and the calls of each, as lists."""
    import torch

    graphs, calls = [], []

    def backend(graph, inputs):
        graphs.append(graph)
        return lambda *values: calls.append(graph) or graph.forward(*values)

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, **o: real(function, backend=backend, **o))
    torch._dynamo.reset()
    return graphs, calls
