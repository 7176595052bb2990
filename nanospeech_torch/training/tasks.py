"""Loading a config and its task. The config is read and checked before torch is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nanospeech_core.config import one_of
from nanospeech_core.errors import UserError
from nanospeech_core.strict import from_dict

from .acoustic.config import AcousticConfig
from .aligner.config import AlignmentConfig
from .engine.settings import read_values
from .vocoder.config import VocoderConfig

if TYPE_CHECKING:
    from .engine.task import Task

TASKS = ("acoustic", "vocoder", "aligner")


def load_config(path: str, overrides: Sequence[str] = ()) -> AcousticConfig | VocoderConfig | AlignmentConfig:
    """The config of a run: `AcousticConfig`, `VocoderConfig` or `AlignmentConfig`, as its `task` says.

    With `init_from`, the config of those weights gives the defaults of [model] (for an aligner also of
    [text]).
    If `init_from` is a run's folder, its best checkpoint is taken, or else its newest.

    Raises:
        UserError: see `settings.read_settings`.
    """
    values = read_values(path, overrides)
    task = values.get("task", "acoustic")
    if not isinstance(task, str):
        raise UserError(f"{path}.task must be str, not {task!r}")
    one_of("task", task, TASKS)
    has_initial_weights = bool(values.get("init_from")) and isinstance(values["init_from"], str)
    if has_initial_weights:
        from .engine.checkpoints import best_or_newest

        values["init_from"] = best_or_newest(values["init_from"])
    if task == "vocoder":
        if has_initial_weights:
            from .vocoder.weights import read_vocoder

            values["model"] = merge(asdict(read_vocoder(values["init_from"])[0]), values.get("model", {}))
        return from_dict(VocoderConfig, values, str(path))
    if task == "aligner":
        if has_initial_weights:
            from .aligner.weights import read_aligner

            text, sizes, _ = read_aligner(values["init_from"])
            values["text"] = merge(asdict(text), values.get("text", {}))
            values["model"] = merge(asdict(sizes), values.get("model", {}))
        return from_dict(AlignmentConfig, values, str(path))
    if has_initial_weights:
        from .acoustic.weights import read_model_config

        values["model"] = merge(read_model_config(values["init_from"]).to_dict(), values.get("model", {}))
    return from_dict(AcousticConfig, values, str(path))


def merge(defaults: dict[str, Any], values: object) -> object:
    """`values` over `defaults`, section by section. Anything but a section is returned unchanged."""
    if not isinstance(values, dict):
        return values
    merged = dict(defaults)
    for key, value in values.items():
        both = isinstance(value, dict) and isinstance(defaults.get(key), dict)
        merged[key] = merge(defaults[key], value) if both else value
    return merged


def load_task(path: str, overrides: Sequence[str] = (), report: Callable[[str], object] = print) -> Task:
    """The task of a config, with its data read. See `engine.task.Task`.

    report: called with a line of text about the data and the initial weights.
    """
    config = load_config(path, overrides)
    if isinstance(config, VocoderConfig):
        from .vocoder.task import VocoderTask

        return VocoderTask(config, report)
    if isinstance(config, AlignmentConfig):
        from .aligner.task import AlignmentTask

        return AlignmentTask(config, report)
    from .acoustic.task import AcousticTask

    return AcousticTask(config, report)
