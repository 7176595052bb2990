"""Run checks in another process: none can crash, hang or print into this one. The standard library only."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from .finding import NOTE, OK, WRONG, Check, Finding

TOTAL = 240.0  # seconds; checks that have not begun by then are not run
END = 10.0  # seconds that the process may take to end
SLICE = 0.25  # seconds
LINES = 12  # of what it printed on stderr, kept for the report of a crash
REPORT = "report this, with the output of --json"

# The other process finds the same packages as this one, however this one was started.
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from nanospeech_core.doctor.worker import main; main()"
)


class Worker:
    """A process that runs checks, one after the other. Close it in any case."""

    def __init__(self) -> None:
        line = [sys.executable, "-X", "faulthandler", "-c", _CODE, json.dumps(sys.path)]
        self._process = subprocess.Popen(
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
        )
        self._answers: queue.Queue[str | None] = queue.Queue()  # None: its standard output has ended
        self.ended = False  # its standard output has
        self.printed: deque[str] = deque(maxlen=LINES)
        self._readers = [
            threading.Thread(target=read, daemon=True) for read in (self._read_answers, self._read_stderr)
        ]
        for reader in self._readers:
            reader.start()

    def run(self, check: Check) -> Finding | None:
        """Run a check. None: the process ended, or did not answer within the limit."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asdict(check)) + "\n")
            self._process.stdin.flush()
            answer = self._answer(check.limit)
            return None if answer is None else Finding(**json.loads(answer))
        except (OSError, ValueError):  # ValueError: half an answer
            return None

    def _answer(self, limit: float) -> str | None:
        for timeout in _slices(limit):
            with suppress(queue.Empty):
                return self._answers.get(timeout=timeout)
        return None

    def wait(self, limit: float) -> int | None:
        """Let the process end. Returns its exit code, below 0 for a signal; None: it did not end in time."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        for timeout in _slices(limit):
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout)
                for reader in self._readers:
                    reader.join(1)
                return code
        return None

    def close(self) -> None:
        """End the process at once, if it is running."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError, ValueError):
                assert stream is not None
                stream.close()

    def _read_answers(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError, OSError):  # it was closed
            for line in self._process.stdout:
                self._answers.put(line)
        self.ended = True
        self._answers.put(None)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        with suppress(ValueError, OSError):
            for line in self._process.stderr:
                self.printed.append(line.rstrip("\n"))


def _slices(limit: float) -> Iterator[float]:
    """Short timeouts that sum to a limit: time does not count in which both processes are stopped."""
    for _ in range(round(limit / SLICE)):
        yield SLICE


def run_checks(checks: Sequence[Check], total: float = TOTAL) -> Generator[Finding, None, None]:
    """The findings of checks, one by one; at the end a finding "exit" on how their process ended.

    All run in one process, as imports take longest. After a crash or a check that hangs, the next one gets a
    new process.
    """
    wrong: set[str] = set()
    spent = 0.0
    worker: Worker | None = None
    try:
        for check in checks:
            if check.needs in wrong:
                text = f"not checked, because of what is wrong with {check.needs}"
                finding = Finding(NOTE, text, name=check.name)
            elif spent > total:
                text = f"not checked: the checks before took more than {total:g} s"
                finding = Finding(WRONG, text, "run it again when the machine is idle", name=check.name)
            else:
                worker = worker or Worker()
                answer = worker.run(check)
                finding = answer or _failed(worker, check)
                spent += min(finding.seconds, check.limit)
                if answer is None:
                    worker.close()
                    worker = None
            if finding.status == WRONG:
                wrong.add(check.name)
            yield finding
        yield _end(worker)
    finally:
        if worker is not None:
            worker.close()


def _failed(worker: Worker, check: Check) -> Finding:
    """The finding of a check that gave none."""
    values: dict[str, Any] = {}
    seconds = 0.0
    code = worker.wait(END if worker.ended else 1.0)  # macOS writes a report first
    if code is None:
        seconds = check.limit
        text = f"no answer within {check.limit:g} s: it hangs, or the machine is very busy"
    else:
        text = f"it ended its process ({describe(code)})"
        values = {"exit_code": code, "stderr": list(worker.printed)}
    return Finding(WRONG, text, check.advice, values, check.name, seconds)


def _end(worker: Worker | None) -> Finding:
    if worker is None:
        text = "not checked, because the process was ended in the last check, or never began"
        return Finding(NOTE, text, name="exit")
    started = time.monotonic()
    code = worker.wait(END)
    seconds = round(time.monotonic() - started, 3)
    if code == 0:
        text = "the process of the checks ended as it should"
        return Finding(OK, text, "", {"exit_code": 0}, "exit", seconds)
    values = {"exit_code": code, "stderr": list(worker.printed)}
    if code is None:
        text = f"the process of the checks did not end within {END:g} s"
    else:
        text = f"the process of the checks crashed at its end ({describe(code)})"
    return Finding(WRONG, text, f"speech is complete by then: {REPORT}", values, "exit", seconds)


def describe(code: int) -> str:
    """An exit code in words: "SIGABRT", "exit code 3"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
