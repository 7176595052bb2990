"""Files are replaced completely or not at all."""

import json
import os
import threading

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.system.files import json_lines, replacing, split_lines


def write(path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


def test_a_file_is_replaced(tmp_path):
    write(tmp_path / "x.txt", "one")
    write(tmp_path / "x.txt", "two")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.txt", "two")]


def test_who_may_read_a_file_is_kept(tmp_path):
    path = tmp_path / "private.wav"
    path.write_bytes(b"old")
    path.chmod(0o600)
    with replacing(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o600


def test_the_suffix_is_kept_and_the_old_file_stands_until_the_end(tmp_path):
    write(tmp_path / "x.txt", "old")
    with replacing(tmp_path / "x.txt") as temporary:
        assert temporary.suffix == ".txt" and temporary.parent == tmp_path
        temporary.write_text("new")
        assert (tmp_path / "x.txt").read_text() == "old"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_a_failed_write_leaves_nothing(tmp_path, error):
    write(tmp_path / "x.txt", "old")
    raised = UserError if error is OSError else error
    with pytest.raises(raised), replacing(tmp_path / "x.txt") as temporary:
        temporary.write_text("half")
        raise error("no space")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.txt", "old")]


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path in (
        tmp_path / "none" / "x",
        tmp_path / "file" / "x",
        tmp_path / "folder",
        tmp_path / ("x" * 300),
        "/",
    ):
        with pytest.raises(UserError, match="cannot write"):
            write(path, "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "text"


def test_a_pipe_is_written_to_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    write(tmp_path / "pipe", "text")
    reader.join(10)
    assert read == ["text"] and (tmp_path / "pipe").is_fifo()


def test_a_new_file_has_the_usual_permissions(tmp_path):
    before = os.umask(0o022)
    try:
        write(tmp_path / "x", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


# where `str.splitlines` cuts too
SEPARATORS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def test_lines_end_with_line_feeds_and_carriage_returns():
    text = f"a\nb\r\n\rc{SEPARATORS}d\n"
    assert split_lines(text) == ["a", "b", "", f"c{SEPARATORS}d", ""]
    assert split_lines("") == [""]


def test_json_has_other_separators_in_its_strings(tmp_path):
    rows = [{"text": "one\u2028two\u2029three\x85four"}, {"text": "five"}]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (tmp_path / "x.jsonl").write_bytes("\r\n\n".join(lines).encode())
    assert list(json_lines(tmp_path / "x.jsonl")) == [(1, rows[0]), (3, rows[1])]
