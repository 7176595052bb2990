"""The console script `nanospeech-mar`: a subcommand is one of the modules that are commands, by a backend."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence

from ..system.install import BACKENDS, is_installed
from ..system.process import command
from .commands import CONVERT, OWN, SHARED

PROG = "nanospeech-mar"
PACKAGES = {"mlx": "nanospeech_mlx", "torch": "nanospeech_torch"}
FOLDERS = ("chat", "export", "prepare", "report")  # commands that are packages


@command(PROG)
def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        argv: the arguments, without the program's name; None: those of the process.
    Returns:
        the exit code of the subcommand.
    Raises:
        SystemExit: 2 after a mistake in the arguments, 0 after --help, and without any.
    """
    parser = _parser()
    backend, rest = _take_backend(parser, list(sys.argv[1:] if argv is None else argv))
    name, *rest = rest or ["--help"]
    if name.startswith("-"):
        parser.parse_args([name])  # --help; it refuses others but --version
        from . import output

        return output.guard(lambda: output.print_result(f"{PROG} {output.version()}"), PROG, quiet=False)
    known = _commands()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
        parser.error(f"there is no command {name!r}; {hint}")
    makers = [own for own in BACKENDS if own in known[name]]
    if backend is not None and backend not in makers:
        only = {"mlx": "is a command of MLX", "torch": "is a command of PyTorch"}
        what = only[makers[0]] if makers else "has no backend"
        parser.error(f"{name} {what}: leave out --backend {backend}")
    prog = f"{PROG} {name}"
    if not makers:
        return importlib.import_module("convert.__main__").main(rest, prog=prog)
    # where none is installed, the module says so, and what to do: it has --help all the same
    chosen = backend or next((own for own in makers if is_installed(own)), makers[0])
    module = f"{PACKAGES[chosen]}.{name}" + (".__main__" if name in FOLDERS else "")
    return importlib.import_module(module).main(rest, prog=prog)


def _commands() -> dict[str, tuple[str, ...]]:
    """The subcommands, and which backends have them; `convert` needs none."""
    own = {name: (backend,) for backend in BACKENDS for name in OWN[PACKAGES[backend]] if "." not in name}
    return dict.fromkeys(SHARED, BACKENDS) | own | {"convert": ()}


def _parser() -> argparse.ArgumentParser:
    told: dict[str, str] = SHARED | {name: does for package in OWN.values() for name, does in package.items()}
    told["convert"] = CONVERT
    only = {("mlx",): " (MLX)", ("torch",): " (PyTorch)"}
    width = max(map(len, _commands()))
    lines = [f"  {name:{width}}  {told[name]}{only.get(makers, '')}" for name, makers in _commands().items()]
    parser = argparse.ArgumentParser(
        prog=PROG,
        usage="%(prog)s [--backend mlx|torch] COMMAND [options]",
        description="Text-to-speech by masked autoregressive diffusion, on MLX and PyTorch.",
        epilog="\n".join(("commands, each with --help of its own:", *lines)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--backend", choices=BACKENDS, help="default: MLX if installed, else PyTorch")
    parser.add_argument("--version", action="store_true", help="tell the version and exit")
    return parser


def _take_backend(parser: argparse.ArgumentParser, argv: list[str]) -> tuple[str | None, list[str]]:
    """What --backend says, before the subcommand or after it, and the other arguments."""
    end = argv.index("--") if "--" in argv else len(argv)
    taker = argparse.ArgumentParser(prog=PROG, usage=parser.usage, add_help=False, allow_abbrev=False)
    taker.add_argument("--backend", choices=BACKENDS)
    args, rest = taker.parse_known_args(argv[:end])
    return args.backend, rest + argv[end:]
