"""Every command on a full disk: one sentence, an exit code, the earlier output whole, nothing half-written.

The disk is the output's, the temporary folder's or the home folder's.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
from all_commands import COMMANDS, contents, words
from checkpoints import make_voice, write_checkpoint
from commands import in_a_process
from disks import fill, free_up, small_disk
from language_models import write_scripted_llm

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

import runs
from kills import run

from nanospeech_core.voices.store import load_voice, save_voice
from nanospeech_torch.training.engine.checkpoints import list_checkpoints, read_checkpoint

pytestmark = pytest.mark.slow
FREE = (0, 4096, 12288)  # bytes that are left: nothing fits, or the beginning


def check_failed(code: int, said: str) -> None:
    lines = [line for line in said.splitlines() if "No space left on device" in line]
    assert code == 1 and len(lines) == 1 and "Traceback" not in said, said
    assert "cannot" in lines[0], said


@pytest.mark.parametrize("name", COMMANDS)
def test_the_output_is_on_a_full_disk(name, inputs, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        module, arguments = words(name, inputs, disk)
        home = {"NANOSPEECH_DATA": str(disk / "data")}
        fill(disk)
        code, said = run(module, arguments, tmp_path / "said.txt", **home)
        check_failed(code, said)
        assert contents(disk) == {}, said
        free_up(disk)
        code, said = run(module, arguments, tmp_path / "said.txt", **home)
        assert code == 0, said
        before = contents(disk)
        assert before and not [name for name in before if Path(name).name.startswith(".")]
        if name == "prepare":
            return  # it has nothing to do
        for leave in FREE:
            fill(disk, leave)
            code, said = run(module, arguments, tmp_path / "said.txt", **home)
            if code:
                check_failed(code, said)
            after = contents(disk)
            assert after.keys() == before.keys(), said
            changed = [path for path in before if after[path] != before[path] and not path.endswith(".json")]
            assert not changed or code == 0, (leave, said)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("which", ["TMPDIR", "HOME"])
def test_the_temporary_or_the_home_folder_is_on_a_full_disk(name, which, inputs, tmp_path):
    """It is not needed, or one sentence tells that it is full."""
    out = tmp_path / "out"
    out.mkdir()
    with small_disk(tmp_path / "disk") as disk:
        module, arguments = words(name, inputs, out)
        fill(disk)
        folders = {"NANOSPEECH_DATA": str(out / "data")}
        folders |= {"HOME": str(disk), "XDG_CACHE_HOME": str(disk)} if which == "HOME" else {which: str(disk)}
        code, said = run(module, arguments, tmp_path / "said.txt", **folders)
        if code:
            check_failed(code, said)
            assert contents(out) == {}
        else:
            assert contents(out) and "Traceback" not in said, said


def test_prepare_goes_on_after_space_is_made(inputs, tmp_path):
    line = [inputs / "in.tar", "--shard-size", 3, "--workers", 1, "-o"]
    code, said = run("nanospeech_torch.prepare", [*line, tmp_path / "whole"], tmp_path / "said.txt")
    assert code == 0, said
    whole = contents(tmp_path / "whole")
    with small_disk(tmp_path / "disk") as disk:
        size = len(whole["data-000000.tar"])
        for leave in (size + 65536, 2 * size, size // 2):
            fill(disk, leave)
            code, said = run("nanospeech_torch.prepare", [*line, disk / "out"], tmp_path / "said.txt")
            check_failed(code, said)
            tars = {name: data for name, data in contents(disk / "out").items() if name.endswith(".tar")}
            assert all(data == whole[name] for name, data in tars.items())
        free_up(disk)
        code, said = run("nanospeech_torch.prepare", [*line, disk / "out"], tmp_path / "said.txt")
        assert code == 0 and contents(disk / "out") == whole, said


def test_train_keeps_its_last_checkpoint_and_goes_on(inputs, tmp_path):
    config = runs.change(
        runs.tiny(inputs / "s.tar", tmp_path / "disk" / "run"),
        optimizer={"steps": 12},
        engine={"checkpoint_minutes": 0.0},
        watch={"sample_every": 6},
    )
    path = runs.write(config, tmp_path / "c.json")
    code, said = run("nanospeech_torch.train", [path, f"out={tmp_path / 'whole'}"], tmp_path / "said.txt")
    assert code == 0, said
    end = read_checkpoint(list_checkpoints(tmp_path / "whole")[-1])
    size = list_checkpoints(tmp_path / "whole")[-1].stat().st_size
    with small_disk(tmp_path / "disk") as disk:
        for leave in (0, 8192, size + size // 2, 2 * size):
            fill(disk, leave)
            code, said = run("nanospeech_torch.train", [path], tmp_path / "said.txt")
            check_failed(code, said)
            for found in list_checkpoints(disk / "run"):
                assert read_checkpoint(found)["step"] == int(found.stem[5:])
            assert not list(disk.rglob("run/.*")), said
        assert list_checkpoints(disk / "run")
        free_up(disk)
        code, said = run("nanospeech_torch.train", [path], tmp_path / "said.txt")
        assert code == 0 and "resumed" in said, said
        last = read_checkpoint(list_checkpoints(disk / "run")[-1])
        assert all(torch.equal(last["ema"][name], end["ema"][name]) for name in end["ema"])
        for line in (disk / "run" / "log.jsonl").read_text().splitlines():
            assert line.startswith("{")


def test_a_voice_is_removed_from_a_full_disk(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        save_voice(disk, make_voice("me", "en-us", "Hello.", "həlˈoʊ"))
        fill(disk)
        data = {"NANOSPEECH_DATA": str(disk)}
        code, said = run("nanospeech_torch.voices", ["remove", "me"], tmp_path / "said.txt", **data)
        assert code == 0 and contents(disk) == {}, said


def test_what_was_chatted_does_not_fit(tmp_path):
    """The answer is printed, and one sentence tells that there is no file; an earlier one stays."""
    pytest.importorskip("mlx_lm")
    llm = write_scripted_llm(tmp_path / "llm", ["Hello", " there", ". It", " is me", "."])
    model = write_checkpoint(tmp_path / "model", format="mlx")
    with small_disk(tmp_path / "disk") as disk:
        (disk / "a.wav").write_bytes(b"old")
        for leave in FREE:
            fill(disk, leave)
            line = ["--llm", llm, "--prompt", "Well?", "--model", model, "--output", disk / "a.wav"]
            done = in_a_process("nanospeech_mlx.chat", *line)
            check_failed(done.code, done.err)
            assert "Hello there. It is me." in done.out and contents(disk) == {"a.wav": b"old"}


def test_a_copied_voice_on_a_full_disk(tmp_path):
    mine = make_voice("me", "en-us", "Hello.", "həlˈoʊ")
    save_voice(tmp_path / "data", mine)
    with small_disk(tmp_path / "disk") as disk:
        fill(disk)
        line = ["export", "me", disk]
        data = {"NANOSPEECH_DATA": str(tmp_path / "data")}
        code, said = run("nanospeech_torch.voices", line, tmp_path / "said.txt", **data)
        check_failed(code, said)
        assert contents(disk) == {}
        free_up(disk)
        assert run("nanospeech_torch.voices", line, tmp_path / "said.txt", **data)[0] == 0
        assert np.array_equal(load_voice(disk, "me").audio, load_voice(tmp_path / "data", "me").audio)
    shutil.rmtree(tmp_path / "data")
