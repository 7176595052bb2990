"""Folders of chapters: what a second run replaces, and what it keeps."""

import subprocess
import sys
from pathlib import Path

import pytest
from books import FakePipeline
from commands import environment

from nanospeech_core.book.audiobook import Target, make_audiobook
from nanospeech_core.book.book import Book, Chapter
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions

av = pytest.importorskip("av", reason="needs the extra [book]")

BOOK = Book("The  Büch", "Ann", tuple(Chapter(f"T{n}", f"The text of number {n}") for n in range(1, 5)))
OTHER = Book("The Sea", "Ann", BOOK.chapters)


def make(output: Path, *numbers: int, book: Book = BOOK, **target: str) -> None:
    """Speak chapters; without numbers, all."""
    count = len(book.chapters)
    chosen = {number: book.chapters[number - 1] for number in numbers or range(1, count + 1)}
    one = Target(output, **{"suffix": ".flac", **target})
    one.check(book)
    make_audiobook(FakePipeline, book, chosen, count, one, GenerateOptions(), lambda _: "model")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def retitled(number: int, title: str, count: int = 4) -> Book:
    chapters = [*BOOK.chapters[:count]]
    chapters[number - 1] = Chapter(title, f"Now {title} has another text")
    return Book(BOOK.title, BOOK.author, tuple(chapters))


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".m4b", ".opus", ".flac", ".wav"])
def test_what_was_spoken_before_stays(tmp_path, suffix):
    out = tmp_path / "out"
    make(out, 1, 2, suffix=suffix, times=".vtt")
    first = files(out)
    make(out, 4, suffix=suffix, times=".vtt")
    second = files(out)
    assert [*second] == sorted(f"{n:02d} T{n}{kind}" for n in (1, 2, 4) for kind in (suffix, ".vtt"))
    assert first.items() <= second.items()
    make(out, 2, book=retitled(2, "New: 2"), suffix=suffix, times=".vtt")  # in place of its own files
    third = files(out)
    assert [*third] == sorted(
        f"{n}{kind}" for n in ("01 T1", "02 New 2", "04 T4") for kind in (suffix, ".vtt")
    )
    assert {name: data for name, data in third.items() if name[:2] != "02"} == {
        name: data for name, data in second.items() if name[:2] != "02"
    }
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_chapter_has_one_file_in_whatever_format(tmp_path):
    """And no times of speech that is gone."""
    make(tmp_path / "out", 1, 2, times=".srt")
    make(tmp_path / "out", 2, suffix=".opus", times=".json")
    assert [*files(tmp_path / "out")] == ["01 T1.flac", "01 T1.srt", "02 T2.json", "02 T2.opus"]
    make(tmp_path / "out", 2)
    assert [*files(tmp_path / "out")] == ["01 T1.flac", "01 T1.srt", "02 T2.flac"]


def test_a_file_that_a_player_reads_stays_the_same_file(tmp_path):
    """Its times and links too."""
    make(tmp_path / "out", 1)
    before = (tmp_path / "out" / "01 T1.flac").stat()
    make(tmp_path / "out", 2)
    after = (tmp_path / "out" / "01 T1.flac").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_file_system_without_hard_links(tmp_path, monkeypatch):
    make(tmp_path / "out", 1)
    before = files(tmp_path / "out")

    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    make(tmp_path / "out", 2)
    assert before.items() <= files(tmp_path / "out").items() and len(files(tmp_path / "out")) == 2


@pytest.mark.parametrize("numbers", [(), (1, 3)])
def test_files_of_others_stay(tmp_path, numbers):
    out = tmp_path / "out"
    make(out, 1)
    others = {
        "cover.jpg": b"jpg",
        ".DS_Store": b"",
        "01 Song.mp3": b"a song",
        "03 notes.json": b"{}",
        "1.txt": b"",
    }
    for name, data in others.items():
        (out / name).write_bytes(data)
    (out / "link").symlink_to(tmp_path)
    make(out, *numbers, book=retitled(1, "New"))
    spoken = [n for n in numbers or (1, 2, 3, 4)]
    kept = files_but(out, "link")
    assert others.items() <= kept.items() and (out / "link").readlink() == tmp_path
    assert sorted(kept.keys() - others) == [f"{n:02d} {'New' if n == 1 else f'T{n}'}.flac" for n in spoken]


def files_but(folder: Path, name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != name}


def test_the_whole_book_is_a_new_folder(tmp_path):
    """Of an older version with more chapters, nothing is left."""
    make(tmp_path / "out", times=".vtt")
    make(tmp_path / "out", book=retitled(1, "New", count=2))
    assert [*files(tmp_path / "out")] == ["01 New.flac", "02 T2.flac"]


@pytest.mark.parametrize("numbers", [(2,), ()])  # some, all
def test_two_books_in_one_folder_are_refused(tmp_path, numbers):
    make(tmp_path / "out", 1)
    before = files(tmp_path / "out")
    with pytest.raises(
        UserError, match=r'chapters of another book \(01 T1.flac is of "The  Büch"\)'
    ) as error:
        make(tmp_path / "out", *numbers, book=OTHER)
    assert str(error.value).count("\n") == 0 and files(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_folder_of_times_is_that_of_its_file(tmp_path):
    """Times count from the beginning of the file, so those of an older file go; what others wrote stays."""
    make(tmp_path / "book.m4b", 1, 2, times=".vtt")
    (tmp_path / "book.vtt" / "notes.txt").touch()
    make(tmp_path / "book.m4b", 3, times=".vtt")
    assert [*files(tmp_path / "book.vtt")] == ["03 T3.vtt", "notes.txt"]


def test_a_folder_that_cannot_be_replaced_is_refused_before_speaking(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with pytest.raises(UserError, match="it is the current folder"):
        make(Path("."))
    (tmp_path / "book.vtt").touch()
    with pytest.raises(UserError, match="it is a file, and no folder"):
        make(tmp_path / "book.m4b", times=".vtt")


KILLED = '''
import os, shutil, signal, sys
from pathlib import Path
import av
from test_audiobook_folder import BOOK, files, make, retitled
from nanospeech_core.system import folders

os.chdir(sys.argv[1])
if sys.argv[2] == "renames":  # a file system that cannot exchange two folders
    folders.exchange = lambda *_: False
CHANGES = {"os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "shutil.move"}

def run(kill):
    """In a child that is killed before its change number `kill` of the disk; whether it was."""
    child = os.fork()
    if child == 0:
        left = [kill]
        def hook(event, args):
            if event in CHANGES or (event == "open" and args[2] & os.O_CREAT):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        make(Path("out"), 2, book=retitled(2, "New"))
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL

make(Path("out"), 1, 2)
Path("out/notes.txt").write_text("mine")
old = files(Path("out"))
shutil.copytree("out", "old")
make(Path("whole"), 1, 2)
Path("whole/notes.txt").write_text("mine")
make(Path("whole"), 2, book=retitled(2, "New"))
new = files(Path("whole"))
assert [*new] == ["01 T1.flac", "02 New.flac", "notes.txt"], new
seen, kill = [], 1
while run(kill):
    folder = Path("out")
    if not folder.exists() and sys.argv[2] == "renames":  # the next run puts it back
        folder, = Path().glob(".out.*.old")
    found = files(folder)
    assert found in (old, new), (kill, found.keys())
    seen.append(found == new)
    run(0)
    assert files(Path("out")) == new
    assert sorted(os.listdir()) == ["old", "out", "whole"], os.listdir()
    shutil.rmtree("out")
    shutil.copytree("old", "out")
    kill += 1
assert len(seen) > 10 and {*seen} == {False, True}, seen
'''


@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_killed_at_any_moment(tmp_path, way):
    """The folder is the old or the new one, with what others wrote; the same command makes the new one."""
    code = f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]}\n{KILLED}"
    line = [sys.executable, "-c", code, str(tmp_path), way]
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
