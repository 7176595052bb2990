"""Sending the audio and plots of a run to its trackers: TensorBoard, Weights & Biases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import SAMPLE_RATE


def log_samples(trackers: Sequence, folder: Path, step: int) -> None:
    """Send a folder of samples to TensorBoard and Weights & Biases.

    Args:
        trackers: accelerate's (`accelerator.trackers`); other kinds are ignored.
        folder: written by samples.py.
        step: of the run.
    """
    entries = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    for tracker in trackers:
        if tracker.name == "tensorboard":
            log_to_tensorboard(tracker.tracker, entries, folder, step)
        elif tracker.name == "wandb":
            log_to_wandb(tracker.tracker, entries, folder, step)


def log_to_tensorboard(writer: Any, entries: list[dict], folder: Path, step: int) -> None:
    for item in entries:
        for clip in item["audio"]:
            wave = torch.from_numpy(audio.read(folder / clip["file"]))[None]
            writer.add_audio(tag(clip["file"]), wave, step, sample_rate=SAMPLE_RATE)
        for plot in item["plots"]:
            from PIL import Image  # installed with matplotlib

            with Image.open(folder / plot["file"]) as image:
                pixels = np.asarray(image.convert("RGBA"))
            writer.add_image(tag(plot["file"]), pixels, step, dataformats="HWC")


def log_to_wandb(wandb_run: Any, entries: list[dict], folder: Path, step: int) -> None:
    import wandb

    values: dict = {}
    for item in entries:
        for clip in item["audio"]:
            caption = ": ".join(part for part in (clip["caption"], item["text"]) if part)
            values[tag(clip["file"])] = wandb.Audio(str(folder / clip["file"]), caption=caption)
        for plot in item["plots"]:
            values[tag(plot["file"])] = wandb.Image(str(folder / plot["file"]), caption=plot["caption"])
    if values:
        wandb_run.log(values, step=step)


def tag(file: str) -> str:
    return f"samples/{Path(file).stem}"
