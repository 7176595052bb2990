"""`nanospeech-mar doctor`: the arguments and the output of `nanospeech_core.doctor`.

It must work where other packages are missing or broken. So it imports the standard library only, here and in
what it imports; another process runs the checks.
"""

from __future__ import annotations

import argparse
import json
import textwrap
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from ..doctor.checks import TITLES, checks_for
from ..doctor.finding import NOTE, WRONG, Finding, without_names, worst
from ..doctor.isolation import run_checks
from ..errors import UserError
from ..system.files import check_writable, replacing
from ..system.streams import STANDARD
from . import output

DESCRIPTION = (
    "Check what this package needs on this machine, compare every network with golden values, and speak a "
    "sentence in each precision. There is a line for each check: ok, note (it works) or wrong, and what to "
    "do about it. This takes about 20 seconds, plays nothing, and needs no network. The output has ~ for "
    "home folders and USER for the user's name. The exit code is 1 if something is wrong."
)
FORMAT = 1  # of the JSON; it changes when an entry is renamed or removed
WIDTH = 110


def run(backend: str, argv: Sequence[str] | None, prog: str) -> int:
    """Run the command.

    Args:
        backend: one of `BACKENDS`.
        argv: the arguments, without the program's name; None: those of the process.
        prog: the program's name in messages.
    Returns:
        0; 1 if something is wrong, and else the exit code of `output.guard`.
    Raises:
        SystemExit: 2 after a mistake in the arguments, 0 after --help and --version.
    """
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument(
        "--json",
        nargs="?",
        const=STANDARD,
        metavar="FILE",
        help="also write JSON; without FILE, print it instead of the text",
    )
    output.add_version(parser)
    args = parser.parse_args(argv)
    statuses: list[str] = []
    code = output.guard(lambda: statuses.append(_run(backend, args.json)), prog, quiet=False)
    return code or int(statuses == [WRONG])


def _run(backend: str, file: str | None) -> str:
    """Run all checks and print or write what they find. Returns the worst status."""
    text = file != STANDARD
    if file is not None and text:
        check_writable(file)
    checks = checks_for(backend)
    width = max(len(check.name) for check in checks)
    if text:
        output.print_result(f"nanospeech-mar {output.version()} on {TITLES[backend]}: {len(checks)} checks\n")
    started, findings = time.monotonic(), []
    with closing(run_checks(checks)) as running:  # else Ctrl-C would leave the other process behind
        for finding in running:
            findings.append(finding)
            if text:
                output.print_result(lines_of(finding, width))
    seconds = round(time.monotonic() - started, 1)
    if text:
        output.print_result(f"\n{summary(findings)} ({seconds:.0f} s)")
    if file is not None:
        _write(report(backend, findings, seconds), file)
    return worst([finding.status for finding in findings])


def lines_of(finding: Finding, width: int) -> str:
    """A finding for people: its status, its name and its text; below, what to do.

    width: of the column of names.
    """
    indent = " " * (width + 8)
    head = f"{finding.status:5} {finding.name:{width}}  "
    parts = [_wrap(without_names(finding.text), head, indent)]
    if finding.advice:
        parts.append(_wrap(without_names(finding.advice), f"{indent}-> ", f"{indent}   "))
    return "\n".join(parts)


def _wrap(text: str, first: str, rest: str) -> str:
    wrapper = textwrap.TextWrapper(
        width=WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = wrapper.wrap(text)
    return "\n".join(lines) or first.rstrip()


def summary(findings: Sequence[Finding]) -> str:
    """One line about all findings."""
    wrong, notes = ([one.name for one in findings if one.status == status] for status in (WRONG, NOTE))
    if wrong:
        return f"Something is wrong: {', '.join(wrong)}. The lines that begin with -> say what to do."
    if notes:
        return f"Everything works. There are notes on {', '.join(notes)}."
    return "Everything works."


def report(backend: str, findings: Sequence[Finding], seconds: float) -> dict[str, Any]:
    """The findings for programs; without the names of home folders."""
    return without_names(
        {
            "format": FORMAT,
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "version": output.version(),
            "backend": backend,
            "status": worst([finding.status for finding in findings]),
            "seconds": seconds,
            "checks": [
                {key: asdict(one)[key] for key in ("name", "status", "text", "advice", "seconds", "values")}
                for one in findings
            ],
        }
    )


def _write(values: dict[str, Any], file: str) -> None:
    text = json.dumps(values, ensure_ascii=False, indent=1)
    if file == STANDARD:
        return output.print_result(text)
    try:
        with replacing(file) as path:
            path.write_text(text + "\n", encoding="utf-8")
    except UserError:
        output.print_result(text)  # the work was not in vain
        raise
