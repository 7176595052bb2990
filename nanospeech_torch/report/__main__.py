"""python -m nanospeech_torch.report RUN: a training run as one HTML page, with curves, plots and audio."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command, importing

PROG = "python -m nanospeech_torch.report"

with importing(__name__, PROG):
    import argparse
    from pathlib import Path

    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.errors import UserError
    from nanospeech_core.system.files import check_writable, replacing


@command(PROG)
def main(argv: list[str] | None, prog: str) -> int:
    """Write a training run, finished or not, as one HTML page: curves, plots, audio, config."""
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    parser.add_argument("run", help="a run's folder, with its log.jsonl", type=Path)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="the page (default: report.html in the run's folder)",
    )
    parser.add_argument(
        "--max-samples",
        metavar="N",
        type=int,
        default=6,
        help="how many steps to show audio and plots of (default: 6)",
    )
    args = parser.parse_args(argv)
    if args.max_samples < 0:
        parser.error("--max-samples must be at least 0")
    return guard(lambda: report(args.run, args.output, args.max_samples), prog, quiet=False)


def report(run: Path, output: Path | None = None, max_samples: int = 6) -> None:
    """Write the page and print its path.

    Raises:
        UserError: there is no run, its log is empty, or the page cannot be written.
    """
    from .history import read_run
    from .page import render

    output = output or run / "report.html"
    found = read_run(run)
    if output.exists() and output.resolve() == (run / "log.jsonl").resolve():
        raise UserError(f"{output} is the run's log: set another --output")
    check_writable(output)
    page = render(found, max_samples)
    with replacing(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    print_result(f"{output}, {len(page.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
