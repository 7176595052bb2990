"""Runs with logs and samples, and the report of one as parsed HTML."""

import base64
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_torch.report import __main__ as report

VOID = {"meta", "img", "i-void", "br"}


class Page(HTMLParser):
    """Elements in order, as (tag, attributes, text); checks that they are closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        element = [tag, dict(attributes), ""]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag, **wanted):
        return [
            element
            for element in self.elements
            if element[0] == tag and all(element[1].get(key) == value for key, value in wanted.items())
        ]

    def charts(self):
        """Title -> {label: (steps, values)} of the plots."""
        result = {}
        for element in self.elements:
            if element[0] == "b":
                lines = result[element[2]] = {}
            elif element[0] == "span" and "class" in element[1] and "state" not in element[1]["class"]:
                lines[element[2].rpartition(" ")[0].strip()] = None
        groups = [e[1] for e in self.all("g") if "data-steps" in e[1]]
        for lines in result.values():
            for label in lines:
                attributes = groups.pop(0)
                pair = attributes["data-steps"].split(), attributes["data-values"].split()
                lines[label] = [int(s) for s in pair[0]], [float(v) for v in pair[1]]
        assert groups == []
        return result


def write_log(folder: Path, *entries: dict | str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [entry if isinstance(entry, str) else json.dumps(entry) + "\n" for entry in entries]
    (folder / "log.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def write_samples(run: Path, step: int, seconds=(0.7, 1.3), **changes) -> Path:
    folder = run / "samples" / f"step-{step:08d}"
    folder.mkdir(parents=True)
    item = {"title": "in the voice of v0", "text": f"spoken at {step}", "note": "", "audio": [], "plots": []}
    for i, length in enumerate(seconds):
        wave = np.sin(np.arange(round(length * SAMPLE_RATE)) * 0.05 * (i + 1)).astype(np.float32) / 2
        audio.write(folder / f"{i}.wav", wave)
        item["audio"].append({"file": f"{i}.wav", "caption": f"way {i}", "settings": {"cfg": 1.0}})
    (folder / "p.png").write_bytes(PNG)
    item["plots"].append({"file": "p.png", "caption": "a plot"})
    (folder / "samples.json").write_text(json.dumps([item | changes]), encoding="utf-8")
    return folder


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


TRAINING = [
    {"step": step, "flow": 8 / step, "lr": 1e-3, "gradient": 2.0, "minutes": step / 60, "steps_per_s": 1.5}
    for step in range(20, 2001, 20)
]


FULL = [
    {"parameters": 9453649, "utterances": 1898, "device": "cpu"},
    *TRAINING[:50],
    {"step": 1000, "held_out_flow": 0.5, "held_out_duration": 0.2},
    {"step": 1000, "wer_masked": 40.0, "wer_ode": 55.0},
    *TRAINING[50:],
    {"step": 2000, "held_out_flow": 0.25, "held_out_duration": 0.3},
    {"step": 2000, "wer_masked": 12.5, "wer_ode": 20.0},
    {"step": 2000, "saved": "step-00002000.pt"},
]


def make(run: Path, max_samples=6) -> Page:
    report.report(run, max_samples=max_samples)
    return Page((run / "report.html").read_text(encoding="utf-8"))
