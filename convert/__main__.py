"""`python -m convert torch2mlx|mlx2torch|inspect`: the command line of checkpoint conversion."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nanospeech_core.errors import UserError

from .convert import CASTS, convert
from .describe import describe

DIRECTIONS = {"torch2mlx": ("pt", "mlx"), "mlx2torch": ("mlx", "pt")}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="convert", description="Convert checkpoints between PyTorch and MLX."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, helps in (
        ("torch2mlx", "a trainer checkpoint (.pt), a .safetensors file or a folder, to an MLX folder"),
        ("mlx2torch", "an MLX .safetensors file or folder, to a torch folder"),
    ):
        command = commands.add_parser(name, help=helps, description=f"Convert {helps}.")
        command.add_argument("source", metavar="SRC", help="folder, .safetensors file or .pt file")
        command.add_argument(
            "-o", "--output", metavar="DIR", help="folder to write (default: SRC-mlx, SRC-torch)"
        )
        command.add_argument(
            "--dtype", choices=list(CASTS), help="cast the floating weights (default: no cast)"
        )
        command.add_argument("--force", action="store_true", help="replace the output if it exists")
    command = commands.add_parser("inspect", help="print what a checkpoint holds")
    command.add_argument("source", metavar="SRC", help="folder, .safetensors file or .pt file")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status (0, or 1 with one sentence on stderr; argparse exits with 2)."""
    arguments = build_parser().parse_args(argv)
    try:
        if arguments.command == "inspect":
            print(describe(arguments.source))
        else:
            have, want = DIRECTIONS[arguments.command]
            print(convert(arguments.source, have, want, arguments.output, arguments.dtype, arguments.force))
    except UserError as error:
        print(f"convert: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `inspect ... | head`
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        print("convert: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
