"""examples/embedded/texts.py: which sentences the teacher reads, and in whose voice."""

import bz2
import json
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "embedded"


@pytest.fixture
def texts(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import texts

    return texts


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def tatoeba(path: Path, lang: str, sentences: list[str]) -> Path:
    lines = "".join(f"{i}\t{lang}\t{sentence}\n" for i, sentence in enumerate(sentences))
    path.write_bytes(bz2.compress(lines.encode()) if path.suffix == ".bz2" else lines.encode())
    return path


def numbered(count: int) -> list[str]:
    """Different sentences without a digit."""
    letters = "abcdefghijklmnopqrst"
    return [f"The boat {letters[i // 20]}{letters[i % 20]} left early." for i in range(count)]


@pytest.mark.parametrize(
    ("source", "text", "reason"),
    [
        ("libritts", "He closed the door, without a word.", ""),
        ("libritts", "“It’s  rained all\nday,” he said — twice!", ""),
        ("libritts", "Too short.", "too short or too long"),
        ("libritts", "word " * 28, "too short or too long"),
        ("libritts", "a b c " * 11 + ".", "too short or too long"),  # 34 words
        ("tatoeba-en", "I have 3 cats and a dog.", "other characters"),
        ("tatoeba-en", "The café is closed today.", "other characters"),
        ("tatoeba-en", "x" * 109, "too short or too long"),
        ("ljspeech", "x" * 109, ""),
        ("tatoeba-zh", "他说：“今天很好。”", ""),
        ("tatoeba-zh", "我用Python写代码。", "other characters"),
        ("tatoeba-zh", "我有三个VIP朋友", "other characters"),
        ("tatoeba-zh", "很好。", "too short or too long"),
        ("tatoeba-es", "¿Cuándo vendrá el señor Núñez?", ""),
        ("tatoeba-es", "Vale.", "too short or too long"),
        ("tatoeba-es", "Nació en el año 1999.", "other characters"),
    ],
)
def test_what_is_left_out(texts, monkeypatch, source, text, reason):
    monkeypatch.setattr(texts, "simplified", lambda text: text)
    assert texts.clean(text, texts.SOURCES[source])[1] == reason


def test_quotes_and_spaces_become_plain(texts):
    assert texts.clean("“It’s  rained\nall day,” he said.", texts.SOURCES["libritts"])[0] == (
        '"It\'s rained all day," he said.'
    )


def test_traditional_characters_are_left_out(texts):
    assert texts.clean("我們明天見面吧。", texts.SOURCES["tatoeba-zh"])[1] == "traditional characters"
    assert texts.clean("我们明天见面吧。", texts.SOURCES["tatoeba-zh"])[1] == ""


def test_every_source_is_read(texts, tmp_path, capsys):
    monkey = "The third cell, in nineteen hundred."
    (tmp_path / "metadata.csv").write_text(f"LJ1|In 1900.|{monkey}\na broken line\n", encoding="utf-8")
    (tmp_path / "libritts" / "1" / "2").mkdir(parents=True)
    (tmp_path / "libritts" / "1" / "2" / "a.normalized.txt").write_text("He closed the door behind him.")
    (tmp_path / "libritts" / "1" / "2" / "a.original.txt").write_text("This one is not normalized at all.")
    english = tatoeba(tmp_path / "eng.tsv.bz2", "eng", ["Please leave your keys on the table."])
    french = tatoeba(tmp_path / "more.tsv", "fra", ["Je ne sais pas encore."])
    with open(french, "a", encoding="utf-8") as file:
        file.write("9\teng\tHe closed the door, behind him!\n")  # the same letters as above
    arguments = ["--ljspeech", str(tmp_path / "metadata.csv"), "--libritts", str(tmp_path / "libritts")]
    arguments += ["--tatoeba", str(english), str(french), "-o", str(tmp_path / "t.jsonl")]
    assert texts.main(arguments) == 0
    rows = read(tmp_path / "t.jsonl")
    assert {row["source"]: row["text"] for row in rows} == {
        "ljspeech": monkey,
        "libritts": "He closed the door behind him.",
        "tatoeba-en": "Please leave your keys on the table.",
    }
    assert all(row["lang"] == "en" and row["id"].startswith("en-") for row in rows)
    assert "tatoeba-en: 1 sentences (1 duplicates)" in capsys.readouterr().out


def test_fortunes_are_read(texts, tmp_path, capsys):
    file = tmp_path / "vida.fortunes"
    file.write_text(
        "Nadie sabe lo que tiene\nhasta que lo pierde.\n\t\t-- Un autor. (1600-1662) Poeta.\n%\n"
        "¿Quién lo diría?   \n%\n%\nHace 3 años de aquello.\n%\n",
        encoding="utf-8",
    )
    assert texts.main(["--fortunes", str(file), "-o", str(tmp_path / "t.jsonl")]) == 0
    rows = read(tmp_path / "t.jsonl")
    assert {row["text"] for row in rows} == {
        "Nadie sabe lo que tiene hasta que lo pierde.", "¿Quién lo diría?",
    }  # fmt: skip
    assert {(row["lang"], row["voice"] in texts.VOICES["es"]) for row in rows} == {("es", True)}
    assert "fortunes-es: 2 sentences (1 other characters)" in capsys.readouterr().out


def test_what_is_evaluated_is_not_taught(texts, tmp_path):
    evaluated = read(FOLDER / "eval_en.jsonl")
    assert len(evaluated) == 70 and len(read(FOLDER / "eval_zh.jsonl")) == 30
    assert len(read(FOLDER / "eval_es.jsonl")) == 40
    text = next(row["text"] for row in evaluated if len(row["text"]) > 30)
    file = tatoeba(tmp_path / "e.tsv", "eng", [text.upper(), f"And so he said, {text}", *numbered(3)])
    mine = tmp_path / "mine.jsonl"
    mine.write_text(json.dumps({"text": numbered(1)[0]}))
    arguments = ["--tatoeba", str(file), "-o", str(tmp_path / "t.jsonl"), "--exclude", str(mine)]
    assert texts.main(arguments) == 0
    assert {row["text"] for row in read(tmp_path / "t.jsonl")} == set(numbered(3)[1:])


def test_a_sentence_keeps_its_id_voice_and_place(texts, tmp_path):
    """Whatever else is in the file."""
    few, many = numbered(150), numbered(400)
    rows = []
    for name, sentences in (("few", few), ("many", many[::-1])):
        file = tatoeba(tmp_path / f"{name}.tsv", "eng", sentences)
        assert texts.main(["--tatoeba", str(file), "-o", str(tmp_path / f"{name}.jsonl")]) == 0
        rows.append(read(tmp_path / f"{name}.jsonl"))
    assert len(rows[0]) == 150 and len(rows[1]) == 400
    assert [row for row in rows[1] if row["text"] in few] == rows[0]
    assert len({row["id"] for row in rows[1]}) == 400
    assert [row["text"] for row in rows[1]] not in (many, many[::-1])
    shares = Counter(row["voice"] for row in rows[1])
    for voice, percent in texts.VOICES["en"].items():
        assert shares[voice] / 4 == pytest.approx(percent, abs=8)


def test_limit_counts_what_may_be_taken(texts, tmp_path, capsys):
    file = tatoeba(tmp_path / "e.tsv", "eng", numbered(20))
    everything, some = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    assert texts.main(["--tatoeba", str(file), "-o", str(everything)]) == 0
    first = read(everything)[0]
    mine = tmp_path / "mine.jsonl"
    mine.write_text(json.dumps({"text": first["text"]}))
    arguments = ["--tatoeba", str(file), "-o", str(some), "--limit", "5", "--exclude", str(mine)]
    assert texts.main(arguments) == 0
    assert read(some) == read(everything)[1:6]
    assert "5 sentences (14 beyond --limit, 1 of the evaluation)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda tmp: ["--ljspeech", str(tmp / "absent.csv")], "cannot read"),
        (lambda tmp: ["--libritts", str(tmp)], "there is no sentence in"),
        (lambda tmp: ["--tatoeba", str(tatoeba(tmp / "f.tsv", "fra", ["Bonjour."]))], "there is no sentence"),
        (
            lambda tmp: ["--tatoeba", str(tatoeba(tmp / "f.tsv", "eng", ["No."]))],
            "no sentence is left: 1 too",
        ),
        (lambda tmp: ["--tatoeba", str(tmp / "broken.bz2")], "cannot read"),
        (lambda tmp: ["--ljspeech", str(tmp / "latin.csv")], "cannot read"),
    ],
)
def test_bad_input_is_one_sentence(texts, tmp_path, capsys, make, message):
    (tmp_path / "broken.bz2").write_bytes(b"no archive")
    (tmp_path / "latin.csv").write_bytes("a|b|café".encode("latin-1"))
    assert texts.main([*make(tmp_path), "-o", str(tmp_path / "t.jsonl")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("texts: ") and message in error and error.count("\n") == 1
    assert not (tmp_path / "t.jsonl").exists()


@pytest.mark.parametrize("arguments", [[], ["--limit", "0", "--libritts", "."]])
def test_mistakes_in_the_arguments(texts, tmp_path, arguments):
    with pytest.raises(SystemExit) as stopped:
        texts.main([*arguments, "-o", str(tmp_path / "t.jsonl")])
    assert stopped.value.code == 2
