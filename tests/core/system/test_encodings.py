"""Text that is not UTF-8: read where a byte order mark makes it certain, else named with what to do."""

import json

import numpy as np
import pytest

from nanospeech_core.cli import generate as cli
from nanospeech_core.errors import UserError
from nanospeech_core.system import encodings
from nanospeech_core.system.encodings import argument, decode, guess, open_text, read_text
from nanospeech_core.system.files import json_lines
from nanospeech_core.text.checks import check_text, decode_text
from nanospeech_core.text.pronunciation.lexicon import read_lexicon

ENGLISH = "Hello there.\r\nThe second line: naïve café, “quoted” — and dashes.\n"
TEXTS = {
    "cp1252": [
        ENGLISH,
        "Schöne Grüße aus München.",
        "L’été à Paris, c’est déjà fini.",
        "¿Cómo estás, señor?",
    ],
    "gbk": [
        "你好，世界！",
        "今天天气不错，我们去公园吧。",
        "春眠不觉晓，处处闻啼鸟。",
        "GPU 很快，CPU 很慢。",
    ],
    "big5": ["你好，世界！", "今天天氣不錯，我們去公園吧。", "春眠不覺曉，處處聞啼鳥。"],
    "shift_jis": ["こんにちは、世界。", "今日は天気がいいですね。", "東京は日本の首都です。"],
    "utf-16-le": [ENGLISH, "Hello", "你好，世界！今天天气不错。", "今日は天気がいいですね。"],
    "utf-16-be": [ENGLISH, "Hello", "你好，世界！今天天氣不錯。"],
    "utf-32-le": [ENGLISH],
}
CASES = [(encoding, text) for encoding, texts in TEXTS.items() for text in texts]


@pytest.mark.parametrize(("encoding", "text"), CASES)
def test_an_encoding_is_named_with_what_to_do(encoding, text):
    called = encoding.upper().replace("16-", "16").replace("32-", "32")
    assert guess(text.encode(encoding)) == encoding
    with pytest.raises(UserError) as caught:
        decode(text.encode(encoding), "lines.txt")
    assert str(caught.value) == (
        f"lines.txt is not UTF-8; it is probably {called}: save it as UTF-8 (or: iconv -f {called} -t UTF-8)"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", ["", ENGLISH, "你好，世界！", "a\0b"])
def test_what_is_certain_is_read(encoding, text):
    assert decode(text.encode(encoding), "x") == text == decode_text(text.encode(encoding))


def test_the_other_byte_order():
    assert decode(b"\xfe\xff" + "é\n".encode("utf-16-be"), "x") == "é\n"
    assert decode(b"\0\0\xfe\xff" + "é\n".encode("utf-32-be"), "x") == "é\n"


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\xff", b"\xff\xfe\x00", b"h\xff", bytes(range(256))])
def test_binary_data_is_no_encoding(data):
    with pytest.raises(UserError, match=r"x is not UTF-8 \(at byte \d+\); is it binary data\?"):
        decode(data, "x")


def test_random_bytes_are_seldom_taken_for_text():
    rng = np.random.default_rng(0)
    assert sum(guess(rng.bytes(int(rng.integers(20, 2000)))) is not None for _ in range(500)) <= 3


def test_a_sample_may_end_inside_a_character():
    assert guess(("一" + "的人大小" * encodings.SAMPLE).encode("gbk")[1:][1:]) == "gbk"
    assert guess(b"a" + "的人大小".encode("gbk") * encodings.SAMPLE) == "gbk"


def test_read_text_names_the_file(tmp_path):
    path = tmp_path / "小明.txt"
    path.write_bytes("你好，世界！".encode("gbk"))
    with pytest.raises(UserError, match=r"小明\.txt is not UTF-8; it is probably GBK"):
        read_text(path)
    with pytest.raises(UserError, match=r"^the list is not UTF-8"):
        read_text(path, "the list")
    with pytest.raises(UserError, match=r"cannot read .*none.txt: No such file"):
        read_text(tmp_path / "none.txt")


# line by line


def test_open_text_reads_marks_and_keeps_line_ends(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "a.csv").write_bytes("é|1\r\n你|2\n".encode(encoding))
        with open_text(tmp_path / "a.csv") as file:
            assert list(file) == ["é|1\r\n", "你|2\n"]


def test_open_text_names_a_table_in_another_encoding(tmp_path):
    (tmp_path / "a.csv").write_bytes("wavs/a.wav|café\n".encode("cp1252"))
    with pytest.raises(UserError, match=r"a\.csv is not UTF-8; it is probably CP1252"):
        open_text(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes("a.wav|Hello.\n".encode("utf-16-le"))
    with pytest.raises(UserError, match="UTF-16LE"):
        open_text(tmp_path / "a.csv")


def test_open_text_lets_a_broken_line_of_a_table_in_utf8_through(tmp_path):
    (tmp_path / "a.csv").write_bytes("b.wav|déjà été à Orléans, né élevé\n".encode() + b"a.wav|caf\xe9\n")
    with open_text(tmp_path / "a.csv") as file:
        assert list(file) == ["b.wav|déjà été à Orléans, né élevé\n", "a.wav|caf\ufffd\n"]


# where texts come in


def test_lexicons_and_lists(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes("word\ta\n".encode("utf-16"))
    assert read_lexicon(path, "abc") == {"word": "a"}
    path.write_bytes('{"text": "é"}\n'.encode("utf-16"))
    assert [*json_lines(path)] == [(1, {"text": "é"})]
    path.write_bytes("café\ta\n".encode("cp1252"))
    with pytest.raises(UserError, match=r"x\.txt is not UTF-8; it is probably CP1252"):
        read_lexicon(path, "abc")
    path.write_bytes(json.dumps({"text": "你好，世界！"}, ensure_ascii=False).encode("big5"))
    with pytest.raises(UserError, match=r"x\.txt is not UTF-8; it is probably BIG5"):
        [*json_lines(path)]


def test_generate_names_the_file_and_standard_input(tmp_path, monkeypatch, capsys):
    import io
    import sys

    def load(*_):
        raise AssertionError("the model was loaded")

    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.txt").write_bytes("今天天气不错，我们去公园吧。\n".encode("gbk"))
    assert cli.run(load, ["--input", "lines.txt", "--output-dir", "out"], "prog") == 1
    assert capsys.readouterr().err == (
        "prog: lines.txt is not UTF-8; it is probably GBK: save it as UTF-8 (or: iconv -f GBK -t UTF-8)\n"
    )
    stream = io.TextIOWrapper(io.BytesIO("Schöne Grüße.".encode("cp1252")), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", stream)
    assert cli.run(load, ["--output", "a.wav"], "prog") == 1
    assert capsys.readouterr().err.startswith("prog: the text is not UTF-8; it is probably CP1252")


def test_prepare_names_its_table(tmp_path, capsys):
    pytest.importorskip("torch")
    from nanospeech_torch.prepare.__main__ import main

    (tmp_path / "metadata.csv").write_bytes("a.wav|café\n".encode("cp1252"))
    assert main([str(tmp_path / "metadata.csv"), "-o", str(tmp_path / "out"), "--workers", "0"]) == 1
    assert "metadata.csv is not UTF-8; it is probably CP1252" in capsys.readouterr().err


# arguments


def test_arguments_that_an_old_locale_did_not_decode():
    assert argument("你好".encode().decode("ascii", "surrogateescape")) == "你好"
    assert [argument(text) for text in ("", "Hello", "你好", "é")] == ["", "Hello", "你好", "é"]
    latin = b"caf\xe9".decode("ascii", "surrogateescape")
    assert argument(latin) == latin
    with pytest.raises(UserError, match=r"^--text is not UTF-8 \(it has the byte 0xE9\)$"):
        check_text(latin, "--text")
