"""`python -m convert`, as its user runs it: on files, in this process or in one of its own."""

import json
import os
import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import commands
import numpy as np
import pytest
from checkpoints import tiny_config, write_checkpoint
from conversions import (
    CONFIG,
    CONV,
    failure,
    make_folder,
    make_parts,
    make_tensors,
    run,
    snapshot,
    torch_weights,
)
from safetensors.numpy import save_file

from nanospeech_core.checkpoints.folder import PRETRAINED, load_folder, read_config
from nanospeech_core.checkpoints.tensors import DTYPES, cast, load_tensors, save_tensors
from nanospeech_core.checkpoints.vocoder import load_vocoder
from nanospeech_core.config import ModelConfig

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_a_folder_there_and_back_is_byte_equal(tmp_path, dtype):
    source = make_folder(tmp_path / "model", dtype)
    assert run("torch2mlx", source).out.strip() == str(tmp_path / "model-mlx")
    there, metadata = load_tensors(tmp_path / "model-mlx" / "model.safetensors")
    original = make_tensors(dtype)
    assert list(metadata.items()) == [("zone", "1"), ("format", "mlx"), ("a", "ü")]
    assert list(there) == list(original)
    for name, array in original.items():
        expected = array.swapaxes(1, 2) if array.ndim == 3 else array
        assert there[name].shape == expected.shape and there[name].tobytes() == expected.tobytes()
    aligner, _ = load_tensors(tmp_path / "model-mlx" / "aligner.safetensors")
    assert aligner["mel_embed.weight"].shape == (4, 3, 4)
    run("mlx2torch", tmp_path / "model-mlx")
    assert snapshot(tmp_path / "model-torch") == snapshot(source)
    run("torch2mlx", tmp_path / "model-torch", "-o", tmp_path / "again")
    assert snapshot(tmp_path / "again") == snapshot(tmp_path / "model-mlx")


@pytest.mark.parametrize("name", ["vocos", "nanospeech"])
def test_a_file_there_and_back_is_byte_equal(tmp_path, name):
    tensors, _ = load_tensors(GOLDEN / f"{name}.safetensors")
    source = tmp_path / f"{name}.safetensors"
    save_file(tensors, source, {"format": "pt"})  # the library's own bytes
    run("torch2mlx", source)
    run("mlx2torch", tmp_path / f"{name}-mlx", "-o", tmp_path / "back")
    assert (tmp_path / f"{name}-mlx" / f"{name}.safetensors").read_bytes() != source.read_bytes()
    assert snapshot(tmp_path / "back") == {f"{name}.safetensors": source.read_bytes()}


@pytest.mark.slow
def test_a_file_takes_the_config_beside_it_along(tmp_path):
    """Without the parts that are not converted, so that the output can be loaded; a warning says so."""
    complete = write_checkpoint(tmp_path / "complete")
    out = tmp_path / "out"
    done = run("torch2mlx", complete / "model.safetensors", "-o", out)
    assert done.out == f"{out}\n" and done.err == (
        f"python -m convert: {out} has only model.safetensors and will use the embedded vocoder and aligner; "
        f"convert {complete} to keep its own\n"
    )
    config, _ = load_folder(out, "mlx")
    assert config.name == "tiny" and config.vocoder == read_config(PRETRAINED).vocoder
    bare = write_checkpoint(tmp_path / "bare", config=tiny_config(vocoder=None))
    assert run("torch2mlx", bare / "model.safetensors", "-o", tmp_path / "again").err == ""
    assert (tmp_path / "again" / "config.json").read_bytes() == (bare / "config.json").read_bytes()
    assert run("torch2mlx", complete / "vocos.safetensors", "-o", tmp_path / "vocoder").err == ""
    assert load_vocoder(tmp_path / "vocoder", "mlx")[0] == tiny_config().vocoder


@pytest.mark.parametrize("beside", [None, "[1]", "{", '{"architectures": []}'])
@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("model", "no config.json"),
        ("weights", "no config.json and no model.safetensors"),
        ("vocos", "no config.json"),
    ],
)
def test_a_file_without_a_config_gives_an_error(tmp_path, name, absent, beside):
    if beside is not None:  # of something else
        (tmp_path / "config.json").write_text(beside)
    source = tmp_path / f"{name}.safetensors"
    save_tensors(source, {"head.out.weight": np.ones((2, 3), np.float32)}, {"format": "pt"})
    done = run("torch2mlx", source, "-o", tmp_path / "out")
    assert done.err == f"python -m convert: {tmp_path / 'out'} cannot be loaded yet: it has {absent}\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [source.name]


def test_a_vocoder_may_say_its_config(tmp_path):
    source = tmp_path / "vocos.safetensors"
    config = json.dumps(asdict(CONFIG.vocoder))
    save_tensors(source, make_parts()["vocos"], {"format": "pt", "config": config})
    assert run("torch2mlx", source).err == ""
    save_tensors(source, make_parts()["vocos"], {"format": "pt", "config": "{}"})
    assert "does not match its config; tensors 63 missing: backbone.convnext.1" in failure(
        "torch2mlx", source, "-o", tmp_path / "b"
    )


def test_mlx_reads_what_is_written(tmp_path):
    mx = pytest.importorskip("mlx.core")
    run("torch2mlx", make_folder(tmp_path / "model", "BF16"))
    arrays = mx.load(str(tmp_path / "model-mlx" / "model.safetensors"))
    expected = cast(make_tensors("BF16")[CONV], DTYPES["F32"])
    assert arrays[CONV].dtype == mx.bfloat16
    assert (np.array(arrays[CONV].astype(mx.float32)) == expected.swapaxes(1, 2)).all()


@pytest.mark.parametrize(("flag", "dtype"), [("float16", "F16"), ("bfloat16", "BF16"), ("float32", "F32")])
def test_dtype_casts_the_floating_weights_only(tmp_path, flag, dtype):
    source, tensors = tmp_path / "model.safetensors", make_tensors("F32") | {"index": np.arange(5)}
    save_tensors(source, tensors)
    run("torch2mlx", source, "--dtype", flag, "-o", tmp_path / "out")
    there, _ = load_tensors(tmp_path / "out" / "model.safetensors")
    for name, array in tensors.items():
        assert there[name].dtype == (array.dtype if name == "index" else DTYPES[dtype])
    bias = "transformer.norm_out.linear.bias"
    assert there[bias].tobytes() == cast(tensors[bias], DTYPES[dtype]).tobytes()


def test_a_weight_too_large_for_the_dtype_gives_an_error(tmp_path):
    save_tensors(tmp_path / "m.safetensors", {"big.weight": np.full(2, 1e6, np.float32)})
    assert "big.weight" in failure("torch2mlx", tmp_path / "m.safetensors", "--dtype", "float16")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.safetensors"]


def test_an_output_that_exists_is_kept_without_force(tmp_path):
    source = make_folder(tmp_path / "model")
    out = tmp_path / "out"
    run("torch2mlx", source, "-o", out)
    (out / "LICENSE.txt").write_text("old")
    before = snapshot(tmp_path)
    assert "--force" in failure("torch2mlx", source, "-o", out)
    assert snapshot(tmp_path) == before
    run("torch2mlx", source, "-o", out, "--force")
    assert not (out / "LICENSE.txt").exists() and (out / "model.safetensors").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out"]


def test_force_replaces_nothing_but_a_checkpoint(tmp_path):
    source = make_folder(tmp_path / "home" / "model")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    (tmp_path / "link").symlink_to(source)
    before = snapshot(tmp_path)
    for output, sentence in (
        ("other", "thesis.tex"),
        ("file", "not a folder"),
        ("home", "contains the input"),
        ("home/model", "contains the input"),
        ("link", "contains the input"),
        ("none/out", "there is no folder"),
    ):
        assert sentence in failure("torch2mlx", source, "-o", tmp_path / output, "--force")
        assert snapshot(tmp_path) == before


def test_what_a_killed_process_left_is_cleared_up(tmp_path):
    """Killed while it wrote, or between the two renames of --force where folders cannot be exchanged."""
    source = make_folder(tmp_path / "model")
    run("torch2mlx", source, "-o", tmp_path / "out")
    complete = snapshot(tmp_path / "out")
    (tmp_path / ".out.0123abcd.part").mkdir()
    (tmp_path / "out").rename(tmp_path / ".out.0123abcd.old")
    assert "--force" in failure("torch2mlx", source, "-o", tmp_path / "out")
    assert snapshot(tmp_path / "out") == complete
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "out"]


@pytest.mark.slow
def test_a_kill_leaves_the_old_folder_or_the_new_one(tmp_path):
    """At any moment; the next run ends well and leaves nothing else."""
    source, out = make_folder(tmp_path / "model"), tmp_path / "out"
    line = [*commands.start_of("convert"), "torch2mlx", source, "-o", out, "--force"]
    environment = commands.environment()
    for delay in np.random.default_rng(0).uniform(0.2, 1.5, 8):
        process = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if out.exists():
            assert (out / "config.json").exists() and load_tensors(out / "model.safetensors")
    run("torch2mlx", source, "-o", out, "--force")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out"]


def test_the_other_direction_is_refused(tmp_path):
    source = make_folder(tmp_path / "model")
    assert "already in the torch format" in failure("mlx2torch", source)
    run("torch2mlx", source)
    assert "already in the mlx format" in failure("torch2mlx", tmp_path / "model-mlx")


def test_of_mixed_formats_only_the_other_one_is_converted(tmp_path):
    """As in the embedded checkpoint, whose aligner was trained elsewhere than its model."""
    source, there = make_folder(tmp_path / "model"), tmp_path / "model-mlx"
    run("torch2mlx", source)
    mixed = shutil.copytree(source, tmp_path / "mixed")
    shutil.copy(there / "aligner.safetensors", mixed)
    run("torch2mlx", mixed)
    assert snapshot(tmp_path / "mixed-mlx") == snapshot(there)
    run("mlx2torch", mixed)
    assert snapshot(tmp_path / "mixed-torch") == snapshot(source)


BROKEN = {
    "empty": b"",
    "wrong magic": b"RIFF\x24\x08\x00\x00WAVEfmt " * 20,
    "truncated": (GOLDEN / "vocos.safetensors").read_bytes()[:-1000],
    "truncated header": (GOLDEN / "vocos.safetensors").read_bytes()[:100],
}


@pytest.mark.parametrize("command", ["torch2mlx", "inspect"])
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_one_sentence_and_leaves_nothing(tmp_path, command, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    process = content == BROKEN["truncated"]
    assert "x.safetensors" in failure(command, tmp_path / "x.safetensors", process=process)
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]


def test_a_folder_with_one_broken_file_leaves_nothing(tmp_path):
    source = make_folder(tmp_path / "model")
    (source / "vocos.safetensors").write_bytes(b"broken")
    assert "vocos.safetensors" in failure("torch2mlx", source)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_nothing_to_convert(tmp_path):
    assert "does not exist" in failure("torch2mlx", tmp_path / "none")
    assert "no .safetensors file" in failure("torch2mlx", tmp_path)
    (tmp_path / "log.jsonl").touch()
    assert "is a training run: export it first: python -m" in failure("torch2mlx", tmp_path)
    assert "is a training run: export it first: python -m" in failure("inspect", tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [[], ["quantise"], ["torch2mlx"], ["torch2mlx", "x", "--dtype", "int8"], ["inspect", "x", "--force"]],
)
def test_usage_mistakes_exit_with_2(arguments):
    done = run(*arguments, code=2, process=arguments == ["torch2mlx"])
    assert "usage:" in done.err and "Traceback" not in done.err


def test_inspect_counts(tmp_path):
    text = run("inspect", make_folder(tmp_path / "model", "BF16")).out
    count = sum(array.size for array in make_tensors("BF16").values())
    assert f"{CONV} BF16 [8, 4, 7]" in text and f"  transformer: {count:,} parameters" in text
    assert f"model.safetensors: torch format, {count:,} parameters" in text
    assert "vocoder: input_channels 4" in text


def test_quantize(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("quantize", "embedded", "--bits", 8)
    assert done.out == "nanospeech-mar-8bit\n"
    config = json.loads((tmp_path / "nanospeech-mar-8bit" / "config.json").read_text(encoding="utf-8"))
    assert config["quantization"] == {"group_size": 64, "bits": 8, "mode": "affine"}
    assert done.err.startswith(
        "python -m convert: not quantized, as they are convolutions, single rows, or have"
    )
    assert ", transformer.text_embed.text_blocks.*.pwconv1, " in done.err
    assert done.err.endswith(", duration_predictor.to_pred\n") and "to_mel" not in done.err
    text = run("inspect", "nanospeech-mar-8bit").out
    assert "quantization: group_size 64, bits 8, mode affine" in text and " U32 [" in text
    assert "already quantized" in failure("quantize", tmp_path / "nanospeech-mar-8bit", "--bits", 4)
    assert "does not exist" in failure("quantize", tmp_path / "none", "--bits", 4)
    for mistake in (["--bits", 3], ["--bits", 4, "--group-size", 48], []):
        assert "usage:" in run("quantize", "embedded", *mistake, code=2).err
    assert [path.name for path in tmp_path.iterdir()] == ["nanospeech-mar-8bit"]


def test_the_embedded_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "embedded").mkdir()  # in whose place the checkpoint is meant
    text = run("inspect", "embedded").out
    assert "name: nanospeech-mar" in text and "aligner.safetensors: " in text
    written = Path(run("torch2mlx", "embedded").out.strip())
    assert written.name == "nanospeech-mar-mlx" and written.parent.samefile(tmp_path)
    assert run("quantize", "embedded", "--bits", 4).out == "nanospeech-mar-4bit\n"
    assert "contains no .safetensors file" in failure("inspect", "./embedded")


def test_help_describes_the_commands():
    text = run("--help").out
    assert all(command in text for command in ("torch2mlx", "mlx2torch", "quantize", "inspect"))


@pytest.mark.slow
def test_numpy_is_enough(tmp_path):
    source = make_folder(tmp_path / "model", "BF16")
    absent = ("torch", "mlx")
    assert commands.in_a_process("convert", "torch2mlx", source, absent=absent).code == 0
    quantize = ["quantize", "embedded", "--bits", 4, "-o", tmp_path / "small"]
    with commands.without(*absent):
        run(*quantize)
        (tmp_path / "x.pt").write_bytes(b"")
        sentence = failure("torch2mlx", tmp_path / "x.pt")
    assert sentence == "python -m convert: reading x.pt needs PyTorch: pip install torch\n"


class Malicious:
    """Unpickled, it would create a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def torch():
    """Only trainer checkpoints need it."""
    return pytest.importorskip("torch")


def test_pt_the_ema_weights_and_the_config_are_taken(tmp_path, torch):
    vocos = torch_weights(torch, part="vocos")
    ema = torch_weights(torch) | {f"vocoder.{name}": tensor for name, tensor in vocos.items()}
    model = {name: torch.zeros_like(tensor) for name, tensor in ema.items()}
    config = replace(CONFIG, name="trained").to_dict()
    state = {"model": model, "ema": ema, "config": config, "step": 12, "optimizer": {"state": {}}}
    torch.save(state, tmp_path / "ckpt.pt")
    run("torch2mlx", tmp_path / "ckpt.pt")
    out = tmp_path / "ckpt-mlx"
    assert sorted(p.name for p in out.iterdir()) == [
        "config.json",
        "model.safetensors",
        "vocos.safetensors",
    ]
    assert ModelConfig.from_dict(json.loads((out / "config.json").read_text())).name == "trained"
    there, metadata = load_tensors(out / "model.safetensors")
    assert metadata["format"] == "mlx" and list(there) == list(make_tensors("BF16"))
    for name, array in make_tensors("BF16").items():
        expected = array.swapaxes(1, 2) if array.ndim == 3 else array
        assert there[name].tobytes() == expected.tobytes()
    assert list(load_tensors(out / "vocos.safetensors")[0]) == list(vocos)
    text = run("inspect", tmp_path / "ckpt.pt").out
    assert "step 12" in text and "name: trained" in text and f"{CONV} BF16 [8, 4, 7]" in text


def test_pt_a_plain_state_dict(tmp_path, torch):
    torch.save(torch_weights(torch, "F16"), tmp_path / "plain.pt")
    run("torch2mlx", tmp_path / "plain.pt", "-o", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.safetensors"]


def test_pt_a_vocoders_state_dict(tmp_path, torch):
    torch.save(
        {"ema": {"backbone.embed.weight": torch.ones(2, 3, 7)}, "config": {"crop": 1}}, tmp_path / "v.pt"
    )
    run("torch2mlx", tmp_path / "v.pt", "-o", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["vocos.safetensors"]
    assert load_tensors(tmp_path / "out" / "vocos.safetensors")[0]["backbone.embed.weight"].shape == (
        2,
        7,
        3,
    )


def test_pt_an_aligner_alone_or_in_a_model(tmp_path, torch):
    own = torch_weights(torch, part="aligner")
    config = CONFIG.to_dict()
    torch.save({"ema": own, "config": {"aligner": config["aligner"]}}, tmp_path / "a.pt")
    run("torch2mlx", tmp_path / "a.pt", "-o", tmp_path / "alone")
    assert [path.name for path in (tmp_path / "alone").iterdir()] == ["aligner.safetensors"]
    complete = torch_weights(torch) | {f"aligner.{name}": tensor for name, tensor in own.items()}
    torch.save({"ema": complete, "config": config}, tmp_path / "w.pt")
    run("torch2mlx", tmp_path / "w.pt", "-o", tmp_path / "complete")
    for folder in ("alone", "complete"):
        tensors, metadata = load_tensors(tmp_path / folder / "aligner.safetensors")
        assert metadata["format"] == "mlx" and tensors["mel_embed.weight"].shape == (4, 3, 4)
    written = json.loads((tmp_path / "complete" / "config.json").read_text())
    assert written["aligner"] == config["aligner"] and written["vocoder"] is None


def test_pt_code_in_a_pickle_is_not_run(tmp_path, torch):
    torch.save({"model": torch_weights(torch), "config": Malicious(tmp_path / "owned")}, tmp_path / "bad.pt")
    assert "bad.pt" in failure("torch2mlx", tmp_path / "bad.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pt"]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\3\4broken zip"])
def test_pt_a_broken_pt_is_one_sentence(tmp_path, torch, content):
    (tmp_path / "x.pt").write_bytes(content)
    assert "x.pt" in failure("inspect", tmp_path / "x.pt")


def test_pt_a_truncated_pt_is_one_sentence(tmp_path, torch):
    torch.save(torch_weights(torch), tmp_path / "x.pt")
    (tmp_path / "x.pt").write_bytes((tmp_path / "x.pt").read_bytes()[:-300])
    assert "x.pt" in failure("torch2mlx", tmp_path / "x.pt")


def test_pt_no_tensors(tmp_path, torch):
    torch.save({"step": 1}, tmp_path / "x.pt")
    assert "neither 'ema' nor 'model'" in failure("torch2mlx", tmp_path / "x.pt")
    torch.save({}, tmp_path / "x.pt")
    assert "contains no dict" in failure("torch2mlx", tmp_path / "x.pt")
    torch.save([1, 2], tmp_path / "x.pt")
    assert "contains no dict" in failure("torch2mlx", tmp_path / "x.pt")


def test_pt_an_unknown_config_key(tmp_path, torch):
    torch.save({"model": torch_weights(torch), "config": {"depht": 1}}, tmp_path / "x.pt")
    assert "unknown key 'depht'" in failure("torch2mlx", tmp_path / "x.pt")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_the_output_stays_where_its_path_cannot_be_printed(tmp_path):
    line = [*commands.start_of("convert"), "torch2mlx", make_folder(tmp_path / "model")]
    options = {"env": commands.environment(), "stderr": subprocess.PIPE, "text": True}
    with open("/dev/full", "w") as full:
        done = subprocess.run(line, stdout=full, **options)
    assert (done.returncode, done.stderr) == (
        1,
        "python -m convert: cannot write to standard output: No space left on device\n",
    )
    assert (tmp_path / "model-mlx" / "model.safetensors").exists()
    process = subprocess.Popen([*line, "--force"], stdout=subprocess.PIPE, **options)
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 141)
