"""The table of commands: what each does, which backends have it, and which module runs it."""

from __future__ import annotations

from dataclasses import dataclass

from ...system.install import BACKENDS


@dataclass(frozen=True)
class Command:
    """A row of the table."""

    name: str | None  # in `nanospeech-mar NAME`; None: it is run by `python -m` only
    summary: str
    backends: tuple[str, ...]  # of BACKENDS; () for a command that needs none
    module: str  # with a function `main(argv, prog)`; in the backend's package if there are backends

    def module_for(self, backend: str | None) -> str:
        """The full name of the module; `backend` is one of `backends`, None where there are none."""
        return self.module if backend is None else f"{package(backend)}.{self.module}"

    def python_line(self, backend: str | None) -> str:
        """The command as it is typed without `nanospeech-mar`."""
        return "python -m " + self.module_for(backend).removesuffix(".__main__")


COMMANDS = (
    Command("generate", "speak a text, or each line of a file", BACKENDS, "generate"),
    Command("book", "make an audiobook from an EPUB, Markdown or text file", BACKENDS, "book"),
    Command("edit", "change words in a recording", BACKENDS, "edit"),
    Command("voices", "add, list, remove and export your own voices", BACKENDS, "voices"),
    Command("benchmark", "measure how fast a model speaks", BACKENDS, "benchmark"),
    Command(
        "evaluate", "measure how well a model speaks: word errors, similarity, quality", BACKENDS, "evaluate"
    ),
    Command("doctor", "check that everything works on this machine", BACKENDS, "doctor.__main__"),
    Command("diagnose", "find the part of a model that loses quality", ("torch",), "diagnose"),
    Command("serve", "serve speech over HTTP, as OpenAI's API has it", BACKENDS, "serve"),
    Command("wyoming", "serve speech to Home Assistant", BACKENDS, "wyoming"),
    Command("chat", "talk with a language model and hear its answers", ("mlx",), "chat.__main__"),
    Command("prepare", "turn recordings and texts into training shards", ("torch",), "prepare.__main__"),
    Command("train", "train a model, a vocoder or an aligner", ("torch",), "train"),
    Command("report", "show a training run as one HTML page", ("torch",), "report.__main__"),
    Command("export", "turn a training run into a checkpoint folder", ("torch",), "export.__main__"),
    Command(
        None, "measure how precise an aligner's boundaries are", ("torch",), "training.aligner.boundaries"
    ),
    Command(
        None,
        "write mels predicted by a model, to train a vocoder on",
        ("torch",),
        "training.vocoder.predicted_mels",
    ),
    Command(None, "measure how fast a config trains", ("torch",), "training.speed"),
    Command(None, "measure how long Python works for a sentence, computing nothing", ("mlx",), "host_time"),
    Command("convert", "convert checkpoints between backends, or quantize them", (), "convert.__main__"),
)


def package(backend: str) -> str:
    """The package of a backend."""
    return f"nanospeech_{backend}"


def by_name() -> dict[str, Command]:
    """The commands of `nanospeech-mar`."""
    return {command.name: command for command in COMMANDS if command.name is not None}
