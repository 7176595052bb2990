"""The tasks by name. A config is read and checked before torch is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from nanospeech_core.config import from_dict, one_of
from nanospeech_core.errors import UserError

from .config import AcousticConfig
from .settings import read_values

TASKS = ("acoustic", "vocoder", "aligner")


def load_config(path: str, overrides: Sequence[str] = ()):
    """The config of a run: `AcousticConfig`, `VocoderConfig` or `AlignerTaskConfig`, as its `task` says.

    With `init_from`, what [model] does not say is as in those weights' own config; of a run's folder, it is
    the best checkpoint, or the newest.

    Raises:
        UserError: see `settings.read_settings`.
    """
    values = read_values(path, overrides)
    task = values.get("task", "acoustic")
    if not isinstance(task, str):
        raise UserError(f"{path}.task must be str, not {task!r}")
    one_of("task", task, TASKS)
    begun = bool(values.get("init_from")) and isinstance(values["init_from"], str)
    if begun:
        from .run import newest

        values["init_from"] = newest(values["init_from"])
    if task == "vocoder":
        from .vocoder_config import VocoderConfig

        if begun:
            from .vocoder_weights import read_vocoder

            values["model"] = merge(asdict(read_vocoder(values["init_from"])[0]), values.get("model", {}))
        return from_dict(VocoderConfig, values, str(path))
    if task == "aligner":
        from .alignment_config import AlignmentConfig

        return from_dict(AlignmentConfig, values, str(path))
    if begun:
        from .init import config_of

        model = values.get("model", {})
        if isinstance(model, dict):  # else from_dict says what is wrong with it
            values["model"] = merge(config_of(values["init_from"]).to_dict(), model)
    return from_dict(AcousticConfig, values, str(path))


def merge(below: dict, above: dict) -> dict:
    """`above` over `below`, section by section."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = merge(below[key], value) if both else value
    return merged


def load_task(path: str, overrides: Sequence[str] = (), report: Callable[[str], object] = print):
    """The task that a config describes, with its data read. See `task.Task`.

    report: called with a line of text about the data and the initial weights.
    """
    config = load_config(path, overrides)
    if config.task == "vocoder":
        from .vocoder import VocoderTask

        return VocoderTask(config, report)
    if config.task == "aligner":
        from .alignment_task import AlignmentTask

        return AlignmentTask(config, report)
    from .acoustic import AcousticTask

    return AcousticTask(config, report)
