"""`python -m nanospeech_{mlx,torch}.evaluate`, in this process: a tiny model and fake measures."""

import importlib
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from backends import NAMES, Backend
from checkpoints import make_voice, tiny_config, write_checkpoint

from nanospeech_core.audio import files as audio
from nanospeech_core.evaluation import scorers
from nanospeech_core.text.languages import LANGUAGES
from nanospeech_core.voices import recognition
from nanospeech_core.voices.store import load_voice, save_voice

pytest.importorskip("jiwer")
TEXTS = ["Hello there.", "Good day to you.", "A bad cafe."]
ROWS = [
    {"id": "a", "text": TEXTS[0], "lang": "en", "voice": "af_heart"},
    {"id": "b", "text": TEXTS[1], "lang": "en", "voice": "bf_emma"},
    {"id": "c", "text": TEXTS[2]},
]
ABSENT = ("faster_whisper", "resemblyzer", "speechmos.dnsmos", "librosa")


@pytest.fixture(params=NAMES)
def backend(request) -> str:
    return Backend(request.param).name


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("evaluate") / "tiny")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder: with texts.jsonl, and without any library that measures but jiwer."""
    monkeypatch.chdir(tmp_path)
    write_rows(ROWS)
    for name in ABSENT:
        monkeypatch.setitem(sys.modules, name, None)
    return tmp_path


def write_rows(rows: list[dict], name: str = "texts.jsonl") -> None:
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    Path(name).write_text(lines + "\n\n", encoding="utf-8")


class Measures:
    """Hears the right words but the last of the second text; a spectrum is a voice, loudness an opinion."""

    def __init__(self, answers=(TEXTS[0], "good DAY, to", TEXTS[2])):
        self.answers, self.calls = answers, []

    def recognize(self, wave, language):
        self.calls.append((wave, language))
        return self.answers[(len(self.calls) - 1) % len(self.answers)]

    def embed(self, wave):
        assert wave.dtype == np.float32 and wave.ndim == 1
        power = np.abs(np.fft.rfft(wave, 512))
        return power / np.linalg.norm(power)

    def dnsmos(self, wave):
        return 1 + min(4.0, 10 * float(np.sqrt(np.mean(wave**2))))

    def prosody(self, wave):
        return float(len(wave)), None


@pytest.fixture
def measures(monkeypatch) -> Measures:
    one = Measures()
    asked = []
    monkeypatch.setattr(recognition, "recognizer", lambda *args: asked.append(args) or one.recognize)
    monkeypatch.setattr(scorers, "voice_encoder", lambda: one.embed)
    monkeypatch.setattr(scorers, "dnsmos", lambda: one.dnsmos)
    monkeypatch.setattr(scorers, "prosody", lambda: one.prosody)
    one.asked = asked
    return one


def run(backend: str, *arguments: object, code: int = 0) -> None:
    module = importlib.import_module(f"nanospeech_{backend}.evaluate")
    assert module.main([*map(str, arguments)]) == code


def fails(backend: str, capsys, *arguments: object) -> str:
    """The one sentence of a run that fails."""
    run(backend, *arguments, "--quiet", code=1)
    out, err = capsys.readouterr()
    prefix = f"python -m nanospeech_{backend}.evaluate: "
    assert out == "" and err.startswith(prefix) and err.count("\n") == 1, err
    return err.removeprefix(prefix).strip()


def refuses(capsys, *arguments: object) -> str:
    """The message for arguments that do not go together."""
    with pytest.raises(SystemExit) as raised:
        run("torch", "--texts", "texts.jsonl", *arguments)
    assert raised.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_run_is_to_be_exported_before_anything_is_installed(capsys, folder):
    (folder / "run").mkdir()
    (folder / "run" / "log.jsonl").write_text("")
    assert "run is a training run: export it first" in refuses(capsys, "run")


PLAIN = ("--no-dnsmos", "--no-prosody")


# measuring


@pytest.mark.slow
def test_everything(backend, model, measures, capsys, folder):
    for name in "abc":
        audio.write(f"{name}.flac", load_voice(model, "heart").audio)
    settings = ["masked:num_iter=2,temperature=0.5", "ode:steps=2,method=midpoint"]
    flags = [flag for setting in settings for flag in ("--setting", setting)]
    flags += ["--asr", "fake:one", "--threads", "3", "--reference", ".", "--reference", "voice"]
    run(backend, model, "--texts", "texts.jsonl", *flags, "--output", "out", "--json", "all.json")
    assert measures.asked == [("fake:one", ["en"], 3, "evaluate")]
    out, err = capsys.readouterr()
    header, *lines = out.splitlines()
    assert header.startswith("setting ") and "CER" not in header
    for title in ("texts", "WER %", "similarity", "to voice", "DNSMOS", "F0 sd, st", "RTF"):
        assert title in header
    assert [line.split()[0] for line in lines] == [*settings, "(reference)"]
    assert len({len(line) for line in (header, *lines[:2])}) == 1  # aligned
    assert "level" not in header and "it/s" not in out

    report = json.loads(Path("all.json").read_text())
    assert (report["backend"], report["model"]) == (f"nanospeech_{backend}", str(model))
    assert report["versions"]["numpy"] == np.__version__ and report["machine"]["cpus"] and report["device"]
    assert report["asr"] == "fake:one" and report["reference"] == [".", "voice"]
    masked, ode = report["settings"]
    options = masked["options"]
    assert [options[key] for key in ("sampler", "num_iter", "temperature", "cfg")] == ["masked", 2, 0.5, 1]
    assert ode["options"] == {
        "sampler": "ode", "steps": 2, "method": "midpoint", "sway_coef": -1, "cfg": 1, "speed": 1, "seed": 0
    }  # fmt: skip
    for setting, name in (
        (masked, "masked-num_iter=2-temperature=0.5"),
        (ode, "ode-steps=2-method=midpoint"),
    ):
        assert setting["wer"] == pytest.approx(100 / 9) and setting["count"] == 3 and setting["failed"] == 0
        low, high = setting["wer_ci"]
        assert low == 0 and 11 < high <= 25
        assert setting["real_time_factor"] > 0
        utterances = setting["utterances"]
        assert [u["id"] for u in utterances] == ["a", "b", "c"]
        assert [u["voice"] for u in utterances] == ["heart", "emma", "heart"]
        assert [(u["errors"], u["units"]) for u in utterances] == [(0, 2), (1, 4), (0, 3)]
        assert utterances[1]["heard"] == "good DAY, to"
        for key in ("similarity", "similarity_voice", "dnsmos", "f0_sd"):
            assert setting[key] == pytest.approx(np.mean([u[key] for u in utterances]))
        timed = [(u["elapsed"], u["seconds"]) for u in utterances[1:]]
        assert setting["real_time_factor"] == pytest.approx(np.divide(*np.sum(timed, axis=0)))
        assert "energy_sd" not in setting
        # heart's recording is the reference of a; emma's own is another than the reference of b
        assert utterances[0]["similarity"] == pytest.approx(utterances[0]["similarity_voice"], abs=1e-3)
        assert utterances[1]["similarity"] != pytest.approx(utterances[1]["similarity_voice"], abs=1e-3)
        kept = sorted(path.name for path in Path("out", name).iterdir())
        assert kept == ["a.wav", "b.wav", "c.wav"]
        assert soundfile.info(f"out/{name}/b.wav").duration == pytest.approx(utterances[1]["seconds"])
    assert report["reference_means"]["f0_sd"] == pytest.approx(2 * recognition.RATE, abs=2)


def test_the_speech_measured_is_that_of_generate(backend, model, measures):
    pipeline = importlib.import_module(f"nanospeech_{backend}").Nanospeech.from_pretrained(str(model))
    run(
        backend,
        model,
        "--texts",
        "texts.jsonl",
        "--setting",
        "masked:num_iter=2,seed=5",
        "--asr",
        "x",
        *PLAIN,
    )
    assert [language for _, language in measures.calls] == ["en"] * 3
    wave = pipeline.generate(TEXTS[1], voice="emma", lang="en-gb", use_diffusion=True, num_iter=2, seed=5)
    received = measures.calls[1][0]
    assert np.array_equal(received, recognition.resample(audio.as_written(wave), 24000))
    np.testing.assert_allclose(received, recognition.resample(wave, 24000), atol=1e-4)


@pytest.mark.slow
def test_both_samplers_by_default_and_one_without_a_head(tmp_path, measures, capsys, backend):
    folder = write_checkpoint(tmp_path / "flow", config=tiny_config(diffusion=None))
    flags = ["--limit", 1, "--json", "a.json", "--precision", "bfloat16"]
    run(backend, folder, "--texts", "texts.jsonl", *flags, *PLAIN)
    assert json.loads(Path("a.json").read_text())["precision"] == "bfloat16"
    assert [s["setting"] for s in json.loads(Path("a.json").read_text())["settings"]] == ["ode"]
    header, line = capsys.readouterr().out.splitlines()
    # of one text there is no real-time factor
    assert [header.split(), line.split()] == [["setting", "texts"], ["ode", "1"]]
    assert "no diffusion head" in fails(
        backend, capsys, folder, "--texts", "texts.jsonl", "--setting", "masked", *PLAIN
    )


@pytest.mark.parametrize(
    ("flags", "voices"),
    [
        ([], ["heart", "emma", "heart"]),
        (["--voice", "emma"], ["emma"] * 3),
        (["--ref-audio", "me.wav", "--ref-text", "Hello there."], ["me"] * 3),
    ],
    ids=["rows", "voice", "recording"],
)
def test_who_speaks(model, measures, flags, voices):
    audio.write("me.wav", load_voice(model, "emma").audio)
    arguments = ["--setting", "ode:steps=1", "--reference", "voice", "--json", "a.json", "--quiet", *PLAIN]
    run("torch", model, "--texts", "texts.jsonl", *flags, *arguments)
    (setting,) = json.loads(Path("a.json").read_text())["settings"]
    assert [u["voice"] for u in setting["utterances"]] == voices
    assert 0 < setting["similarity_voice"] < 1


@pytest.mark.slow
def test_a_chinese_text_has_a_chinese_voice(model, measures, tmp_path, capsys):
    bilingual = shutil.copytree(model, tmp_path / "bilingual")
    save_voice(bilingual, make_voice("xiaoxiao", "zh", "你好。", "ni↓xau↓."))
    write_rows([ROWS[2], {"text": "你好，请问。"}, {"text": "你好吗？", "lang": "zh", "voice": "zf_xiaobei"}])
    run("torch", bilingual, "--texts", "texts.jsonl", "--setting", "ode:steps=1", "--json", "a.json", *PLAIN)
    (setting,) = json.loads(Path("a.json").read_text())["settings"]
    assert [u["voice"] for u in setting["utterances"]] == ["heart", "xiaoxiao", "xiaoxiao"]
    assert "has no voice zf_xiaobei: xiaoxiao speaks instead" in capsys.readouterr().err


def test_a_voice_that_the_model_lacks(model, measures, capsys):
    write_rows([{"text": TEXTS[0], "voice": "am_adam"}])
    run("torch", model, "--texts", "texts.jsonl", "--setting", "ode:steps=1", *PLAIN)
    assert "has no voice am_adam: heart speaks instead" in capsys.readouterr().err
    assert 'there is no voice "adam"' in fails(
        "torch", capsys, model, "--texts", "texts.jsonl", "--voice", "adam", *PLAIN
    )


def test_recordings(model, measures, capsys):
    Path("teacher").mkdir()
    for name in "abc":
        audio.write(f"teacher/{name}.opus", load_voice(model, "heart").audio)
    flags = ["--wavs", "teacher", "--asr", "x", "--reference", "teacher", "--json", "a.json"]
    run("torch", "--texts", "texts.jsonl", *flags)
    report = json.loads(Path("a.json").read_text())
    (teacher,) = report["settings"]
    assert teacher["setting"] == "teacher" and teacher["wer"] == pytest.approx(100 / 9)
    assert teacher["similarity"] == pytest.approx(1) and "real_time_factor" not in teacher
    assert "device" not in report and report["model"] == "teacher"
    assert "RTF" not in capsys.readouterr().out


def test_characters_of_chinese_are_counted_apart(model, measures):
    write_rows([*ROWS[:1], {"id": "z", "text": "你好，请问。", "lang": "zh"}])
    for name in "az":
        audio.write(f"{name}.wav", load_voice(model, "heart").audio)
    measures.answers = ["hello", "你好请说"]
    run("torch", "--texts", "texts.jsonl", "--wavs", ".", "--asr", "x", "--json", "a.json", "--quiet")
    assert [language for _, language in measures.calls] == ["en", "zh"]
    (result,) = json.loads(Path("a.json").read_text())["settings"]
    assert (result["wer"], result["cer"]) == (50, 25)


def test_a_text_that_cannot_be_spoken_counts_as_not_recognized(model, measures, capsys):
    write_rows([*ROWS[:2], {"id": "long", "text": "ha " * 40_000}])
    flags = ["--setting", "ode:steps=1", "--asr", "x", "--output", "out", "--json", "a.json", *PLAIN]
    run("torch", model, "--texts", "texts.jsonl", *flags)
    (result,) = json.loads(Path("a.json").read_text())["settings"]
    assert result["failed"] == 1 and result["wer"] == pytest.approx(100 * 40_001 / 40_006)
    assert "at most 100,000" in result["utterances"][2]["error"] and result["real_time_factor"] > 0
    assert (
        "1 of 3 texts could not be spoken; all their words count as errors; the first is long"
        in capsys.readouterr().err
    )
    assert len(list(Path("out/ode-steps=1").iterdir())) == 2
    write_rows([{"id": "long", "text": "ha " * 40_000}])
    assert "no text could be spoken" in fails("torch", capsys, model, "--texts", "texts.jsonl", *flags)


def test_no_setting_is_lost_with_what_follows(model, measures, monkeypatch, capsys):
    def recognize(wave, language):
        if len(measures.calls) == 4:
            raise KeyboardInterrupt
        return Measures.recognize(measures, wave, language)

    monkeypatch.setattr(recognition, "recognizer", lambda *args: recognize)
    flags = ["--setting", "ode:steps=1", "--setting", "masked:num_iter=1", "--asr", "x", "--json", "a.json"]
    run("torch", model, "--texts", "texts.jsonl", *flags, *PLAIN, code=130)
    assert [s["setting"] for s in json.loads(Path("a.json").read_text())["settings"]] == ["ode:steps=1"]
    assert sorted(path.name for path in Path().iterdir()) == ["a.json", "texts.jsonl"]


# training checkpoints


def test_a_training_checkpoint_speaks(model, measures, capsys):
    torch = pytest.importorskip("torch")
    from nanospeech_torch import Nanospeech

    pipeline = Nanospeech.from_pretrained(str(model))
    ema = {k: v for k, v in pipeline.state_dict().items() if not k.startswith("vocoder.")}
    config = pipeline.config.to_dict() | {"vocoder": None}
    torch.save({"ema": ema, "config": config, "step": 3}, "step-3.pt")
    flags = ["--texts", "texts.jsonl", "--setting", "ode:steps=1", "--json", "a.json", *PLAIN]
    run("torch", "step-3.pt", *flags)
    (result,) = json.loads(Path("a.json").read_text())["settings"]
    assert result["seconds"] > 1 and [u["voice"] for u in result["utterances"]] == ["heart", "emma", "heart"]
    capsys.readouterr()
    assert "step-4.pt does not exist" in fails("torch", capsys, "step-4.pt", *flags)
    Path("bad.pt").write_bytes(b"no")
    assert "cannot read the checkpoint bad.pt" in fails("torch", capsys, "bad.pt", *flags)
    torch.save({"step": 1}, "other.pt")
    assert "other.pt is not a checkpoint of this trainer" in fails("torch", capsys, "other.pt", *flags)


def test_mlx_asks_to_export_a_training_checkpoint(capsys):
    sentence = fails("mlx", capsys, "step-3.pt", "--texts", "texts.jsonl", *PLAIN)
    assert "step-3.pt is a training checkpoint" in sentence and "nanospeech_torch.export" in sentence


# what is missing, or wrong


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (
            ["--asr", "faster-whisper:tiny"],
            r"recognizing speech needs faster-whisper .*\[evaluate\]",
        ),
        (["--reference", "voice"], "similarity needs Resemblyzer .*--no-deps resemblyzer"),
        ([], "DNSMOS needs speechmos .*or give --no-dnsmos"),
        (["--no-dnsmos"], "prosody needs librosa .*or give --no-prosody"),
    ],
)
def test_a_library_that_is_absent(backend, capsys, flags, sentence, monkeypatch):
    monkeypatch.setattr(
        importlib.import_module(f"nanospeech_{backend}.evaluate"), "load", None
    )  # not reached
    assert re.search(sentence, fails(backend, capsys, "--texts", "texts.jsonl", *flags))


def test_counting_words_needs_jiwer(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    assert "needs jiwer" in fails("torch", capsys, "--texts", "texts.jsonl", "--asr", "x", *PLAIN)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (
            ["--setting", "maskd"],
            "there is no sampler 'maskd' (did you mean 'masked'?); choose from masked, ode",
        ),
        (["--setting", "masked:num_itr=3"], "masked has no option 'num_itr' (did you mean 'num_iter'?)"),
        (["--setting", "ode:num_iter=3"], "ode has no option 'num_iter'; it has cfg, steps, method"),
        (["--setting", "masked:num_iter"], "'num_iter' in 'masked:num_iter' must be KEY=VALUE"),
        (["--setting", "masked:num_iter=many"], "num_iter must be a whole number, not 'many'"),
        (["--setting", "ode:steps=2,steps=3"], "steps occurs twice"),
        (["--setting", "masked:temperature=9"], "temperature must be a number from 0 to 2"),
        (["--setting", "ode:method=eulr"], "--method must be one of euler, midpoint, rk4"),
        (["--setting", "ode", "--setting", "ode"], "the same --setting is named twice: remove one"),
        (["--wavs", "a", "--voice", "emma"], "--wavs and --voice cannot be used together"),
        (["some/model", "--wavs", "a"], "--wavs and a checkpoint cannot be used together"),
        (["--wavs", "a", "--reference", "voice"], "--reference voice needs a model"),
        (["--reference", "a", "--reference", "b"], "--reference takes at most one folder, and `voice`"),
        (["--ref-audio", "me.wav"], "--ref-audio needs --ref-text"),
        (["--limit", "0"], "--limit must be at least 1"),
    ],
)
def test_arguments_that_are_wrong(capsys, flags, sentence):
    assert sentence in refuses(capsys, *flags)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot read texts.jsonl: No such file"),
        ("", "texts.jsonl is empty"),
        ('{"text": "a"}\n{broken', "line 2: not a JSON object"),
        ('["a"]', 'line 1: not a JSON object with a "text"'),
        ('{"text": "..."}', "line 1: the text has no words of the language 'en'"),
        ('{"text": "hello", "lang": "zh"}', "has no words of the language 'zh'"),
        ('{"text": "a", "id": "x"}\n{"text": "b", "id": "x"}', "line 2: the id 'x' occurs twice"),
        ('{"text": "a", "id": "../x"}', "the id '../x' cannot be a file name"),
        ('{"text": "a", "voice": 3}', "voice must be a string, not 3"),
        (
            '{"text": "hola", "lang": "es", "id": "h"}',
            'the text h: this model does not speak Spanish ("es"): it was trained on English and Chinese',
        ),
        ('{"text": "guten tag", "lang": "xx"}', f"lang must be one of en, {', '.join(LANGUAGES)}, not 'xx'"),
    ],
)
def test_texts_that_are_wrong(capsys, model, content, sentence):
    Path("texts.jsonl").unlink()
    if content is not None:
        Path("texts.jsonl").write_text(content)
    assert sentence in fails("torch", capsys, model, "--texts", "texts.jsonl", *PLAIN)


def test_files_that_are_missing_or_cannot_be_written(capsys, model, measures):
    start = ["--texts", "texts.jsonl", *PLAIN]
    Path("some").mkdir()
    audio.write("some/a.wav", np.zeros(2400, dtype=np.float32))
    assert "2 of 3 recordings are missing in some; the first is b.wav" in fails(
        "torch", capsys, *start, "--wavs", "some"
    )
    assert "2 of 3 recordings are missing in some" in fails(
        "torch", capsys, model, *start, "--reference", "some"
    )
    assert "cannot read the folder gone" in fails("torch", capsys, model, *start, "--reference", "gone")
    audio.write("some/a.flac", np.zeros(2400, dtype=np.float32))
    assert "two recordings of one id" in fails("torch", capsys, *start, "--wavs", "some")
    assert "there is no folder gone" in fails("torch", capsys, model, *start, "--json", "gone/a.json")
    assert "some: it is a folder" in fails("torch", capsys, model, *start, "--json", "some")
    Path("file").touch()
    assert "cannot create the folder file" in fails("torch", capsys, model, *start, "--output", "file")
    assert "does not exist" in fails("torch", capsys, "nowhere", *start)
