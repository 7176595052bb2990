"""What the columns of a table are; what is not clear is asked."""

import pytest

from nanospeech_core.errors import UserError
from nanospeech_torch.prepare.sources.audio_files import AudioFinder
from nanospeech_torch.prepare.sources.columns import (
    are_alike,
    check_columns,
    find_layout,
    is_label,
    is_language,
)


def layout(folder, text, columns=()):
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return find_layout(folder / "t.csv", columns, AudioFinder(folder))


def rows(*lines, count=6):
    """Rows of c00, c01, ...; "#" is a number."""
    return "".join(line.replace("#", str(i)) + "\n" for i in range(count) for line in lines)


CLEAR = {
    "c0#|Hello there #.": ("id", "text"),
    "c0#.wav|Hello there #.": ("path", "text"),
    "c0#|Hello there #.|Hello there, #.": ("id", "text", "normalized"),
    "c0#|Hello there #.|Hello there, #.|ann": ("id", "text", "normalized", "speaker"),
    "c0#.wav|Hello there #.|ann": ("path", "text", "speaker"),
    "c0#.wav|Hello there #.|ann|en": ("path", "text", "speaker", "lang"),
    "c0#.wav|Hello there #.||": ("path", "text", "-", "-"),
    "c0#.wav;Hello there, my friend #.": ("path", "text"),
}


@pytest.mark.parametrize("line", CLEAR)
def test_what_the_content_shows(clips, line):
    assert layout(clips, rows(line)).columns == CLEAR[line]


UNCLEAR = {
    "c0#.wav|ann|Hello there #.": "path,speaker,text",
    "c0#|Hello there #.|checked": "id,text,-",
    "c0#|Hello there #.|Ein anderer langer Satz ist das hier, Nummer #.": "id,-,text",
    "c0#|Hello there #.|ann": "id,text,-",
    "c0#.wav|Hello there #.|en": "path,text,-",
    "c0#.wav|Hello there #.|remark #": "path,text,-",
    "c0#.wav|Hello there #.|ann|loud": "path,text,-,-",
    "Hello there #.|c0#.wav": "text,path",
    "c0#.wav|ann": "path,text",
    "ann|c0#.wav|Hello there #.": "speaker,path,text",
    "c0#.wav|c0#|Hello there #.": "path,-,text",
}


@pytest.mark.parametrize("line", UNCLEAR)
def test_what_is_not_clear_is_asked(clips, line):
    with pytest.raises(UserError, match=r"not clear what its \d columns are .*--columns ") as caught:
        layout(clips, rows(line))
    assert f"--columns {UNCLEAR[line]} " in str(caught.value)
    columns = tuple(UNCLEAR[line].split(","))
    assert layout(clips, rows(line), columns).columns == columns


def test_one_row_shows_no_speaker(clips):
    with pytest.raises(UserError, match="not clear"):
        layout(clips, "c00.wav|Hello there.|ann\n")


HEADERS = {
    "path,text,sentence": "columns text, sentence can all be the text: .*--columns, .* such as path,text,-",
    "path,file,text": "columns path, file can all be the audio: .*such as path,-,text",
    "path,text,speaker,client_id": "can all be the voice: .*such as path,text,speaker,-",
    "path,text,text": "columns text, text can all be the text",
    "path,words": r"the header \(path, words\) names no column 'text'",
    "clip,text": r"the header \(clip, text\) names no column 'path or id'",
}


@pytest.mark.parametrize("header", HEADERS)
def test_headers_that_are_not_clear(clips, header):
    cells = "c0#.wav,Hello #.,x #,y"
    line = ",".join(cells.split(",")[: header.count(",") + 1])
    with pytest.raises(UserError, match=HEADERS[header]):
        layout(clips, header + "\n" + rows(line))


def test_a_header_with_any_other_columns(clips):
    found = layout(clips, "Path,Up-votes,Normalized Text,text,,\n" + rows("c0#.wav,3,one,1,,"))
    assert found.columns == ("path", "up_votes", "normalized_text", "text") and found.skipped == 1


SEPARATORS = {
    "c0#.wav|Hello, there; you\tand # me": "|",
    "c0#.wav\tHello, there; you #": "\t",
    "c0#.wav;Hello, there #": ";",
    "c0#.wav,Hello there #": ",",
    "c0#.wav Hello, there #": " ",
}


@pytest.mark.parametrize("line", SEPARATORS)
def test_separators(clips, line):
    assert layout(clips, rows(line)).separator == SEPARATORS[line]


MISTAKES = {
    "Hello there.\nAnd you.\n": "a line names no audio file and its text",
    "c00.wav\nc01.wav\n": "a line names no audio file and its text",
    "c00.wav,Hello|c01.wav\n": 'can both separate its columns .*make "sep=.* its first line',
    "c00.wav,a\nc01.wav,b,c\nc02.wav,d,e,f\nc03.wav,g,h,i,j\n": "its lines have 2 to 5 cells",
    'path,text\nc00.wav,"x\n': None,
    'sep=,\nc00.wav,"x': "no line has quotes that match",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(clips, text):
    if MISTAKES[text] is None:
        assert layout(clips, text).columns == ("path", "text")
        return
    with pytest.raises(UserError, match=MISTAKES[text]):
        layout(clips, text)


def test_names_for_columns():
    check_columns(("id", "text", "normalized", "-"), "--columns")
    for columns, message in {
        ("path", "speaker"): "no column of text among path, speaker",
        ("text", "speaker"): "no column of audio files",
        ("path", "text", "text"): "can all be the text",
    }.items():
        with pytest.raises(UserError, match=message):
            check_columns(columns, "--columns")


def test_labels_languages_and_forms_of_a_text():
    assert is_label(["ann", "bob", "ann", "bob"]) and is_label(["Ann Lee"] * 2)
    for texts in (["ann", "bob"], ["Yes."] * 9, ["ann", "", "ann", "ann"]):
        assert not is_label(texts)
    assert is_language(["en", "", "zh-CN", "fr-FR"]) and not is_language(["ann", "en"])
    assert are_alike(["It costs $5 today.", ""], ["It costs five dollars today.", "x"])
    assert not are_alike(["It costs $5."], ["checked"]) and not are_alike([""], [""])
