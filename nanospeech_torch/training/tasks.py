"""The tasks by name. A config is read and checked before torch is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from nanospeech_core.config import one_of
from nanospeech_core.errors import UserError
from nanospeech_core.strict import from_dict

from .config import AcousticConfig
from .engine.settings import read_values

TASKS = ("acoustic", "vocoder", "aligner")


def load_config(path: str, overrides: Sequence[str] = ()):
    """The config of a run: `AcousticConfig`, `VocoderConfig` or `AlignerTaskConfig`, as its `task` says.

    With `init_from`, what [model] (of an aligner [text] too) does not say is as in those weights' own config;
    of a run's folder, it is the best checkpoint, or the newest.

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
        from .engine.checkpoints import newest

        values["init_from"] = newest(values["init_from"])
    if task == "vocoder":
        from .vocoder.config import VocoderConfig

        if begun:
            from .vocoder.weights import read_vocoder

            values["model"] = merge(asdict(read_vocoder(values["init_from"])[0]), values.get("model", {}))
        return from_dict(VocoderConfig, values, str(path))
    if task == "aligner":
        from .aligner.config import AlignmentConfig

        if begun:
            from .aligner.weights import read_aligner

            for name, begin in zip(("text", "model"), read_aligner(values["init_from"]), strict=False):
                values[name] = merge(asdict(begin), values.get(name, {}))
        return from_dict(AlignmentConfig, values, str(path))
    if begun:
        from .acoustic.weights import config_of

        values["model"] = merge(config_of(values["init_from"]).to_dict(), values.get("model", {}))
    return from_dict(AcousticConfig, values, str(path))


def merge(below: dict, above: object) -> object:
    """`above` over `below`, section by section; what is no section comes back, for from_dict to name."""
    if not isinstance(above, dict):
        return above
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
        from .vocoder.task import VocoderTask

        return VocoderTask(config, report)
    if config.task == "aligner":
        from .aligner.task import AlignmentTask

        return AlignmentTask(config, report)
    from .acoustic.task import AcousticTask

    return AcousticTask(config, report)
