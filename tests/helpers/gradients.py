"""`python -m tests.helpers.gradients CONFIG FOLDER`: one training step's gradients in each process.

Several processes are started by `accelerate launch`; see `torch/test_train.py`.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import torch

from nanospeech_torch.training.engine.engine import Engine
from nanospeech_torch.training.tasks import load_task


def main(config: str, folder: str) -> None:
    engine = Engine(load_task(config, report=lambda line: None))
    engine.start()
    stream = engine.task.stream(0, engine.rank, engine.world)
    batches = [batch for batch, _ in itertools.islice(stream, engine.config.optimizer.accumulate)]
    values = {name: float(value) for name, value in engine.train_step(batches).items()}
    model = engine.task.model
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    state = {"values": values, "gradients": gradients, "counts": batches[0].counts, "world": engine.world}
    torch.save(state, Path(folder) / f"{engine.rank}.pt")
    engine.accelerator.wait_for_everyone()
    engine.accelerator.state.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # as nanospeech_torch.train does
