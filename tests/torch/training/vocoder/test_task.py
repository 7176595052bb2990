"""Training of the vocoder on tones: it learns, its networks alternate, and it continues where it stopped."""

import dataclasses
import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import runs
from runs import change, losses, read_log

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import SAMPLE_RATE, log_mel
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.checkpoints.tensors import load_for_backend, load_tensors
from nanospeech_core.config import VocosConfig
from nanospeech_core.errors import UserError

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")
pytest.importorskip("accelerate")

from nanospeech_torch import train
from nanospeech_torch.export import __main__ as export
from nanospeech_torch.training.config import EngineConfig, WatchConfig
from nanospeech_torch.training.engine import checkpoints
from nanospeech_torch.training.engine.engine import Engine
from nanospeech_torch.training.tasks import load_config
from nanospeech_torch.training.vocoder.config import (
    VocoderConfig,
    VocoderDataConfig,
    VocoderLossConfig,
    VocoderOptimizerConfig,
)
from nanospeech_torch.training.vocoder.loss import LogMel, stft_magnitude
from nanospeech_torch.training.vocoder.task import VocoderTask

RECONSTRUCTION = {"mel", "stft", "modulation"}
ADVERSARIAL = {"discriminator", "adversarial", "features"}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A folder of eight tones with overtones, some of which are held out."""
    folder = tmp_path_factory.mktemp("recordings")
    time = np.arange(int(0.8 * SAMPLE_RATE)) / SAMPLE_RATE
    for i, hz in enumerate(np.linspace(90, 250, 8)):
        wave = sum(0.2 / k * np.sin(2 * np.pi * k * hz * time) for k in (1, 2, 3))
        soundfile.write(folder / f"tone-{i}.wav", wave, SAMPLE_RATE)
    return folder


@pytest.fixture
def config(recordings, tmp_path):
    """Four steps, the last two of them adversarial."""
    return VocoderConfig(
        out=str(tmp_path / "run"),
        data=VocoderDataConfig(
            sources=(str(recordings),), hold_out_every=3, held_out_crops=4, crop_frames=16, batch_size=4
        ),
        loss=VocoderLossConfig(
            discriminator_width=2, adversarial_start=2, adversarial_crops=3, adversarial_frames=8
        ),
        optimizer=VocoderOptimizerConfig(steps=4, learning_rate=4e-3, warmup=3),
        engine=EngineConfig(device="cpu", precision="fp32", threads=1, checkpoint_minutes=60.0),
        watch=WatchConfig(log_every=1, validate_every=2, sample_every=0),
        model=VocosConfig(dim=16, intermediate_dim=32, num_layers=1),
    )


def task_of(config):
    return VocoderTask(config, lambda line: None)


def completed(config):
    engine = Engine(task_of(config))
    assert engine.run() == 0
    return engine


def last_checkpoint(config):
    return checkpoints.read_checkpoint(checkpoints.list_checkpoints(Path(config.out))[-1])


def vocoder_of(engine):
    return {name: value.clone() for name, value in engine.task.model.state_dict().items()}


def discriminators_of(engine):
    return {name: value.clone() for name, value in engine.task.losses["discriminators"].state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(value, b[name]) for name, value in a.items())


# what it learns


@pytest.mark.slow
@pytest.mark.parametrize("adversarial_start", [0, 15])
def test_losses_fall(config, adversarial_start):
    loss = {"adversarial_start": adversarial_start, "adversarial_crops": 1}
    config = change(config, optimizer={"steps": 30}, loss=loss, watch={"validate_every": 100})
    engine = Engine(task_of(config))
    before = engine.task.validate(engine.ema_model)
    engine.run()
    (after,) = (entry for entry in read_log(config) if "held_out_mel" in entry)
    assert after["held_out_mel"] < 0.7 * before["held_out_mel"]
    assert after["held_out_stft"] < before["held_out_stft"]
    logged = losses(config)
    assert RECONSTRUCTION <= logged[15].keys() and not ADVERSARIAL & logged[15].keys()
    assert bool(adversarial_start) == (ADVERSARIAL <= logged[16].keys())


def test_the_head_starts_at_the_datas_level(config):
    task = task_of(config)
    target = task.crops.batch(5, 4).wave
    predicted = task.model(LogMel()(target)).detach()

    def level(wave):
        return float(stft_magnitude(wave, 1024, 256).clamp(min=1e-3).log().mean())

    assert abs(level(predicted) - level(target)) < 1.0


@pytest.mark.slow
def test_discriminators_learn(config):
    task = task_of(change(config, loss={"discriminator_width": 4, "adversarial_frames": 16}))
    objective = task.losses["discriminators"]
    optimizer = torch.optim.AdamW(objective.parameters(), lr=1e-2)
    batch = task.crops.batch(0, 4, 4)
    values = []
    for _ in range(25):
        value = objective(batch, {"discriminator": 1.0})["discriminator"] / 4
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.75 * values[0]


# alternating losses


@pytest.mark.slow
def test_each_loss_updates_its_network_only(config):
    engine = Engine(task_of(config))
    engine.start()
    stream = engine.task.stream(0, 0, 1)
    assert [engine.task.active_losses(step) for step in (0, 1)] == [["model"]] * 2
    assert engine.task.active_losses(2) == ["discriminators", "model"]
    for step in range(4):
        vocoder, discriminators = vocoder_of(engine), discriminators_of(engine)
        engine.train_step([next(stream)[0]])
        assert not equal(vocoder, vocoder_of(engine))
        assert equal(discriminators, discriminators_of(engine)) == (step < 2)
    for loss_name, moved in (("discriminators", False), ("model", True)):
        engine.task.active_losses = lambda step, loss_name=loss_name: [loss_name]
        vocoder, discriminators = vocoder_of(engine), discriminators_of(engine)
        engine.train_step([next(stream)[0]])
        assert equal(vocoder, vocoder_of(engine)) != moved
        assert equal(discriminators, discriminators_of(engine)) == moved


def test_a_loss_has_the_parameters_that_it_trains(config):
    task = task_of(config)
    model = {id(p) for p in task.model.parameters()}
    assert {id(p) for p in task.losses["model"].parameters()} == model
    assert not model & {id(p) for p in task.losses["discriminators"].parameters()}
    batch = task.crops.batch(0, 4, 3)
    task.losses["model"](batch, task.weights("model", 9))["adversarial"].backward()
    assert all(p.grad is None and p.requires_grad for p in task.losses["discriminators"].parameters())
    assert any(p.grad is not None and p.grad.any() for p in task.model.parameters())


def test_a_loss_of_weight_0_is_not_computed(config):
    task = task_of(change(config, loss={"stft": 0.0, "features": 0.0, "adversarial": 0.0}))
    sums = task.losses["model"](task.crops.batch(0, 4, 3), task.weights("model", 9))
    assert sums.keys() == {"mel", "modulation"}


# one stream, however it is dealt out


@pytest.fixture
def all_judged(config):
    """Three steps, too small to make more of a rounding error than it is; a clip would hide a factor."""
    loss = {"adversarial_start": 1, "adversarial_crops": 99, "discriminator_learning_rate": 1e-5}
    optimizer = {"steps": 3, "learning_rate": 1e-5, "final_learning_rate": 1e-6, "clip": 1e9}
    return change(config, loss=loss, optimizer=optimizer, watch={"validate_every": 0})


def assert_same_gradients(ours, theirs):
    """Of the steps so far, as Adam remembers them, after as many crops."""
    for state in (ours, theirs):
        assert state["position"] * state["train_config"]["data"]["batch_size"] == 24
    for name in ("model", "discriminators"):
        a, b = (
            torch.cat(
                [moments["exp_avg"].flatten() for moments in state["optimizers"][name]["state"].values()]
            )
            for state in (ours, theirs)
        )
        assert torch.linalg.vector_norm(a) > 0
        assert torch.linalg.vector_norm(a - b) < 2e-3 * torch.linalg.vector_norm(a)


@pytest.mark.slow
def test_two_batches_are_one_of_twice_the_size(all_judged, tmp_path):
    one = change(all_judged, data={"batch_size": 8})
    two = change(all_judged, out=str(tmp_path / "two"), optimizer={"accumulate": 2})
    completed(one), completed(two)
    assert_same_gradients(last_checkpoint(one), last_checkpoint(two))
    a, b = losses(one), losses(two)
    for step in (1, 2, 3):
        assert a[step] == pytest.approx(b[step], rel=2e-3)
    assert ADVERSARIAL <= a[3].keys()


@pytest.mark.slow
def test_two_processes_are_one_of_twice_the_size(all_judged, tmp_path):
    one = change(all_judged, data={"batch_size": 8})
    two = change(all_judged, out=str(tmp_path / "two"))
    path = runs.write(two, tmp_path / "two.json")
    status, _, errors = runs.finish(runs.launch(2, "-m", "nanospeech_torch.train", str(path)))
    assert status == 0, errors
    completed(one)
    assert_same_gradients(last_checkpoint(one), last_checkpoint(two))


def test_workers_change_nothing(config, recordings, tmp_path):
    for path in recordings.glob("tone-[0-3].wav"):
        np.save(tmp_path / f"{path.stem}.npy", log_mel(audio.read(path)).astype(np.float16))
    data = {"augment": 0.5, "predicted": str(tmp_path), "predicted_share": 0.5}
    here, there = (
        task_of(change(config, data=data, engine={"workers": workers})).stream(5, 1, 2) for workers in (0, 2)
    )
    kinds = set()
    for number, (ours, _), (theirs, _) in zip(range(6, 18, 2), here, there, strict=False):
        assert len(multiprocessing.active_children()) == 2
        assert ours.adversarial_crops == theirs.adversarial_crops == 3 and ours.wave.any()
        for name in ("wave", "predicted", "has_predicted"):
            assert torch.equal(getattr(ours, name), getattr(theirs, name)), (number, name)
        kinds |= set(ours.has_predicted.tolist())
    assert kinds == {False, True}


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "workers"), [("fp32", 0), ("bf16", 0), ("fp32", 2)])
def test_a_resumed_run_is_the_run_that_was_not_stopped(config, tmp_path, precision, workers):
    complete = change(
        config, data={"augment": 0.5}, optimizer={"schedule": "constant"}, engine={"precision": precision}
    )
    broken = change(complete, out=str(tmp_path / "broken"), engine={"workers": workers})
    completed(complete)
    completed(change(broken, optimizer={"steps": 3}))
    completed(broken)
    assert losses(broken) == losses(complete) and len(losses(complete)) == 4
    ours, theirs = last_checkpoint(broken), last_checkpoint(complete)
    assert ours["step"] == ours["position"] == 4
    assert equal(ours["ema"], theirs["ema"])
    for name in ("model", "discriminators"):
        assert equal(ours["losses"][name], theirs["losses"][name])


# compiled and recomputed


def test_recomputed_activations_change_nothing(config):
    gradients, calls = [], []
    for on in (False, True):
        task, counted = task_of(change(config, engine={"checkpoint_activations": on})), []
        task.prepare()
        task.model.backbone.convnext[0].pwconv1.register_forward_hook(
            lambda *_, counted=counted: counted.append(1)
        )
        task.losses["model"](task.crops.batch(0, 4, 3), task.weights("model", 0))["mel"].backward()
        gradients.append([p.grad for p in task.model.parameters()])
        calls.append(len(counted))
    assert calls == [1, 2]
    assert all(torch.allclose(a, b, rtol=1e-6) for a, b in zip(*gradients, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint_activations", [False, True])
def test_blocks_are_compiled(config, tmp_path, monkeypatch, checkpoint_activations):
    """Once for all crops, and once for those that the discriminators get, without gradient."""
    graphs, calls = runs.record_compiled(monkeypatch)
    config = change(config, model=dataclasses.replace(config.model, num_layers=2))
    completed(change(config, out=str(tmp_path / "plain")))
    completed(change(config, engine={"compile": True, "checkpoint_activations": checkpoint_activations}))
    passes = 2 if checkpoint_activations else 1  # the second, backwards
    # two blocks, in four steps of the vocoder and two of the discriminators
    assert len(graphs) == 2 and len(calls) == 2 * (4 * passes + 2)
    plain = losses(change(config, out=str(tmp_path / "plain")))
    for step, entry in losses(config).items():
        assert entry == pytest.approx(plain[step], rel=1e-4), step


def test_a_later_config_may_make_a_run_adversarial(config):
    completed(change(config, loss={"adversarial_start": 0}, optimizer={"steps": 2}))
    completed(change(config, optimizer={"steps": 3}))
    assert ADVERSARIAL <= losses(config)[3].keys()


def test_checkpoint_of_another_shape_or_damaged(config):
    completed(change(config, optimizer={"steps": 1}))
    other = dataclasses.replace(config.model, dim=8)
    with pytest.raises(UserError, match="another vocoder than the config"):
        completed(change(config, model=other))
    (path,) = checkpoints.list_checkpoints(Path(config.out))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot read the checkpoint"):
        completed(config)


# samples and checkpoints


@pytest.mark.slow
def test_samples_of_held_out_recordings(config):
    completed(change(config, watch={"sample_every": 4, "samples": 1}))
    folder = Path(config.out) / "samples" / "step-00000004"
    (item,) = json.loads((folder / "samples.json").read_text())
    assert item["title"] in {recording.name for recording in task_of(config).held_out}
    original, copy = (soundfile.read(folder / f"1-{name}.wav")[0] for name in ("original", "copy"))
    assert len(original) == int(0.8 * SAMPLE_RATE) and len(copy) == len(original) // 256 * 256
    bare = task_of(change(config, data={"hold_out_every": 0}))
    assert bare.validate(bare.model) == {} and not bare.write_samples(bare.model, folder / "none")


def test_other_recordings_do_not_go_on_with_a_run(config, tmp_path, recordings):
    completed(change(config, optimizer={"steps": 1}))
    for path in recordings.iterdir():
        (tmp_path / f"other-{path.name}").write_bytes(path.read_bytes())
    with pytest.raises(UserError, match="was trained on other data"):
        other = {"sources": (str(tmp_path / "*.wav"),)}
        completed(change(config, data=other, optimizer={"steps": 2}))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["run", "checkpoint", "bfloat16", "before 0.1", "vocos.safetensors"])
def test_init_from(config, tmp_path, kind):
    completed(config)
    state = last_checkpoint(config)
    source = checkpoints.list_checkpoints(Path(config.out))[-1]
    if kind == "run":
        source = Path(config.out)
    if kind == "bfloat16":
        source = tmp_path / "bf16.pt"
        state["ema"] = {name: value.bfloat16() for name, value in state["ema"].items()}
        torch.save(state, source)
        state["ema"] = {name: value.float() for name, value in state["ema"].items()}
    if kind == "before 0.1":
        source = tmp_path / "old.pt"
        torch.save({"ema": state["ema"], "config": {"model": state["config"]["vocoder"]}}, source)
    if kind == "vocos.safetensors":
        source = tmp_path / kind
        assert export.main([config.out, "-o", str(source), "--dtype", "float32"]) == 0
        tensors, metadata = load_tensors(source)
        assert metadata["format"] == "pt" and json.loads(metadata["config"]) == state["config"]["vocoder"]
    path = tmp_path / "c.toml"
    path.write_text(
        f'task = "vocoder"\ninit_from = "{source.as_posix()}"\nmodel = {{ num_layers = 1 }}\n'
        f"data = {json.dumps(list(config.data.sources)).join(('{ sources = ', ', hold_out_every = 3 }'))}\n"
    )
    loaded = load_config(str(path))
    assert loaded.model == config.model  # what [model] does not say
    assert equal(task_of(loaded).model.state_dict(), state["ema"])
    with pytest.raises(UserError, match="does not match"):
        task_of(load_config(str(path), ["model.dim=8"]))


def test_the_embedded_vocoder_is_fine_tuned(config, tmp_path):
    if not (PRETRAINED / "vocos.safetensors").is_file():
        pytest.skip("no embedded checkpoint")
    path = runs.write(config, tmp_path / "c.json")
    values = json.loads(path.read_text()) | {"init_from": "embedded", "model": {}}
    path.write_text(json.dumps(values))
    task = task_of(load_config(str(path)))
    embedded = load_for_backend(PRETRAINED / "vocos.safetensors", "pt")
    for name, value in task.model.state_dict().items():
        np.testing.assert_array_equal(value, embedded[name])


@pytest.mark.parametrize(
    "contents",
    [
        {"ema": {}, "config": {"transformer": {}, "vocoder": None}},
        {"ema": {}, "config": {"aligner": {}}},
        [1],
    ],
)
def test_init_from_another_model(config, tmp_path, contents):
    torch.save(contents, tmp_path / "other.pt")
    with pytest.raises(UserError, match="not a checkpoint of a vocoder"):
        task_of(dataclasses.replace(config, init_from=str(tmp_path / "other.pt")))


# the command


def test_command_trains_and_goes_on(config, tmp_path, capsys):
    path = runs.write(config, tmp_path / "c.json")
    for steps in (1, 3):
        assert train.main([str(path), f"optimizer.steps={steps}"]) == 0
    assert [entry["step"] for entry in read_log(config) if "gradient" in entry] == [1, 2, 3]
    assert "recordings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["nonsense=1"], "unknown key 'nonsense'"),
        (["model.dims=3"], "did you mean 'dim'"),
        (["seed=x"], "must be int"),
        (["data.sources=['nowhere/*.wav']"], "nothing matches"),
        (["data.crop_frames=4"], "data.crop_frames must be "),
        (["data.predicted=mels"], "data.predicted and data.predicted_share go together"),
        (["data.predicted_share=0.5"], "data.predicted and data.predicted_share go together"),
        (["loss.mel=0", "loss.stft=0", "loss.modulation=0"], "are all 0"),
        (["model.hop_length=128"], "model.hop_length 256"),
        (["model.n_fft=1000"], "model.n_fft must be a multiple of 512, not 1000"),
        (["engine.workers=-1"], "engine.workers must be at least 0, not -1"),
        (["watch.asr=tiny", "watch.eval_texts=x"], "watch.asr must be empty"),
        (["init_from=nowhere/at/all"], "nowhere/at/all"),
    ],
)
def test_bad_settings_are_one_sentence(tmp_path, capsys, settings, words):
    (tmp_path / "c.toml").write_text(f'task = "vocoder"\nout = "{(tmp_path / "run").as_posix()}"\n')
    assert train.main([str(tmp_path / "c.toml"), *settings]) == 1
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
