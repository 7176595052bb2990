"""python -m nanospeech_mlx.host_time: how long Python works for a sentence, computing nothing."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command

from .load import import_backend, load


@command("python -m nanospeech_mlx.host_time")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command."""
    import argparse

    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.evaluation.benchmark import TEXTS

    parser = argparse.ArgumentParser(
        prog=prog,
        allow_abbrev=False,
        description="Measure how long Python reads a text and builds graphs for it, by part, in CPU time.",
    )
    parser.add_argument("--sampler", choices=("masked", "ode"), default="masked")
    parser.add_argument("--as-gpu", action="store_true", help="build a GPU's graphs, even if there is none")
    args = parser.parse_args(argv)

    def measure() -> None:
        import_backend()
        from .device import kernels
        from .device.host_times import host_times

        if args.as_gpu:
            kernels.pretend_gpu()
        model = load(None, precision="float32" if args.as_gpu else None)
        if args.as_gpu:
            model.compiled = True
        for part, seconds in host_times(model, TEXTS["sentence"], sampler=args.sampler).items():
            print_result(f"{part:14}{1000 * seconds:6.2f} ms")

    return guard(measure, prog, quiet=False)


if __name__ == "__main__":
    sys.exit(main())
