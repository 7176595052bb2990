"""`python -m tests.helpers.batch_numbers CONFIG FILE OVERRIDE...`: train, and note the batches.

Each process appends a line [rank, [number of a batch, ...]] to FILE.

Several processes are started by a launcher; see `torch/training/engine/test_processes.py`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from nanospeech_torch import train
from nanospeech_torch.training.data import loading


def main(config: str, file: str, *overrides: str) -> int:
    numbers, make = [], loading.UtteranceBatchDataset.__getitem__

    def counted(self, plan):
        numbers.append(plan.number)
        return make(self, plan)

    loading.UtteranceBatchDataset.__getitem__ = counted
    status = train.main([config, *overrides])
    with open(Path(file), "a", encoding="utf-8") as lines:  # one short write: of one process after another
        lines.write(json.dumps([int(os.environ.get("RANK", 0)), numbers]) + "\n")
    return status


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # as nanospeech_torch.train does
