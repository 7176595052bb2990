"""The file that describes a run: read strictly, overridden by the command line, written and read back."""

import dataclasses
import json

import corpus
import pytest

from nanospeech_core.checkpoints.folder import PRETRAINED, read_config
from nanospeech_core.config import DiffLossConfig, ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.strict import from_dict

torch = pytest.importorskip("torch")

from nanospeech_torch.training import config, tasks
from nanospeech_torch.training.acoustic.config import AcousticConfig, AcousticLossConfig
from nanospeech_torch.training.aligner.config import AlignmentConfig
from nanospeech_torch.training.config import OptimizerConfig
from nanospeech_torch.training.engine.settings import as_json, read_settings, read_values, write_settings
from nanospeech_torch.training.vocoder.config import VocoderConfig

TOML = """
out = "runs/x"
seed = 3
[data]
shards = ["a-*.tar", "b"]
max_seconds = 8
[optimizer]
learning_rate = 1e-3
betas = [0.9, 0.95]
[model.transformer]
depth = 5
"""
YAML = """
out: runs/x
seed: 3
data: {shards: [a-*.tar, b], max_seconds: 8}
optimizer:
  learning_rate: 1e-3
  betas: [9e-1, 0.95]
model: {transformer: {depth: 5}}
"""
JSON = """
{"out": "runs/x", "seed": 3, "data": {"shards": ["a-*.tar", "b"], "max_seconds": 8},
 "optimizer": {"learning_rate": 1e-3, "betas": [0.9, 0.95]}, "model": {"transformer": {"depth": 5}}}
"""
FORMATS = {"toml": TOML, "yaml": YAML, "yml": YAML, "json": JSON}


def write(folder, text, suffix="toml"):
    path = folder / f"run.{suffix}"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder, text="", *overrides, suffix="toml"):
    return read_settings(write(folder, text, suffix), AcousticConfig, overrides)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same(tmp_path, suffix):
    got = read(tmp_path, FORMATS[suffix], suffix=suffix)
    default = AcousticConfig()
    transformer = dataclasses.replace(default.model.transformer, depth=5)
    assert got == dataclasses.replace(
        default,
        out="runs/x",
        seed=3,
        data=config.DataConfig(shards=("a-*.tar", "b"), max_seconds=8.0),
        optimizer=OptimizerConfig(learning_rate=1e-3, betas=(0.9, 0.95)),
        model=dataclasses.replace(default.model, transformer=transformer),
    )
    assert isinstance(got.data.max_seconds, float)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_malformed_or_empty_file(tmp_path, suffix):
    with pytest.raises(UserError, match=rf"run\.{suffix}: it is not valid (TOML|YAML|JSON): [^\n]+$"):
        read(tmp_path, "{a: [", suffix=suffix)
    if suffix == "json":
        with pytest.raises(UserError, match="must contain named values"):
            read(tmp_path, "[1]", suffix=suffix)
    else:
        assert read(tmp_path, "", suffix=suffix) == AcousticConfig()


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="nowhere.toml: No such file"):
        read_settings(tmp_path / "nowhere.toml", AcousticConfig)
    with pytest.raises(UserError, match="cannot read the config"):
        read_settings(tmp_path, AcousticConfig)
    path = tmp_path / "latin.toml"
    path.write_bytes('out = "é"'.encode("latin-1"))
    with pytest.raises(
        UserError, match="the config .*latin.toml is not UTF-8; it is probably CP1252: save it"
    ):
        read_settings(path, AcousticConfig)


def test_yaml_numbers(tmp_path):
    text = "a: [1e-3, 2E5, -1e+2, 1.5e-4, 3, 0.5, '1e-3', e3, 1e, 12e3x]"
    values = read_values(write(tmp_path, text, "yaml"))["a"]
    assert values == [1e-3, 2e5, -100.0, 1.5e-4, 3, 0.5, "1e-3", "e3", "1e", "12e3x"]
    assert [type(v) for v in values[:6]] == [float, float, float, float, int, float]


@pytest.mark.parametrize("text", ["3", "- 1", "word"])
def test_yaml_of_something_else(tmp_path, text):
    with pytest.raises(UserError, match="must contain named values"):
        read(tmp_path, text, suffix="yaml")


@pytest.mark.parametrize("key", ["1: 2", "true: 3", "null: 4", "2024-01-01: x"])
def test_yaml_keys_that_are_no_words(tmp_path, key):
    with pytest.raises(UserError, match="unknown key"):
        read(tmp_path, key, suffix="yaml")


# the command line


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("seed=7", 7),
        ("seed = 7 ", 7),
        ("out=runs/a b", "runs/a b"),
        ('out="runs/c"', "runs/c"),
        ("out=", ""),
        ("out=a=b", "a=b"),
        ("out=2025-01-31", "2025-01-31"),
        ("out=07:30:00", "07:30:00"),
        ("data.shards=['x', 'y']", ("x", "y")),
        ("data.max_seconds=9", 9.0),
        ("data.memory_hours=1e-3", 1e-3),
        ("engine.compile=true", True),
        ("engine.precision=fp32", "fp32"),
        ("optimizer.betas=[0.5, 0.75]", (0.5, 0.75)),
        ("model.transformer.depth=2", 2),
        ("model.diffusion=false", None),
    ],
)
def test_overrides(tmp_path, override, value):
    got = read(tmp_path, TOML, override)
    for name in override.partition("=")[0].strip().split("."):
        got = getattr(got, name)
    assert got == value and type(got) is type(value)


def test_later_overrides_win_and_the_file_keeps_the_rest(tmp_path):
    got = read(tmp_path, TOML, "data.max_seconds=9", "seed=4", "data.max_seconds=10")
    assert (got.data.max_seconds, got.data.shards, got.seed) == (10.0, ("a-*.tar", "b"), 4)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("seed", "'seed' is not a setting: write section.key=value"),
        ("=3", "'=3' is not a setting"),
        ("data.=3", "'data.=3' is not a setting"),
        ("seed.x=3", "cannot set seed.x: seed is a value, not a section"),
        ("data.max_seconds.x=3", "cannot set data.max_seconds.x: max_seconds is a value"),
        ("seed=x", "seed must be int, not 'x'"),
        ("seed=1.5", "seed must be int, not 1.5"),
        ("seed=true", "seed must be int, not True"),
        ("out=3", "out must be str, not 3"),
        ("data=3", "data must contain named values, not int"),
        ("data=false", "data must contain named values, not bool"),
        (
            "data.shards=x.tar",
            """data.shards must be a list, not str: write ["x.tar"], in a shell '["x.tar"]'""",
        ),
        # what a shell leaves of data.shards=["a b/*.tar", "c.tar"] and of optimizer.betas=[0.9, 0.98]
        ("data.shards=[a b/*.tar, c.tar]", """TOML: write data.shards='["a b/*.tar", "c.tar"]'"""),
        (
            "optimizer.betas=[0.9,",
            "optimizer.betas=[0.9,' is not a list in TOML: write optimizer.betas='[...]'",
        ),
        ("optimizer.betas=[0.9 0.98]", "is not a list in TOML"),
        ("data.shards=[1]", "data.shards must be str, not 1"),
        ("engine.compile=1", "engine.compile must be bool, not 1"),
        ("model.diffusion=true", "model.diffusion must contain named values, not bool"),
        ("model.transformer=false", "model.transformer must contain named values, not bool"),
    ],
)
def test_overrides_that_do_not_fit(tmp_path, override, sentence):
    with pytest.raises(UserError) as caught:
        read(tmp_path, TOML, override)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("override", "where", "suggestion"),
    [
        ("sead=1", "run.toml", "seed"),
        ("dta.held_out=1", "run.toml", "data"),
        ("data.batch_second=1", "run.toml.data", "batch_seconds"),
        ("engine.worker=1", "run.toml.engine", "workers"),
        ("loss.flow_wait=1", "run.toml.loss", "flow_weight"),
        ("optimizer.learning_rat=1", "run.toml.optimizer", "learning_rate"),
        ("watch.log_evry=1", "run.toml.watch", "log_every"),
        ("model.difusion.depth=1", "run.toml.model", "diffusion"),
        ("model.transformer.deph=1", "run.toml.model.transformer", "depth"),
    ],
)
def test_unknown_keys_suggest_the_nearest(tmp_path, override, where, suggestion):
    with pytest.raises(UserError) as caught:
        read(tmp_path, TOML, override)
    assert f"{where}: unknown key " in str(caught.value)
    assert str(caught.value).endswith(f"(did you mean {suggestion!r}?)")


def test_an_unknown_key_like_no_other(tmp_path):
    with pytest.raises(UserError, match="unknown key 'zzz'$"):
        read(tmp_path, "zzz = 1")


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("seed=-1", "seed must be at least 0, not -1"),
        ("data.max_seconds=0", "data.max_seconds must be more than 0, not 0.0"),
        ("data.batch_seconds=nan", "data.batch_seconds must be more than 0, not nan"),
        ("data.memory_hours=inf", "data.memory_hours must be at least 0, not inf"),
        ("data.max_joined=0", "data.max_joined must be at least 1, not 0"),
        ("loss.guidance=1.0", "loss.guidance must be at least 0 and less than 1, not 1.0"),
        ("loss.guidance=-0.1", "loss.guidance must be at least 0 and less than 1, not -0.1"),
        ("loss.drop=1.5", "loss.drop must be from 0 to 1, not 1.5"),
        ("loss.flow_time=[1.0]", "loss.flow_time must be two numbers"),
        ("loss.mask_law=linear", "loss.mask_law must be one of cosine, uniform, not 'linear'"),
        (
            "loss.mask_order=['left']",
            "loss.mask_order must be one of random",
        ),
        ("optimizer.betas=[0.9]", "optimizer.betas must be two numbers"),
        ("optimizer.schedule=linear", "optimizer.schedule must be one of "),
        ("optimizer.clip=0", "optimizer.clip must be more than 0, not 0.0"),
        ("engine.precision=int8", "engine.precision must be one of auto, fp32, bf16, fp16, not 'int8'"),
        ("watch.trackers=['mlflow']", "watch.trackers must be one of tensorboard, wandb, not 'mlflow'"),
        ("watch.asr=tiny.en", "watch.asr and watch.eval_texts go together"),
        ("model.text.vocab=['a']", 'the pause " "'),
        ("model.text.vocab=[' ', 'a', 'a']", "single characters, each once"),
        ("model.text.vocab=[' ', 'ab']", "single characters, each once"),
        ("model.text.vocab=[' ', 'a']", "transformer.text_num_embeds is 114, but text.vocab has 2 symbols"),
    ],
)
def test_values_out_of_range(tmp_path, override, sentence):
    with pytest.raises(UserError) as caught:
        read(tmp_path, "", override)
    assert sentence in str(caught.value)


# sections that may be absent


def test_an_optional_section_is_switched_off_by_false(tmp_path):
    flow_only = read(tmp_path, "", "model.diffusion=false", "model.vocoder=false").model
    assert flow_only.diffusion is None and flow_only.vocoder is None
    assert read(tmp_path, "[model]\ndiffusion = false").model.diffusion is None
    assert read(tmp_path, "model: {diffusion: null}", suffix="yaml").model.diffusion is None
    # over a file's own section, and switched on again by one
    assert read(tmp_path, "[model.diffusion]\ndepth = 2", "model.diffusion=false").model.diffusion is None
    on = read(tmp_path, "[model]\ndiffusion = false", "model.diffusion={depth=2}").model
    assert on.diffusion == DiffLossConfig(depth=2)
    with pytest.raises(UserError, match="diffusion is a value, not a section"):
        read(tmp_path, "[model]\ndiffusion = false", "model.diffusion.depth=2")


def test_false_is_no_absence_of_a_value():
    @dataclasses.dataclass
    class Config:
        number: int | None = 3

    assert from_dict(Config, {"number": None}, "config").number is None
    with pytest.raises(UserError, match="config.number must be int, not False"):
        from_dict(Config, {"number": False}, "config")


# the resolved config


RESOLVED = {
    "acoustic": AcousticConfig(
        data=config.DataConfig(shards=("ä*.tar",)),
        watch=config.WatchConfig(trackers=("tensorboard",)),
        loss=AcousticLossConfig(guidance=0.3, flow_time=(0.1, 0.2)),
        model=corpus.small_model(diffusion=None),
    ),
    "aligner": AlignmentConfig(
        out="runs/ä", optimizer=dataclasses.replace(AlignmentConfig().optimizer, steps=7)
    ),
    "vocoder": VocoderConfig(seed=5),
}


@pytest.mark.parametrize("task", tasks.TASKS)
def test_the_resolved_config_is_read_back(tmp_path, task):
    resolved = RESOLVED[task]
    path = tmp_path / "config.json"
    write_settings(path, as_json(resolved))
    assert read_settings(path, type(resolved)) == resolved
    assert tasks.load_config(str(path)) == resolved
    assert json.loads(path.read_text(encoding="utf-8"))["task"] == task
    assert [p.name for p in tmp_path.iterdir()] == ["config.json"]


def test_write_settings_where_it_cannot(tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        write_settings(tmp_path / "nowhere" / "config.json", {})


# tasks


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", AcousticConfig),
        ('task = "acoustic"', AcousticConfig),
        ('task = "aligner"', AlignmentConfig),
        ('task = "vocoder"', VocoderConfig),
    ],
)
def test_the_task_determines_the_config(tmp_path, text, kind):
    got = tasks.load_config(str(write(tmp_path, text)))
    assert type(got) is kind and got == kind()


def test_an_unknown_task(tmp_path):
    with pytest.raises(UserError, match="task must be one of acoustic, vocoder, aligner, not 'speaker'"):
        tasks.load_config(str(write(tmp_path, "")), ["task=speaker"])
    with pytest.raises(UserError, match="task must be str, not 3"):
        tasks.load_config(str(write(tmp_path, "task = 3")))


def saved_weights(folder, model: ModelConfig):
    """What `init_from` takes: a trainer's checkpoint, of no weights."""
    path = folder / "step-00000001.pt"
    torch.save({"config": model.to_dict(), "ema": {}}, path)
    return path


def test_init_from_gives_what_the_model_section_does_not_say(tmp_path):
    weights = saved_weights(tmp_path, corpus.small_model(diffusion=None))
    text = f"init_from = '{weights}'\n"
    own = tasks.load_config(str(write(tmp_path, text)))
    assert own.model == corpus.small_model(diffusion=None)
    text += (
        "[model]\nresidual_std = 0.25\ndiffusion = {z_channels = 32, width = 16}\n[model.mel]\nmean = -3\n"
    )
    changed = tasks.load_config(str(write(tmp_path, text)), ["model.sampling.steps=5"]).model
    assert changed.diffusion == DiffLossConfig(z_channels=32, width=16)  # the rest: defaults, there was none
    assert (changed.residual_std, changed.mel.mean, changed.mel.std, changed.sampling.steps) == (
        0.25,
        -3.0,
        2.5,
        5,
    )
    assert changed.transformer == own.model.transformer and changed.text == own.model.text
    off = tasks.load_config(str(write(tmp_path, text)), ["model.phone_duration=false"]).model
    assert off.phone_duration is None


def test_an_aligner_keeps_the_lag_and_the_sizes_of_the_one_it_begins_from(tmp_path):
    text = 'task = "aligner"\ninit_from = "embedded"\n'
    begun = tasks.load_config(str(write(tmp_path, text)))
    embedded = read_config(PRETRAINED)
    assert begun.model == embedded.aligner and begun.model.lag == 5 and begun.text == embedded.text
    assert tasks.load_config(str(write(tmp_path, text)), ["model.lag=0"]).model.lag == 0
    for task in ("aligner", "vocoder"):
        with pytest.raises(UserError, match="model must contain named values, not int"):
            tasks.load_config(str(write(tmp_path, text)), [f"task={task}", "model=3"])


def test_init_from_and_mistakes(tmp_path):
    weights = saved_weights(tmp_path, corpus.small_model())
    path = str(write(tmp_path, f"init_from = '{weights}'"))
    with pytest.raises(UserError, match="diffusion.z_channels is 64, but transformer.dim is 32"):
        tasks.load_config(path, ["model.diffusion.z_channels=64"])
    with pytest.raises(UserError, match="unknown key 'dims'"):
        tasks.load_config(path, ["model.transformer.dims=64"])
    with pytest.raises(UserError, match="model must contain named values, not int"):
        tasks.load_config(path, ["model=3"])
    with pytest.raises(UserError, match="init_from must be str, not 3"):
        tasks.load_config(path, ["init_from=3"])
    with pytest.raises(UserError, match="cannot read the checkpoint"):
        tasks.load_config(path, [f"init_from={path}"])


def test_merge():
    below = {"a": 1, "b": {"x": 1, "y": {"z": 1}}, "c": {"x": 1}, "d": None}
    above = {"b": {"y": {"w": 2}}, "c": False, "d": {"x": 3}, "e": 4}
    merged = {"a": 1, "b": {"x": 1, "y": {"z": 1, "w": 2}}, "c": False, "d": {"x": 3}, "e": 4}
    assert tasks.merge(below, above) == merged
    assert below["b"] == {"x": 1, "y": {"z": 1}}
