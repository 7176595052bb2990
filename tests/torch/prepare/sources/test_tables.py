"""Tables of recordings: no text is cut, invented or lost without a reason."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from preparations import problems, read, read_all, unused

from nanospeech_core.errors import UserError
from nanospeech_torch.prepare.recording import Remark
from nanospeech_torch.prepare.sources.inputs import find_inputs, read_recordings

WORDS = "the of and to in that it was he for on with his at by not from they but had were".split()


def sentence(i: int) -> str:
    rng = np.random.default_rng(i)
    return " ".join(rng.choice(WORDS, size=rng.integers(4, 12))).capitalize() + f" {i}."


def write(folder: Path, text: str, name: str = "metadata.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def test_ljspeech(audio_files):
    write(
        audio_files,
        'a1|All 10 "dogs" bark.|All ten "dogs" bark.\n\na2|It is late.|\na3|It is three.|It is three.\n'
        "none|x|x\njust an id\n|no id|\n",
    )
    found = read(audio_files)
    assert [r.id for r in found] == ["a1", "a2", "a3", "none", "metadata.csv:6", "metadata.csv:7"]
    assert [r.meta.get("text") for r in found[:3]] == ['All ten "dogs" bark.', "It is late.", "It is three."]
    assert {r.default_voice for r in found[:3]} == {"set"}  # of a table without speakers: one voice
    assert [Path(r.audio).relative_to(audio_files).as_posix() for r in found[:3]] == [
        *("wavs/a1.wav", "wavs/a2.flac", "a3.wav")
    ]
    assert problems(found) == [
        ("none", "no audio file"),
        ("metadata.csv:6", "a line with fewer cells than columns"),
        ("metadata.csv:7", "no name of an audio file"),
    ]
    assert found[3].detail == "none"
    assert read(audio_files / "metadata.csv") == found


@pytest.mark.parametrize("id", ["a1", "a1.wav", "wavs/a1", "wavs/a1.wav"])
def test_audio_beside_or_in_wavs_with_or_without_suffix(audio_files, id):
    write(audio_files, f"{id}|one\n")
    (found,) = read(audio_files)
    assert Path(found.audio) == audio_files / "wavs" / "a1.wav"
    assert found.id == id.removesuffix(".wav") and found.meta["text"] == "one" and found.file == id
    assert found.default_voice == "set" and found.meta["suffix"] == ".wav"


TABLES = {
    "path|text|speaker|lang": "wavs/a1.wav|one|ann|en-gb\nwavs/a2.flac|two|ann|\na3.wav|three|ann|en\n",
    "id|text|normalized|speaker": "a1|is 1|is one|ann\na2|two|two|ann\na3|three|three|ann\n",
    "bars and a header": "audio_file|speaker|text\nwavs/a1.wav|ann|is one\nwavs/a2.flac|bob|two\n",
    "tabs": "wavs/a1.wav\tone\tann\nwavs/a2.flac\ttwo\tann\n",
    "commas": '\ufefffile_name,transcription,Speaker ID\r\nwavs/a1.wav,"one",ann\r\nwavs/a2.flac,two,bob\r\n',
    "semicolons": 'path;text;speaker\nwavs/a1.wav;one;ann\nwavs/a2.flac;"two";bob\n',
    "semicolons, no header": "wavs/a1.wav;one;ann\nwavs/a2.flac;two;ann\n",
    "commas, no header": "wavs/a1.wav,one,ann\nwavs/a2.flac,two,ann\n",
    "Excel": "sep=;\r\npath;text;speaker\r\nwavs/a1.wav;one;ann\r\nwavs/a2.flac;two;ann\r\n",
    "Excel, no header": '"sep=|"\nwavs/a1.wav|one|ann\nwavs/a2.flac|two|ann\n',
    "Windows": "path,text,speaker\r\nwavs\\a1.wav,one,ann\r\nwavs\\a2.flac,two,bob\r\n",
    "Common Voice": "client_id\tpath\tsentence_id\tsentence\tup_votes\n"
    "ann\ta1.wav\tq\tone\t2\nbob\ta2.flac\tr\ttwo\t0\n",
    "an unknown first line": "clip|words|who\nwavs/a1.wav|one|ann\nwavs/a2.flac|two|ann\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_tables(audio_files, table, encoding):
    if encoding == "utf-16":
        table = table.removeprefix("\ufeff")
    path = write(audio_files, table, "list.csv", encoding)
    columns = ("path", "text", "speaker") if table.startswith("clip|") else ()
    found = [r for r in read(path, columns=columns) if not r.problem]
    assert [(Path(r.audio).stem, r.meta["text"].removeprefix("is "), r.meta["voice"]) for r in found[:2]] == [
        *(("a1", "one", "ann"), ("a2", "two", "bob" if "bob" in table else "ann"))
    ]
    assert all(r.audio or r.detail == "clip" for r in read(path, columns=columns))


def test_how_it_was_understood(audio_files):
    path = write(audio_files, TABLES["Common Voice"], "validated.tsv")
    columns = "client_id, path, sentence_id, sentence, up_votes"
    assert read_all(path)[0] == Remark(f"validated.tsv: columns {columns}; separated by tabs")
    assert unused(path) == {"column 3 (sentence_id)": 2, "column 5 (up_votes)": 2}
    path = write(audio_files, "wavs/a1.wav|one\n", "one.txt")
    assert unused(path) == {"audio files that one.txt does not name": 1}  # a2.flac
    path = write(
        audio_files, "path|text|speaker|notes\nwavs/a1.wav|one||\nwavs/a2.flac|two||loud\n", "two.txt"
    )
    assert unused(path) == {"column 4 (notes)": 1}


def test_transcripts_of_librispeech(audio_files):
    path = write(audio_files, "a1 ONE, AND ONE\na2 TWO\na9 NINE\n", "transcripts.txt")
    found = read(path)
    assert [r.meta.get("text", "").strip() for r in found] == ["ONE, AND ONE", "TWO", ""]
    assert problems(found) == [("a9", "no audio file")]


def test_named_columns_go_before_the_rule(audio_files):
    path = write(audio_files, "a1.wav|ann|one, two\n")
    (found,) = read(audio_files, columns=("path", "speaker", "text"))
    assert (found.meta["text"], found.meta["voice"]) == ("one, two", "ann")
    (found,) = read(audio_files, columns=("path", "-", "text"))
    assert (found.meta["text"], found.meta["voice"], found.default_voice) == ("one, two", "", "set")
    assert found.unused == ("column 2 (-)",)
    with pytest.raises(UserError, match="has 3 columns, and --columns names 2"):
        read(path, columns=("path", "text"))


# a part of a text


@pytest.mark.parametrize(
    "table",
    [
        "path,text,speaker\nc00.wav,Hello there, my friend,ann\nc01.wav,Hello,ann\n",
        "path|text\nc00.wav|Hello there | my friend\nc01.wav|Hello\n",
        "c00.wav|Hello there | my friend|ann\nc01.wav|Hello|ann\nc02.wav|Hello you.|ann\n",
        "path\ttext\nc00.wav\tHello there\tmy friend\nc01.wav\tHello\n",
        "path,text,speaker\nc00.wav,Hello there\nmy friend,ann\nc01.wav,Hello,ann\n",
        'path,text\nc00.wav,"Hello there" my friend\nc01.wav,Hello\n',
        'path,text\nc00.wav,"Hello there\nc01.wav,Hello\n',
    ],
)
def test_a_text_that_may_be_cut_is_not_used(clips, table):
    found = read(write(clips, table))
    assert [r.meta["text"] for r in found if not r.problem and r.id == "c01"] == ["Hello"]
    assert not [r for r in found if r.id == "c00"] and any(r.problem for r in found)


def damage(line: str, how: int, separator: str) -> str:
    """A line of a table with quotes around its text, made wrong as people do it."""
    head, text, rest = line.split('"')
    return [
        f'{head}"{text}{rest}',  # not closed
        f"{head}{text.replace(' ', separator, 1)}{rest}",  # a separator without quotes
        f'{head}"{text}" and{rest}',  # a text after the quote
        f"{head}{text}",  # a cell less
        f'{head}"{text.replace(" ", chr(10), 1)}{rest}',  # not closed, in two lines
    ][how]


@pytest.mark.parametrize("seed", range(40))
def test_generated_tables(clips, seed):
    """Every text that is used is the one that was written; every other line is rejected, and only that."""
    rng = np.random.default_rng(seed)
    separator = ",;"[seed % 2]
    texts = {f"c{i:02d}": sentence(i) for i in range(40)}
    bad = set(rng.choice(list(texts), size=seed % 8, replace=False))
    lines, of_line = [f"path{separator}text{separator}speaker"], {}
    for id, text in texts.items():
        line = f'{id}.wav{separator}"{text}"{separator}ann'
        if id in bad:
            line = damage(line, int(rng.integers(5)), separator)
        for part in line.split("\n"):
            lines.append(part)
            of_line[len(lines)] = id
    found = read(write(clips, "\n".join(lines) + "\n"))
    used = {r.id: r.meta["text"] for r in found if not r.problem}
    assert used == {id: text for id, text in texts.items() if id not in bad}
    places = {of_line[int(r.id.rpartition(":")[2])] for r in found if r.problem}
    assert places == bad


@pytest.mark.parametrize("seed", range(40))
def test_generated_layouts(clips, seed):
    """In any order of columns: each text and speaker is what was written, or the user is asked."""
    rng = np.random.default_rng(seed)
    names = ["path", "text", "speaker", *["notes", "score"][: seed % 3]]
    rng.shuffle(names)
    rows = [
        {
            "path": f"c{i:02d}.wav",
            "text": sentence(i),
            "speaker": rng.choice(["ann", "bob"]),
            "notes": rng.choice(["", "loud", "checked twice"]),
            "score": str(rng.integers(99)),
        }
        for i in range(40)
    ]
    file, separator = io.StringIO(newline=""), ",;|\t"[seed % 4]
    writer = csv.DictWriter(file, names, extrasaction="ignore", delimiter=separator)
    if header := seed % 2:
        writer.writeheader()
    writer.writerows(rows)
    path = write(clips, file.getvalue())
    expected = [(row["path"], row["text"], row["speaker"]) for row in rows]

    def understood(columns=()):
        return [(r.file, r.meta["text"], r.meta["voice"]) for r in read(path, columns=columns)]

    if header or names == ["path", "text", "speaker"]:
        assert understood() == expected
    else:
        with pytest.raises(UserError, match="not clear what its .* columns are .*--columns "):
            understood()
    columns = tuple(name if name in ("path", "text", "speaker") else "-" for name in names)
    if not header:
        assert understood(columns) == expected


def test_empty_and_binary_tables(audio_files):
    assert read(write(audio_files, "", "a.csv")) == read(write(audio_files, "sep=;\n\n", "a.csv")) == []
    (audio_files / "b.csv").write_bytes(
        b"wavs/a1.wav|caf\xe9\n" + "a2|café à Orléans, déjà été, né élevé\n".encode()
    )
    assert "\ufffd" in read(audio_files / "b.csv")[0].meta["text"]  # rejected later
    found = read(write(audio_files, "file,text\nwavs/a1.wav," + "x" * 200_000 + "\nwavs/a2.flac,two\n"))
    assert problems(found) == [("metadata.csv:2", "a broken line")] and found[1].meta["text"] == "two"


def test_resuming_at_any_row(clips):
    path = write(clips, "path,text\n" + "".join(f"c{i:02d}.wav,{i},x\nc{i:02d}.wav,{i}\n" for i in range(20)))
    (source,) = find_inputs([str(path)])
    complete = list(read_recordings(source))
    assert len(complete) == 42
    for skip in (1, 7, 41, 42, 43):
        assert list(read_recordings(source, skip)) == complete[skip:]


# which file


def test_two_files_of_one_name(clips):
    (clips / "c00.mp3").write_bytes(b"other")
    path = write(clips, "c00.wav|one\nc00.mp3|two\nc00|three\n")
    found = read(path)
    assert [(r.id, r.meta.get("text")) for r in found] == [("c00", "one"), ("c00.mp3", "two"), ("c00", None)]
    assert (found[2].problem, found[2].detail) == ("several audio files", "c00.mp3, c00.wav")


def test_a_file_beside_the_table_and_in_wavs(audio_files):
    (audio_files / "a1.wav").write_bytes(b"another a1")
    (found,) = read(write(audio_files, "a1.wav|one\n"))
    assert (found.problem, found.detail) == ("several audio files", "a1.wav, wavs/a1.wav")
    (audio_files / "a1.wav").unlink()
    (audio_files / "a1.wav").symlink_to(audio_files / "wavs" / "a1.wav")  # the same file
    assert not read(audio_files)[0].problem


def test_names_that_a_mac_has_written(audio_files):
    (audio_files / "cafe\u0301.WAV").touch()
    found = read(write(audio_files, "caf\u00e9|one\ncaf\u00e9.WAV|two\n"))
    assert [Path(r.audio).name for r in found] == ["cafe\u0301.WAV"] * 2


@pytest.mark.parametrize("name", ["..", ".", "/", "a\0b", "x" * 5000, "a/" * 500, "C:\\a.wav", "~"])
def test_names_that_no_file_can_have(audio_files, name):
    path = write(audio_files, json.dumps({"audio": name, "text": "x"}), "list.jsonl")
    assert problems(read(path)) == [(name.removesuffix(".wav"), "no audio file")]
