"""Original Nanospeech checkpoints on the command line, as docs/convert.md shows it, from a hub cache."""

import json
import shlex
import shutil
from pathlib import Path

import commands
import numpy as np
import pages
import pytest
import soundfile
from backends import NAMES, Backend
from huggingface_hub import constants
from originals import VOCAB, VOCOS, original_config, original_weights, write_original, write_vocos

from nanospeech_core.checkpoints.tensors import load_tensors
from nanospeech_core.checkpoints.vocoder import PUBLIC
from nanospeech_core.config import ModelConfig

pytest.importorskip("torch")  # it writes the vocoder's file


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "model"
    write_original(folder, original_weights(Backend("torch"), original_config()))
    (folder / "README.md").write_text("By its author.")
    return folder


@pytest.fixture(scope="module")
def vocos(tmp_path_factory) -> Path:
    return write_vocos(tmp_path_factory.mktemp("vocos") / "vocos")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder, the current one; the hub's cache would be in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))  # of this process
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))  # of others
    return tmp_path


@pytest.fixture
def cache(folder, original, vocos) -> Path:
    """A hub cache with both, under the names that docs/convert.md and the package give."""
    public, commit = PUBLIC.split("@")
    for name, revision, source in (
        ("lucasnewman/nanospeech", "0" * 40, original),
        (public, commit, vocos),
    ):
        repository = folder / "cache" / f"models--{name.replace('/', '--')}"
        shutil.copytree(source, repository / "snapshots" / revision)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(revision)
    return folder / "cache"


def run(module: str, *arguments: object, code: int = 0, process: bool = False) -> commands.Done:
    done = (commands.in_a_process if process else commands.in_this_process)(module, *arguments)
    assert done.code == code, done
    return done


def guide_commands() -> list[list[str]]:
    """The shell lines of docs/convert.md on original checkpoints, without `python -m`."""
    block = pages.block("docs/convert.md", "import-nanospeech")
    return [shlex.split(line, comments=True)[2:] for line in block.lines]


@pytest.mark.slow
@pytest.mark.parametrize("backend", NAMES)
def test_the_guides_example(tmp_path, cache, backend):
    """Twice the same speech: of the original, and of the folder that it was imported into."""
    Backend(backend)
    lines = guide_commands()
    assert [command[0].split(".")[-1] for command in lines] == ["generate", "convert", "generate"]
    for number, command in enumerate(lines):
        command = [part.replace("nanospeech_mlx", f"nanospeech_{backend}") for part in command]
        done = run(*command, process=number == 0)
        assert "embedded vocoder" not in done.err
    outputs = [command[command.index("--output") + 1] for command in lines if "--output" in command]
    waves = [soundfile.read(tmp_path / name) for name in outputs]
    assert [rate for _, rate in waves] == [24000, 24000] and len(waves[0][0]) > 10_000
    assert (waves[0][0] == waves[1][0]).all()


def test_import_writes_a_folder_of_ours(tmp_path, original, vocos):
    done = run("convert", "import-nanospeech", original, "-o", "ours", "--vocoder", vocos)
    assert (done.out, done.err) == ("ours\n", "")
    out = tmp_path / "ours"
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "vocos.safetensors",
    ]
    config = ModelConfig.from_dict(json.loads((out / "config.json").read_text(encoding="utf-8")))
    assert config.vocoder == VOCOS and config.text == original_config().text
    tensors, metadata = load_tensors(out / "model.safetensors")
    expected = original_weights(Backend("torch"), original_config())
    assert metadata == {"format": "pt"} and set(tensors) == set(expected)
    assert all((tensors[name] == array).all() for name, array in expected.items())
    text = run("convert", "inspect", "ours").out
    assert "alignment filler" in text and "method rk4" in text and "duration_predictor: " in text


def test_import_keeps_the_dtype(tmp_path, original, vocos):
    source = tmp_path / "half"
    halves = {
        n: a.astype(np.float16) for n, a in original_weights(Backend("torch"), original_config()).items()
    }
    write_original(source, halves)
    run("convert", "import-nanospeech", source, "-o", "ours", "--vocoder", vocos)
    tensors, _ = load_tensors(tmp_path / "ours" / "model.safetensors")
    assert {array.dtype for array in tensors.values()} == {np.dtype("<f2")}


def test_import_without_the_public_vocoder_gives_a_warning(tmp_path, original):
    done = run("convert", "import-nanospeech", original, "-o", "ours")
    assert done.err.count("\n") == 1
    assert done.err.startswith("python -m convert: no vocoder is written, so the embedded one will be used: ")
    assert not (tmp_path / "ours" / "vocos.safetensors").exists()
    assert json.loads((tmp_path / "ours" / "config.json").read_text())["vocoder"] is None


def test_inspect_shows_an_original_checkpoint(tmp_path, original):
    text = run("convert", "inspect", original).out
    assert "an original Nanospeech checkpoint" in text
    assert "dim 32, depth 2, heads 2, dim_head 64" in text and f"vocab ({len(VOCAB)} entries)" in text
    assert "duration.safetensors: torch format" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none", "-o", "out"], "none does not exist"),
        (["{vocos}", "-o", "out"], "is not an original Nanospeech checkpoint: these have model.safetensors"),
        (["{original}", "-o", "{original}"], "exists; --force replaces it"),
        (["{original}", "-o", "{original}", "--force"], "contains the input"),
        (["{original}", "-o", "out", "--vocoder", "none"], "none does not exist"),
        (["{original}", "-o", "out", "--vocoder", "{original}"], "contains no vocoder"),
        (["owner/name", "-o", "out"], "there is no folder owner/name, it is not (completely) in the cache"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(tmp_path, original, vocos, arguments, sentence):
    arguments = [part.format(vocos=vocos, original=original) for part in arguments]
    done = run("convert", "import-nanospeech", *arguments, code=1)
    assert done.out == "" and done.err.count("\n") == 1 and sentence in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("backend", NAMES)
def test_generate_names_the_missing_vocoder(tmp_path, original, backend):
    Backend(backend)
    speak = [f"nanospeech_{backend}.generate", "--text", "Hi.", "--steps", 1, "--method", "euler"]
    done = run(*speak, "--model", original, "--output", "a.wav")
    assert "the small embedded vocoder is used: there is no folder charactr/vocos-mel-24khz" in done.err
    assert "HF_HUB_OFFLINE" in done.err and (tmp_path / "a.wav").exists()
