"""An evaluation on a Ray cluster of this machine has the results of one in this process."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from checkpoints import write_checkpoint

from nanospeech_core.audio import files as audio
from nanospeech_core.voices.store import load_voice

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="needs ray, of the extra [cluster]"),
]


def test_the_results_are_those_of_one_process(tmp_path, monkeypatch, capsys):
    from nanospeech_torch.evaluate import main

    monkeypatch.chdir(tmp_path)
    model = write_checkpoint(tmp_path / "tiny")
    texts = ("Hello there.", "Good day to you.", "It is late now.")
    rows = [json.dumps({"id": f"t{i}", "text": text}) for i, text in enumerate(texts)]
    Path("texts.jsonl").write_text("\n".join(rows))
    flags = [
        str(model),
        "--texts",
        "texts.jsonl",
        "--setting",
        "masked:num_iter=1",
        "--setting",
        "ode:steps=1",
    ]
    flags += ["--no-dnsmos", "--no-prosody", "--quiet"]
    reports = []
    for name, engine in (("here", []), ("ray", ["--engine", "ray"])):
        assert main([*flags, *engine, "--output", name, "--json", f"{name}.json"]) == 0
        text = re.sub(r'"(elapsed|real_time_factor)": [^,}]+', '"clock": 0', Path(f"{name}.json").read_text())
        report = json.loads(text)
        assert report.pop("date")
        reports.append(report)
    assert reports[0] == reports[1]
    files = sorted(path.relative_to("here") for path in Path("here").rglob("*.wav"))
    assert len(files) == 6
    assert all(Path("here", f).read_bytes() == Path("ray", f).read_bytes() for f in files)


def test_recordings(tmp_path, monkeypatch, capsys):
    from nanospeech_torch.evaluate import main

    monkeypatch.chdir(tmp_path)
    Path("texts.jsonl").write_text(json.dumps({"id": "a", "text": "Hello."}))
    audio.write("a.wav", load_voice(write_checkpoint(tmp_path / "tiny"), "heart").audio)
    flags = ["--texts", "texts.jsonl", "--wavs", ".", "--no-dnsmos", "--no-prosody", "--quiet"]
    assert main(flags) == 0
    here = capsys.readouterr().out
    assert main([*flags, "--engine", "ray"]) == 0
    assert capsys.readouterr().out == here
