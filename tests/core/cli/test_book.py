"""The command `book`: its list, its flags, its messages."""

import argparse
from dataclasses import replace

import pytest
from backends import Backend
from books import FakePipeline
from commands import without
from epubs import page, write_epub
from originals import original_config, original_weights, write_original

from nanospeech_core.book import speaking
from nanospeech_core.cli import book as cli
from nanospeech_core.cli.book import MOST_CHAPTERS, parse_chapters
from nanospeech_core.speech.timestamps import no_times

TEXT = "Chapter 1\n\nHello there.\n\nChapter 2\n\nHow are you today?\n\nChapter 3\n\nGoodbye.\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.txt").write_text(TEXT, encoding="utf-8")
    return lambda *argv, pipeline=None: cli.run((pipeline or FakePipeline()).load, argv, "prog")


def test_list(run, tmp_path, capsys):
    prose = "<p>It was a bright cold day. The clocks were striking.</p>" * 60
    pages = {
        "r.xhtml": page("<p>All rights are reserved.</p>", attributes='epub:type="copyright-page"'),
        "one.xhtml": page(f"<h1>One</h1>{prose}"),
    }
    write_epub(tmp_path / "a.epub", pages, [("One", "one.xhtml")])
    assert run("a.epub", "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The & Book, by Ann Author"
    assert lines[3].split() == ["1", "0:03:52", "601", "One"]
    assert lines[4].split() == ["-", "4", "Copyright", "(copyright)"]
    assert lines[-1] == "1 chapter, about 0:03:52; 1 left out (--all speaks them)"
    assert run("a.epub", "--list", "--all", "--speed", "2") == 0
    assert "2  0:02:32    601  One" in capsys.readouterr().out


def test_the_list_tells_the_errors_that_would_stop_the_book(run, tmp_path, capsys):
    """All of them, with the chapters' numbers in the list; nothing is spoken."""
    pytest.importorskip("av", reason="needs the extra [book]")
    text = TEXT.replace("Hello", "[voice: emma Hello").replace("Goodbye", "[voice: nobody] Goodbye")
    (tmp_path / "book.txt").write_text(text, encoding="utf-8")
    errors = [
        'chapter 1 (Chapter 1): "[voice: emma Hello there." is not',
        "chapter 3 (Chapter 3): there is no voice",
    ]
    assert run("book.txt", "--list") == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith("3 chapters, about")
    for line, error in zip(err.splitlines(), errors, strict=True):
        assert line.startswith(f"prog: {error}")
    assert run("book.txt", "--list", "--chapters", "2") == 0
    pipeline = FakePipeline()
    assert run("book.txt", "-o", "a.m4b", "--chapters", "2-", pipeline=pipeline) == 1
    assert capsys.readouterr().err.startswith(f"prog: {errors[1]}") and pipeline.spoken == []


@pytest.mark.parametrize(
    "argv",
    [
        ["--voice", "nobody"],
        ["--lexicon", "none.tsv"],
        ["--ref-audio", "none.wav", "--ref-text", "Hello."],
        ["--model", "/none/such"],
        ["-o", "a.doc"],
        ["-o", "none/a.m4b"],
        ["--cover", "none.png"],
    ],
)
def test_the_list_refuses_the_flags_that_the_book_would_refuse(run, capsys, argv):
    pytest.importorskip("av", reason="needs the extra [book]")
    pipeline = FakePipeline()
    assert run("book.txt", *(argv if "-o" in argv else ["-o", "a.m4b", *argv]), pipeline=pipeline) == 1
    refused = capsys.readouterr().err
    assert run("book.txt", "--list", *argv) == 1
    assert capsys.readouterr().err == refused and refused.count("\n") == 1


def test_the_list_of_a_model_on_the_hub_says_what_is_not_checked(run, capsys):
    assert run("book.txt", "--list", "--model", "owner/name") == 0
    assert capsys.readouterr().err == (
        "prog: tags in the text are not checked, because owner/name is not on this machine\n"
    )


def test_chosen_chapters(run, tmp_path, capsys):
    pytest.importorskip("av", reason="needs the extra [book]")
    pipeline = FakePipeline()
    assert (
        run("book.txt", "-o", "out", "--format", "flac", "--chapters", "2-", "--seed", "3", pipeline=pipeline)
        == 0
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "02 Chapter 2.flac",
        "03 Chapter 3.flac",
    ]
    assert "Hello" not in "".join(pipeline.spoken)
    err = capsys.readouterr().err
    assert err.splitlines()[-1].endswith("-> out") and "chapter 3 of 3:" in err


def test_chapters_of_the_day_before_stay(run, tmp_path, capsys):
    pytest.importorskip("av", reason="needs the extra [book]")
    for chapters in ("1", "2-3"):
        assert run("book.txt", "-o", "out", "--format", "wav", "--chapters", chapters, "--quiet") == 0
    names = [f"0{n} Chapter {n}.wav" for n in (1, 2, 3)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for argv in (["-o", "out"], ["-o", "out", "--list"]):  # of another book
        assert run("book.txt", *argv, "--chapters", "2", "--title", "Sea") == 1
        err = capsys.readouterr().err
        assert (
            err.startswith("prog: cannot write out: it has chapters of another book") and err.count("\n") == 1
        )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names


@pytest.mark.parametrize("model", [None, "owner/name"])
def test_chapters_are_checked_once_under_their_own_numbers(run, tmp_path, capsys, monkeypatch, model):
    """Before the model is loaded; one on the hub is known only then, and the message is the same."""
    pytest.importorskip("av", reason="needs the extra [book]")
    loads, checks = [], []
    find = speaking.find_errors
    monkeypatch.setattr(
        speaking, "find_errors", lambda chapters, *_: checks.append([*chapters]) or find(chapters, *_)
    )
    pipeline = FakePipeline()
    load = pipeline.load
    pipeline.load = lambda *argv: loads.append(argv) or load()
    where = [] if model is None else ["--model", model]
    text = TEXT.replace("Goodbye", "[lang: es] Goodbye")
    (tmp_path / "book.txt").write_text(text, encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    assert run("book.txt", "-o", "a.m4b", "--chapters", "2-3", *where, pipeline=pipeline) == 1
    assert capsys.readouterr().err.startswith(
        'prog: chapter 3 (Chapter 3): this model does not speak Spanish ("es")'
    )
    assert pipeline.spoken == [] and sorted(tmp_path.iterdir()) == before
    assert len(loads) == (model is not None) and checks == [[2, 3]]
    assert run("book.txt", "-o", "a.m4b", "--chapters", "2", *where, pipeline=pipeline) == 0
    assert checks == [[2, 3], [2]]


@pytest.mark.parametrize("model", [None, "owner/name"])
def test_a_model_without_times_is_refused_before_it_speaks(run, capsys, monkeypatch, model):
    pytest.importorskip("av", reason="needs the extra [book]")
    pipeline = FakePipeline()
    text = replace(pipeline.config.text, alignment="filler")
    pipeline.config = replace(pipeline.config, text=text, aligner=None, phone_duration=None)
    monkeypatch.setattr(cli, "folder_config", lambda folder: pipeline.config)
    where = [] if model is None else ["--model", model]
    assert run("book.txt", "-o", "a.m4b", "--timestamps", "srt", *where, pipeline=pipeline) == 1
    assert capsys.readouterr().err == f"prog: {no_times()}\n" and pipeline.spoken == []


def test_an_original_checkpoint_speaks_a_book(run, tmp_path, capsys):
    """It has no config.json."""
    pytest.importorskip("av", reason="needs the extra [book]")
    write_original(tmp_path / "original", original_weights(Backend("mlx"), original_config()))
    pipeline = FakePipeline()
    pipeline.config = original_config()
    assert run("book.txt", "--list", "--model", "original") == 0
    assert run("book.txt", "-o", "a.flac", "--model", "original", "--quiet", pipeline=pipeline) == 0
    assert pipeline.spoken and capsys.readouterr().err == ""
    (tmp_path / "book.txt").write_text(TEXT.replace("How", "[lang: es] How"), encoding="utf-8")
    assert run("book.txt", "--list", "--model", "original") == 1
    assert "chapter 2 (Chapter 2): this model does not speak Spanish" in capsys.readouterr().err


def test_tags_of_the_command_line(run, tmp_path):
    av = pytest.importorskip("av", reason="needs the extra [book]")
    assert run("book.txt", "-o", "a.m4b", "--title", "Mine", "--author", "Me", "--quiet") == 0
    with av.open("a.m4b") as file:
        assert (file.metadata["title"], file.metadata["artist"]) == ("Mine", "Me")


@pytest.mark.parametrize(
    ("text", "ranges"),
    [("3", [(3, 3)]), ("3-5,8", [(3, 5), (8, 8)]), ("-2", [(1, 2)]), ("10-", [(10, MOST_CHAPTERS)])],
)
def test_parse_chapters(text, ranges):
    assert parse_chapters(text) == ranges


@pytest.mark.parametrize("text", ["", "a", "0", "5-3", "1-2-3", "-", "1,,2", "1 2", "\u0663"])
def test_parse_chapters_refuses(text):
    with pytest.raises(argparse.ArgumentTypeError):
        parse_chapters(text)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["none.txt", "-o", "a.m4b"], "cannot read none.txt: No such file"),
        (["none.epub", "-o", "a.m4b"], "cannot read none.epub: No such file"),
        (["book.pdf", "-o", "a.m4b"], "suffix must be one of .epub"),
        ([".", "-o", "a.m4b"], "suffix must be one of .epub"),
        (["book.txt", "-o", "a.doc"], "suffix must be one of .m4b"),
        (["book.txt", "-o", "no/a.m4b"], "there is no folder no"),
        (["book.txt", "-o", "a.m4b", "--chapters", "7"], "there is no chapter 7: book.txt has 3"),
        (["book.txt", "-o", "a.m4b", "--cover", "book.txt"], "must be a JPEG or PNG file"),
        (["book.txt", "-o", "a.m4b", "--cover", "no.png"], "cannot read no.png"),
        (["empty.txt", "-o", "a.m4b"], "there is nothing to speak in empty.txt"),
        (["binary.txt", "-o", "a.m4b"], "is it binary data?"),
    ],
)
def test_errors_are_one_sentence(run, tmp_path, capsys, argv, message):
    pytest.importorskip("av", reason="needs the extra [book]")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "binary.txt").write_bytes(b"\x00\xff\xfe\x80" * 50)
    before = sorted(tmp_path.iterdir())
    pipeline = FakePipeline()
    assert run(*argv, pipeline=pipeline) == 1
    err = capsys.readouterr().err
    assert err.startswith("prog: ") and message in err and err.count("\n") == 1
    assert pipeline.spoken == [] and sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["book.txt"], "give --output"),
        (["book.txt", "-o", "a.m4b", "--speed", "9"], "--speed"),
        (["book.txt", "-o", "a.m4b", "--bit-rate", "9"], "16 to 320"),
        (["book.txt", "-o", "a.m4b", "--stream"], "unrecognized arguments"),
        (["book.txt", "-o", "a.m4b", "--use-diffusion", "--steps", "3"], "--steps"),
    ],
)
def test_mistakes_in_the_arguments(run, capsys, argv, message):
    with pytest.raises(SystemExit) as stop:
        run(*argv)
    assert stop.value.code == 2 and message in capsys.readouterr().err


def test_without_the_extra(run, capsys):
    with without("av"):
        from nanospeech_core.cli import book as fresh

        assert fresh.run(FakePipeline().load, ["book.txt", "-o", "a.m4b"], "prog") == 1
        assert fresh.run(FakePipeline().load, ["book.txt", "--list"], "prog") == 0
    assert 'an audiobook needs av: pip install ".[book]"' in capsys.readouterr().err


def test_with_an_old_library(run, capsys, monkeypatch):
    pytest.importorskip("av", reason="needs the extra [book]")
    monkeypatch.setattr(cli, "_writes_marks", lambda: False)
    assert run("book.txt", "-o", "a.m4b") == 1
    assert "needs PyAV 16 or newer: pip install" in capsys.readouterr().err


def test_an_interrupted_book_says_that_it_goes_on(run, tmp_path, capsys):
    pytest.importorskip("av", reason="needs the extra [book]")
    assert run("book.txt", "-o", "a.m4b", pipeline=FakePipeline(5, KeyboardInterrupt())) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert (tmp_path / "a.m4b.work").is_dir()
    assert run("book.txt", "-o", "a.m4b") == 0
    assert "is ready from the last time" in capsys.readouterr().err
    assert not (tmp_path / "a.m4b.work").exists()
