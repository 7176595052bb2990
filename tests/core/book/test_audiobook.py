"""Audiobooks from beginning to end: files and folders, times, resuming, two processes."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from books import RATE, FakePipeline, decoded, tone
from commands import environment
from epubs import COVER

from nanospeech_core.book.audiobook import Target, make_audiobook
from nanospeech_core.book.book import Book, Chapter
from nanospeech_core.book.speaking import LEAD, TAIL
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions

av = pytest.importorskip("av", reason="needs the extra [book]")

TEXTS = [
    "\n\n".join(
        f"Sentence {word} of {name} has some more words" for word in "one two three four".split() * 12
    )
    for name in ("the cave", "the sea", "home")
]
BOOK = Book(
    "The Book",
    "Ann Author",
    tuple(Chapter(f"Chapter {n}: ü/{n}", text) for n, text in enumerate(TEXTS, 1)),
    "en",
)


def make(
    output, pipeline=None, book=BOOK, options=None, key="model", progress=None, numbers=None, **target
) -> float:
    """numbers: of the chapters that are spoken; None: all."""
    one = Target(output, **{"suffix": ".mp3", **target})
    count = len(book.chapters)
    one.check(book)
    pipeline = pipeline or FakePipeline()
    options = options or GenerateOptions()
    chapters = {number: book.chapters[number - 1] for number in numbers or range(1, count + 1)}
    return make_audiobook(lambda: pipeline, book, chapters, count, one, options, lambda _: key, progress)


def wave_of(text: str) -> np.ndarray:
    silence = [np.zeros(round(seconds * RATE), np.float32) for seconds in (LEAD, TAIL)]
    return np.concatenate([silence[0], *map(tone, text.split("\n\n")), silence[1]])


EXPECTED = [wave_of(text) for text in TEXTS]
STARTS = [0, *itertools.accumulate(len(wave) / RATE for wave in EXPECTED)]


@pytest.mark.parametrize("suffix", ["m4b", "m4a", "mp3", "opus", "flac"])
def test_one_file_with_chapters_tags_and_cover(tmp_path, suffix):
    output = tmp_path / f"book.{suffix}"
    seconds = make(output, book=BOOK.with_cover(COVER.read_bytes()))
    assert seconds == pytest.approx(STARTS[-1])
    with av.open(str(output)) as file:
        tags = {**file.metadata, **file.streams.audio[0].metadata}
        tags = {key.lower(): value for key, value in tags.items()}
        assert (tags["title"], tags["artist"], tags["album"]) == ("The Book", "Ann Author", "The Book")
        assert tags["genre"] == "Audiobook"
        assert file.duration / 1e6 == pytest.approx(STARTS[-1], abs=0.1)
        pictures = [
            stream for stream in file.streams.video if stream.disposition & av.stream.Disposition.attached_pic
        ]
        assert len(pictures) == 1
        assert bytes(next(file.demux(pictures[0]))) == COVER.read_bytes()
        marks = file.chapters()
        assert [mark["metadata"]["title"] for mark in marks] == [chapter.title for chapter in BOOK.chapters]
        assert [float(mark["start"] * mark["time_base"]) for mark in marks] == pytest.approx(
            STARTS[:-1], abs=0.002
        )
    wave, expected = decoded(output), np.concatenate(EXPECTED)
    assert abs(len(wave) - len(expected)) < 0.1 * RATE
    # The same sound, not later than the delay of an encoder.
    shared = min(len(wave), len(expected))
    loud = [
        np.sqrt(np.convolve(part[:shared] ** 2, np.ones(2400) / 2400, "same")) for part in (wave, expected)
    ]
    assert np.corrcoef(*loud)[0, 1] > 0.97
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_audio_as_spoken(tmp_path, suffix):
    make(tmp_path / f"book.{suffix}")
    wave, rate = soundfile.read(tmp_path / f"book.{suffix}", dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(wave, np.concatenate(EXPECTED), atol=1 / 32000)


def test_a_file_that_players_can_begin_at_once(tmp_path):
    make(tmp_path / "book.m4b")
    data = (tmp_path / "book.m4b").read_bytes()
    assert data[4:12] == b"ftypM4B " and data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac"])
def test_a_folder_with_a_file_per_chapter(tmp_path, suffix):
    make(tmp_path / "book", suffix=f".{suffix}", times=".json")
    names = [f"{n:02d} Chapter {n} ü {n}" for n in (1, 2, 3)]
    files = sorted(path.name for path in (tmp_path / "book").iterdir())
    assert files == sorted(f"{name}.{kind}" for name in names for kind in (suffix, "json"))
    for number, (name, expected) in enumerate(zip(names, EXPECTED, strict=True), 1):
        path = tmp_path / "book" / f"{name}.{suffix}"
        with av.open(str(path)) as file:
            assert file.metadata["title"] == BOOK.chapters[number - 1].title and file.chapters() == []
            if suffix == "mp3":
                assert file.metadata["track"] == f"{number}/3" and file.metadata["album"] == "The Book"
        assert len(decoded(path)) == pytest.approx(len(expected), abs=0.1 * RATE)
        times = json.loads((tmp_path / "book" / f"{name}.json").read_text(encoding="utf-8"))
        assert times["sentences"][0]["start"] == pytest.approx(LEAD)
        assert times["duration"] == pytest.approx(len(expected) / RATE - TAIL, abs=0.001)
    make(tmp_path / "book", suffix=f".{suffix}")  # replaces the whole folder
    assert len(list((tmp_path / "book").iterdir())) == 3 and len(list(tmp_path.iterdir())) == 1


def test_chosen_chapters_keep_their_numbers(tmp_path):
    """In names, tracks and the progress; whatever else is spoken, the files sort as the book does."""
    book = Book("B", "", tuple(Chapter(f"T{n}", f"The text of number {n}") for n in range(1, 121)))
    reports: list[tuple] = []
    make(
        tmp_path / "book",
        book=book,
        times=".srt",
        numbers=(5, 7),
        progress=lambda *each: reports.append(each),
    )
    names = sorted(path.name for path in (tmp_path / "book").iterdir())
    assert names == ["005 T5.mp3", "005 T5.srt", "007 T7.mp3", "007 T7.srt"]
    with av.open(str(tmp_path / "book" / "007 T7.mp3")) as file:
        assert file.metadata["track"] == "7/120"
    assert list(dict.fromkeys(number for number, *_ in reports)) == [5, 7]
    make(tmp_path / "book.m4b", book=book, times=".vtt", numbers=(120,))
    assert [path.name for path in (tmp_path / "book.vtt").iterdir()] == ["120 T120.vtt"]


def test_what_is_finished_is_found_whatever_else_is_spoken(tmp_path):
    first = FakePipeline(100, KeyboardInterrupt())  # in the third chapter
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "book.flac", first)
    second = FakePipeline()
    make(tmp_path / "book.flac", second, numbers=(2, 3))
    assert second.spoken and not set(first.spoken[:-1]) & set(second.spoken)


def test_an_error_that_only_speaking_finds_names_its_chapter(tmp_path):
    pipeline = FakePipeline(1, UserError("none of its phonemes is known"))
    with pytest.raises(UserError, match=r"^chapter 2 \(Chapter 2: ü/2\): none of its phonemes is known$"):
        make(tmp_path / "book.flac", pipeline, numbers=(2, 3))


def test_times_of_one_file(tmp_path):
    make(tmp_path / "book.m4b", times=".json")
    files = sorted((tmp_path / "book.json").iterdir())
    assert len(files) == 3
    for path, start in zip(files, STARTS[:-1], strict=True):
        sentences = json.loads(path.read_text(encoding="utf-8"))["sentences"]
        assert len(sentences) == 48 and sentences[0]["start"] == pytest.approx(start + LEAD, abs=0.001)
        assert all(a["end"] <= b["start"] + 0.001 for a, b in itertools.pairwise(sentences))


@pytest.mark.parametrize("stop", [1, 30, 70, 143])
def test_a_stopped_book_goes_on(tmp_path, stop):
    whole = FakePipeline()
    make(tmp_path / "whole.flac", whole)
    output = tmp_path / "book.flac"
    first = FakePipeline(stop, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        make(output, first)
    assert not output.exists()
    reports: list[tuple] = []
    second = FakePipeline()
    make(output, second, progress=lambda *numbers: reports.append(numbers))
    assert first.spoken[:-1] + second.spoken == whole.spoken  # what was finished is not spoken again
    assert output.read_bytes() == (tmp_path / "whole.flac").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.flac", "whole.flac"]
    ready = {ready for _, _, ready, _ in reports}
    total = sum(map(len, whole.spoken))
    assert ready == {sum(map(len, first.spoken[:-1]))} and reports[-1][1:] == (
        total - reports[-1][2],
        *ready,
        total,
    )


@pytest.mark.parametrize("change", ["text", "option", "model", "damage"])
def test_what_has_changed_is_spoken_again(tmp_path, change):
    output = tmp_path / "book.flac"
    first = FakePipeline(100, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        make(output, first)
    finished = first.spoken[:-1]
    book, options, key = BOOK, GenerateOptions(), "model"
    again = set(finished)
    if change == "text":
        changed = Chapter(BOOK.chapters[0].title, TEXTS[0].replace("one", "nine", 1))
        book = Book(BOOK.title, BOOK.author, (changed, *BOOK.chapters[1:]))
        again = {finished[0].replace("one", "nine", 1)}
    elif change == "option":
        options = GenerateOptions(seed=1)
    elif change == "model":
        key = "another"
    else:
        damaged = sorted((tmp_path / "book.flac.work").glob("*.flac"))
        for path in damaged:
            path.write_bytes(path.read_bytes()[:-10])
    second = FakePipeline()
    make(output, second, book, options, key)
    assert again <= set(second.spoken)
    if change == "text":
        assert not set(finished[1:]) & set(second.spoken)


def test_one_voice_speaks_the_whole_book(tmp_path):
    chapters = (
        Chapter("One", "Hello there, my friend."),
        Chapter("Two", "你好，世界。"),
        Chapter("Three", "And so on."),
    )
    pipeline = FakePipeline()
    make(tmp_path / "book.flac", pipeline, Book("B", "", chapters))
    assert pipeline.voices == {"heart"}


def test_a_second_process_is_told(tmp_path):
    code = (
        "import sys, time; from nanospeech_core.book.work_folder import work_folder\n"
        "with work_folder(sys.argv[1]): print(flush=True); time.sleep(60)"
    )
    output = tmp_path / "book.m4b"
    line = [sys.executable, "-c", code, str(output)]
    with subprocess.Popen(line, env=environment(), stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(UserError, match="another process is making .*book.m4b"):
            make(output)
        other.send_signal(signal.SIGKILL)
    make(output)  # a killed process holds no lock


def test_errors_before_anything_is_spoken(tmp_path):
    (tmp_path / "full" / "letters").mkdir(parents=True)
    for output, message in [
        (tmp_path / "full", r"it has other folders \(letters\)"),
        (tmp_path / "book.pdf", "suffix must be one of"),
        (tmp_path / "none" / "book.m4b", "no folder"),
        (tmp_path / "none" / "book", "no folder"),
    ]:
        with pytest.raises(UserError, match=message):
            make(output)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_an_error_of_the_encoder_leaves_the_old_file(tmp_path, monkeypatch):
    output = tmp_path / "book.m4b"
    output.write_bytes(b"old")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(UserError, match="No space left"):
        make(output)
    assert output.read_bytes() == b"old"


@pytest.mark.slow
def test_kill(tmp_path):
    """kill -9 whenever a passage is finished, and in between: the result is that of an undisturbed run."""
    (tmp_path / "book.txt").write_text(
        "\n\n".join(f"Chapter {n}\n\nHello there, number {n}." for n in range(1, 6))
    )
    line = [
        sys.executable,
        "-m",
        "nanospeech_mlx.book",
        "book.txt",
        "--num_iter",
        "1",
        "--diffusion-steps",
        "1",
    ]

    def start(output: str) -> subprocess.Popen:
        return subprocess.Popen([*line, "-o", output, "--quiet"], cwd=tmp_path, env=environment())

    assert start("whole.m4b").wait(120) == 0
    work = tmp_path / "book.m4b.work"
    for kill in range(4):
        process = start("book.m4b")
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(work.glob("*.json"))) > kill:
                break
            time.sleep(0.01)
        process.kill()
        process.wait()
    assert len(list(work.glob("*.json"))) >= 3 and not os.path.exists(tmp_path / "book.m4b")
    assert start("book.m4b").wait(120) == 0
    assert (tmp_path / "book.m4b").read_bytes() == (tmp_path / "whole.m4b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.m4b", "book.txt", "whole.m4b"]
