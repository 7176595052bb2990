"""Starting from trained weights, of whatever kind; and what stays as it is while the rest learns."""

import dataclasses
import json
from pathlib import Path

import corpus
import numpy as np
import pytest
import runs
from backends import Backend
from originals import VOCAB, original_config, original_weights, write_original
from runs import change, losses, read_log

from nanospeech_core.checkpoints.folder import load_folder, resolve
from nanospeech_core.checkpoints.tensors import save_tensors
from nanospeech_core.config import DiffLossConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.prompt import Prompt
from nanospeech_core.text.symbols import SYMBOLS

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")
pytest.importorskip("accelerate")

from nanospeech_torch import train
from nanospeech_torch.nanospeech import Nanospeech
from nanospeech_torch.training.acoustic.task import AcousticTask
from nanospeech_torch.training.acoustic.weights import initialize, warm_start
from nanospeech_torch.training.engine import checkpoints
from nanospeech_torch.training.engine.engine import Engine
from nanospeech_torch.training.engine.settings import as_json
from nanospeech_torch.training.tasks import load_config

PARTS = ("transformer", "duration_predictor", "to_mel", "diffusion_module")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def config(shard, tmp_path):
    return runs.tiny(shard, tmp_path / "run")


@pytest.fixture
def source(config, tmp_path):
    """The checkpoint of a run of three steps."""
    return checkpoint_of(change(config, out=str(tmp_path / "source"), optimizer={"steps": 3}))


def checkpoint_of(config):
    Engine(AcousticTask(config, lambda line: None)).run()
    return checkpoints.list_checkpoints(Path(config.out))[-1]


def begin(config):
    """A task at its start, and what it reported."""
    lines = []
    return AcousticTask(config, lines.append), lines


def weights_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def part(name):
    return name.partition(".")[0]


def moved(before, after):
    """The parts of which some weight is another; and whether no other weight is."""
    return {part(name) for name in before if not torch.equal(before[name], after[name])}


# frozen


@pytest.mark.slow
@pytest.mark.parametrize(
    "frozen", [("transformer",), ("duration_predictor", "to_mel"), ("diffusion_module",)]
)
def test_what_is_frozen_stays_bit_for_bit_and_the_rest_moves(config, source, frozen):
    config = change(config, init_from=str(source), frozen=frozen, optimizer={"weight_decay": 0.5})
    engine = Engine(begin(config)[0])
    before = weights_of(engine.task.model)
    engine.run()
    assert moved(before, engine.task.model.state_dict()) == set(PARTS) - set(frozen)
    assert moved(before, engine.ema_model.state_dict()) == set(PARTS) - set(frozen)
    trained = [name for name in before if part(name) not in frozen]
    assert len(engine.state()["optimizers"]["model"]["state"]) == len(trained)  # no memory for the others


@pytest.mark.slow
def test_a_part_of_a_part_is_frozen(config, source):
    name = "transformer.transformer_blocks.0"
    engine = Engine(begin(change(config, init_from=str(source), frozen=(name,)))[0])
    before = weights_of(engine.task.model)
    engine.run()
    after = engine.task.model.state_dict()
    assert all(torch.equal(before[n], after[n]) for n in before if n.startswith(f"{name}."))
    others = [n for n in before if n.startswith("transformer.transformer_blocks.1.")]
    assert others and not any(torch.equal(before[n], after[n]) for n in others)


@pytest.mark.slow
def test_a_resumed_run_keeps_what_is_frozen(config, source):
    config = change(config, init_from=str(source), frozen=("transformer",))
    checkpoint_of(change(config, optimizer={"steps": 3}))
    engine = Engine(begin(config)[0])
    before = weights_of(engine.task.model)
    engine.run()
    assert engine.step == 6 and len(losses(config)) == 6
    assert "transformer" not in moved(before, engine.task.model.state_dict())


# init_from


def test_a_checkpoint_s_averaged_weights_are_taken(config, source):
    average = checkpoints.read_checkpoint(source)["ema"]
    task, lines = begin(change(config, init_from=str(source), seed=9))
    engine = Engine(task)
    for model in (task.model, engine.ema_model):
        assert all(torch.equal(value, average[name]) for name, value in model.state_dict().items())
    assert engine.step == 0 and not engine.optimizers["model"].state
    assert lines[0] == f"weights of {source}"
    engine.run()
    assert engine.step == 6


def test_a_checkpoint_in_bfloat16_is_a_beginning_too(config, source, tmp_path):
    state = checkpoints.read_checkpoint(source)
    state["ema"] = {name: value.bfloat16() for name, value in state["ema"].items()}
    checkpoints.write_checkpoint(tmp_path / "bf16.pt", state)
    task, _ = begin(change(config, init_from=str(tmp_path / "bf16.pt")))
    for name, value in task.model.state_dict().items():
        assert value.dtype == torch.float32 and torch.equal(value, state["ema"][name].float()), name


def test_a_flow_only_checkpoint_gets_a_head(config, tmp_path):
    flow_only = dataclasses.replace(config.model, diffusion=None)
    source = checkpoint_of(
        change(config, out=str(tmp_path / "flow"), model=flow_only, optimizer={"steps": 3})
    )
    assert "head" not in losses(change(config, out=str(tmp_path / "flow")))[3]
    average = checkpoints.read_checkpoint(source)["ema"]
    config = change(config, init_from=str(source), frozen=("transformer",))
    task, lines = begin(config)
    assert lines[0] == f"weights of {source}; new: diffusion_module, to_mel"
    fresh = Nanospeech.from_config(task.model.config).state_dict()
    for name, value in task.model.state_dict().items():
        if part(name) in ("diffusion_module", "to_mel"):
            assert name not in average and value.shape == fresh[name].shape
        else:
            assert torch.equal(value, average[name])
    Engine(task).run()
    assert moved(average, task.model.state_dict()) == {"duration_predictor"}
    assert "head" in losses(config)[6]


@pytest.mark.slow
def test_the_embedded_model_brings_its_config(shard, tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        f'init_from = "embedded"\nfrozen = ["transformer"]\nout = "{(tmp_path / "tuned").as_posix()}"\n'
        f'data = {{ shards = ["{shard.as_posix()}"], held_out = 0, max_seconds = 3, batch_seconds = 4 }}\n'
        'optimizer.steps = 2\nengine = { device = "cpu", precision = "fp32" }\nwatch.log_every = 1\n'
    )
    ours, weights = load_folder(resolve(None), "pt")
    config = load_config(path)
    assert config.model == dataclasses.replace(ours, vocoder=None, aligner=None)
    task = begin(config)[0]
    for name, value in task.model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), weights[name].astype(np.float32))
    assert train.main([str(path)]) == 0
    after = checkpoints.read_checkpoint(tmp_path / "tuned" / "step-00000002.pt")["ema"]
    assert moved(weights_of(task.model), after) == set(PARTS) - {"transformer", "diffusion_module"}
    overridden = load_config(path, ["model.diffusion.depth=1", "model.name=mine"])
    assert overridden.model.diffusion == dataclasses.replace(ours.diffusion, depth=1)
    assert overridden.model.transformer == ours.transformer and overridden.model.name == "mine"


def test_a_folder(config, source, tmp_path):
    average = checkpoints.read_checkpoint(source)["ema"]
    folder = tmp_path / "pretrained"
    folder.mkdir()
    weights = {name: value.numpy().astype(np.float16) for name, value in average.items()}
    save_tensors(folder / "model.safetensors", weights, {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config.model.to_dict()), encoding="utf-8")
    task = begin(change(config, init_from=str(folder), seed=5))[0]
    for name, value in task.model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), weights[name].astype(np.float32))


def test_an_original_checkpoint_gets_a_head_and_learns(tmp_path, capsys):
    """Filler alignment, characters, one frame a token, one length for the entire utterance."""
    folder = write_original(tmp_path / "original", original_weights(Backend("torch"), original_config()))
    rng, members = np.random.default_rng(0), []
    for i in range(8):
        wave, meta = corpus.tone_utterance(rng, letters=5)
        meta = {"text": meta["text"].capitalize() + ".", "voice": "v0"}
        members += [(f"u{i}.wav", corpus.audio_bytes(wave)), (f"u{i}.json", json.dumps(meta).encode())]
    shard = corpus.write_tar(tmp_path / "c.tar", members)
    base = runs.tiny(shard, tmp_path / "run")
    settings = {name: value for name, value in as_json(base).items() if name != "model"}
    path = tmp_path / "c.json"
    head = {"target_channels": 100, "z_channels": 32, "depth": 1, "width": 16}
    settings |= {
        "init_from": str(folder),
        "frozen": ["transformer"],
        "model": {"diffusion": head},
        "optimizer": {"steps": 4, "learning_rate": 4e-3, "warmup": 0},
    }
    path.write_text(json.dumps(settings))
    config = load_config(path)
    assert config.model.text.vocab == VOCAB and config.model.text.alignment == "filler"
    assert config.model.diffusion == DiffLossConfig(**head) and config.model.predict == "velocity"
    before = weights_of(begin(config)[0].model)
    assert train.main([str(path)]) == 0
    assert f"weights of {folder}; new: diffusion_module, to_mel" in capsys.readouterr().out
    state = checkpoints.read_checkpoint(Path(config.out) / "step-00000004.pt")
    assert moved(before, stripped(state)) == set(PARTS) - {"transformer"}
    assert len(losses(config)) == 4 and {"flow", "regression", "head", "duration"} <= set(losses(config)[4])
    held_out = [entry for entry in read_log(config) if "held_out_duration" in entry]
    assert held_out and all(np.isfinite(list(entry.values())).all() for entry in held_out)
    # and what it has become can be taken up again
    again = change(config, init_from=str(Path(config.out) / "step-00000004.pt"), out=str(tmp_path / "again"))
    assert begin(again)[1][0].endswith("step-00000004.pt")


@pytest.mark.slow
@pytest.mark.parametrize("context", [{"context": 2}, {"context": 1, "regression": True}], ids=str)
def test_a_head_in_context_starts_as_it_was(config, tmp_path, context):
    """Only the new part is fresh, it adds nothing until it is trained, and then it is."""
    config = change(config, loss={"head_start": 0, "head_ramp": 0, "flow_share": 0.0})
    source = checkpoint_of(change(config, out=str(tmp_path / "source")))  # by now z matters to the head
    diffusion = dataclasses.replace(config.model.diffusion, **context)
    in_context = dataclasses.replace(config.model, diffusion=diffusion)
    old, _ = begin(change(config, init_from=str(source)))
    new, lines = begin(change(config, init_from=str(source), model=in_context))
    assert lines[0] == f"weights of {source}; new: diffusion_module.context"
    work = next(old.stream(0, 0, 1))[0]
    z = torch.randn(2, 9, in_context.transformer.dim)
    assert torch.equal(new.model.diffusion_module.add_context(z, new.model.to_mel(z)), z)
    weights = dict.fromkeys(("flow", "regression", "head", "duration"), 1.0)
    losses = [task.losses["model"](work, weights) for task in (old, new)]
    assert all(torch.equal(losses[0][name], losses[1][name]) for name in weights)
    frozen = tuple(part for part in PARTS if part != "diffusion_module") + ("diffusion_module.net",)
    engine = Engine(begin(change(config, init_from=str(source), model=in_context, frozen=frozen))[0])
    before = weights_of(engine.task.model)
    engine.run()
    after = engine.task.model.state_dict()
    learnt = {name for name in before if not torch.equal(before[name], after[name])}
    layers = ("conv", "out")
    assert learnt == {f"diffusion_module.context.{x}.{kind}" for x in layers for kind in ("weight", "bias")}


@pytest.mark.slow
def test_the_embedded_model_continues_unchanged():
    embedded = Nanospeech.from_pretrained()
    config = dataclasses.replace(embedded.config, vocoder=None, aligner=None)
    model = Nanospeech.from_config(config)
    initialize(model)
    assert warm_start(model, "embedded") == []
    cond = np.zeros((20, 400), np.float32)
    prompt = Prompt(cond, np.arange(20) < 0, np.random.default_rng(0).integers(0, 114, 80))
    mels = [net.eval().sample(prompt, use_diffusion=True, num_iter=3) for net in (embedded, model)]
    assert np.array_equal(*mels)
    diffusion = config.diffusion
    assert diffusion.context and diffusion.regression
    head = dataclasses.replace(diffusion, context=0, regression=False)  # its context weights would be lost
    with pytest.raises(UserError, match="diffusion_module.context"):
        warm_start(Nanospeech.from_config(dataclasses.replace(config, diffusion=head)), "embedded")


def stripped(state):
    """The trained weights by the model's own names."""
    return {name.removeprefix("model."): value for name, value in state["losses"]["model"].items()}


@pytest.mark.slow
def test_what_does_not_fit(config, tmp_path, source):
    def words_of(path):
        with pytest.raises(UserError) as error:
            begin(change(config, init_from=str(path)))
        assert "\n" not in str(error.value)
        return str(error.value)

    torch.save({"model": {}}, tmp_path / "x.pt")
    assert "is not a checkpoint of this trainer" in words_of(tmp_path / "x.pt")
    (tmp_path / "y.pt").write_bytes(source.read_bytes()[:1000])
    assert "cannot read the checkpoint" in words_of(tmp_path / "y.pt")
    for number, (name, changed, words) in enumerate(
        (
            ("transformer", dataclasses.replace(config.model.transformer, depth=1), "missing: transformer"),
            (
                "diffusion",
                dataclasses.replace(config.model.diffusion, context=1),
                "unexpected: diffusion_module",
            ),
            ("text", dataclasses.replace(config.model.text, vocab=SYMBOLS[::-1]), "another text.vocab"),
        )
    ):
        model = dataclasses.replace(config.model, **{name: changed})
        other = change(config, out=str(tmp_path / f"{number}"), optimizer={"steps": 1}, model=model)
        assert words in words_of(checkpoint_of(other))
