"""python -m nanospeech_torch.train CONFIG [section.key=value ...]: train a model."""

from __future__ import annotations

import os
import sys

from nanospeech_core.errors import OUT_OF_MEMORY, UserError, is_out_of_memory
from nanospeech_core.system.process import command, note

PROG = "python -m nanospeech_torch.train"


@command(PROG)
def main(argv: list[str] | None, prog: str) -> int:
    """Train the acoustic model, the vocoder or the aligner of a config.

    A run that was stopped continues where it stopped. Ctrl-C or SIGTERM ends a run after the current step and
    writes a checkpoint; a second one ends it at once, without a checkpoint. On several GPUs: `accelerate
    launch -m nanospeech_torch.train ...`.
    """
    import argparse

    from nanospeech_core.system.install import need

    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    parser.add_argument("config", help="a TOML, YAML or JSON file (see examples/)")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="settings that override the config's"
    )
    args = parser.parse_args(argv)
    # of several processes, only the first reports; in error messages the others name their rank
    rank = os.environ.get("RANK", "0")
    name = prog if rank == "0" else f"{prog} (process {rank})"
    report = print if rank == "0" else lambda line: None
    try:
        need(("torch", "accelerate"), "training", "train")
        from .training.tasks import load_task  # reads the config before it imports torch, which takes seconds

        task = load_task(args.config, args.overrides, report)
        from .training.engine.engine import Engine

        received = Engine(task).run()
    except UserError as error:
        note(f"{name}: {' '.join(str(error).split())}")
        return 1
    except OSError as error:  # of a file that was not checked before
        place = "" if error.filename is None else f"{error.filename}: "
        note(f"{name}: {place}{error.strerror or error}")
        return 1
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        note(f"{name}: {OUT_OF_MEMORY}; the same command goes on from the newest checkpoint, if there is one")
        return 1
    except KeyboardInterrupt:
        note(f"{name}: interrupted; the same command goes on from the newest checkpoint, if there is one")
        return 130
    return 128 + received if received else 0


if __name__ == "__main__":
    code = main()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # gloo's threads may abort a process that has finished its work while Python exits
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
