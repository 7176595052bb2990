"""training.speed: each task is measured as its config says, on noise; what it counts is right."""

import json
import tarfile

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from nanospeech_torch.training import speed
from nanospeech_torch.training.engine.engine import Engine
from nanospeech_torch.training.tasks import load_task

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = [
    "data.batch_seconds=3", "data.max_seconds=3", "engine.precision=fp32", "engine.device=cpu",
    "engine.threads=1",
]  # fmt: skip
TRANSFORMER = [
    "model.transformer.dim=32", "model.transformer.depth=1", "model.transformer.heads=2",
    "model.transformer.dim_head=16", "model.transformer.text_dim=16", "model.diffusion.z_channels=32",
    "model.diffusion.width=32", "model.diffusion.depth=1",
]  # fmt: skip
VOCODER = [
    'task="vocoder"', "data.batch_size=2", "model.dim=16", "model.intermediate_dim=16", "model.num_layers=1",
    "loss.discriminator_width=2", "loss.adversarial_start=1", "engine.precision=fp32", "engine.device=cpu",
    "engine.threads=1",
]  # fmt: skip
ALIGNER = ['task="aligner"', *SMALL, "model.dim=16", "model.mel_layers=1"]


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [SMALL + TRANSFORMER, VOCODER, ALIGNER], ids=["acoustic", "vocoder", "aligner"]
)
def test_a_task_is_measured(empty, tmp_path, settings, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figures = tmp_path / "speed.json"
    code = speed.main(
        [str(empty), *settings, "--eager", "--seconds", "0.1", "--peak", "2", "--json", str(figures)]
    )
    assert code == 0, capsys.readouterr().err
    (result,) = json.loads(figures.read_text())
    assert result["device"] == "cpu" and result["precision"] == "fp32" and result["steps"] >= speed.BATCHES
    assert result["tflop_per_step"] > 0 and result["parameters"] > 1000
    assert result["mfu"] == pytest.approx(result["tflop_per_step"] * result["steps_per_s"] / 2)
    assert result["audio_hours_per_hour"] == pytest.approx(result["batch_seconds"] * result["steps_per_s"])
    assert len(result["most_time"]) == speed.TOP and sum(e["share"] for e in result["most_time"]) <= 1
    said, stages = capsys.readouterr()
    told = [line.partition(": ")[2] for line in stages.splitlines() if line.startswith(speed.PROG)]
    assert [line.split()[:2] for line in told] == [
        ["loading", "PyTorch"],
        *(["eager:", word] for word in ("reading", "counting", "8", "timing", "profiling")),
    ]
    assert f"{result['steps_per_s']:.2f}" in said and "eager" in said and "most time" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.toml",
        "speed.json",
    ]  # nothing is kept


@pytest.mark.slow
def test_the_operations_of_a_linear_layer_are_counted(empty, tmp_path):
    """2 operations for a multiply-add, once forward and twice backward."""
    settings = [
        *SMALL,
        *TRANSFORMER,
        *speed.own_settings(str(empty), SMALL, tmp_path),
        f'out="{tmp_path / "run"}"',
    ]
    engine = Engine(load_task(str(empty), settings, lambda line: None))
    layer = torch.nn.Linear(8, 4, bias=False)

    def step(batches):
        layer(torch.ones(3, 8, requires_grad=True)).sum().backward()

    engine.train_step = step
    assert speed.count_operations(engine, [None, None]) == 3 * 2 * 3 * 8 * 4


def test_noise_is_as_long_as_asked_for(tmp_path):
    speed.write_noise(tmp_path / "noise.tar", 20.0, 6.0)
    with tarfile.open(tmp_path / "noise.tar") as tar:
        texts = [json.load(tar.extractfile(member)) for member in tar if member.name.endswith(".json")]
    seconds = [sum(text["durations"]) * speed.DURATION_UNIT / 24000 for text in texts]
    assert 20 <= sum(seconds) < 26 and max(seconds) < 6
    assert all(len(text["durations"]) == len(text["phonemes"]) + 2 for text in texts)


@pytest.mark.parametrize("flags", [["--seconds", "0"], ["--peak", "nan"], ["--seconds", "inf"]])
def test_numbers_that_cannot_be(empty, flags, capsys):
    with pytest.raises(SystemExit) as ended:
        speed.main([str(empty), *flags])
    assert ended.value.code == 2 and "must be more than 0" in capsys.readouterr().err


def test_a_bad_config_is_one_sentence(empty, capsys):
    assert speed.main([str(empty), "model.transformer.dim=0", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "transformer.dim" in said
