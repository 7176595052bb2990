"""`python -m nanospeech_torch.train_vocoder CONFIG`: train the vocoder, or export what is trained so far."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nanospeech_core.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nanospeech_torch.train_vocoder", description=__doc__)
    parser.add_argument("config", help="TOML file (see examples/vocoder.toml)")
    parser.add_argument(
        "--export", metavar="FILE", type=Path, help="write the newest averaged weights and stop"
    )
    parser.add_argument(
        "--dtype", choices=("float32", "float16"), default="float16", help="of the exported weights"
    )
    options = parser.parse_args(arguments)
    try:
        from .training.vocoder_config import read_config

        config = read_config(options.config)
        from .training import vocoder  # after the config: torch takes seconds to import

        if options.export:
            step = vocoder.export(Path(config.out), options.export, options.dtype)
            print(f"{options.export}: weights of step {step}")
            return 0
        received = vocoder.train(config)
    except UserError as error:
        print(f"train_vocoder: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("train_vocoder: interrupted", file=sys.stderr)
        return 130
    return 128 + received if received else 0


if __name__ == "__main__":
    sys.exit(main())
