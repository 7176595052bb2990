"""The console script `nanospeech-mar`: runs a command of the table, by one of the backends."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence

from ...system.install import BACKENDS, is_installed
from ...system.process import command
from .commands import by_name

TITLES = {"mlx": "MLX", "torch": "PyTorch"}


@command("nanospeech-mar")
def main(argv: Sequence[str] | None, prog: str) -> int:
    """Run a subcommand.

    Args:
        argv: the arguments, without the program's name; None: those of the process.
        prog: the program's name in messages.
    Returns:
        the exit code of the subcommand.
    Raises:
        SystemExit: 2 after a mistake in the arguments, 0 after --help, and without arguments.
    """
    commands = by_name()
    parser = _parser(prog)
    backend, rest = _take_backend(parser, list(sys.argv[1:] if argv is None else argv))
    name, *rest = rest or ["--help"]
    if name.startswith("-"):
        parser.parse_args([name])  # exits unless it is --version
        from .. import output

        return output.guard(lambda: output.print_result(f"{prog} {output.version()}"), prog, quiet=False)
    if name not in commands:
        near = difflib.get_close_matches(name, commands, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(commands)}"
        parser.error(f"there is no command {name!r}; {hint}")
    backends = commands[name].backends
    if backend is not None and backend not in backends:
        reason = f"runs on {TITLES[backends[0]]} only" if backends else "needs no backend"
        parser.error(f"{name} {reason}: leave out --backend {backend}")
    if backend is None and backends:
        # Without an installed backend, the first one's command runs: --help works, and all else fails with
        # the line that installs the backend.
        backend = next((one for one in backends if is_installed(one)), backends[0])
    module = importlib.import_module(commands[name].module_for(backend))
    return module.main(rest, prog=f"{prog} {name}")


def _parser(prog: str) -> argparse.ArgumentParser:
    commands = by_name()
    width = max(map(len, commands))
    lines = []
    for name, row in commands.items():
        only = f" ({TITLES[row.backends[0]]})" if len(row.backends) == 1 else ""
        lines.append(f"  {name:{width}}  {row.summary}{only}")
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s [--backend mlx|torch] COMMAND [options]",
        description="Text-to-speech by masked autoregressive diffusion, on MLX and PyTorch.",
        epilog="\n".join(("commands (COMMAND --help describes one):", *lines)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--backend", choices=BACKENDS, help="backend to use (default: MLX if installed, else PyTorch)"
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    return parser


def _take_backend(parser: argparse.ArgumentParser, argv: list[str]) -> tuple[str | None, list[str]]:
    """The value of --backend, before the subcommand or after it, and the other arguments."""
    end = argv.index("--") if "--" in argv else len(argv)
    backend_parser = argparse.ArgumentParser(
        prog=parser.prog, usage=parser.usage, add_help=False, allow_abbrev=False
    )
    backend_parser.add_argument("--backend", choices=BACKENDS)
    args, rest = backend_parser.parse_known_args(argv[:end])
    return args.backend, rest + argv[end:]
