"""Several processes on several machines: they are one run, which goes on with any number of processes."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import runs
from runs import change, losses, read_log

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")
pytest.importorskip("accelerate")

from nanospeech_core.errors import UserError
from nanospeech_torch.training.acoustic.task import AcousticTask
from nanospeech_torch.training.engine import checkpoints, processes
from nanospeech_torch.training.engine.engine import Engine

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def config(shard, tmp_path):
    config = runs.tiny(shard, tmp_path / "run")
    return change(config, data={"batch_seconds": 2.0, "max_joined": 1}, watch={"validate_every": 0})


def finish(started) -> list[tuple[int, str, str]]:
    return [runs.finish(process, 240) for process in started]


def train_on(nodes, path, numbers, *overrides) -> list[list[int]]:
    """The numbers of the batches of each process of a run on so many machines."""
    command = ("-m", "tests.helpers.batch_numbers", str(path), str(numbers), *overrides)
    done = finish([runs.start([*command])] if nodes == 1 else runs.launch_nodes(nodes, *command))
    assert all(status == 0 for status, _, _ in done), done
    lines = [json.loads(line) for line in numbers.read_text().splitlines()]
    numbers.unlink()
    return [batches for _, batches in sorted(lines)]


@pytest.mark.slow
def test_two_machines_train_as_one_process_that_accumulates(config, tmp_path):
    two = change(config, optimizer={"steps": 3})
    path = runs.write(two, tmp_path / "c.json")
    done = finish(runs.launch_nodes(2, "-m", "nanospeech_torch.train", str(path)))
    assert [status for status, _, _ in done] == [0, 0], done
    assert sum("processes 2" in output for _, output, _ in done) == 1
    one = change(two, out=str(tmp_path / "one"), optimizer={"accumulate": 2})
    assert Engine(AcousticTask(one, lambda line: None)).run() == 0
    for step, entry in losses(one).items():
        assert losses(two)[step] == pytest.approx(entry, rel=1e-5), step
    ours, theirs = (checkpoints.read_newest(Path(c.out), print)[1] for c in (two, one))
    assert ours["position"] == theirs["position"] == 6
    for name, value in theirs["ema"].items():
        torch.testing.assert_close(ours["ema"][name], value, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(config, tmp_path):
    """On 1, 2, 3 and 1 machines: no batch is left out or trained on twice."""
    path, numbers = runs.write(config, tmp_path / "c.json"), tmp_path / "numbers"
    assert train_on(1, path, numbers, "optimizer.steps=2") == [[0, 1]]
    assert train_on(2, path, numbers, "optimizer.steps=4") == [[2, 4], [3, 5]]
    assert train_on(3, path, numbers, "optimizer.steps=6") == [[6, 9], [7, 10], [8, 11]]
    assert train_on(1, path, numbers, "optimizer.steps=8") == [[12, 13]]
    assert sorted(losses(config)) == list(range(1, 9))
    assert [entry["step"] for entry in read_log(config) if "resumed" in entry] == [2, 4, 6]
    assert checkpoints.read_newest(Path(config.out), print)[1]["position"] == 14


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_going_on_with_others_trains_the_same(config, tmp_path, before, after):
    """As long as processes times accumulated batches is the same, so are the losses."""
    path = runs.write(config, tmp_path / "c.json")
    for nodes, steps in ((before, 2), (after, 4)):
        overrides = [
            f"optimizer.steps={steps}",
            f"optimizer.accumulate={2 // nodes}",
            "optimizer.schedule=constant",
        ]
        train_on(nodes, path, tmp_path / "numbers", *overrides)
    one = change(
        config, out=str(tmp_path / "one"), optimizer={"steps": 4, "accumulate": 2, "schedule": "constant"}
    )
    assert Engine(AcousticTask(one, lambda line: None)).run() == 0
    assert sorted(losses(config)) == [1, 2, 3, 4]
    for step, entry in losses(one).items():
        assert losses(config)[step] == pytest.approx(entry, rel=1e-5), step


@pytest.mark.slow
def test_a_folder_that_the_machines_do_not_share(config, tmp_path):
    """One of two machines has no checkpoint: it would begin again, with the first weights."""
    path = runs.write(config, tmp_path / "c.json")
    train_on(1, path, tmp_path / "numbers", "optimizer.steps=2")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    shutil.copytree(config.out, tmp_path / "a" / "run")
    command = ("-m", "tests.helpers.in_folder")
    started = runs.launch_nodes(2, *command, str(tmp_path), str(path), "out=run")
    done = finish(started)
    assert all(status for status, _, _ in done)
    errors = "".join(errors for _, _, errors in done)
    assert "process 1 goes on from step" in errors and "must be one folder that all machines share" in errors
    assert "nanospeech_torch/training" not in errors  # no traceback of ours


DATA = {"utterances": 3, "hours": 1.0, "digest": "a"}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            (0, DATA, {"out": "r", "seed": 1}),
            "process 1 goes on from step 0, and process 0 from step 3: `out` .r.",
        ),
        (
            (3, DATA, {"out": "r", "seed": 2}),
            r"process 1 has another config than process 0 .seed.: start all",
        ),
        (
            (3, {**DATA, "utterances": 2}, {"out": "r", "seed": 1}),
            "process 1 has other data .2 utterances, 1.00 h",
        ),
    ],
)
def test_processes_that_are_not_one_run(monkeypatch, other, message):
    ours = (3, DATA, {"out": "r", "seed": 1})
    accelerator = SimpleNamespace(num_processes=2)
    monkeypatch.setattr(processes, "gather_object", lambda mine: [*mine, other])
    with pytest.raises(UserError, match=message):
        processes.check_agreement(accelerator, *ours)
    monkeypatch.setattr(processes, "gather_object", lambda mine: [*mine, ours])
    processes.check_agreement(accelerator, *ours)
