"""prepare, train and export killed at random moments: what they make is that of an undisturbed run."""

import random
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from preparations import contents, tones, write_shard

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

import runs
from corpus import write_corpus
from kills import KILLS, Reader, Work, kill_often, run, start

from nanospeech_core.checkpoints.folder import load_folder
from nanospeech_torch.training.engine.checkpoints import list_checkpoints, read_checkpoint

STEPS = 12
RANDOM = random.Random(0)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_prepare_is_killed(tmp_path, workers):
    """Again and again, until it is done: the same bytes, and every shard is whole when it is there."""
    write_shard(tmp_path / "in.tar", tones(64))
    line = [tmp_path / "in.tar", "--shard-size", 4, "--workers", workers, "-o"]
    code, said = run("nanospeech_torch.prepare", [*line, tmp_path / "whole"], tmp_path / "said.txt")
    assert code == 0, said
    whole, output = contents(tmp_path / "whole"), tmp_path / "out"

    def look():
        with suppress(FileNotFoundError):  # the test begins anew
            for path in shards():
                assert path.read_bytes() == whole[path.name]

    def shards():
        return sorted(output.glob("data-*.tar"))

    killed, ended = 0, 0
    with Reader(look) as reader:
        while killed < KILLS:
            code = kill_later("nanospeech_torch.prepare", [*line, output], tmp_path / "said.txt", shards)
            killed, ended = killed + (code != 0), ended + (code == 0)
            if code == 0:
                assert contents(output) == whole
                shutil.rmtree(output)
    code, said = run("nanospeech_torch.prepare", [*line, output], tmp_path / "said.txt")
    assert code == 0 and contents(output) == whole, said
    print(f"prepare, {workers} workers: {killed} killed, {ended} ended, {reader.looks} looks")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_train_is_killed(tmp_path, workers):
    """Resumed after each kill: the same weights, byte for byte, as those of an undisturbed run."""
    shard = write_corpus(tmp_path / "s.tar", count=8, letters=6)
    config = runs.change(
        runs.tiny(shard, tmp_path / "whole"),
        optimizer={"steps": STEPS},
        engine={"checkpoint_minutes": 0.0, "workers": workers},
    )
    path, again = runs.write(config, tmp_path / "c.json"), [f"out={tmp_path / 'run'}"]
    code, said = run("nanospeech_torch.train", [path], tmp_path / "said.txt")
    assert code == 0, said
    end = read_checkpoint(list_checkpoints(tmp_path / "whole")[-1])

    def look():
        with suppress(FileNotFoundError):  # the test begins anew
            for found in checkpoints():
                try:
                    assert read_checkpoint(found)["step"] == int(found.stem[5:])
                except Exception:
                    if found.exists():  # else it was just deleted: only the last ones are kept
                        raise

    def checkpoints():
        return list_checkpoints(tmp_path / "run")

    killed, ended = 0, 0
    with Reader(look) as reader:
        while killed < KILLS:
            code = kill_later("nanospeech_torch.train", [path, *again], tmp_path / "said.txt", checkpoints)
            killed, ended = killed + (code != 0), ended + (code == 0)
            if code == 0:
                assert_equal(read_checkpoint(checkpoints()[-1]), end)
                shutil.rmtree(tmp_path / "run")
    code, said = run("nanospeech_torch.train", [path, *again], tmp_path / "said.txt")
    assert code == 0, said
    assert_equal(read_checkpoint(checkpoints()[-1]), end)
    assert not [found.name for found in (tmp_path / "run").iterdir() if found.name.startswith(".")]
    print(f"train, {workers} workers: {killed} killed, {ended} ended, {reader.looks} looks")


def kill_later(module: str, arguments: list, output: Path, written: Callable[[], list[Path]]) -> int:
    """Run a command and kill it some time after it has written some new files; returns its exit code.

    One kill in four comes while it starts.
    """
    before, count = set(written()), RANDOM.randint(0, 3)
    early = Work(RANDOM.uniform(0.0, 0.3))

    def enough(pid: int) -> bool:
        return len(set(written()) - before) >= count if count else early(pid)

    code, said = run(module, arguments, output, enough, RANDOM.uniform(0, 0.1))
    assert code in (0, -signal.SIGKILL), said
    return code


def assert_equal(state: dict, expected: dict) -> None:
    for key in ("step", "position", "ema", "losses", "optimizers"):
        a, b = flat(state[key]), flat(expected[key])
        assert a.keys() == b.keys()
        for name in a:
            same = torch.equal(a[name], b[name]) if torch.is_tensor(a[name]) else a[name] == b[name]
            assert same, f"{key} {name}"


def flat(value: object, name: str = "") -> dict:
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f"{name}.{key}").items()}
    if isinstance(value, (list, tuple)):
        return {k: v for key, item in enumerate(value) for k, v in flat(item, f"{name}.{key}").items()}
    return {name: value}


@pytest.mark.slow
def test_export_is_killed(tmp_path):
    shard = write_corpus(tmp_path / "s.tar", count=8, letters=6)
    path = runs.write(runs.tiny(shard, tmp_path / "run"), tmp_path / "c.json")
    code, said = run("nanospeech_torch.train", [path], tmp_path / "said.txt")
    assert code == 0, said
    output = tmp_path / "voice"

    def look():
        if output.exists():
            assert load_folder(output, "pt")[0].name

    line = [tmp_path / "run", "-o", output]
    kill_often("nanospeech_torch.export", lambda n: line, look, tmp_path)
    assert not [found.name for found in tmp_path.iterdir() if found.name.startswith(".")]


@pytest.mark.slow
def test_a_killed_run_can_be_resumed_at_once(tmp_path):
    """Its workers live a little longer, and do not keep the lock of its folder."""
    shard = write_corpus(tmp_path / "s.tar", count=8, letters=6)
    config = runs.change(
        runs.tiny(shard, tmp_path / "run"), engine={"workers": 2}, optimizer={"steps": 100_000}
    )
    path = runs.write(config, tmp_path / "c.json")
    process = start("nanospeech_torch.train", [path], tmp_path / "said.txt")
    while "gradient" not in (tmp_path / "said.txt").read_text() if (tmp_path / "said.txt").exists() else True:
        assert process.is_alive()
        process.join(0.05)
    code, said = run("nanospeech_torch.train", [path], tmp_path / "second.txt")
    assert code == 1 and said.splitlines()[-1].endswith(
        f"another process is training in {tmp_path / 'run'}: wait for it, or set another `out`"
    )
    assert process.is_alive()
    process.kill()
    process.join()
    code, said = run("nanospeech_torch.train", [path, "optimizer.steps=3"], tmp_path / "third.txt")
    assert code == 0, said
