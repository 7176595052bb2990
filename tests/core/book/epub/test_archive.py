"""Damaged, encrypted and hostile EPUB files: one sentence each."""

import zipfile

import numpy as np
import pytest
from epubs import CONTAINER, page, write_epub

from nanospeech_core.book.epub import archive
from nanospeech_core.book.epub.archive import resolve
from nanospeech_core.book.epub.chapters import read_epub
from nanospeech_core.errors import UserError

PAGES = {"one.xhtml": page("<h1>One</h1><p>Some words of a book.</p>")}
ENCRYPTED = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData>'
    '<EncryptionMethod Algorithm="{}"/><CipherData><CipherReference URI="{}"/></CipherData></EncryptedData>'
    "</encryption>"
)
BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "{}">{}]><package>&z;</package>'.format(
    "ha" * 50, "".join(f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdefg", "bcdefgz", strict=True))
)
EXTERNAL = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><package><metadata>&e;</metadata></package>'


def refused(path) -> str:
    with pytest.raises(UserError) as raised:
        read_epub(path)
    message = str(raised.value)
    assert message.startswith(f"cannot read {path}") and "\n" not in message and len(message) < 300
    return message


def test_no_archive(tmp_path):
    path = tmp_path / "a.epub"
    path.write_bytes(b"%PDF-1.4 something else")
    assert "no zip archive" in refused(path)
    assert "No such file" in refused(tmp_path / "none.epub")


def test_cut_off(tmp_path):
    path = write_epub(tmp_path / "a.epub", PAGES)
    path.write_bytes(path.read_bytes()[:-200])
    assert "damaged" in refused(path)


def test_damaged_page(tmp_path):
    text = page("<p>" + "".join(chr(97 + i * i % 23) for i in range(5000)) + "</p>")
    path = write_epub(tmp_path / "a.epub", {"one.xhtml": text})
    with zipfile.ZipFile(path) as whole:
        info = whole.getinfo("OEBPS/one.xhtml")
    data = bytearray(path.read_bytes())
    middle = info.header_offset + 60 + info.compress_size // 2
    data[middle : middle + 20] = bytes(20)
    path.write_bytes(data)
    assert "'OEBPS/one.xhtml' in it is damaged" in refused(path)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (
            {"META-INF/encryption.xml": ENCRYPTED.format("http://a.b/aes", "OEBPS/one.xhtml")},
            "encrypted (DRM)",
        ),
        ({"META-INF/container.xml": "<container>"}, "not well-formed"),
        (
            {"META-INF/container.xml": CONTAINER.replace("book.opf", "none.opf"), "OEBPS/book.opf": BOMB},
            "entities",
        ),
        ({"OEBPS/book.opf": BOMB}, "declares XML entities"),
        ({"OEBPS/book.opf": EXTERNAL}, "declares XML entities"),
        ({"OEBPS/book.opf": "<package>" * 5000}, "nested too deep"),
        ({"OEBPS/book.opf": b"\xff\xff\xff"}, "not well-formed"),
        ({"OEBPS/book.opf": "<package/>"}, "no pages of text"),
        ({"OEBPS/one.xhtml": page("<img src='scan.png'/>")}, "are its pages pictures?"),
        ({"OEBPS/one.xhtml": page("<p>...</p>")}, "no text"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_damaged_and_hostile(tmp_path, more, reason):
    assert reason in refused(write_epub(tmp_path / "a.epub", PAGES, more=more))


def test_hidden_fonts_are_no_drm(tmp_path):
    more = {"META-INF/encryption.xml": ENCRYPTED.format("http://www.idpf.org/2008/embedding", "OEBPS/a.otf")}
    assert read_epub(write_epub(tmp_path / "a.epub", PAGES, more=more)).chapters


def test_password(tmp_path):
    path = write_epub(tmp_path / "a.epub", PAGES)
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02")
    while place >= 0:  # set the flag of every entry of the directory
        data[place + 8] |= 1
        place = data.find(b"PK\x01\x02", place + 1)
    path.write_bytes(data)
    assert "protected by a password" in refused(path)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = write_epub(
        tmp_path / "a.epub", {"one.xhtml": page("<p>" + "a " * (archive.MOST_BYTES // 2) + "</p>")}
    )
    assert path.stat().st_size < 200_000
    assert "has over 32 MB" in refused(path)


def test_many_large_pages_are_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_IN_ALL", 10_000)
    pages = {f"{n}.xhtml": page("<p>" + "word " * 500 + "</p>") for n in range(9)}
    assert "in it has over" in refused(write_epub(tmp_path / "a.epub", pages))


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_FILES", 3)
    assert "more than 3 files" in refused(write_epub(tmp_path / "a.epub", PAGES))


def test_nothing_is_read_outside_the_archive(tmp_path):
    secret = tmp_path / "secret.xhtml"
    secret.write_text(page("<p>The secret.</p>"), encoding="utf-8")
    links = [("Up", "../../secret.xhtml"), ("Root", str(secret)), ("File", f"file://{secret}")]
    opf_pages = {**PAGES, "../../secret.xhtml": page("<p>Inside the archive.</p>")}
    book = read_epub(
        write_epub(tmp_path / "a.epub", opf_pages, links, spine=["one.xhtml", "../../secret.xhtml"])
    )
    assert "The secret." not in "".join(chapter.text for chapter in book.chapters)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("b.xhtml#x", ("text/b.xhtml", "x")),
        ("#x", ("text/a.xhtml", "x")),
        ("../c%20d.xhtml", ("c d.xhtml", "")),
        ("../../../etc/passwd", ("../../etc/passwd", "")),
        ("/etc/passwd", ("etc/passwd", "")),
        ("https://a.b/c", ("", "")),
        ("file:///etc/passwd", ("", "")),
        ("http://[", ("", "")),
    ],
)
def test_links(link, target):
    assert resolve("text/a.xhtml", link) == target


@pytest.mark.slow
def test_any_damage_is_one_sentence(tmp_path):
    """Bytes of the archive, and of its unpacked files, are changed at random."""
    random = np.random.default_rng(0)
    pages = {
        f"{n}.xhtml": page(f'<h1 id="h">Page {n}</h1><p>Words <a href="#h">1</a> of it.</p>')
        for n in range(3)
    }
    contents = [(f"Page {n}", f"{n}.xhtml#h") for n in range(3)]
    whole = write_epub(
        tmp_path / "whole.epub", pages, contents, more={"META-INF/encryption.xml": "<encryption/>"}
    )
    packed = whole.read_bytes()
    with zipfile.ZipFile(whole) as source:
        files = {name: source.read(name) for name in source.namelist()}
    path = tmp_path / "a.epub"
    outcomes = set()
    for number in range(400):
        if number % 2:
            data = bytearray(packed)
            for place in random.integers(0, len(data), 3):
                data[place] = random.integers(0, 256)
            path.write_bytes(data)
        else:
            name = sorted(files)[int(random.integers(0, len(files)))]
            data = bytearray(files[name])
            start = int(random.integers(0, len(data)))
            data[start : start + int(random.integers(1, 40))] = random.bytes(int(random.integers(0, 20)))
            with zipfile.ZipFile(path, "w") as target:
                for each, content in files.items():
                    target.writestr(each, bytes(data) if each == name else content)
        try:
            outcomes.add(len(read_epub(path).chapters))
        except UserError as error:
            assert str(error).startswith(f"cannot read {path}") and len(str(error)) < 400
            outcomes.add("refused")
    assert {"refused", 3} <= outcomes
