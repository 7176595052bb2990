"""`python -m convert torch2mlx|mlx2torch|quantize|import-nanospeech|inspect`: convert checkpoints."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command, importing

PROG = "python -m convert"

with importing(__name__, PROG):
    import argparse
    from collections.abc import Sequence

    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.config import BITS, GROUP_SIZES, QuantizationConfig

    from .convert import CASTS, convert
    from .describe import describe
    from .original import import_nanospeech
    from .quantize import quantize_folder

SOURCE = "folder, .safetensors file, .pt file or `embedded`"
WANTED = {"torch2mlx": "mlx", "mlx2torch": "pt"}


def build_parser(prog: str = PROG) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog, description="Convert and quantize checkpoints, between PyTorch and MLX."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, helps in (
        ("torch2mlx", "a training checkpoint (.pt), a .safetensors file or a folder to an MLX folder"),
        ("mlx2torch", "an MLX .safetensors file or folder to a PyTorch folder"),
    ):
        command = commands.add_parser(name, help=helps, description=f"Convert {helps}.")
        command.add_argument("source", metavar="SRC", help=SOURCE)
        command.add_argument(
            "-o", "--output", metavar="DIR", help="folder to write (default: SRC-mlx or SRC-torch)"
        )
        command.add_argument(
            "--dtype", choices=list(CASTS), help="cast the floating-point weights (default: no cast)"
        )
        command.add_argument("--force", action="store_true", help="replace the output if it exists")
    helps = "a checkpoint folder to one with linear layers of 4 or 8 bits"
    command = commands.add_parser("quantize", help=helps, description=f"Convert {helps}.")
    command.add_argument("source", metavar="SRC", help="folder, hub id (ID@REVISION) or `embedded`")
    command.add_argument(
        "-o", "--output", metavar="DIR", help="folder to write (default: SRC-4bit or SRC-8bit)"
    )
    command.add_argument("--bits", type=int, choices=BITS, required=True, help="bits per weight")
    command.add_argument(
        "--group-size",
        type=int,
        choices=GROUP_SIZES,
        default=QuantizationConfig.group_size,
        help="number of weights that share a scale and a bias (default: %(default)s)",
    )
    command.add_argument("--force", action="store_true", help="replace the output if it exists")
    helps = "an original Nanospeech checkpoint to a folder on which a diffusion head can be trained"
    command = commands.add_parser("import-nanospeech", help=helps, description=f"Convert {helps}.")
    command.add_argument(
        "source",
        metavar="SRC",
        help="folder of model.safetensors, duration.safetensors and vocab.txt, or hub id (ID@REVISION)",
    )
    command.add_argument("-o", "--output", metavar="DIR", required=True, help="folder to write")
    command.add_argument(
        "--vocoder",
        metavar="DIR|ID",
        help="a Vocos: folder of config.yaml and pytorch_model.bin, or hub id (default: the public one)",
    )
    command.add_argument("--force", action="store_true", help="replace the output if it exists")
    command = commands.add_parser("inspect", help="print the contents of a checkpoint")
    command.add_argument("source", metavar="SRC", help=SOURCE)
    return parser


@command(PROG)
def main(argv: Sequence[str] | None, prog: str) -> int:
    """Run the command. Returns the exit code of `guard`. Raises SystemExit: 2 after a wrong argument."""
    arguments = build_parser(prog).parse_args(argv)
    return guard(lambda: run(arguments), prog, quiet=False)


def run(arguments: argparse.Namespace) -> None:
    """Run a subcommand and print its result."""
    if arguments.command == "inspect":
        print_result(describe(arguments.source))
    elif arguments.command == "import-nanospeech":
        print_result(
            import_nanospeech(arguments.source, arguments.output, arguments.vocoder, arguments.force)
        )
    elif arguments.command == "quantize":
        bits, group_size = arguments.bits, arguments.group_size
        print_result(quantize_folder(arguments.source, bits, group_size, arguments.output, arguments.force))
    else:
        want = WANTED[arguments.command]
        print_result(convert(arguments.source, want, arguments.output, arguments.dtype, arguments.force))


if __name__ == "__main__":
    sys.exit(main())
