"""The engine: a resumed run equals an uninterrupted run; schedules, averages, precision, checkpoints."""

import itertools
import json
import math
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import runs
from clocks import Clock
from runs import change, files, losses, read_log

from nanospeech_core.config import ModelConfig
from nanospeech_core.text.symbols import SYMBOLS

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")
pytest.importorskip("accelerate")

from nanospeech_torch import train
from nanospeech_torch.training.acoustic.task import AcousticTask
from nanospeech_torch.training.engine import checkpoints, evaluation
from nanospeech_torch.training.engine import engine as engine_module
from nanospeech_torch.training.engine.engine import Engine

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def config(shard, tmp_path):
    return runs.tiny(shard, tmp_path / "run")


class Recorder(Engine):
    """An engine that keeps what it trained on, and can die before a step, as abruptly as it can in a test."""

    def __init__(self, config, dies_at=None):
        super().__init__(AcousticTask(config, lambda line: None))
        self.dies_at, self.tokens = dies_at, []

    def train_step(self, batches):
        if self.step == self.dies_at:
            raise Killed
        self.tokens += [batch.batch.tokens for batch in batches]
        return super().train_step(batches)


class Killed(BaseException):
    pass


def completed(config):
    engine = Recorder(config)
    assert engine.run() == 0
    return engine


def killed(config, step):
    """Trained with a checkpoint after each step, until it died before step `step`."""
    engine = Recorder(change(config, engine={"checkpoint_minutes": 0.0}), step)
    with pytest.raises(Killed):
        engine.run()
    return engine


def last_checkpoint(config):
    return checkpoints.read_checkpoint(checkpoints.list_checkpoints(Path(config.out))[-1])


def flatten(value, name=""):
    """(name, leaf) of nested dicts and lists."""
    if isinstance(value, (dict, list, tuple)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return {leaf: v for key, inner in pairs for leaf, v in flatten(inner, f"{name}.{key}").items()}
    return {name: value}


def assert_equal_states(ours, theirs, but=("seconds", "train_config")):
    ours, theirs = ({k: v for k, v in state.items() if k not in but} for state in (ours, theirs))
    ours, theirs = flatten(ours), flatten(theirs)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        same = torch.equal(value, theirs[name]) if torch.is_tensor(value) else value == theirs[name]
        assert same, name


def same(a, b):
    return all(x.shape == y.shape and torch.equal(x, y) for x, y in zip(a, b, strict=True))


# resuming


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_resumed_run_is_the_run_that_was_not_stopped(config, tmp_path, precision):
    config = change(config, engine={"precision": precision})
    unbroken = completed(config)
    broken = change(config, out=str(tmp_path / "broken"))
    killed(broken, 3)
    assert files(broken) == ["config.json", "log.jsonl", *(f"step-{n:08d}.pt" for n in (1, 2, 3))]
    resumed = completed(broken)
    assert resumed.step == 6 and len(resumed.tokens) == 3
    assert losses(broken) == losses(config) and len(losses(config)) == 6
    assert {"flow", "regression", "head", "duration", "gradient", "lr"} <= set(losses(config)[5])
    assert_equal_states(last_checkpoint(broken), last_checkpoint(config))
    assert same(resumed.tokens, unbroken.tokens[3:])
    held_out = [[e for e in read_log(c) if "held_out_regression" in e] for c in (config, broken)]
    assert held_out[0] == held_out[1] and len(held_out[0]) == 2
    assert {"resumed": str(Path(broken.out) / "step-00000003.pt"), "step": 3} in read_log(broken)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_resuming_goes_on_in_the_middle_of_an_epoch(config, tmp_path, workers):
    short = change(
        config,
        data={"batch_seconds": 2.0, "max_joined": 1},
        optimizer={"steps": 14},
        watch={"validate_every": 0},
        engine={"workers": workers},
    )
    complete = completed(short).tokens
    epoch = 5  # of 10 utterances, two a batch
    assert len(complete) == 14 and not same(complete[:epoch], complete[epoch : 2 * epoch])
    broken = change(short, out=str(tmp_path / "broken"))
    parts = killed(broken, 3).tokens + killed(broken, 7).tokens + completed(broken).tokens
    assert same(parts, complete)


@pytest.mark.slow
def test_workers_change_nothing(config, tmp_path):
    completed(config)
    completed(change(config, out=str(tmp_path / "workers"), engine={"workers": 2}))
    assert losses(change(config, out=str(tmp_path / "workers"))) == losses(config)


def test_a_run_ends_with_its_steps_and_does_not_go_on(config):
    completed(config)
    before = {path: path.stat().st_mtime_ns for path in checkpoints.list_checkpoints(Path(config.out))}
    again = completed(config)
    assert again.step == 6 and again.tokens == []
    assert {
        path: path.stat().st_mtime_ns for path in checkpoints.list_checkpoints(Path(config.out))
    } == before
    assert completed(change(config, optimizer={"steps": 7})).step == 7


def test_optimizer_settings_follow_the_config(config):
    completed(change(config, optimizer={"steps": 1}))
    later = completed(change(config, optimizer={"weight_decay": 0.5, "betas": (0.8, 0.9)}))
    (group,) = later.optimizers["model"].param_groups
    assert group["weight_decay"] == 0.5 and tuple(group["betas"]) == (0.8, 0.9)


def test_the_resolved_config_trains_the_same_run_again(config, tmp_path):
    completed(config)
    copy = tmp_path / "copy.json"
    copy.write_bytes((Path(config.out) / "config.json").read_bytes())
    assert train.main([str(copy), f"out={tmp_path / 'again'}"]) == 0
    again = change(config, out=str(tmp_path / "again"))
    assert losses(again) == losses(config)
    assert (
        json.loads((tmp_path / "again" / "config.json").read_text()) == last_checkpoint(again)["train_config"]
    )


# the schedules


def test_minutes_follow_the_clock(config, monkeypatch):
    clock = Clock(monkeypatch, engine_module, evaluation, now=0.0)
    optimizer = {"steps": 1000, "minutes": 0.5}
    timed = Recorder(change(config, optimizer=optimizer, engine={"checkpoint_minutes": 1000.0}))
    step, validate = timed.train_step, timed.task.validate

    def four_seconds(batches):
        clock.now += 4.0
        return step(batches)

    def slow_validation(model):
        clock.now += 100.0  # is not training time
        return validate(model)

    timed.train_step, timed.task.validate = four_seconds, slow_validation
    timed.run()
    assert timed.step == 8 and timed.seconds == 32.0
    for done, entry in losses(timed.config).items():
        share = min(done * 4 / 30, 1.0)
        expected = 4e-5 + (4e-3 - 4e-5) * 0.5 * (1 + math.cos(math.pi * share))
        assert entry["lr"] == pytest.approx(expected * min(1.0, (done + 1) / 2), rel=1e-4)
    assert completed(timed.config).step == 8  # its minutes are over


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_schedule(config, schedule):
    one = Recorder(change(config, optimizer={"steps": 9, "schedule": schedule, "final_learning_rate": 4e-4}))
    used, step = [], one.train_step

    def spy(batches):
        values = step(batches)
        used.append(one.optimizers["model"].param_groups[0]["lr"])
        return values

    one.train_step = spy
    one.run()
    cosine = [4e-4 + 3.6e-3 * 0.5 * (1 + math.cos(math.pi * k / 9)) for k in range(9)]
    full = cosine if schedule == "cosine" else [4e-3] * 9
    assert used == pytest.approx([full[0] / 2, *full[1:]])


def test_the_head_starts_late_and_its_weight_rises(config):
    def weight(step, **loss):
        task = SimpleNamespace(config=change(config, loss=loss))
        return AcousticTask.weights(task, "model", step)["head"]

    late = {"head_weight": 0.5, "head_start": 10, "head_ramp": 20}
    for step, expected in ((0, 0.0), (10, 0.0), (15, 0.125), (20, 0.25), (30, 0.5), (1000, 0.5)):
        assert weight(step, **late) == pytest.approx(expected)
    assert [weight(step, head_start=2, head_ramp=0) for step in (1, 2, 3)] == [0.0, 1.0, 1.0]
    assert weight(0, head_start=0, head_ramp=0) == 1.0
    completed(config)
    assert ["head" in losses(config)[step] for step in (1, 2, 3)] == [False, False, True]


def test_average_is_the_closed_form(config):
    one = Recorder(change(config, optimizer={"ema": 0.2}))
    expected = [p.detach().double() for p in one.task.model.parameters()]
    step, history = one.train_step, []

    def spy(batches):
        result = step(batches)
        history.append([p.detach().clone().double() for p in one.task.model.parameters()])
        return result

    one.train_step = spy
    one.run()
    assert len(history) == 6
    for k, weights in enumerate(history):
        d = min(0.2, (1 + k) / (10 + k))
        expected = [d * a + (1 - d) * w for a, w in zip(expected, weights, strict=True)]
    for ours, theirs in zip(one.ema_model.parameters(), expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-7)
        assert not ours.requires_grad
    assert not list(one.task.model.buffers())  # averaged are the parameters only


# what a step computes


def trained(config, tmp_path):
    """The config, begun from a model in which no weight is left at the zeros that it starts from."""
    engine = Recorder(config)
    torch.manual_seed(3)
    with torch.no_grad():
        weights = {k: v + 0.05 * torch.randn_like(v) for k, v in engine.task.model.state_dict().items()}
    path = tmp_path / "trained.pt"
    torch.save({"ema": weights, "config": engine.task.identity}, path)
    return change(config, init_from=str(path), loss={"head_start": 0, "head_ramp": 0})


def first_step(config):
    """The logged values and the gradients of a run's first step, before clipping."""
    engine = Recorder(change(config, optimizer={"clip": 1e9}))
    engine.start()
    stream = engine.task.stream(0, 0, 1)
    batches = [batch for batch, _ in itertools.islice(stream, config.optimizer.accumulate)]
    values = {name: float(value) for name, value in engine.train_step(batches).items()}
    return values, {n: p.grad for n, p in engine.task.model.named_parameters() if p.grad is not None}


def assert_close_gradients(ours, theirs, rel):
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert (ours[name] - value).norm() <= rel * value.norm() + 1e-8, name


def test_accumulated_batches_are_one_large_batch(config, tmp_path):
    """Also where they differ in what there is to learn: a mean of means would not do."""
    config = change(trained(config, tmp_path), optimizer={"accumulate": 2}, data={"batch_seconds": 8.0})
    values, gradients = first_step(config)
    task = AcousticTask(config, lambda line: None)
    pair = [batch for batch, _ in itertools.islice(task.stream(0, 0, 1), 2)]
    assert all(pair[0].counts[name] != pair[1].counts[name] > 0 for name in pair[0].counts)
    expected_values, expected = runs.gradients_of_one(task, pair)
    assert {k: values[k] for k in expected_values} == pytest.approx(expected_values, rel=1e-5)
    assert_close_gradients(gradients, expected, 1e-5)


def test_recomputed_activations_change_nothing(config, tmp_path):
    config = trained(config, tmp_path)
    values, gradients = first_step(config)
    again = change(config, out=str(tmp_path / "again"), engine={"checkpoint_activations": True})
    recomputed_values, recomputed = first_step(again)
    assert recomputed_values == pytest.approx(values, rel=1e-6)
    assert_close_gradients(recomputed, gradients, 1e-6)


def test_activations_are_recomputed(config):
    calls = []
    for on in (False, True):
        one = Recorder(change(config, engine={"checkpoint_activations": on}))
        counted = []
        for block in one.task.model.transformer.transformer_blocks:
            block.attn.register_forward_hook(lambda *_, counted=counted: counted.append(1))
        one.start()
        one.train_step([next(one.task.stream(0, 0, 1))[0]])
        calls.append(len(counted))
    assert calls == [2, 4]


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint_activations", [False, True])
def test_every_block_is_compiled_once_for_every_shape(config, tmp_path, monkeypatch, checkpoint_activations):
    steps = 8 if checkpoint_activations else 24
    config = change(
        trained(config, tmp_path),
        data={"buckets": 24, "batch_seconds": 3.0, "held_out": 0},
        optimizer={"steps": steps},
    )
    graphs, calls = runs.record_compiled(monkeypatch)
    completed(change(config, out=str(tmp_path / "plain")))
    engine = {"compile": True, "checkpoint_activations": checkpoint_activations}
    with torch._dynamo.config.patch(recompile_limit=8):
        compiled = completed(change(config, out=str(tmp_path / "compiled"), engine=engine))
    shapes = {tokens.shape for tokens in compiled.tokens}
    if not checkpoint_activations:
        assert len(shapes) > 8  # as many as torch compiles by default
    passes = 2 if checkpoint_activations else 1  # the second, backwards
    assert len(graphs) == len(shapes) and len(calls) == 2 * steps * passes
    plain = losses(change(config, out=str(tmp_path / "plain")))
    for step, entry in losses(compiled.config).items():
        assert entry == pytest.approx(plain[step], rel=1e-4), step


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_learns(config, precision):
    late = {"head_start": 10, "head_ramp": 100}  # at first the head's gradient would drown the others
    config = change(config, optimizer={"steps": 40}, watch={"validate_every": 10}, loss=late)
    learner = completed(change(config, engine={"precision": precision}))
    held_out = [e["held_out_regression"] for e in read_log(config) if "held_out_regression" in e]
    assert len(held_out) == 4 and held_out[-1] < 0.75 * held_out[0]
    assert all(p.dtype == torch.float32 for p in learner.task.model.parameters())


@pytest.mark.slow
def test_precision_is_that_of_the_products(config):
    seen = {}
    for precision in ("fp32", "bf16"):
        runs.reset_accelerate()
        one = Recorder(change(config, out=f"{config.out}-{precision}", engine={"precision": precision}))

        def note(module, inputs, output, name=precision):
            seen[name] = output.dtype

        one.task.model.transformer.proj_out.register_forward_hook(note)
        one.run()
    assert seen == {"fp32": torch.float32, "bf16": torch.bfloat16}


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_cuda_agrees_with_the_cpu_and_learns(config, tmp_path, precision):
    first = {}
    for device in ("cpu", "cuda"):
        runs.reset_accelerate()
        one = change(config, out=str(tmp_path / device), optimizer={"steps": 1}, loss={"flow_share": 0.0})
        completed(change(one, engine={"device": device}))
        first[device] = losses(one)[1]
    for name in ("regression", "duration", "gradient"):
        assert first["cuda"][name] == pytest.approx(first["cpu"][name], rel=1e-2)
    runs.reset_accelerate()
    long = change(
        config,
        engine={"device": "auto", "precision": precision},
        optimizer={"steps": 40},
        watch={"validate_every": 10},
        loss={"head_start": 10, "head_ramp": 100},
    )
    assert completed(long).device.type == "cuda"
    held_out = [e["held_out_regression"] for e in read_log(long) if "held_out_regression" in e]
    assert held_out[-1] < 0.75 * held_out[0]
    assert completed(change(long, optimizer={"steps": 41})).step == 41


# checkpoints and what is watched


def test_checkpoint_keys_and_the_number_kept(config):
    config = change(config, engine={"keep": 2})
    killed(config, 5)
    found = checkpoints.list_checkpoints(Path(config.out))
    assert [path.name for path in found] == ["step-00000004.pt", "step-00000005.pt"]
    state = checkpoints.read_checkpoint(found[-1])
    assert {"ema", "losses", "optimizers", "step", "position", "config", "train_config"} <= set(state)
    assert ModelConfig.from_dict(state["config"]) == config.model
    assert state["config"]["text"]["vocab"] == SYMBOLS
    assert set(files(config)) == {"log.jsonl", "config.json", *(path.name for path in found)}


@pytest.mark.slow
def test_best_is_the_checkpoint_of_the_least_errors(config):
    errors = iter([(90.0, 80.0), (50.0, 85.0), (60.0, 30.0), (45.0, 99.0), (45.0, 70.0), (46.0, 46.0)])

    def evaluating(config, dies_at=None):
        engine = Recorder(config, dies_at)
        engine.task.error_rates = lambda model: dict(
            zip(("wer_masked", "wer_ode"), next(errors), strict=True)
        )
        return engine

    config = change(config, watch={"eval_every": 1}, engine={"keep": 1, "checkpoint_minutes": 0.0})
    with pytest.raises(Killed):
        evaluating(config, 2).run()
    best = Path(config.out) / "best.pt"
    assert checkpoints.read_checkpoint(best)["step"] == 2
    evaluating(config).run()  # knows what was best before
    state = checkpoints.read_checkpoint(best)
    assert state["step"] == 5 and state["best"] == 45.0  # of equals the later
    rates = [(e["step"], e["wer_masked"]) for e in read_log(config) if "wer_masked" in e]
    assert rates == [(1, 90.0), (2, 50.0), (3, 60.0), (4, 45.0), (5, 45.0), (6, 46.0)]
    assert files(config) == ["best.pt", "config.json", "log.jsonl", "step-00000006.pt"]


def test_samples_and_validation_come_by_the_clock_too(config, monkeypatch):
    """A run of 40 minutes whose step takes half a minute: the first sample after two minutes."""
    clock = Clock(monkeypatch, engine_module, evaluation, now=0.0)
    watch = {"validate_every": 10**6, "sample_every": 10**6, "validate_minutes": 8.0, "log_every": 10**6}
    config = change(config, optimizer={"steps": 80}, watch=watch, engine={"checkpoint_minutes": 1e6})
    engine, sampled, validated = Recorder(config), [], []
    step = engine.train_step

    def half_a_minute(batches):
        clock.now += 30.0
        return step(batches)

    engine.train_step = half_a_minute
    engine.task.validate = lambda model: validated.append(clock.now / 60) or {}
    engine.task.write_samples = lambda model, folder: bool(sampled.append(clock.now / 60))
    engine.run()
    assert sampled == [2, 4, 8, 16, 32, 40]
    assert validated == [2, 4, 8, 16, 24, 32, 40]
    assert len(losses(config)) == 80  # a line at least every half minute


def test_a_step_without_flow_rows_does_not_count_in_the_mean_of_the_flow(config):
    config = change(config, data={"batch_seconds": 2.0}, watch={"validate_every": 0}, optimizer={"steps": 12})
    completed(config)
    flows = [entry.get("flow") for entry in losses(config).values()]
    assert None in flows and 0.0 not in flows and len([flow for flow in flows if flow]) >= 2
    means = change(config, out=f"{config.out}-means", watch={"log_every": 12})
    completed(means)
    (entry,) = losses(means).values()
    there = [flow for flow in flows if flow is not None]
    assert entry["flow"] == pytest.approx(sum(there) / len(there), rel=1e-4)


def test_silent_samples_are_told(config, capsys):
    """A model from random weights has not learned to make sound yet."""
    completed(change(config, optimizer={"steps": 1}, watch={"sample_every": 1, "samples": 1}))
    (item,) = json.loads((Path(config.out) / "samples/step-00000001/samples.json").read_text())
    assert item["note"].startswith("silent so far")
    assert "samples/step-00000001 (silent so far, as a model" in capsys.readouterr().out


def test_validation_is_the_same_each_time_and_leaves_no_trace(config):
    one = Recorder(config)
    before = torch.get_rng_state()
    first, second = one.task.validate(one.ema_model), one.task.validate(one.ema_model)
    assert first == second
    assert set(first) == {f"held_out_{name}" for name in ("flow", "regression", "head", "duration")}
    assert torch.equal(torch.get_rng_state(), before)
    assert all(p.grad is None for p in one.task.model.parameters())


def test_without_held_out_utterances_nothing_is_validated(config):
    completed(change(config, data={"held_out": 0}, watch={"sample_every": 3}))
    steps = [entry["step"] for entry in read_log(config) if "step" in entry and "saved" not in entry]
    assert steps == [1, 2, 3, 4, 5, 6] and not (Path(config.out) / "samples").exists()


@pytest.mark.slow
def test_samples_and_tensorboard(config):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    watch = {"trackers": ("tensorboard",), "sample_every": 6, "samples": 1}
    completed(change(config, watch=watch))
    folder = Path(config.out) / "samples" / "step-00000006"
    (item,) = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    assert item["audio"] and all((folder / clip["file"]).is_file() for clip in item["audio"])
    read = accumulator.EventAccumulator(str(Path(config.out) / "nanospeech")).Reload()
    logged = [(e["step"], e["regression"]) for e in read_log(config) if "gradient" in e]
    assert [e.step for e in read.Scalars("regression")] == [step for step, _ in logged]
    assert [e.value for e in read.Scalars("regression")] == pytest.approx([v for _, v in logged], rel=1e-4)
    assert {f"samples/{Path(clip['file']).stem}" for clip in item["audio"]} <= set(read.Tags()["audio"])


# signals


def test_training_in_a_thread_leaves_signals_alone(config):
    results = []
    thread = threading.Thread(
        target=lambda: results.append(Recorder(change(config, optimizer={"steps": 1})).run())
    )
    thread.start()
    thread.join()
    assert results == [0]
