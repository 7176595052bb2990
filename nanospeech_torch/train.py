"""python -m nanospeech_torch.train CONFIG.toml"""

from __future__ import annotations

import argparse
import sys

from nanospeech_core.errors import UserError


def main(argv: list[str] | None = None) -> int:
    """Train the acoustic model that a TOML file describes. A run that was stopped goes on where it stood.

    Ctrl-C or SIGTERM ends a run after the step in progress, with a checkpoint; a second one at once, without.
    """
    parser = argparse.ArgumentParser(prog="python -m nanospeech_torch.train", description=main.__doc__)
    parser.add_argument("config", help="a TOML file (see examples/embedded.toml)")
    args = parser.parse_args(argv)
    try:
        from .training.config import load_config

        config = load_config(args.config)
        from .training.trainer import Trainer  # after the config: torch takes seconds to import

        received = Trainer(config).run()
    except UserError as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("train: interrupted", file=sys.stderr)
        return 130
    return 128 + received if received else 0


if __name__ == "__main__":
    sys.exit(main())
