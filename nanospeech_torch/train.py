"""python -m nanospeech_torch.train CONFIG.toml"""

from __future__ import annotations

import argparse
import sys

from nanospeech_core.errors import UserError


def main(argv: list[str] | None = None) -> int:
    """Train the model that a TOML file describes; a run that was stopped goes on where its last checkpoint stands."""
    parser = argparse.ArgumentParser(prog="python -m nanospeech_torch.train", description=main.__doc__)
    parser.add_argument("config", help="a TOML file, see examples/")
    args = parser.parse_args(argv)
    try:
        from .training.config import load_config
        from .training.trainer import Trainer

        Trainer(load_config(args.config)).run()
    except UserError as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("train: interrupted; the newest checkpoint is kept", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
