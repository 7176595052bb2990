"""Two processes at once on one output: no mixture, no damage; both succeed, or the second one is told."""

import contextlib
import random
import shutil
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from all_commands import contents
from checkpoints import make_voice
from preparations import tones, write_shard

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

import runs
import soundfile
from corpus import write_corpus
from kills import KILLS, Reader, run, start

from nanospeech_core.audio import files
from nanospeech_core.checkpoints.folder import load_folder
from nanospeech_core.voices.store import list_voices, load_voice
from nanospeech_torch.training.engine.checkpoints import list_checkpoints, read_checkpoint

pytestmark = pytest.mark.slow


def both(commands: list[tuple[str, list]], folder: Path, seconds: float = 180, **environment: str):
    """[(exit code, what it printed)] of commands that run at the same time."""
    logs = [folder / f"said-{number}.txt" for number in range(len(commands))]
    started = [start(*command, log, **environment) for command, log in zip(commands, logs, strict=True)]
    for process in started:
        process.join(seconds)
        assert process.exitcode is not None, "it hangs"
    return [(process.exitcode, log.read_text()) for process, log in zip(started, logs, strict=True)]


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_two_speak_into_one_file(model, tmp_path, suffix):
    output, lengths = tmp_path / f"out.{suffix}", set()

    def look():
        if output.exists():
            lengths.add(len(soundfile.read(output)[0]))

    def speak(words: int, to: Path) -> tuple[str, list]:
        return "nanospeech_torch.generate", ["--model", model, "--text", "Hello. " * words, "--output", to]

    expected = set()
    for words in (5, 30):
        assert run(*speak(words, tmp_path / f"{words}.{suffix}"), tmp_path / "said.txt")[0] == 0
        expected.add(len(soundfile.read(tmp_path / f"{words}.{suffix}")[0]))
    with Reader(look):
        for _ in range(KILLS):
            ended = both([speak(5, output), speak(30, output)], tmp_path)
            assert [code for code, _ in ended] == [0, 0], ended
    assert lengths <= expected
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_two_prepare_into_one_folder(tmp_path):
    write_shard(tmp_path / "in.tar", tones(40))
    line = [tmp_path / "in.tar", "--shard-size", 4, "--workers", 0, "-o"]
    assert run("nanospeech_torch.prepare", [*line, tmp_path / "whole"], tmp_path / "said.txt")[0] == 0
    whole = contents(tmp_path / "whole")
    for number in range(KILLS):
        output = tmp_path / f"out-{number}"
        ended = both([("nanospeech_torch.prepare", [*line, output])] * 2, tmp_path)
        assert contents(output) == whole
        for code, said in ended:
            told = f"another run is writing {output}: wait for it, or choose another folder" in said
            assert code == (1 if told else 0), said
        assert 0 in [code for code, _ in ended]


def test_two_train_in_one_folder(tmp_path):
    """One of them trains, as if it were alone."""
    shard = write_corpus(tmp_path / "s.tar", count=8, letters=6)
    config = runs.change(runs.tiny(shard, tmp_path / "whole"), optimizer={"steps": 12})
    config = runs.change(config, engine={"checkpoint_minutes": 0.0})
    path = runs.write(config, tmp_path / "c.json")
    assert run("nanospeech_torch.train", [path], tmp_path / "said.txt")[0] == 0
    whole = read_checkpoint(list_checkpoints(tmp_path / "whole")[-1])["ema"]
    for number in range(KILLS):
        out = tmp_path / f"run-{number}"
        ended = both([("nanospeech_torch.train", [path, f"out={out}"])] * 2, tmp_path)
        for code, said in ended:
            told = f"another process is training in {out}: wait for it, or set another `out`" in said
            assert code == (1 if told else 0), said
        assert 0 in [code for code, _ in ended]
        ema = read_checkpoint(list_checkpoints(out)[-1])["ema"]
        assert all(torch.equal(ema[name], whole[name]) for name in whole)
        steps = [
            entry["step"] for entry in runs.read_log(runs.change(config, out=str(out))) if "gradient" in entry
        ]
        assert steps == list(range(1, 13))
        shutil.rmtree(out)


def test_two_export_into_one_folder(tmp_path):
    """The weights and the config of one of them."""
    expected = []
    for seed in (1, 2):
        shard = write_corpus(tmp_path / f"{seed}.tar", count=8, letters=6)
        config = runs.change(runs.tiny(shard, tmp_path / f"run-{seed}"), seed=seed, optimizer={"steps": 2})
        code, said = run(
            "nanospeech_torch.train", [runs.write(config, tmp_path / "c.json")], tmp_path / "said.txt"
        )
        assert code == 0, said
        line = [tmp_path / f"run-{seed}", "-o", tmp_path / f"alone-{seed}"]
        assert run("nanospeech_torch.export", line, tmp_path / "said.txt")[0] == 0
        expected.append(contents(tmp_path / f"alone-{seed}"))
    assert expected[0]["model.safetensors"] != expected[1]["model.safetensors"]
    output = tmp_path / "voice"

    def look():
        if output.exists():
            load_folder(output, "pt")

    with Reader(look):
        for _ in range(KILLS):
            lines = [("nanospeech_torch.export", [tmp_path / f"run-{seed}", "-o", output]) for seed in (1, 2)]
            ended = both(lines, tmp_path)
            assert [code for code, _ in ended] == [0, 0], ended
            assert contents(output) in expected
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_two_convert_into_one_folder(model, tmp_path):
    for number in range(KILLS):
        output = tmp_path / f"mlx-{number}"
        ended = both([("convert", ["torch2mlx", model, "-o", output])] * 2, tmp_path)
        for code, said in ended:
            assert code == (1 if f"{output} exists" in said else 0), said
        assert [code for code, _ in ended].count(0) == 1
        assert load_folder(output, "mlx")[0].name == "tiny"
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_two_add_voices(tmp_path):
    wave = np.tile(make_voice("me", "en-us", "Hello.", "həlˈoʊ").audio, 9)
    texts = {3: "Hello there, it is me.", 5: "This is a longer sentence than the other one, is it not?"}
    for seconds in texts:
        files.write(tmp_path / f"{seconds}.wav", wave[: seconds * 24000])

    def add(name: str, seconds: int, *more: str) -> tuple[str, list]:
        line = ["add", name, tmp_path / f"{seconds}.wav", texts[seconds], *more]
        return "nanospeech_torch.voices", line

    for number in range(KILLS):
        data = tmp_path / f"data-{number}"
        environment = {"NANOSPEECH_DATA": str(data)}
        ended = both([add("me", 3), add("me", 5)], tmp_path, **environment)  # one of them is told
        assert sorted(code for code, _ in ended) == [0, 1], ended
        assert any('there is a voice "me" already; --replace replaces it' in said for _, said in ended)
        ended = both([add("me", 3, "--replace"), add("me", 5, "--replace")], tmp_path, **environment)
        assert [code for code, _ in ended] == [0, 0], ended
        found = load_voice(data, "me")
        assert (found.seconds > 4) == (found.text == texts[5])
        ended = both([add("you", 3), add("them", 5)], tmp_path, **environment)
        assert [code for code, _ in ended] == [0, 0], ended
        assert [voice.name for voice in list_voices(data)] == ["me", "them", "you"]
        assert len(list((data / "voices").iterdir())) == 6


# workers


def workers_of(process) -> list[psutil.Process]:
    """Of a command; none if it has ended."""
    try:
        found = psutil.Process(process.pid).children(recursive=True)
        return [child for child in found if "resource_tracker" not in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize("every", [True, False])
def test_workers_of_prepare_are_killed(tmp_path, every):
    """One of them, or all at once, at random moments: the result is that of an undisturbed run."""
    write_shard(tmp_path / "in.tar", tones(60))
    line = [tmp_path / "in.tar", "--shard-size", 4, "--workers", 2, "-o"]
    code, said = run("nanospeech_torch.prepare", [*line, tmp_path / "whole"], tmp_path / "said.txt")
    assert code == 0, said
    whole, generator, killed = contents(tmp_path / "whole"), random.Random(0), 0
    for number in range(KILLS):
        output = tmp_path / f"out-{number}"
        process = start("nanospeech_torch.prepare", [*line, output], tmp_path / "said.txt")
        while process.is_alive() and not (output / "data-000000.tar").exists():
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 0.3))
        found = workers_of(process)
        for worker in found if every else found[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
            killed += 1
        process.join(180)
        assert process.exitcode == 0, (tmp_path / "said.txt").read_text()
        assert contents(output) == whole
    print(f"prepare: {killed} workers killed in {KILLS} runs")


def test_workers_of_train_are_killed(tmp_path):
    """A sentence, no hang, and the run can be resumed."""
    shard = write_corpus(tmp_path / "s.tar", count=8, letters=6)
    config = runs.change(
        runs.tiny(shard, tmp_path / "run"),
        engine={"workers": 2, "checkpoint_minutes": 0.0},
        optimizer={"steps": 100_000},
    )
    path, generator = runs.write(config, tmp_path / "c.json"), random.Random(0)
    for _ in range(KILLS):
        before = list_checkpoints(tmp_path / "run")
        process = start("nanospeech_torch.train", [path], tmp_path / "said.txt")
        while process.is_alive() and list_checkpoints(tmp_path / "run")[-1:] == before[-1:]:
            time.sleep(0.02)
        time.sleep(generator.uniform(0, 0.5))
        for worker in workers_of(process)[: generator.randint(1, 2)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        process.join(120)
        said = (tmp_path / "said.txt").read_text()
        assert process.exitcode == 1 and "Traceback" not in said, said
        assert "a worker process of the data loader died" in said.splitlines()[-1]
        for found in list_checkpoints(tmp_path / "run"):
            assert read_checkpoint(found)["step"] == int(found.stem[5:])
    code, said = run("nanospeech_torch.train", [path, "optimizer.minutes=0.01"], tmp_path / "said.txt")
    assert code == 0, said
