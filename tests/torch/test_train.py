"""`python -m nanospeech_torch.train` as it is used: killed at any moment, stopped, and on two processes."""

import itertools
import os
import random
import signal
import time
from pathlib import Path

import commands
import pytest
import runs
from runs import change, files, losses, read_log

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")
pytest.importorskip("accelerate")

from nanospeech_torch.training.acoustic.task import AcousticTask
from nanospeech_torch.training.engine import checkpoints
from nanospeech_torch.training.engine.engine import Engine

STEPS = 24  # 4 epochs and more


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]


@pytest.fixture(scope="module")
def unbroken(shard, tmp_path_factory):
    """The config of a run that nothing stopped, with a checkpoint after each step."""
    config = runs.tiny(shard, tmp_path_factory.mktemp("unbroken") / "run")
    config = change(
        config, optimizer={"steps": STEPS}, engine={"checkpoint_minutes": 0.0}, watch={"validate_every": 8}
    )
    complete(config)
    return config


def complete(config):
    engine = Engine(AcousticTask(config, lambda line: None))
    assert engine.run() == 0
    return engine


def last(config):
    return checkpoints.read_checkpoint(checkpoints.list_checkpoints(Path(config.out))[-1])


def assert_same_run(config, unbroken):
    """The same losses at every step, the same weights at the end, nothing half-written left."""
    assert losses(config) == losses(unbroken) and len(losses(config)) == STEPS
    ours, theirs = last(config), last(unbroken)
    for name, value in theirs["ema"].items():
        assert torch.equal(ours["ema"][name], value), name
    for name, value in theirs["losses"]["model"].items():
        assert torch.equal(ours["losses"]["model"][name], value), name
    assert not [name for name in files(config) if name.startswith(".")]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_killed_at_any_moment_goes_on_as_if_it_had_not_been(unbroken, tmp_path, workers):
    config = change(unbroken, out=str(tmp_path / "run"), engine={"workers": workers})
    process = runs.train(runs.write(config, tmp_path / "c.json"))
    try:
        runs.wait_for_step(process, random.randint(1, STEPS // 2))
        time.sleep(random.uniform(0, 0.1))
    finally:
        runs.end(process)  # SIGKILL
    assert process.returncode == -signal.SIGKILL
    found = checkpoints.list_checkpoints(Path(config.out))
    assert all(checkpoints.read_checkpoint(path)["step"] == int(path.stem[5:]) for path in found)
    engine = complete(config)
    assert engine.step == STEPS
    assert_same_run(config, unbroken)


# writes half of the fourth checkpoint, and dies
DYING = """
import os, signal, sys, torch
save, calls = torch.save, []

def dying(state, path):
    save(state, path)
    calls.append(path)
    if len(calls) == 4:
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)

torch.save = dying
from nanospeech_torch.train import main
main(sys.argv[1:])
"""


def test_a_run_killed_while_it_writes_a_checkpoint_goes_on_from_the_one_before(unbroken, tmp_path):
    config = change(unbroken, out=str(tmp_path / "run"))
    process = runs.start(["-c", DYING, str(runs.write(config, tmp_path / "c.json"))])
    status, _, errors = runs.finish(process)
    assert status == -signal.SIGKILL, errors
    (half,) = [name for name in files(config) if name.startswith(".")]
    assert half.startswith(".step-00000004.")
    names = [path.name for path in checkpoints.list_checkpoints(Path(config.out))]
    assert names == [f"step-{n:08d}.pt" for n in (1, 2, 3)]
    complete(config)
    assert {"resumed": str(Path(config.out) / "step-00000003.pt"), "step": 3} in read_log(config)
    assert_same_run(config, unbroken)


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGINT, 1), (signal.SIGTERM, 0), (signal.SIGTERM, 1)]
)
def test_a_signal_ends_a_run_after_a_step_with_a_checkpoint(unbroken, tmp_path, number, workers):
    config = change(
        unbroken, out=str(tmp_path / "run"), engine={"checkpoint_minutes": 60.0, "workers": workers}
    )
    path = runs.write(change(config, optimizer={"steps": 100_000}), tmp_path / "c.json")
    process = runs.train(path, "optimizer.schedule=constant")
    try:
        runs.wait_for_step(process, 2)
        os.killpg(process.pid, number)  # as Ctrl-C does: to the workers too
    except BaseException:
        runs.end(process)
        raise
    status, output, errors = runs.finish(process)
    assert (status, errors) == (128 + number, "")
    assert output.splitlines()[-1].endswith("; the same command goes on from there")
    (checkpoint,) = checkpoints.list_checkpoints(Path(config.out))
    step = max(losses(config))
    assert (
        checkpoint.name == f"step-{step:08d}.pt" and checkpoints.read_checkpoint(checkpoint)["step"] == step
    )
    last = read_log(config)[-1]
    assert (last["step"], last["saved"]) == (step, str(checkpoint)) and last["minutes"] > 0


# two processes


def assert_launched(process, status=0):
    found, output, errors = runs.finish(process, 240)
    assert found == status, errors
    return output, errors


def test_two_processes_train_as_one_that_accumulates(unbroken, tmp_path):
    short = change(unbroken, optimizer={"steps": 3}, engine={"checkpoint_minutes": 60.0})
    two = change(short, out=str(tmp_path / "two"))
    path = runs.write(two, tmp_path / "c.json")
    output, _ = assert_launched(runs.launch(2, "-m", "nanospeech_torch.train", str(path)))
    lines = output.splitlines()
    assert lines[0].startswith("12 utterances, ") and len([x for x in lines if "utterances" in x]) == 1
    assert len(lines) == len(set(lines)) and "processes 2" in output
    one = change(short, out=str(tmp_path / "one"), optimizer={"accumulate": 2})
    complete(one)
    ours, theirs = last(two), last(one)
    assert ours["position"] == theirs["position"] == 6
    for name, value in theirs["ema"].items():
        torch.testing.assert_close(ours["ema"][name], value, rtol=1e-5, atol=1e-7)
    for step, entry in losses(one).items():
        assert losses(two)[step] == pytest.approx(entry, rel=1e-5), step
    assert sum("held_out_flow" in entry for entry in read_log(two)) == 1


def test_two_processes_have_the_gradients_of_a_batch_twice_as_large(unbroken, tmp_path):
    config = change(
        unbroken,
        out=str(tmp_path / "run"),
        loss={"head_start": 0, "head_ramp": 0},
        data={"batch_seconds": 8.0},
        optimizer={"clip": 1e9},
        init_from=str(checkpoints.list_checkpoints(Path(unbroken.out))[-1]),
    )
    path = runs.write(config, tmp_path / "c.json")
    assert_launched(runs.launch(2, "-m", "tests.helpers.gradients", str(path), str(tmp_path)))
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert first["world"] == second["world"] == 2
    task = AcousticTask(config, lambda line: None)
    pair = [batch for batch, _ in itertools.islice(task.stream(0, 0, 1), 2)]
    assert [state["counts"] for state in (first, second)] == [batch.counts for batch in pair]
    assert all(pair[0].counts[name] != pair[1].counts[name] for name in pair[0].counts)
    values, gradients = runs.gradients_of_one(task, pair)
    assert first["gradients"].keys() == gradients.keys() == second["gradients"].keys()
    for name, value in gradients.items():
        for state in (first, second):
            assert (state["gradients"][name] - value).norm() <= 1e-5 * value.norm() + 1e-8, name
    summed = {name: (first["values"][name] + second["values"][name]) / 2 for name in values}
    assert summed == pytest.approx(values, rel=1e-5)


def test_ctrl_c_under_a_launcher_ends_every_process_with_one_checkpoint(unbroken, tmp_path):
    config = change(unbroken, out=str(tmp_path / "run"), engine={"checkpoint_minutes": 60.0})
    path = runs.write(change(config, optimizer={"steps": 100_000}), tmp_path / "c.json")
    process = runs.launch(2, "-m", "nanospeech_torch.train", str(path))
    try:
        runs.wait_for_step(process, 2)
        process.send_signal(signal.SIGINT)  # the launcher, whose processes are of other groups, sends it on
    except BaseException:
        runs.stop(process)
        raise
    runs.finish(process)
    (checkpoint,) = checkpoints.list_checkpoints(Path(config.out))
    assert checkpoints.read_checkpoint(checkpoint)["step"] == max(losses(config))


def test_each_process_reports_an_error_once(unbroken, tmp_path):
    path = runs.write(change(unbroken, out=str(tmp_path / "run"), frozen=("nobody",)), tmp_path / "c.json")
    _, errors = assert_launched(runs.launch(2, "-m", "nanospeech_torch.train", str(path)), 1)
    sentences = [line for line in errors.splitlines() if line.startswith("python -m nanospeech_torch.train")]
    assert sentences and len(sentences) == len(set(sentences)) <= 2
    words = "config: frozen names 'nobody', but the model's parts are "
    assert all(line.split(": ", 1)[1].startswith(words) for line in sentences)
    assert "nanospeech_torch/training" not in errors  # no traceback of ours
    assert not (tmp_path / "run").exists()


# the command


def test_usage_and_one_sentence(tmp_path):
    """As a process, once; what else can be wrong is tested in `unit/test_engine_errors.py`."""
    done = commands.in_this_process("nanospeech_torch.train")
    assert done.code == 2 and "usage:" in done.err
    path = tmp_path / "c.toml"
    path.write_text("optimizer.stepz = 3\n")
    prefix = "python -m nanospeech_torch.train: "
    done = commands.in_a_process("nanospeech_torch.train", path)
    assert done.code == 1 and done.out == ""
    assert done.err == prefix + f"{path}.optimizer: unknown key 'stepz' (did you mean 'steps'?)\n"
    none = tmp_path / "none.toml"
    done = commands.in_this_process("nanospeech_torch.train", none)
    assert done.code == 1
    assert done.err == prefix + f"cannot read the config {none}: No such file or directory\n"
