"""python -m nanospeech_torch.doctor: check that everything works here, on PyTorch."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command


@command("python -m nanospeech_torch.doctor")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.doctor.run`."""
    from nanospeech_core.cli import doctor

    return doctor.run("torch", argv, prog)


if __name__ == "__main__":
    sys.exit(main())
