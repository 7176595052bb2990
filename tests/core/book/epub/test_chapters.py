"""EPUB files as chapters: the table of contents, front matter, notes, tables, code, page numbers."""

import pytest
from epubs import COVER, page, write_epub

from nanospeech_core.book.book import AFTER_TITLE, SCENE_BREAK
from nanospeech_core.book.epub.chapters import read_epub

PROSE = "It was a bright cold day, and the clocks were striking thirteen. " * 3
TWO = {
    "one.xhtml": page(f"<h1>One</h1><p>{PROSE}</p>"),
    "two.xhtml": page(f"<h1>Two</h1><p>The second one.</p><p>{PROSE}</p>"),
}
ENTRIES = [("One", "one.xhtml"), ("Two", "two.xhtml")]


def text_of(tmp_path, body: str) -> str:
    """What is spoken of a page."""
    path = write_epub(tmp_path / "a.epub", {"one.xhtml": page(body)}, [("One", "one.xhtml")])
    (chapter,) = read_epub(path).chapters
    return chapter.text.replace(f"One\n\n{AFTER_TITLE}\n\n", "", 1)


@pytest.mark.parametrize("version", [2, 3])
def test_chapters_title_author_and_cover(tmp_path, version):
    picture = COVER.read_bytes()
    book = read_epub(write_epub(tmp_path / "a.epub", TWO, ENTRIES, version, cover=picture))
    assert (book.title, book.author, book.language, book.date) == (
        "The & Book",
        "Ann Author",
        "en",
        "1899-05-01",
    )
    assert book.cover == picture
    assert [chapter.title for chapter in book.spoken()] == ["One", "Two"]
    assert book.chapters[0].text == f"One\n\n{AFTER_TITLE}\n\n{PROSE.strip()}"
    assert book.chapters[1].text.startswith(f"Two\n\n{AFTER_TITLE}\n\nThe second one.\n\nIt was")


@pytest.mark.parametrize("version", [2, 3])
def test_several_chapters_in_a_page_and_one_over_several(tmp_path, version):
    pages = {
        "a.xhtml": page(f'<h2 id="c1">One</h2><p>First.</p><div id="c2"><h2>Two</h2><p>{PROSE}</p></div>'),
        "b.xhtml": page("<p>It goes on.</p>"),
        "c.xhtml": page('<p>And on. <a id="c3"/></p><h2>Three</h2><p>Third.</p>'),
    }
    contents = [("One", "a.xhtml#c1"), ("Two", "a.xhtml#c2"), ("Three", "c.xhtml")]
    book = read_epub(write_epub(tmp_path / "a.epub", pages, contents, version))
    assert [chapter.title for chapter in book.chapters] == ["One", "Two", "Three"]
    assert "First." in book.chapters[0].text and "Two" not in book.chapters[0].text
    assert book.chapters[1].text.endswith("It goes on.")


def test_parts_are_said_before_their_first_chapter(tmp_path):
    pages = {
        "p1.xhtml": page("<h1>Part One</h1>"),
        "one.xhtml": page(f"<h2>The Start</h2><p>{PROSE}</p>"),
        "two.xhtml": page(f"<h2>The Middle</h2><p>{PROSE}</p><h3 id='s'>A section</h3><p>{PROSE * 4}</p>"),
    }
    nested = (
        '<ol><li><a href="p1.xhtml">Part One</a><ol><li><a href="one.xhtml">The Start</a></li>'
        '<li><a href="two.xhtml">The Middle</a><ol><li><a href="two.xhtml#s">A section</a></li></ol></li>'
        "</ol></li></ol>"
    )
    book = read_epub(write_epub(tmp_path / "a.epub", pages, nested))
    titles = [chapter.title for chapter in book.chapters]
    assert titles[0] == "Part One: The Start" and titles[1].startswith("The Middle")
    assert book.chapters[0].text.startswith("Part One\n\n")


def test_without_a_table_of_contents_headings_count(tmp_path):
    book = read_epub(write_epub(tmp_path / "a.epub", TWO))
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"]


def test_two_headings_are_one_title(tmp_path):
    body = (
        f"<h2>CHAPTER I</h2><h3>The Cave</h3><p>{PROSE}</p><h2>CHAPTER II</h2><h3>The Sea</h3><p>{PROSE}</p>"
    )
    book = read_epub(write_epub(tmp_path / "a.epub", {"all.xhtml": page(body)}))
    assert [chapter.title for chapter in book.chapters] == ["CHAPTER I: The Cave", "CHAPTER II: The Sea"]


def test_a_broken_table_of_contents_is_none(tmp_path):
    broken = write_epub(tmp_path / "a.epub", TWO, "<navPoint><navLabel>", 2)
    assert [chapter.title for chapter in read_epub(broken).chapters] == ["One", "Two"]
    lost = write_epub(tmp_path / "b.epub", TWO, [("One", "lost.xhtml"), ("Two", "../../../etc/passwd")])
    assert [chapter.title for chapter in read_epub(lost).chapters] == ["One", "Two"]


def test_front_matter_is_left_out(tmp_path):
    links = "".join(f'<p><a href="one.xhtml#{n}">Chapter number {n}</a></p>' for n in range(8))
    pages = {
        "cover.xhtml": page('<img src="cover.png" alt="Cover picture"/>'),
        "title.xhtml": page("<p>The Book</p><p>Ann Author</p>", attributes='epub:type="titlepage"'),
        "rights.xhtml": page("<p>Copyright 1899. All rights are reserved by someone.</p>"),
        "toc.xhtml": page(f"<p>What is in here</p>{links}"),
        "dedication.xhtml": page("<p>To my mother, who read to me.</p>"),
        **TWO,
        "index.xhtml": page("<h1>Index</h1><p>clock, 13</p>"),
    }
    contents = [*ENTRIES, ("Index", "index.xhtml")]
    guide = '<reference type="copyright-page" href="rights.xhtml"/>'
    book = read_epub(write_epub(tmp_path / "a.epub", pages, contents, guide=guide))
    reasons = {chapter.left_out for chapter in book.chapters if chapter.left_out}
    assert reasons == {"title page", "copyright", "contents", "index"}
    spoken = "\n".join(chapter.text for chapter in book.spoken())
    assert "my mother" in spoken and "13" not in spoken and "rights" not in spoken
    assert len(book.spoken(True)) == len(book.chapters)


@pytest.mark.parametrize(
    "reference",
    [
        '<a epub:type="noteref" href="#n1">1</a>',
        '<a href="#n1" role="doc-noteref">*</a>',
        '<sup><a href="#n1">1</a></sup>',
        '<a href="#n1"><sup>12</sup></a>',
        '<a class="fnanchor" href="#n1">[A]</a>',
        '<a href="#n1">1</a>',
        "<sup>1</sup>",
    ],
)
def test_references_to_notes_are_not_spoken(tmp_path, reference):
    assert text_of(tmp_path, f"<p>He said so.{reference} Then he left.</p>") == "He said so. Then he left."


def test_other_links_and_raised_letters_are_spoken(tmp_path):
    link = '<a href="http://a.b">page</a>'
    body = f'<p>See chapter <a href="#c">12</a> on the 10<sup>th</sup> {link}, x<sup>2</sup>.</p>'
    assert text_of(tmp_path, body) == "See chapter 12 on the 10th page, x2."


@pytest.mark.parametrize(
    "note",
    [
        '<aside epub:type="footnote" id="n1"><p>Not so.</p></aside>',
        '<div class="footnote"><p><a href="#r1">1</a> Not so.</p></div>',
        '<p id="n1"><a href="#r1">[1]</a> Not so.</p>',
        '<p><a id="n1"></a><a href="#r1"><sup>1</sup></a> Not so.</p>',
        '<section epub:type="endnotes"><ol><li id="n1">Not so.</li></ol></section>',
    ],
)
def test_notes_are_not_spoken(tmp_path, note):
    body = f'<p id="r1">He said so.<a href="#n1">[1]</a></p>{note}<p>The end.</p>'
    assert text_of(tmp_path, body) == "He said so.\n\nThe end."


@pytest.mark.parametrize(
    ("body", "spoken"),
    [
        ("<p>one<br/>two</p>", "one\ntwo"),
        ("<p>so<span class='pagenum'>[Pg 12]</span>me</p>", "some"),
        ('<p>so<span epub:type="pagebreak" title="12">12</span>me</p>', "some"),
        ("<p><span class='dropcap'>O</span>nce &mdash; upon&nbsp;a ti\u00adme</p>", "Once — upon a time"),
        ("<p>a</p><p>* * *</p><p>b</p>", f"a\n\n{SCENE_BREAK}\n\nb"),
        ("<p>a</p><hr/><p>b</p>", f"a\n\n{SCENE_BREAK}\n\nb"),
        ("<p>a</p><img alt='a cat' src='c.png'/><p>b</p>", "a\n\nb"),
        ("<figure><svg><text>x</text></svg><figcaption>A cat.</figcaption></figure>", "A cat."),
        (
            "<table><tr><th>Name</th><th>Age</th></tr><tr><td><p>Ann</p></td><td>5</td></tr></table>",
            "Name, Age.\n\nAnn, 5.",
        ),
        ("<table><tr><td>Only for looks.</td></tr></table>", "Only for looks."),
        ("<p>a</p><pre><code>x = 1\ny = 2</code></pre><p>b</p>", "a\n\nCode omitted.\n\nb"),
        ("<p>use <code>print</code> here</p>", "use print here"),
        ("<pre>Roses are red,\nViolets are blue.</pre>", "Roses are red,\nViolets are blue."),
        ("<ol><li>Stir.</li><li>Wait.</li></ol><ul><li>Eat.</li></ul>", "1. Stir.\n\n2. Wait.\n\nEat."),
        ("<script>var x</script><style>p {}</style><p>a</p>", "a"),
        ("<p hidden=''>no</p><p style='display: none'>no</p><p>a</p>", "a"),
        ("<p>漢<ruby>字<rt>zi</rt></ruby></p>", "漢字"),
        ("<p>a &lt; b <![CDATA[& c]]></p>", "a < b & c"),
        ("<p>not closed <b>bold<p>next</p>", "not closed bold\n\nnext"),
        ("<title/><p>a</p>", "a"),
    ],
)
def test_what_is_spoken_of_markup(tmp_path, body, spoken):
    assert text_of(tmp_path, body) == spoken


def test_headings_are_followed_by_a_pause(tmp_path):
    assert (
        text_of(tmp_path, "<h1>Part<br/>one</h1><h2>More</h2><p>a</p>")
        == f"Part\n\none\n\nMore\n\n{AFTER_TITLE}\n\na"
    )


def test_notices_of_project_gutenberg_are_not_spoken(tmp_path):
    body = (
        "<pre>The Project Gutenberg EBook\n\n*** START OF THIS PROJECT GUTENBERG EBOOK A BOOK ***</pre>"
        "<h1>One</h1>"
        "<p>The story.</p><p>*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***</p><p>The license.</p>"
    )
    assert text_of(tmp_path, body) == "The story."


def test_a_page_in_another_encoding(tmp_path):
    text = page("<p>Caf\u00e9 d\u00e9j\u00e0 vu</p>").replace('encoding="utf-8"', 'encoding="iso-8859-1"')
    pages = {"one.xhtml": "", "two.xhtml": page(f"<p>{PROSE}</p>")}
    path = write_epub(
        tmp_path / "a.epub", {**pages, "one.xhtml": text.encode("latin-1")}, [("One", "one.xhtml")]
    )
    assert "Caf\u00e9 d\u00e9j\u00e0 vu" in read_epub(path).chapters[0].text


def test_a_picture_of_another_kind_is_no_cover(tmp_path):
    book = read_epub(write_epub(tmp_path / "a.epub", TWO, ENTRIES, cover=b"GIF89a"))
    assert book.cover is None
