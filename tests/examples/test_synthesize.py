"""examples/embedded/synthesize.py and teacher.py: from texts to shards that a training run reads."""

import io
import json
import os
import tarfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_teacher import FakeTeacher
from text_stages import phonemize

from nanospeech_core.errors import UserError
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_torch.training.data.corpus import scan_shards

FOLDER = Path(__file__).parents[2] / "examples" / "embedded"
ROWS = [
    {"id": "en-a", "lang": "en", "voice": "af_heart", "source": "made up", "text": "Take the path there."},
    {"id": "en-b", "lang": "en", "voice": "bm_george", "text": "Mr. Brown took the bath. Then he left."},
    {"id": "en-c", "lang": "en", "voice": "af_heart", "text": "Have you ever seen the northern lights?"},
]


@pytest.fixture
def recipe(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import synthesize

    return synthesize


@pytest.fixture
def teacher(recipe):
    import teacher

    return teacher


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tar"))}


def test_a_shard_is_what_a_training_run_reads(recipe, tmp_path):
    path = tmp_path / "data-000000.tar"
    made = recipe.make_shard(path, ROWS, FakeTeacher(), "flac")
    assert (made.utterances, made.rejected) == (3, [])
    pairs = {key: (location.read(), meta) for key, location, meta in scan_shards((str(path),))}
    assert list(pairs) == ["en-a", "en-b", "en-c"]
    audio, meta = pairs["en-a"]
    assert meta["phonemes"] == phonemize("Take the path there.", "en-us")
    assert len(meta["durations"]) == len(meta["phonemes"]) + 2
    wave, rate = soundfile.read(io.BytesIO(audio))
    assert (rate, len(wave)) == (24000, sum(meta["durations"]) * meta["duration_unit"])
    assert (meta["samples"], meta["source"], meta["voice"]) == (len(wave), "made up", "af_heart")
    british = pairs["en-b"][1]
    assert (british["lang"], british["text"]) == ("en-gb", ROWS[1]["text"])
    assert "mˈɪstə bɹˈaʊn" in british["phonemes"]  # no full stop after "Mr"
    assert british["phonemes"].count(".") == 2
    assert made.samples == sum(meta["samples"] for _, meta in pairs.values())


def test_spanish_is_read_by_its_own_front_end(recipe, tmp_path):
    row = {"id": "es-a", "lang": "es", "voice": "ef_dora", "text": "¿Vive la niña en el 2.º piso?"}
    assert recipe.make_shard(tmp_path / "data-000000.tar", [row], FakeTeacher(), "flac").rejected == []
    ((_, _, meta),) = scan_shards((str(tmp_path / "data-000000.tar"),))
    assert meta["lang"] == "es"
    assert meta["phonemes"] == phonemize("¿Vive la niña en el segundo piso?", "es")
    assert "nˈiɲa" in meta["phonemes"] and set(meta["phonemes"]) <= set(SYMBOLS)


def test_prepare_and_training_take_it(recipe, tmp_path):
    pytest.importorskip("torch")
    from corpus import small_model

    from nanospeech_core.text.symbols import SYMBOLS
    from nanospeech_torch.training.config import DataConfig
    from nanospeech_torch.training.data.corpus import read_index

    recipe.make_shard(tmp_path / "data-000000.tar", ROWS, FakeTeacher(), "opus")
    lines = []
    model = small_model()
    assert model.text.vocab == SYMBOLS
    config = DataConfig(shards=(str(tmp_path / "*.tar"),))
    items = read_index(config, model, lines.append, durations=True)
    assert [item.voice for item in items] == ["af_heart", "bm_george", "af_heart"]
    assert lines[0].startswith("3 utterances") and len(lines) == 1


@pytest.mark.parametrize(
    ("text", "off", "reason"),
    [
        ("***", 0, "nothing to speak"),
        ("Never again. " * 80, 0, "phonemes, more than 509"),
        ("Hello \u0416 there.", 0, "cannot be spoken"),
        ("Hello there.", 1, "do not add up"),
    ],
)
def test_sentences_that_cannot_be_spoken(recipe, tmp_path, text, off, reason):
    rows = [{"id": "x", "voice": "af_heart", "text": text}, ROWS[0]]
    made = recipe.make_shard(tmp_path / "s.tar", rows, FakeTeacher(off), "flac")
    assert made.rejected[0][0] == "x" and reason in made.rejected[0][1]
    assert made.utterances == (0 if off else 1)
    assert len(list(tarfile.open(tmp_path / "s.tar"))) == 2 * made.utterances


@pytest.mark.slow
def test_processes_change_nothing(recipe, tmp_path):
    tasks = [(Path(f"{i}.tar"), ROWS[i : i + 1]) for i in range(3)]
    for workers in (0, 2):
        (tmp_path / str(workers)).mkdir()
        own = [(tmp_path / str(workers) / path, rows) for path, rows in tasks]
        assert len(list(recipe.synthesize(own, FakeTeacher, "opus", workers))) == 3
    assert contents(tmp_path / "0") == contents(tmp_path / "2")
    assert len(contents(tmp_path / "0")) == 3


class Teaches(FakeTeacher):
    """As `teacher.Teacher`, for the command."""

    def __init__(self, model, voices):
        super().__init__()

    def check(self, names):
        assert names <= {"af_heart", "bm_george"}


@pytest.fixture
def command(recipe, tmp_path, monkeypatch):
    """The command on three shards of one sentence, with further arguments."""
    monkeypatch.setattr(recipe, "Teacher", Teaches)
    texts = write(tmp_path / "texts.jsonl", ROWS)
    (tmp_path / "k.onnx").write_bytes(b"stands for a model")
    arguments = [str(texts), "-o", str(tmp_path / "out"), "--teacher", str(tmp_path / "k.onnx")]
    arguments += ["--voices", str(tmp_path), "--shard-size", "1", "--workers", "0"]
    return lambda *more: recipe.main([*arguments, *more])


def test_a_run_goes_on_where_it_stopped(command, tmp_path, capsys):
    assert command("--shards", "2") == 0
    out = tmp_path / "out"
    assert list(contents(out)) == ["data-000000.tar", "data-000001.tar"]
    (out / ".data-000002.99.tar").write_bytes(b"half a shard, of a run that was killed")
    (out / "data-000000.tar").unlink()
    before = (out / "data-000001.tar").stat().st_mtime_ns
    capsys.readouterr()
    assert command() == 0
    assert "2 shards, 0.00 h of speech, 0 sentences left out; 1 shards existed" in capsys.readouterr().out
    assert list(contents(out)) == [f"data-{i:06d}.tar" for i in range(3)]
    assert (out / "data-000001.tar").stat().st_mtime_ns == before
    assert sorted(path.name for path in out.iterdir() if path.name.startswith(".")) == []


def test_other_arguments_need_another_folder(command, tmp_path, capsys):
    assert command("--shards", "1") == 0
    before = contents(tmp_path / "out")
    assert command("--format", "flac") == 1
    error = capsys.readouterr().err
    assert "was prepared differently" in error and '"opus"' in error and error.count("\n") == 1
    (tmp_path / "k.onnx").write_bytes(b"another model")
    assert command() == 1
    assert contents(tmp_path / "out") == before


def test_what_is_left_out_is_reported(command, tmp_path, capsys):
    write(tmp_path / "texts.jsonl", [*ROWS, {"id": "dots", "voice": "af_heart", "text": "..."}])
    assert command() == 0
    captured = capsys.readouterr()
    assert "dots is left out" in captured.err and "1 sentences left out" in captured.out


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is empty"),
        (["{"], "line 1: not a JSON object"),
        (['{"id": "a", "text": "Hello."}'], "line 1: not a JSON object with the strings"),
        (['{"id": "a", "text": 3, "voice": "af_heart"}'], "line 1: not a JSON object with the strings"),
        (['{"id": "a", "text": "Hello.", "voice": "af_heart"}'] * 2, "line 2: the id 'a' occurs twice"),
        (['{"id": "../a", "text": "Hello.", "voice": "af_heart"}'], "cannot be a name in a shard"),
        (['{"id": "a", "text": "Hello.", "voice": "jf_alpha"}'], "not an English, Chinese or Spanish voice"),
        (["\udcff"], "is not UTF-8 (at byte 0)"),
    ],
)
def test_bad_texts_are_one_sentence(command, tmp_path, capsys, lines, message):
    (tmp_path / "texts.jsonl").write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    assert command() == 1
    error = capsys.readouterr().err
    assert error.startswith("synthesize: ") and message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_shard_that_cannot_be_written(recipe, tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        list(recipe.synthesize([(tmp_path / "absent" / "s.tar", ROWS)], FakeTeacher, "opus", 0))


def test_a_process_that_dies(recipe, tmp_path):
    with pytest.raises(UserError, match="a process of the teacher died"):
        list(recipe.synthesize([(tmp_path / "s.tar", ROWS)], partial(os._exit, 1), "opus", 1))


# the teacher's own files


def test_symbols_have_the_teachers_numbers(teacher):
    """As vocab.json of Kokoro-82M has them."""
    ids = teacher.ids()
    assert len(ids) == len(SYMBOLS) == len(set(ids.values())) and list(ids.values()) == sorted(ids.values())
    known = {";": 1, "—": 9, " ": 16, "ʣ": 18, "A": 24, "O": 31, "a": 43, "h": 50, "z": 68, "ɡ": 92, "ʒ": 147}
    known |= {"ˈ": 156, "ː": 158, "↓": 169, "→": 171, "↗": 172, "↘": 173, "ᵻ": 177}
    assert {symbol: ids[symbol] for symbol in known} == known


def graph(onnx, path: Path, durations: str = "/encoder/Clip_output_0") -> Path:
    """An ONNX file with the inputs of the teacher: every token lasts 2, each sample is the style's first."""
    helper, kind = onnx.helper, onnx.TensorProto
    inputs = [("tokens", kind.INT64, [1, "n"]), ("style", kind.FLOAT, [1, 256]), ("speed", kind.FLOAT, [1])]
    constants = [
        helper.make_tensor("two", kind.FLOAT, [1], [2.0]),
        helper.make_tensor("unit", kind.INT64, [1], [1200]),
        helper.make_tensor("zero", kind.INT64, [1], [0]),
        helper.make_tensor("one", kind.INT64, [1], [1]),
    ]
    nodes = [
        helper.make_node("Shape", ["tokens"], ["shape"]),
        helper.make_node("Slice", ["shape", "one", "unit"], ["count"]),
        helper.make_node("Expand", ["two", "count"], ["twos"]),
        helper.make_node("Mul", ["twos", "speed"], [durations]),
        helper.make_node("Mul", ["count", "unit"], ["samples"]),
        helper.make_node("Slice", ["style", "zero", "one", "one"], ["first"]),
        helper.make_node("Expand", ["first", "samples"], ["audio"]),
    ]
    values = [helper.make_tensor_value_info(*value) for value in inputs]
    audio = helper.make_tensor_value_info("audio", kind.FLOAT, None)
    model = helper.make_model(
        helper.make_graph(nodes, "teacher", values, [audio], constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.save(model, path)
    return path


def styles() -> np.ndarray:
    return np.repeat(np.arange(510, dtype=np.float32)[:, None] / 1000, 256, axis=1)


def test_the_teacher_is_asked_for_durations(teacher, tmp_path):
    """The style is that of the number of phonemes; voices come from an archive or a folder."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    model = graph(onnx, tmp_path / "k.onnx")
    with open(tmp_path / "voices-v1.0.bin", "wb") as file:
        np.savez(file, af_heart=styles()[:, None])
    styles().tofile(tmp_path / "af_heart.bin")
    for voices in (tmp_path / "voices-v1.0.bin", tmp_path):
        kokoro = teacher.Teacher(model, voices)
        kokoro.check({"af_heart"})
        wave, durations = kokoro.speak("həlˈoʊ", "af_heart")
        assert durations == [2] * 8 and len(wave) == 8 * 2 * 600 and wave.dtype == np.float32
        np.testing.assert_allclose(wave, 0.006)
        with pytest.raises(UserError, match="there is no voice bf_emma"):
            kokoro.check({"bf_emma", "af_heart"})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda onnx, path: None, "cannot read"),
        (lambda onnx, path: path.write_bytes(b"no model at all"), "not an ONNX file"),
        (lambda onnx, path: graph(onnx, path, "something/else"), "not a graph of Kokoro-82M"),
    ],
)
def test_models_that_are_none(teacher, tmp_path, make, message):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    make(onnx, tmp_path / "k.onnx")
    with pytest.raises(UserError, match=message):
        teacher.Teacher(tmp_path / "k.onnx", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "contains no voices"),
        (b"neither npz nor npy", "contains no voices"),
        (b"PK\x03\x04 a broken archive", "contains no voices"),
        (np.zeros(7, "<f4").tobytes(), "contains no voices"),
    ],
)
def test_archives_that_are_none(teacher, tmp_path, content, message):
    path = tmp_path / "voices.bin"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        teacher.read_style(path, "af_heart")


@pytest.mark.parametrize("table", [np.zeros(7, "<f4"), np.full(510 * 256, np.nan, "<f4")])
def test_tables_of_another_size(teacher, tmp_path, table):
    table.tofile(tmp_path / "af_heart.bin")
    with pytest.raises(UserError, match="510 x 256 finite numbers"):
        teacher.read_style(tmp_path, "af_heart")


def test_a_voice_between_two(teacher, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    kokoro = teacher.Teacher(graph(onnx, tmp_path / "k.onnx"), tmp_path)
    styles().tofile(tmp_path / "af_heart.bin")
    (3 * styles()).tofile(tmp_path / "bm_george.bin")
    assert teacher.list_voices(tmp_path) == ["af_heart", "bm_george"]
    for share, factor in (("0", 1.0), ("0.25", 1.5), ("1", 3.0)):
        np.testing.assert_allclose(kokoro.style(f"af_heart+bm_george@{share}"), factor * styles(), rtol=1e-6)
    for end in ("", "@", "@1.5", "@-1", "@x"):
        with pytest.raises(UserError, match="not a mixture of voices"):
            kokoro.check({"af_heart+bm_george" + end})
    with pytest.raises(UserError, match="there is no voice af_sky"):
        kokoro.check({"af_heart+af_sky@0.5"})


# speakers.py


@pytest.fixture
def speakers(recipe):
    import speakers

    return speakers


VOICES = ["af_heart", "am_puck", "bf_emma", "bm_george", "jf_alpha", "zf_xiaoxiao", "zm_yunxi"]


def test_every_text_gets_a_speaker_of_its_language(speakers, teacher, tmp_path):
    voices = tmp_path / "voices"
    voices.mkdir()
    for i, name in enumerate(VOICES):
        (styles() + i).tofile(voices / f"{name}.bin")
    rows = [
        {"id": f"s{i}", "text": f"Number {i}.", "voice": voice, "source": "made up"}
        for i, voice in enumerate(["af_heart", "bm_george", "zm_yunxi"] * 200)
    ]
    out = tmp_path / "mixed.jsonl"
    flags = ["--voices", str(voices), "-o", str(out)]
    assert speakers.main([str(write(tmp_path / "texts.jsonl", rows)), *flags]) == 0
    mixed = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row | {"voice": ""} for row in mixed] == [row | {"voice": ""} for row in rows]
    pure = 0
    for before, row in zip(rows, mixed, strict=True):
        first, _, rest = row["voice"].partition("+")
        assert (first[0] == "z") == (before["voice"][0] == "z") and first[0] in "abz"
        assert rest == "" or float(rest.partition("@")[2]) <= 0.5
        pure += rest == ""
    assert 0.25 < pure / 600 < 0.55  # a quarter, and those whose two voices are one
    assert len({row["voice"] for row in mixed}) > 300
    assert {row["voice"][:9] for row in mixed} > {"af_heart+", "bm_george"}
    # a text keeps its speaker without the others
    assert speakers.main([str(write(tmp_path / "texts.jsonl", rows[7:9])), *flags]) == 0
    assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == mixed[7:9]


def test_no_voice_of_the_language(speakers, tmp_path, capsys):
    styles().tofile(tmp_path / "zf_xiaoxiao.bin")
    texts, out = write(tmp_path / "texts.jsonl", ROWS), tmp_path / "mixed.jsonl"
    assert speakers.main([str(texts), "--voices", str(tmp_path), "-o", str(out)]) == 1
    assert "no voice of the language of af_heart" in capsys.readouterr().err and not out.exists()
    texts = write(texts, [ROWS[0] | {"voice": "af_heart+bm_george@0.3"}])
    assert speakers.main([str(texts), "--voices", str(tmp_path / "none"), "-o", str(out)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1 and not out.exists()
