"""Every command that writes something, by a short name, with what it reads."""

from __future__ import annotations

import json
from pathlib import Path

from checkpoints import write_checkpoint
from disks import FILLER
from preparations import tones, write_shard

from nanospeech_core.audio import files
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.voices.store import load_voice

TEXT = "Hello there. " * 12
COMMANDS = (
    *("wav", "flac", "ogg", "mp3", "stream", "timestamps", "lines", "add", "edit", "prepare", "export"),
    *("evaluate", "report", "benchmark", "convert", "quantize"),
)


def write_inputs(folder: Path) -> Path:
    """What the commands read: a model, a recording, texts, shards, a finished run."""
    import runs
    from corpus import write_corpus
    from kills import run

    write_checkpoint(folder / "model")
    files.write(folder / "emma.wav", load_voice(PRETRAINED, "emma").audio)
    (folder / "lines.txt").write_text("Hello there.\n" * 5)
    (folder / "texts.jsonl").write_text(json.dumps({"id": "a", "text": TEXT}) + "\n")
    write_shard(folder / "in.tar", tones(12))
    shard = write_corpus(folder / "s.tar", count=8, letters=6)
    config = runs.write(runs.tiny(shard, folder / "run"), folder / "c.json")
    code, said = run("nanospeech_torch.train", [config], folder / "said.txt")
    assert code == 0, said
    return folder


def words(name: str, inputs: Path, out: Path) -> tuple[str, list]:
    """The module and the arguments of a command that writes to `out`; voices go to NANOSPEECH_DATA."""
    emma = load_voice(PRETRAINED, "emma")
    model, torch_package = ["--model", inputs / "model"], "nanospeech_torch."
    speak = [*model, "--text", TEXT, "--output"]
    evaluation = [inputs / "model", "--texts", inputs / "texts.jsonl", "--setting", "ode:steps=2"]
    commands = {
        "wav": ("generate", [*speak, out / "a.wav"]),
        "flac": ("generate", [*speak, out / "a.flac"]),
        "ogg": ("generate", [*speak, out / "a.ogg"]),
        "mp3": ("generate", [*speak, out / "a.mp3"]),
        "stream": ("generate", [*speak, out / "a.wav", "--stream"]),
        "timestamps": ("generate", [*speak, out / "a.wav", "--timestamps", out / "a.srt"]),
        "lines": ("generate", [*model, "--input", inputs / "lines.txt", "--output-dir", out / "lines"]),
        "add": ("voices", ["add", "me", inputs / "emma.wav", emma.text, "--replace"]),
        "edit": (
            "edit",
            ["--audio", inputs / "emma.wav", "--text", emma.text, "--edit", emma.text + " Bye.", "--output"]
            + [out / "a.wav"],
        ),
        "prepare": ("prepare", [inputs / "in.tar", "--shard-size", 3, "--workers", 1, "-o", out / "shards"]),
        "export": ("export", [inputs / "run", "-o", out / "voice"]),
        "evaluate": (
            "evaluate",
            [
                *evaluation,
                "--no-dnsmos",
                "--no-prosody",
                "--output",
                out / "speech",
                "--json",
                out / "e.json",
            ],
        ),
        "report": ("report", [inputs / "run", "-o", out / "report.html"]),
        "benchmark": (
            "benchmark",
            [inputs / "model", "--length", "short", "--setting", "ode:steps=2", "--runs", 1]
            + ["--json", out / "b.json"],
        ),
    }
    if name == "convert":
        return "convert", ["torch2mlx", inputs / "model", "-o", out / "mlx", "--force"]
    if name == "quantize":
        return "convert", ["quantize", "embedded", "--bits", "8", "-o", out / "small", "--force"]
    module, arguments = commands[name]
    return torch_package + module, arguments


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != FILLER
    }
