"""The trainer: a resumed run is the run that was not stopped, and what goes wrong is one sentence."""

import contextlib
import dataclasses
import json
import math
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import corpus
import numpy as np
import pytest

from nanospeech_core.checkpoint import save_tensors
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.text import SYMBOLS

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")

from nanospeech_torch.training import run, trainer  # noqa: E402
from nanospeech_torch.training.config import DataConfig, LossConfig, TrainConfig, load_config  # noqa: E402
from nanospeech_torch.training.data import load_utterances, split  # noqa: E402
from nanospeech_torch.training.trainer import Means, Trainer  # noqa: E402

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def shard(tmp_path_factory):
    return corpus.write_corpus(tmp_path_factory.mktemp("data") / "corpus.tar")


@pytest.fixture
def config(shard, tmp_path):
    return TrainConfig(
        out=str(tmp_path / "run"),
        steps=6,
        learning_rate=4e-3,
        warmup=2,
        bf16=False,
        device="cpu",
        log_every=1,
        validate_every=3,
        data=DataConfig(shards=(str(shard),), held_out=2, max_seconds=3.0, batch_seconds=4.0),
        loss=LossConfig(head_start=1, head_ramp=2),
        model=corpus.small_model(),
    )


def change(config, **changes):
    return dataclasses.replace(config, **changes)


def read_log(config):
    return [json.loads(line) for line in (Path(config.out) / "log.jsonl").read_text().splitlines()]


def losses(config):
    """The training losses of each step, the last that was logged."""
    entries = [entry for entry in read_log(config) if "gradient" in entry]
    drop = ("minutes",)
    return {e["step"]: {k: v for k, v in e.items() if k not in drop} for e in entries}


def files(config):
    return sorted(path.name for path in Path(config.out).iterdir())


class Killed(BaseException):
    """Ends a run as abruptly as a test can within its process."""


def run_until(config, steps):
    """Train with a checkpoint after each step, dying in step `steps`; returns the batches' tokens."""
    victim, seen = Trainer(change(config, checkpoint_minutes=0.0)), []
    train_step = victim.train_step

    def dying(batch):
        if victim.step == steps:
            raise Killed
        seen.append(batch.tokens)
        return train_step(batch)

    victim.train_step = dying
    with contextlib.suppress(Killed):
        victim.run()
    assert victim.step == steps
    return seen


def assert_same_weights(a, b):
    for name in ("model", "ema"):
        ours, theirs = getattr(a, name).state_dict(), getattr(b, name).state_dict()
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert torch.equal(ours[key], theirs[key]), (name, key)


# resuming


def test_a_resumed_run_is_the_run_that_was_not_stopped(config, tmp_path):
    unbroken = Trainer(config)
    assert unbroken.run() == 0
    broken = change(config, out=str(tmp_path / "broken"))
    run_until(broken, 3)
    assert files(broken) == ["log.jsonl", *(f"step-{n:08d}.pt" for n in (1, 2, 3)), "train_config.json"]
    resumed = Trainer(broken)
    resumed.run()
    assert resumed.step == 6
    assert losses(broken) == losses(config) and len(losses(config)) == 6
    assert_same_weights(unbroken, resumed)
    state = run.read_checkpoint(run.checkpoints(resumed.out)[-1])
    assert state["step"] == 6 and torch.equal(state["generator"], unbroken.generator.get_state())
    held_out = [
        [entry["held_out_regression"] for entry in read_log(c) if "held_out_regression" in entry]
        for c in (config, broken)
    ]
    assert held_out[0] == held_out[1] and len(held_out[0]) == 2


def test_resuming_goes_on_in_the_middle_of_an_epoch(config, tmp_path):
    data = dataclasses.replace(config.data, batch_seconds=2.0, max_joined=1)
    whole = run_until(change(config, steps=14, data=data), 14)
    epoch = 5  # of 10 utterances, two a batch
    assert not same(whole[:epoch], whole[epoch : 2 * epoch])
    broken = change(config, steps=14, data=data, out=str(tmp_path / "broken"))
    parts = run_until(broken, 3) + run_until(broken, 7) + run_until(broken, 14)
    assert len(parts) == 14 and same(parts, whole)


def same(a, b):
    return all(x.shape == y.shape and torch.equal(x, y) for x, y in zip(a, b, strict=True))


TOML = """
out = "{out}"
steps = {steps}
learning_rate = 4e-3
warmup = 2
bf16 = false
device = "cpu"
threads = 1
log_every = 1
checkpoint_minutes = 0.0
data = {{ shards = ["{shard}"], held_out = 2, max_seconds = 3.0, batch_seconds = 4.0 }}
loss = {{ head_start = 1, head_ramp = 2 }}
[model]
transformer = {{ dim = 32, depth = 2, heads = 2, dim_head = 16, ff_mult = 2, text_dim = 16, conv_layers = 1 }}
diffusion = {{ z_channels = 32, depth = 2, width = 32 }}
phone_duration = {{ dim = 32, depth = 1, heads = 2, dim_head = 16, ff_mult = 2 }}
"""


def start(config_file):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "nanospeech_torch.train", str(config_file)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def write_toml(path, shard, steps):
    out = path.parent / path.stem
    path.write_text(TOML.format(out=out.as_posix(), shard=Path(shard).as_posix(), steps=steps))
    return path


def wait_for_step(process, step):
    """Read what a training process prints until it has done `step` steps."""
    for line in process.stdout:
        if line.startswith("step ") and int(line.split()[1]) >= step:
            return
    pytest.fail(f"training ended early: {process.stderr.read()}")


def test_a_killed_process_resumes(shard, tmp_path):
    toml = write_toml(tmp_path / "killed.toml", shard, 12)
    process = start(toml)
    try:
        wait_for_step(process, 5)
    finally:
        process.kill()  # SIGKILL, most likely in the middle of writing a checkpoint
        process.communicate()
    killed = load_config(toml)
    found = run.checkpoints(Path(killed.out))
    assert found and all(run.read_checkpoint(path)["step"] >= 1 for path in found)
    resumed = Trainer(killed)
    resumed.run()
    unbroken = change(killed, out=str(tmp_path / "unbroken"))
    whole = Trainer(unbroken)
    whole.run()
    assert losses(killed) == losses(unbroken) and len(losses(killed)) == 12
    assert_same_weights(resumed, whole)
    assert not [name for name in files(killed) if name.startswith(".")]


def test_sigterm_ends_a_run_after_a_step_with_a_checkpoint(shard, tmp_path):
    toml = write_toml(tmp_path / "stopped.toml", shard, 100_000)
    toml.write_text(toml.read_text().replace("checkpoint_minutes = 0.0", "checkpoint_minutes = 60.0"))
    process = start(toml)
    try:
        wait_for_step(process, 2)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert errors == ""
    stopped = load_config(toml)
    (path,) = run.checkpoints(Path(stopped.out))
    last = max(losses(stopped))
    assert path.name == f"step-{last:08d}.pt" and run.read_checkpoint(path)["step"] == last


# the schedules


def test_a_run_ends_with_its_steps_and_does_not_go_on(config):
    first = Trainer(config)
    first.run()
    before = {path: path.stat().st_mtime_ns for path in run.checkpoints(first.out)}
    again = Trainer(config)
    assert again.run() == 0 and again.step == 6
    assert {path: path.stat().st_mtime_ns for path in run.checkpoints(again.out)} == before
    longer = Trainer(change(config, steps=7))
    longer.run()
    assert longer.step == 7


def test_minutes_follow_the_clock(config, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    timed = Trainer(change(config, steps=1000, minutes=0.5, checkpoint_minutes=1000.0))
    step, validate = timed.train_step, timed.validate

    def four_seconds(batch):
        clock[0] += 4.0
        return step(batch)

    def slow_validation(held_out):
        clock[0] += 100.0  # is not training time
        return validate(held_out)

    timed.train_step, timed.validate = four_seconds, slow_validation
    timed.run()
    assert timed.step == 8 and timed.seconds == 32.0
    rates = [entry["lr"] for entry in losses(timed.config).values()]
    for done, rate in enumerate(rates, 1):
        share = min(done * 4 / 30, 1.0)
        expected = 4e-5 + (4e-3 - 4e-5) * 0.5 * (1 + math.cos(math.pi * share))
        assert rate == pytest.approx(expected * min(1.0, (done + 1) / 2), rel=1e-4)
    resumed = Trainer(timed.config)
    resumed.run()
    assert resumed.step == 8  # its minutes are over


def test_learning_rate():
    def rate(step, steps=100, warmup=10):
        return run.learning_rate(step, run.progress(step, steps, 0.0, 0.0), 1.0, 0.1, warmup)

    assert rate(0) == pytest.approx(0.1) and rate(4) == pytest.approx(0.5, rel=0.01)
    assert rate(50) == pytest.approx(0.55) and rate(100) == pytest.approx(0.1)
    rates = [rate(step) for step in range(9, 101)]
    assert rates == sorted(rates, reverse=True)
    assert rate(0, warmup=0) == 1.0
    assert run.progress(30, 100, 90.0, 2.0) == 0.75 and run.progress(300, 100, 0.0, 0.0) == 1.0


def test_head_weight_ramp(config):
    loss = LossConfig(head_weight=0.5, head_start=10, head_ramp=20)
    ramp = Trainer(change(config, loss=loss))
    for step, expected in ((0, 0.0), (10, 0.0), (15, 0.125), (20, 0.25), (30, 0.5), (1000, 0.5)):
        ramp.step = step
        assert ramp.head_weight() == pytest.approx(expected)
    sudden = Trainer(change(config, loss=LossConfig(head_start=0, head_ramp=0)))
    sudden.step = 1
    assert sudden.head_weight() == 1.0


def test_average_is_the_closed_form(config):
    one = Trainer(change(config, ema=0.2))
    expected = [p.detach().double() for p in one.model.parameters()]
    step = one.train_step
    history = []

    def spy(batch):
        result = step(batch)
        history.append([p.detach().clone().double() for p in one.model.parameters()])
        return result

    one.train_step = spy
    one.run()
    for k, weights in enumerate(history):
        d = min(0.2, (1 + k) / (10 + k))
        expected = [d * a + (1 - d) * w for a, w in zip(expected, weights, strict=True)]
    assert [min(0.2, (1 + k) / (10 + k)) for k in range(6)][0] == 0.1
    for ours, theirs in zip(one.ema.parameters(), expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-7)
        assert not ours.requires_grad
    assert not list(one.model.buffers())  # averaged are the parameters only


def test_means_are_over_the_times_that_a_name_was_given():
    means = Means()
    means.add({"a": torch.tensor(1.0), "b": 4.0})
    means.add({"a": torch.tensor(3.0)})
    means.add({"a": 5.0}, weight=2.0)
    assert means.take() == {"a": 3.5, "b": 4.0} and means.take() == {}


def test_validation_is_the_same_each_time_and_leaves_no_trace(config):
    one = Trainer(config)
    held_out, _ = split(load_utterances(config.data, config.model, lambda line: None), 5)
    before = one.generator.get_state()
    first, second = one.validate(held_out), one.validate(held_out)
    assert first == second and set(first) == {
        f"held_out_{k}" for k in ("flow", "regression", "head", "duration")
    }
    assert torch.equal(one.generator.get_state(), before)
    assert all(p.grad is None for p in one.model.parameters())


def test_without_held_out_utterances_nothing_is_validated(config):
    one = Trainer(change(config, data=dataclasses.replace(config.data, held_out=0)))
    one.run()
    steps = [entry["step"] for entry in read_log(config) if "step" in entry and "saved" not in entry]
    assert steps == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("bf16", [False, True])
def test_it_learns(config, bf16):
    learner = Trainer(change(config, steps=40, bf16=bf16, validate_every=10))
    learner.run()
    held_out = [e["held_out_regression"] for e in read_log(learner.config) if "held_out_regression" in e]
    assert held_out[-1] < 0.75 * held_out[0]
    assert all(p.dtype == torch.float32 for p in learner.model.parameters())


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu_and_learns(config, tmp_path):
    first = {}
    for device in ("cpu", "cuda"):
        one = Trainer(change(config, out=str(tmp_path / device), device=device, steps=1))
        one.run()
        first[device] = losses(one.config)[1]
    for name in ("flow", "duration", "gradient"):
        assert first["cuda"][name] == pytest.approx(first["cpu"][name], rel=1e-2)
    learner = Trainer(change(config, device="auto", steps=40, bf16=True, validate_every=10))
    assert learner.device.type == "cuda"
    learner.run()
    held_out = [e["held_out_regression"] for e in read_log(learner.config) if "held_out_regression" in e]
    assert held_out[-1] < 0.75 * held_out[0]
    resumed = Trainer(change(config, device="cuda", steps=41, bf16=True))
    resumed.run()
    assert resumed.step == 41


# checkpoints


def test_checkpoint_keys_and_the_number_kept(config):
    run_until(change(config, keep=2), 5)
    found = run.checkpoints(Path(config.out))
    assert [path.name for path in found] == ["step-00000004.pt", "step-00000005.pt"]
    state = run.read_checkpoint(found[-1])
    keys = {"model", "ema", "optimizer", "generator", "step", "seconds", "config", "train_config"}
    assert set(state) == keys
    assert ModelConfig.from_dict(state["config"]) == config.model
    assert state["config"]["text"]["vocab"] == SYMBOLS
    assert set(files(config)) == {"log.jsonl", "train_config.json", *(path.name for path in found)}
    shown = json.loads((Path(config.out) / "train_config.json").read_text(encoding="utf-8"))
    assert shown["model"]["text"]["vocab"] == list(SYMBOLS)


def test_checkpoints_are_in_the_order_of_their_numbers(tmp_path):
    names = ("step-0000783.pt", "step-00000800.pt", "step-99.pt", "step-x.pt", ".step-00000900.7.pt")
    for name in names:
        (tmp_path / name).write_bytes(b"")
    order = ["step-99.pt", "step-0000783.pt", "step-00000800.pt"]
    assert [path.name for path in run.checkpoints(tmp_path)] == order
    run.prune(tmp_path, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000800.pt", "step-x.pt"]


def test_a_loss_that_is_not_finite_ends_the_run_and_spoils_nothing(config):
    Trainer(change(config, steps=3)).run()
    (path,) = run.checkpoints(Path(config.out))
    before = path.read_bytes()
    with pytest.raises(UserError, match="not finite at step .*: lower the learning rate"):
        Trainer(change(config, steps=100, learning_rate=1e30)).run()
    assert run.checkpoints(Path(config.out)) == [path] and path.read_bytes() == before
    assert all(torch.isfinite(v).all() for v in run.read_checkpoint(path)["model"].values())


def test_memory_that_runs_out_is_one_sentence(config, monkeypatch):
    def out_of_memory(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    monkeypatch.setattr(trainer, "joint_loss", out_of_memory)
    with pytest.raises(UserError, match=r"lower data.batch_seconds \(4\)"):
        Trainer(config).run()


def test_a_broken_checkpoint_is_named(config):
    Trainer(change(config, steps=1)).run()
    (path,) = run.checkpoints(Path(config.out))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="cannot read the checkpoint .*step-00000001.pt"):
        Trainer(config).run()
    torch.save({"step": 1}, path)
    with pytest.raises(UserError, match="is no checkpoint of this trainer"):
        Trainer(config).run()


def test_a_checkpoint_of_another_model_is_refused(config):
    Trainer(change(config, steps=1)).run()
    model = dataclasses.replace(
        config.model,
        residual_std=0.25,
        transformer=dataclasses.replace(config.model.transformer, depth=3),
    )
    with pytest.raises(UserError, match="another residual_std, transformer than"):
        Trainer(change(config, model=model)).run()


def test_optimizer_settings_follow_the_config(config):
    Trainer(change(config, steps=1)).run()
    later = Trainer(change(config, weight_decay=0.5, betas=(0.8, 0.9)))
    later.run()
    assert later.optimizer.param_groups[0]["weight_decay"] == 0.5
    assert later.optimizer.param_groups[0]["betas"] == (0.8, 0.9)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path):
    (tmp_path / "old.pt").write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match="cannot write .*old.pt"):
            run.write_checkpoint(tmp_path / "old.pt", {"weights": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert [path.name for path in tmp_path.iterdir()] == ["old.pt"]
    assert (tmp_path / "old.pt").read_bytes() == b"old"


# starting from trained weights


def test_init_from_a_checkpoint_takes_its_averaged_weights(config, tmp_path):
    source = Trainer(change(config, steps=2))
    source.run()
    (path,) = run.checkpoints(source.out)
    target = Trainer(change(config, out=str(tmp_path / "new"), init_from=str(path), seed=9))
    target.prepare_folder()
    target.resume()
    for name, value in source.ema.state_dict().items():
        assert torch.equal(target.model.state_dict()[name], value)
        assert torch.equal(target.ema.state_dict()[name], value)
    assert target.step == 0 and not target.optimizer.state_dict()["state"]
    target.run()
    assert target.step == 6


def test_a_model_without_a_head_warm_starts_one_with_a_head(config, tmp_path):
    source = Trainer(change(config, steps=1, model=dataclasses.replace(config.model, diffusion=None)))
    source.run()
    (path,) = run.checkpoints(source.out)
    target = Trainer(change(config, out=str(tmp_path / "new"), init_from=str(path)))
    fresh = {name: value.clone() for name, value in target.model.state_dict().items()}
    target.prepare_folder()
    target.resume()
    assert read_log(target.config)[-1]["fresh"] == ["diffusion_module", "to_mel"]
    for name, value in target.model.state_dict().items():
        own = name.startswith(("diffusion_module", "to_mel"))
        assert torch.equal(value, fresh[name] if own else source.ema.state_dict()[name])


def test_init_from_a_folder(config, tmp_path):
    source = Trainer(config)
    folder = tmp_path / "pretrained"
    folder.mkdir()
    weights = {name: value.numpy().astype(np.float16) for name, value in source.ema.state_dict().items()}
    save_tensors(folder / "model.safetensors", weights, {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config.model.to_dict()), encoding="utf-8")
    target = Trainer(change(config, init_from=str(folder), seed=5))
    target.prepare_folder()
    target.resume()
    for name, value in source.ema.state_dict().items():
        torch.testing.assert_close(target.model.state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_init_from_what_does_not_fit(config, tmp_path):
    def start_from(path):
        Trainer(change(config, out=str(tmp_path / "new"), init_from=str(path))).run()

    with pytest.raises(UserError, match="cannot read the checkpoint .*nowhere.pt"):
        start_from(tmp_path / "nowhere.pt")
    torch.save({"model": {}}, tmp_path / "x.pt")
    with pytest.raises(UserError, match="no checkpoint of this trainer"):
        start_from(tmp_path / "x.pt")
    for change_of, words in (
        ({"transformer": dataclasses.replace(config.model.transformer, depth=1)}, "missing: transformer"),
        ({"text": dataclasses.replace(config.model.text, vocab=SYMBOLS[::-1])}, "another text.vocab"),
    ):
        out = str(tmp_path / words.replace(" ", "-").replace(":", ""))
        model = dataclasses.replace(config.model, **change_of)
        other = Trainer(change(config, out=out, steps=1, model=model))
        other.run()
        with pytest.raises(UserError, match=words):
            start_from(run.checkpoints(other.out)[-1])


# signals


def test_the_first_signal_is_noted_and_the_second_interrupts():
    before = signal.getsignal(signal.SIGTERM)
    with run.stop_signals() as received:
        os.kill(os.getpid(), signal.SIGTERM)
        assert received == [signal.SIGTERM]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
    assert signal.getsignal(signal.SIGTERM) is before


def test_training_in_a_thread_leaves_signals_alone(config):
    results = []
    thread = threading.Thread(target=lambda: results.append(Trainer(change(config, steps=1)).run()))
    thread.start()
    thread.join()
    assert results == [0]


# the config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("batch_secnds = 1", "unknown key 'batch_secnds'"),
        ("stepz = 1", "did you mean 'steps'"),
        ("[loss]\nflow_shar = 1.0", r"loss: unknown key 'flow_shar' \(did you mean 'flow_share'"),
        ("steps = 'x'", "steps must be int"),
        ("steps = 0", "steps is 0; it must be at least 1"),
        ("keep = 0", "keep is 0; it must be at least 1"),
        ("learning_rate = nan", "learning_rate is nan; it must be more than 0"),
        ("minutes = -1", "minutes is -1.0; it must be at least 0"),
        ("[loss]\ndrop = 1.5", "loss.drop is 1.5; it must be from 0 to 1"),
        ("betas = [0.9]", "betas must be two numbers"),
        ("asr = 'tiny'", "asr and eval_texts go together"),
        ("asr = 'tiny'\neval_texts = 'x'\n[data]\nheld_out = 0", "held_out is 0"),
        ("[model.text]\nvocab = ['a', 'b']", 'the pause " "'),
        ("[model.text]\nvocab = [' ', 'a', 'a']", "each once"),
        ("[model.text]\nvocab = [' ', 'ab']", "single characters"),
        ("[model.text]\nkind = 'characters'", "must hold the symbols"),
        ("[model.text]\nvocab = [' ', 'a']", "text_num_embeds is 114, but text.vocab has 2 symbols"),
        ("[model.transformer]\ntext_num_embeds = 115", "text_num_embeds is 115, but"),
        ("[model.text]\nalignment = 'filler'", "cannot be trained here"),
        ("[model.duration]\ndim = 32", "model.duration cannot be trained here"),
    ],
)
def test_a_config_is_read_strictly(tmp_path, text, words):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=words) as error:
        load_config(path)
    assert "\n" not in str(error.value)


def test_the_vocabulary_of_a_phoneme_model_may_be_left_out(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("steps = 5")
    assert load_config(path).model.text.vocab == SYMBOLS
    assert load_config(path).to_dict()["model"]["text"]["vocab"] == SYMBOLS
    assert ModelConfig().text.vocab == ()
    path.write_text(
        "[model]\nphone_duration.text_num_embeds = 3\ntransformer.text_num_embeds = 3\n"
        "[model.text]\nkind = 'characters'\nvocab = [' ', 'a', 'b']"
    )
    assert load_config(path).model.text.vocab == (" ", "a", "b")


@pytest.mark.parametrize(
    ("device", "words"),
    [("nonsense", "device 'nonsense' cannot be used"), ("cuda:99", "device 'cuda:99' cannot")],
)
def test_a_device_that_is_not_there(config, device, words):
    with pytest.raises(UserError, match=words):
        Trainer(change(config, device=device))


def test_data_errors_come_before_any_file_is_written(config):
    with pytest.raises(UserError, match="nothing matches"):
        Trainer(change(config, data=DataConfig(shards=("nowhere/*.tar",)))).run()
    with pytest.raises(UserError, match="held_out is 50, of 12 utterances"):
        Trainer(change(config, data=dataclasses.replace(config.data, held_out=50))).run()
    assert not Path(config.out).exists()


def test_an_output_folder_that_cannot_be_made(config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot make the folder"):
        Trainer(change(config, out=str(tmp_path / "file" / "run"))).run()


# the command


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot read the config"),
        ("steps = ", "is not valid TOML"),
        ("stepz = 3", "unknown key 'stepz' (did you mean 'steps'?)"),
        ('device = "cpu"\ndata.shards = ["nowhere/*.tar"]', "no data: nothing matches nowhere/*.tar"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, text, words):
    path = tmp_path / "c.toml"
    if text is not None:
        path.write_text(f'out = "{(tmp_path / "run").as_posix()}"\n' + text)
    process = start(path)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1 and words in errors
    assert errors.startswith("train: ") and errors.count("\n") == 1 and "Traceback" not in errors
    assert not (tmp_path / "run").exists()


def test_usage():
    command = [sys.executable, "-m", "nanospeech_torch.train"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "usage:" in done.stderr
