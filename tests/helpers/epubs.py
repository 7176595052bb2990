"""EPUB files for tests."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>"
)
COVER = Path(__file__).parents[2] / "docs" / "figures" / "reveal.png"


def page(body: str, title: str = "", attributes: str = "") -> str:
    """An XHTML page."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" '
        '"http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">\n<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>{title}</title></head>'
        f"<body {attributes}>{body}</body></html>"
    )


def write_epub(
    path: Path,
    pages: Mapping[str, str],
    contents: Sequence[tuple[str, str]] | str = (),
    version: int = 3,
    metadata: str = "",
    guide: str = "",
    more: Mapping[str, str | bytes] | None = None,
    cover: bytes | None = None,
    spine: Sequence[str] | None = None,
) -> Path:
    """Write an EPUB.

    Args:
        path: of the file.
        pages: the XHTML of each page, by its name, in reading order.
        contents: (title, link) of each entry of the table of contents, or its own XML.
        version: 2 (with an NCX) or 3 (with a navigation document).
        metadata: of the package; by default a title and an author.
        guide: the references of the guide.
        more: further files by their names in the archive.
        cover: a PNG.
        spine: names in reading order, if not all pages.
    """
    metadata = metadata or (
        "<dc:title>The &amp; Book</dc:title><dc:creator>Ann Author</dc:creator><dc:language>en</dc:language>"
        "<dc:date>1899-05-01</dc:date>"
    )
    items = [
        f'<item id="p{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(pages)
    ]
    numbers = {name: n for n, name in enumerate(pages)}
    references = "".join(f'<itemref idref="p{numbers[name]}"/>' for name in (spine or pages))
    files: dict[str, str | bytes] = {f"OEBPS/{name}": text for name, text in pages.items()}
    toc = ""
    if version == 3:
        items.append('<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>')
        rows = contents if isinstance(contents, str) else _list(contents)
        files["OEBPS/nav.xhtml"] = page(f'<nav epub:type="toc"><h1>Contents</h1>{rows}</nav>')
    else:
        toc = ' toc="ncx"'
        items.append('<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>')
        rows = contents if isinstance(contents, str) else _points(contents)
        files["OEBPS/toc.ncx"] = (
            '<?xml version="1.0"?><!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" '
            '"http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
            f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{rows}</navMap></ncx>'
        )
    if cover is not None:
        files["OEBPS/cover.png"] = cover
        kind = ' properties="cover-image"' if version == 3 else ""
        items.append(f'<item id="picture" href="cover.png" media-type="image/png"{kind}/>')
        metadata += '<meta name="cover" content="picture"/>' if version == 2 else ""
    files["OEBPS/book.opf"] = (
        f'<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="{version}.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>'
        f"<manifest>{''.join(items)}</manifest><spine{toc}>{references}</spine><guide>{guide}</guide></package>"
    )
    files = {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER, **files, **(more or {})}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def _list(contents: Sequence[tuple[str, str]]) -> str:
    rows = (f'<li><a href="{link}">{escape(title)}</a></li>' for title, link in contents)
    return f"<ol>{''.join(rows)}</ol>"


def _points(contents: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f'<navPoint><navLabel><text>{escape(title)}</text></navLabel><content src="{link}"/></navPoint>'
        for title, link in contents
    )
