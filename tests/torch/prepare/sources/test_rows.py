"""The rows of a table: whatever is wrong with one of them, the others are read."""

import csv
import io

import numpy as np
import pytest

from nanospeech_torch.prepare.sources.rows import MAX_LINES, read_rows, unquote


def cells(text: str, separator: str = ",") -> list[list[str]]:
    return [row.cells for row in read_rows(io.StringIO(text, newline=""), separator)]


def begins_row(found: list[str]) -> bool:
    return len(found) > 1 and found[0].endswith(".wav")


def test_quoted_cells():
    assert cells('a,"one, ""two""\nthree"\r\n\nb, "x, y",z\n') == [
        ["a", 'one, "two"\nthree'],
        ["b", "x, y", "z"],
    ]
    assert cells('a;He said "hi"\rb;"x"\r', ";") == [["a", 'He said "hi"'], ["b", "x"]]


@pytest.mark.parametrize("separator", ["|", "\t"])
def test_cells_without_quotes(separator):
    text = (
        separator.join(["a", '"Yes," he said, "no"', "x, y"]) + "\n" + separator.join(["b", '"a ""b"""', '"'])
    )
    assert cells(text, separator) == [["a", '"Yes," he said, "no"', "x, y"], ["b", 'a "b"', '"']]
    assert [unquote(cell) for cell in ('"', '""', '"a"', '"a" b "c"')] == ['"', "", "a", '"a" b "c"']


def test_the_first_white_space_separates():
    assert cells("a1 HELLO THERE\n a2\tYES\n", " ") == [["a1", "HELLO THERE\n"], ["a2", "YES\n"]]


@pytest.mark.parametrize("rest", ["", "z.wav,The end.\n", 'z.wav,"The, end."\n', 'z.wav,"The end'])
def test_a_quote_that_is_not_closed_costs_its_own_line_only(rest):
    good = "".join(f"{i}.wav,Text {i}\n" for i in range(9))
    rows = list(read_rows(io.StringIO('x.wav,"Hello\n' + good + rest), ",", begins_row))
    assert (rows[0].line, rows[0].problem) == (1, "a quote that is not closed")
    assert [row.cells for row in rows[1:10]] == [[f"{i}.wav", f"Text {i}"] for i in range(9)]
    assert [row.line for row in rows[1:10]] == list(range(2, 11))


def test_a_quote_that_is_not_closed_in_a_table_of_ids():
    """No line shows that it is a row of its own; the next quote does, or the number of lines."""
    rows = list(read_rows(io.StringIO('x,"Hello\na,one\nb,"two"\nc,three\n'), ","))
    assert [row.cells or row.problem for row in rows] == [
        *("broken quotes", ["a", "one"], ["b", "two"], ["c", "three"])
    ]
    text = 'x,"Hello\n' + "a,one\n" * 3 * MAX_LINES
    rows = list(read_rows(io.StringIO(text), ","))
    assert len(rows) == 1 + 3 * MAX_LINES and [row.problem for row in rows if row.problem] == [
        "a quote that is not closed"
    ]


def test_what_csv_refuses_is_one_bad_row():
    rows = list(read_rows(["a,b\n", "c,%s\n" % ("x" * 200_000), 'd,"e"f\n', "g,h\n"], ","))
    assert [row.problem for row in rows] == ["", "a broken line", "broken quotes", ""]
    assert "field larger" in rows[1].detail and 'd,"e"f' in rows[2].detail


@pytest.mark.parametrize("seed", range(30))
def test_what_csv_writes_is_read(seed):
    rng = np.random.default_rng(seed)
    separator = ",;"[seed % 2]
    table = [[f"{i}.wav", random_text(rng, ',;|\t"\n'), random_text(rng, ",;'")] for i in range(30)]
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator, lineterminator=["\n", "\r\n"][seed // 2 % 2]).writerows(table)
    file.seek(0)
    assert [row.cells for row in read_rows(file, separator, begins_row)] == table


def random_text(rng: np.random.Generator, marks: str) -> str:
    characters = rng.choice(list("abc é你" + marks), size=rng.integers(1, 20))
    return "".join(["x", *characters, "y"])
