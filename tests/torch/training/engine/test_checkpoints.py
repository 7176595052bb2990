"""Checkpoints in a run's folder: listed, compared before a run goes on, read in any precision."""

from pathlib import Path
from types import SimpleNamespace

import corpus
import pytest
import runs

from nanospeech_core.errors import UserError

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")
pytest.importorskip("accelerate")

from nanospeech_torch.training.acoustic.task import AcousticTask
from nanospeech_torch.training.engine import checkpoints
from nanospeech_torch.training.engine.engine import Engine


def test_checkpoints_are_in_the_order_of_their_numbers(tmp_path):
    left = (".step-00000900.7.pt", ".best.7.pt", ".config.7.json")
    for name in ("step-0000783.pt", "step-00000800.pt", "step-99.pt", "step-x.pt", "best.pt", *left):
        (tmp_path / name).write_bytes(b"")
    order = ["step-99.pt", "step-0000783.pt", "step-00000800.pt"]
    assert [path.name for path in checkpoints.list_checkpoints(tmp_path)] == order
    checkpoints.prune(tmp_path, 1)
    checkpoints.make_run_folder(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.pt", "step-00000800.pt", "step-x.pt"]


# whether a run goes on


@pytest.fixture
def run(shard, tmp_path):
    """A finished run of two steps -> its config."""
    config = runs.change(runs.tiny(shard, tmp_path / "run"), optimizer={"steps": 2})
    Engine(AcousticTask(config, lambda line: None)).run()
    return config


def test_another_persons_recordings_do_not_go_on_with_a_run(run, tmp_path, one_thread):
    """Finished or not: it would train nothing, or mix them, and export would give the first voice."""
    other = corpus.write_corpus(tmp_path / "other.tar", count=14, seed=7)
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    for steps in (2, 3):
        config = runs.change(run, data={"shards": (str(other),)}, optimizer={"steps": steps})
        with pytest.raises(UserError, match=r"on other data \(.*: 12 utterances, .* now 14 utterances"):
            Engine(AcousticTask(config, lambda line: None)).run()
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_another_seed_or_held_out_count_is_another_run(run, one_thread):
    for change, words in (
        ({"seed": 1}, "trained with seed = 0, not 1; set another folder in `out`"),
        ({"data": {"held_out": 3}}, r"trained with others held out \(2 utterances, now 3\)"),
    ):
        with pytest.raises(UserError, match=words):
            Engine(AcousticTask(runs.change(run, **change), lambda line: None)).run()


def test_the_same_data_elsewhere_go_on(run, tmp_path, one_thread):
    moved = tmp_path / "moved.tar"
    moved.write_bytes(Path(run.data.shards[0]).read_bytes())
    config = runs.change(run, data={"shards": (str(moved),)}, optimizer={"steps": 3})
    engine = Engine(AcousticTask(config, lambda line: None))
    assert engine.run() == 0 and engine.step == 3


def test_a_checkpoint_of_before_has_no_fingerprint(run, one_thread):
    (path,) = checkpoints.list_checkpoints(Path(run.out))
    state = checkpoints.read_checkpoint(path)
    del state["data"]
    checkpoints.write_checkpoint(path, state)
    engine = Engine(AcousticTask(runs.change(run, optimizer={"steps": 3}), lambda line: None))
    assert engine.run() == 0 and engine.step == 3


def test_a_finished_run_says_so(run, capsys, one_thread):
    log = (Path(run.out) / "log.jsonl").read_text()
    assert Engine(AcousticTask(run, lambda line: None)).run() == 0
    output = capsys.readouterr().out
    assert "is finished at step 2, nothing was trained: raise optimizer.steps" in output
    shards = run.data.shards[0]  # without them, the export would have no voice of its own
    assert f'export {run.out} -o my-voice --voice me --shards "{shards}"' in output
    assert "another `out`" in output and "resumed" not in output
    assert (Path(run.out) / "log.jsonl").read_text() == log


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (None, ""),
        ("", ""),
        ("embedded", "embedded"),
        ("runs/a/step-00000100.pt", "a"),
        ("elsewhere/a/best.pt", "a"),
        ("step-00000100.pt", "step-00000100.pt"),
        ("models/voice.pt", "voice.pt"),
        ("owner/name", "name"),
    ],
)
def test_where_initial_weights_came_from(path, source):
    assert checkpoints.source_of(path) == source


def test_other_initial_weights_are_another_run(run, tmp_path, one_thread):
    config = runs.change(run, init_from=run.out + "/step-00000002.pt")
    with pytest.raises(UserError, match="trained with init_from = '', not 'run'; set another folder"):
        Engine(AcousticTask(config, lambda line: None)).run()


# bfloat16


def test_averaged_weights_of_any_precision(tmp_path):
    weights = torch.tensor([1.0, 1.0 / 3.0])
    for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        found = checkpoints.averaged_weights({"ema": {"a": weights.to(dtype)}}, "x.pt")["a"]
        assert found.dtype == ("float32" if dtype == torch.bfloat16 else str(dtype)[6:])
        assert found.tolist() == weights.to(dtype).tolist()
    for broken in ({}, {"ema": 3}, {"ema": {"a": 3}}, [1]):
        with pytest.raises(UserError, match="x.pt is not a checkpoint of nanospeech_torch.train"):
            checkpoints.averaged_weights(broken, "x.pt")


# the disk


def test_the_size_of_a_checkpoint_is_known_before(run, one_thread):
    (path,) = checkpoints.list_checkpoints(Path(run.out))
    task = AcousticTask(run, lambda line: None)
    expected = checkpoints.expected_bytes(task.losses.values(), task.model)
    assert path.stat().st_size == pytest.approx(expected, rel=0.15)


def test_the_disk_that_a_run_needs_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda path: SimpleNamespace(free=2_000_000_000))
    line = checkpoints.describe_disk(tmp_path, 400_000_000, 3)
    assert f"about 400 MB, and 3 are kept (engine.keep): {tmp_path} needs 1.6 GB; 2.0 GB are free" in line
    assert "too little" not in line
    assert "too little! Free some" in checkpoints.describe_disk(tmp_path, 600_000_000, 3)
