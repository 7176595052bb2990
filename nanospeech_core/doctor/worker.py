"""The process that runs checks: a request is a line of standard input, an answer one of standard output.

A library that crashes, hangs or prints does so here. `isolation.py` is the other side.
"""

from __future__ import annotations

import importlib
import json
import os
import time
import traceback
from dataclasses import asdict, replace
from typing import TextIO

from .finding import WRONG, Check, Finding

LINES = 12  # of a traceback


def main() -> None:
    """Answer requests until standard input ends. What libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _serve(requests, answers)


def _serve(requests: TextIO, answers: TextIO) -> None:
    for line in requests:
        check = Check(**json.loads(line))
        answers.write(json.dumps(asdict(run(check)), default=str) + "\n")
        answers.flush()


def run(check: Check) -> Finding:
    """Run a check in this process. An exception is a finding."""
    from ..errors import UserError

    started = time.perf_counter()
    module, _, function = check.function.partition(":")
    try:
        finding = getattr(importlib.import_module(module), function)(*check.arguments)
    except UserError as error:
        finding = Finding(WRONG, " ".join(str(error).split()), check.advice)
    except Exception as error:
        lines = [line for part in traceback.format_exception(error) for line in part.splitlines()]
        message = " ".join(str(error).split())
        text = f"{type(error).__name__}: {message}" if message else type(error).__name__
        finding = Finding(WRONG, text, check.advice, {"traceback": lines[-LINES:]})
    return replace(finding, name=check.name, seconds=round(time.perf_counter() - started, 3))
