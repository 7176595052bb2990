"""What goes wrong in training is one sentence on standard error and status 1, and spoils no checkpoint."""

import io
import json
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import corpus
import numpy as np
import pytest
import runs
from runs import ROOT, change, files, losses, read_log

from nanospeech_core.errors import UserError

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")
pytest.importorskip("accelerate")

from nanospeech_torch import train
from nanospeech_torch.training.acoustic.loss import JointLoss
from nanospeech_torch.training.acoustic.task import AcousticTask
from nanospeech_torch.training.engine import checkpoints, runtime
from nanospeech_torch.training.engine.engine import Engine

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def config(shard, tmp_path):
    return runs.tiny(shard, tmp_path / "run")


@pytest.fixture
def begun(config):
    """The config of a run that has done two steps of six."""
    Engine(AcousticTask(change(config, optimizer={"steps": 2}), lambda line: None)).run()
    return config


@pytest.fixture
def command(tmp_path, capsys):
    """Train by the command, in this process -> (status, standard output, standard error)."""

    def call(config, *overrides):
        path = config if isinstance(config, Path) else runs.write(config, tmp_path / "config.json")
        capsys.readouterr()
        status = train.main([str(path), *overrides])
        return status, *capsys.readouterr()

    return call


def assert_one_sentence(status, errors, words):
    assert status == 1, errors
    assert words in errors
    assert (
        errors.startswith("python -m nanospeech_torch.train: ")
        and errors.count("\n") == 1
        and errors.endswith("\n")
    )


@contextmanager
def intact(config):
    """The run's checkpoints are the same after as before, and can be loaded."""
    before = {path: path.read_bytes() for path in Path(config.out).glob("*.pt")}
    assert before
    yield
    assert {path: path.read_bytes() for path in Path(config.out).glob("*.pt")} == before
    assert not [name for name in files(config) if name.startswith(".")]
    state = checkpoints.read_checkpoint(max(before))
    assert all(torch.isfinite(value).all() for value in state["ema"].values())


# the config


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.stepz=3", "optimizer: unknown key 'stepz' (did you mean 'steps'?)"),
        ("optimiser.steps=3", "unknown key 'optimiser' (did you mean 'optimizer'?)"),
        ("optimizer.steps=x", "optimizer.steps must be int, not 'x'"),
        ("optimizer.steps=0", "optimizer.steps must be at least 1, not 0"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate must be more than 0, not nan"),
        ("steps", "'steps' is not a setting: write section.key=value"),
        ("seed.x=1", "cannot set seed.x: seed is a value, not a section"),
        ("task=acustic", "task must be one of acoustic, vocoder, aligner, not 'acustic'"),
        ('frozen=["transformr"]', "frozen names 'transformr', but the model's parts are diffusion_module,"),
        ("engine.precision=fp16", "engine.precision fp16 needs a GPU; on a CPU use bf16 or fp32"),
        ("engine.precision=fp8", "engine.precision must be one of auto, fp32, bf16, fp16, not 'fp8'"),
        ("engine.device=cuda:1", "engine.device must be one of auto, cpu, cuda, mps, not 'cuda:1'"),
        ("engine.device=mps", "device 'mps' cannot be used"),
        ('watch.trackers=["mlflow"]', "watch.trackers must be one of tensorboard, wandb, not 'mlflow'"),
        ('watch.trackers=["wandb"]', "watch.trackers names wandb: pip install wandb"),
        ("model=3", "model must contain named values, not int"),
        ("model.transformer.dim=33", "transformer.dim must be a multiple of 16, not 33"),
        ("data.shards=[]", "no data: nothing matches data.shards (it is empty)"),
        ('data.shards=["nowhere/*.tar"]', "no data: nothing matches nowhere/*.tar"),
        ('data.shards=["nowhere/*.tar"]', "nowhere/*.tar (the current folder is /"),
        ("data.held_out=50", "data.held_out is 50, of 12 utterances"),
        ("init_from=nowhere.pt", "nowhere.pt"),
    ],
)
def test_a_setting_that_cannot_be(begun, command, monkeypatch, override, words):
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)  # no tracker is installed
    config = (Path(begun.out) / "config.json").read_bytes()
    with intact(begun):
        status, _, errors = command(begun, override)
        assert_one_sentence(status, errors, words)
    assert (Path(begun.out) / "config.json").read_bytes() == config


@pytest.mark.parametrize("model", ["3", "{transformer = 3}", "{depth = 3}"])
def test_a_bad_model_beside_init_from(config, command, model):
    status, _, errors = command(config, "init_from=embedded", f"model={model}")
    assert_one_sentence(status, errors, "model")


def test_what_is_missing_is_reported_before_any_file_is_written(config, command):
    for override in ('data.shards=["nowhere/*.tar"]', "engine.device=nonsense", 'frozen=["x"]'):
        assert command(config, override)[0] == 1
    assert not Path(config.out).exists()


@pytest.mark.parametrize(
    ("loss", "frozen"),
    [({"head_start": 5}, ("transformer", "duration_predictor", "to_mel")), ({}, ("transformer",))],
)
def test_nothing_to_learn(config, command, loss, frozen):
    """Before the head's loss begins; or with every loss switched off."""
    if not loss.get("head_start"):
        loss = {"flow_weight": 0.0, "head_weight": 0.0, "regression_weight": 0.0, "duration_weight": 0.0}
    status, _, errors = command(change(config, loss=loss, frozen=frozen))
    assert_one_sentence(status, errors, "no loss depends on what is trained at step 0: see frozen and [loss]")


def test_everything_frozen(config, command):
    parts = ("transformer", "duration_predictor", "to_mel", "diffusion_module")
    assert_one_sentence(*command(change(config, frozen=parts))[::2], "frozen leaves nothing to train")


# the data


def test_a_corrupt_shard_is_named(begun, command, shard, tmp_path):
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    with intact(begun):
        status, _, errors = command(change(begun, data={"shards": (str(shard), str(damaged))}))
        assert_one_sentence(status, errors, f"cannot read the shard {damaged}: ")


def test_an_empty_shard(begun, command, tmp_path):
    empty = corpus.write_tar(tmp_path / "empty.tar", [])
    with intact(begun):
        status, _, errors = command(change(begun, data={"shards": (str(empty),)}))
        assert_one_sentence(status, errors, "no data: all 0 utterances were skipped (the shards are empty)")


@pytest.mark.slow
def test_duplicate_ids_are_counted_and_trained_on_once(config, command, shard, tmp_path):
    copy = tmp_path / "copy.tar"
    copy.write_bytes(shard.read_bytes())
    status, output, errors = command(change(config, data={"shards": (str(shard), str(copy))}))
    assert (status, errors) == (0, "")
    assert "12 utterances" in output and "skipped 12: an id that was read before" in output
    assert command(change(config, out=f"{config.out}-once"))[0] == 0
    assert losses(config) == losses(change(config, out=f"{config.out}-once"))


def test_another_sample_rate_is_resampled(config, command, shard, tmp_path):
    import soundfile
    import soxr

    members = []
    for name, data in read_tar(shard):
        if name.endswith(".wav"):
            wave, rate = soundfile.read(io.BytesIO(data))
            data = corpus.audio_bytes(soxr.resample(wave, rate, 16000), 16000)
        members.append((name, data))
    low = corpus.write_tar(tmp_path / "low.tar", members)
    status, output, errors = command(change(config, data={"shards": (str(low),)}))
    assert (status, errors) == (0, "") and "12 utterances" in output and "skipped" not in output
    ours, theirs = (
        AcousticTask(change(config, data={"shards": (str(path),)}), lambda line: None).training
        for path in (low, shard)
    )
    for i in range(10):
        assert ours[i].mel.shape == theirs[i].mel.shape and (ours[i].ids == theirs[i].ids).all()
        below = slice(0, 60)  # bins up to 4 kHz
        assert np.abs(ours[i].mel[:, below] - theirs[i].mel[:, below]).mean() < 0.1


def read_tar(path):
    import tarfile

    with tarfile.open(path) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar]


@pytest.mark.slow
@pytest.mark.parametrize(("memory_hours", "workers"), [(30.0, 0), (0.0, 0), (0.0, 1)])
def test_broken_audio_is_counted(config, command, shard, tmp_path, memory_hours, workers):
    """When it is read: at the start, or while training."""
    members = [(n, b"RIFF" if n == "u003.wav" else data) for n, data in read_tar(shard)]
    broken = corpus.write_tar(tmp_path / "broken.tar", members)
    config = change(
        config,
        data={"shards": (str(broken),), "memory_hours": memory_hours, "held_out": 0},
        engine={"workers": workers},
    )
    status, output, errors = command(config)
    assert (status, errors) == (0, "")
    if memory_hours:
        assert "skipped 1: unreadable audio" in output
    else:
        assert read_log(config)[-2]["skipped"]["unreadable audio"] >= 1


def test_audio_that_disappears_while_training(config, command, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in read_tar(corpus.write_corpus(tmp_path / "c.tar")):
        (folder / name).write_bytes(data)
    config = change(config, data={"shards": (str(folder),), "memory_hours": 0.0, "held_out": 0})
    task = AcousticTask(config, lambda line: None)
    for path in folder.glob("*.wav"):
        path.unlink()
    with pytest.raises(UserError, match=r"no utterance of batch 0 can be read \(.*unreadable audio\)"):
        Engine(task).run()


# A process of its own: torch raises a worker's death from a signal handler, wherever the process is by then.
KILLS_ITS_WORKERS = """
import multiprocessing, os, signal, sys
from nanospeech_core.errors import UserError
from nanospeech_torch.training.engine.engine import Engine
from nanospeech_torch.training.tasks import load_task

engine = Engine(load_task(sys.argv[1]))
step = engine.train_step

def killing(batches):
    for worker in multiprocessing.active_children():
        os.kill(worker.pid, signal.SIGKILL)
    return step(batches)

engine.train_step = killing
try:
    engine.run()
except UserError as error:
    print("error:", error)
    sys.stdout.flush()
    os._exit(7)
"""


@pytest.mark.slow
def test_a_killed_worker_is_one_sentence(begun, tmp_path):
    begun = change(begun, engine={"workers": 1}, optimizer={"steps": 100_000}, watch={"validate_every": 0})
    path = runs.write(begun, tmp_path / "killed.json")
    with intact(begun):
        command = [sys.executable, "-c", KILLS_ITS_WORKERS, str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 7, done.stderr
    assert "error: a worker process of the data loader died" in done.stdout


def test_a_worker_without_memory_is_one_sentence():
    wrapped = "in DataLoader worker process 0.\nOriginal Traceback (most recent call last):"
    for error in (
        MemoryError(f"Caught MemoryError {wrapped}"),
        RuntimeError(f"Caught RuntimeError {wrapped} can't allocate memory: you tried to allocate 8 bytes"),
    ):
        with pytest.raises(UserError, match="a worker process of the data loader died, most likely because"):
            with runtime.worker_errors():
                raise error
    with pytest.raises(RuntimeError, match="our mistake"), runtime.worker_errors():
        raise RuntimeError(f"Caught RuntimeError {wrapped} our mistake")


# the machine


@pytest.mark.slow
def test_a_loss_that_is_not_finite_ends_the_run_and_spoils_nothing(begun, command):
    with intact(begun):
        status, _, errors = command(begun, "optimizer.steps=100", "optimizer.learning_rate=1e30")
        state = "the gradient of the loss (model) is not finite at step"
        assert_one_sentence(status, errors, state)
        assert "earlier checkpoints are intact: lower the learning rate" in errors


def test_poisoned_data_ends_the_run_and_spoils_nothing(begun, command, monkeypatch):
    forward = JointLoss.forward

    def poisoned(self, work, weights, noises=None):
        work.batch.tokens[0, 0, 0] = float("nan")
        return forward(self, work, weights, noises)

    monkeypatch.setattr(JointLoss, "forward", poisoned)
    with intact(begun):
        status, _, errors = command(begun)
        assert_one_sentence(status, errors, "is not finite at step 2")


def test_memory_that_runs_out_is_one_sentence(begun, command, monkeypatch):
    def out_of_memory(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    monkeypatch.setattr(JointLoss, "forward", out_of_memory)
    with intact(begun):
        status, _, errors = command(begun)
        assert_one_sentence(status, errors, "cpu is out of memory: lower the size of a batch")


@contextmanager
def full_disk(size):
    """No file can grow beyond so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.slow
def test_a_full_disk_while_a_checkpoint_is_written(begun, command):
    with intact(begun):
        with full_disk(1_000_000):
            status, _, errors = command(begun, "engine.checkpoint_minutes=0")
        assert_one_sentence(status, errors, f"cannot write {begun.out}/step-00000003.pt: ")
    assert command(begun)[0] == 0  # there is room again
    assert max(losses(begun)) == 6 and losses(begun)[3]["step"] == 3


@pytest.mark.slow
def test_a_full_disk_while_the_log_is_written(begun, command):
    log = Path(begun.out) / "log.jsonl"
    entries = len(read_log(begun))
    (Path(begun.out) / "config.json").unlink()
    for room in (0, 20):  # 20: enough for half a line
        with intact(begun), full_disk(max(log.stat().st_size + room, 5000)):
            log.write_text(log.read_text() + "\n" * max(0, 5000 - log.stat().st_size - room))
            status, _, errors = command(begun)
        assert_one_sentence(status, errors, f"cannot write {log}: ")
    assert command(begun)[0] == 0
    lines = [line for line in log.read_text().splitlines() if line]
    readable = [line for line in lines if line.endswith("}") and line.startswith("{")]
    assert len(lines) - len(readable) <= 1 and len(readable) > entries + 4
    assert json.loads(lines[-1])["saved"].endswith("step-00000006.pt")


def test_an_output_folder_that_cannot_be_made(config, command, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, errors = command(change(config, out=str(tmp_path / "file" / "run")))
    assert_one_sentence(status, errors, "cannot create the folder")


# checkpoints


def test_a_broken_checkpoint_is_named(begun, command):
    (path,) = checkpoints.list_checkpoints(Path(begun.out))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert_one_sentence(*command(begun)[::2], f"cannot read the checkpoint {path}: ")
    torch.save({"step": 1}, path)
    assert_one_sentence(*command(begun)[::2], f"{path} is not a checkpoint of this trainer: ")


def test_a_broken_newest_checkpoint_is_skipped(begun, command):
    """A power cut may have emptied it."""
    (valid,) = checkpoints.list_checkpoints(Path(begun.out))
    for step, content in ((3, valid.read_bytes()[:1000]), (4, b"")):
        checkpoints.checkpoint_path(Path(begun.out), step).write_bytes(content)
    assert command(begun)[0] == 0
    log = read_log(begun)
    passed = [entry["passed_over"] for entry in log if "passed_over" in entry]
    assert [
        f"cannot read the checkpoint {begun.out}/step-0000000{n}.pt: " in p
        for n, p in zip((4, 3), passed, strict=True)
    ]
    assert {"resumed": str(valid), "step": 2} in log and max(losses(begun)) == 6


def test_a_checkpoint_of_another_model_is_refused(begun, command):
    config = (Path(begun.out) / "config.json").read_bytes()
    with intact(begun):
        status, _, errors = command(begun, "model.transformer.depth=3", "model.residual_std=0.25")
        assert_one_sentence(status, errors, "has another residual_std, transformer than")
    assert (Path(begun.out) / "config.json").read_bytes() == config


def test_other_parts_frozen_than_before(begun, command):
    """The optimizer's state is of other weights."""
    with intact(begun):
        status, _, errors = command(begun, 'frozen=["transformer"]')
        assert_one_sentence(status, errors, "was trained with frozen = [], not ['transformer']; set another")
