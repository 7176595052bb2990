"""Run commands in processes that start fast, kill them at random moments, and read their output all the time.

The processes are forked from one that has imported PyTorch, so that a kill hits the work and not the imports.
"""

from __future__ import annotations

import faulthandler
import importlib
import math
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import commands
import psutil

KILLS = int(os.environ.get("NANOSPEECH_FUZZ_KILLS", 3))  # of each command; a night: 50
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["torch", "accelerate", "nanospeech_torch.nanospeech", "nanospeech_torch.training.tasks", "soundfile"]
)


def start(module: str, arguments: Sequence[object], output: Path, **environment: str):
    """Start `python -m MODULE ARGUMENTS`; what it prints is written to a file."""
    words = [str(argument) for argument in arguments]
    process = CONTEXT.Process(target=_work, args=(module, words, str(output), environment))
    process.start()
    return process


def _work(module: str, arguments: list[str], output: str, environment: Mapping[str, str]) -> None:
    import torch

    multiprocessing.set_start_method(None, force=True)  # the system's, as without us
    os.setsid()  # its workers are killed with it at the end of a test
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.environ.update(environment)
    faulthandler.enable()  # a crash says where
    torch.set_num_threads(1)
    sys.argv = [module, *arguments]
    try:
        code = commands._main(module)(arguments)
    except SystemExit as stop:
        code = stop.code or 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def run(
    module: str,
    arguments: Sequence[object],
    output: Path,
    enough: Callable[[int], bool] = lambda pid: False,
    delay: float = 0.0,
    **environment: str,
) -> tuple[int, str]:
    """(exit code, what it printed) of a command; it is killed when it has done enough.

    Args:
        module: of the command.
        arguments: its own.
        output: file for what it prints.
        enough: process id -> whether it is to be killed; asked again and again.
        delay: seconds from then on.
        environment: variables, besides those of this process.
    Raises:
        AssertionError: it hangs: it does not end within ten minutes. The message says where it is.
    """
    process, limit = start(module, arguments, output, **environment), time.monotonic() + 600
    while process.is_alive():
        process.join(0.003)
        if process.is_alive() and enough(process.pid):
            process.join(delay)
            process.kill()  # nothing, if it has ended
            process.join()
        elif time.monotonic() > limit:
            os.kill(process.pid, signal.SIGABRT)  # see faulthandler
            process.join(10)
            raise AssertionError(f"it hangs: {output.read_text(encoding='utf-8')}")
    return process.exitcode, output.read_text(encoding="utf-8")


class Work:
    """What a process uses of the CPU, in seconds: the clock also shows what else the machine does."""

    def __init__(self, limit: float = math.inf) -> None:
        self.limit, self.used = limit, 0.0

    def __call__(self, pid: int) -> bool:
        with suppress(psutil.Error):  # it may have just ended
            times = psutil.Process(pid).cpu_times()
            self.used = times.user + times.system
        return self.used >= self.limit


class Reader:
    """A thread that looks at an output all the time; the first exception is raised when the block ends."""

    def __init__(self, look: Callable[[], object]) -> None:
        self.look, self.looks, self.error = look, 0, None
        self.done, self.thread = threading.Event(), threading.Thread(target=self._work)

    def _work(self) -> None:
        while not self.done.wait(0.002) and self.error is None:
            try:
                self.look()
                self.looks += 1
            except BaseException as error:
                self.error = error

    def __enter__(self) -> Reader:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        if self.error is not None:
            raise AssertionError(f"a reader saw: {self.error!r}") from self.error


def kill_often(
    module: str,
    arguments: Callable[[int], Sequence[object]],
    look: Callable[[], object],
    folder: Path,
    **environment: str,
) -> list[int]:
    """Run a command to its end, then again and again, killed at random moments.

    Args:
        module: of the command.
        arguments: number of the run, from 0 -> its arguments.
        look: reads the output, all the time; raises if it is damaged.
        folder: for what the commands print.
    Returns:
        the exit codes: 0, or -9 of a killed one.
    """
    whole = Work()
    code, said = run(module, arguments(0), folder / "said.txt", whole, **environment)
    assert code == 0, said
    look()
    generator, codes = random.Random(0), []
    with Reader(look) as reader:
        for number in range(1, KILLS + 1):
            work = Work(generator.uniform(0.02, 0.98) * whole.used)
            code, said = run(module, arguments(number), folder / "said.txt", work, **environment)
            assert code in (0, -signal.SIGKILL), said
            codes.append(code)
            look()
    code, said = run(module, arguments(KILLS + 1), folder / "said.txt", **environment)
    assert code == 0, said
    look()
    assert reader.looks
    print(f"{module}: {KILLS} runs, {codes.count(-signal.SIGKILL)} killed, {reader.looks} looks")
    return codes


def module_exists(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
