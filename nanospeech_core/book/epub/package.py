"""The package of an EPUB: title and author, the reading order, the cover, encryption."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UserError
from .archive import Archive, resolve
from .xml import Element

CONTAINER, ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
PAGES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")  # these only hide fonts


@dataclass(frozen=True)
class Package:
    """What the package document says.

    pages: the files of the reading order.
    kinds: by file, what the guide calls it: "cover", "toc".
    navigation: the file of EPUB 3's navigation, "" if there is none; toc: the NCX of EPUB 2, likewise.
    cover: the file of the picture; "": there is none.
    """

    title: str
    author: str
    language: str
    date: str
    pages: tuple[str, ...]
    kinds: dict[str, str]
    navigation: str
    toc: str
    cover: str


def read_package(archive: Archive) -> Package:
    """Read the package. Raises UserError if there is none, it is damaged, or its pages are encrypted."""
    path = _package_path(archive)
    root = archive.xml(path)
    metadata, manifest, spine = (
        root.find(name) or Element(name, {}) for name in ("metadata", "manifest", "spine")
    )
    nested = metadata.find("dc-metadata")  # of the first EPUBs
    described = [*metadata.children, *(nested.children if nested else ())]
    items = {item.attributes.get("id", ""): item for item in manifest.all("item")}
    files = {key: resolve(path, item.attributes.get("href", ""))[0] for key, item in items.items()}

    def with_property(name: str) -> str:
        return next(
            (
                files[key]
                for key, item in items.items()
                if name in item.attributes.get("properties", "").split()
            ),
            "",
        )

    pages = [
        files[key]
        for reference in spine.all("itemref")
        if (key := reference.attributes.get("idref", "")) in items
        and reference.attributes.get("linear", "yes") != "no"
        and items[key].attributes.get("media-type", PAGES[0]) in PAGES
    ]
    if not pages:
        raise UserError(f"cannot read {archive.path}: its reading order has no pages of text")
    _check_encryption(archive, set(pages))
    toc = next(
        (files[key] for key, item in items.items() if "dtbncx" in item.attributes.get("media-type", "")), ""
    )
    guide = root.find("guide") or Element("guide", {})
    kinds = {
        resolve(path, entry.attributes.get("href", ""))[0]: entry.attributes.get("type", "").lower()
        for entry in guide.all("reference")
    }
    return Package(
        title=_first(described, "title"),
        author=_authors(described),
        language=_first(described, "language"),
        date=_first(described, "date")[:10],
        pages=tuple(dict.fromkeys(pages)),
        kinds=kinds,
        navigation=with_property("nav"),
        toc=files.get(spine.attributes.get("toc", ""), "") or toc,
        cover=with_property("cover-image") or _cover(described, items, files),
    )


def _package_path(archive: Archive) -> str:
    if archive.find(CONTAINER):
        container = archive.xml(CONTAINER)
        roots = container.find("rootfiles")
        for entry in roots.all("rootfile") if roots else ():
            path = entry.attributes.get("full-path", "")
            if archive.find(path):
                return path
    packages = [name for name in archive.names if name.lower().endswith(".opf")]
    if not packages:
        raise UserError(f"cannot read {archive.path}: it is no EPUB (it has no package document)")
    return min(packages, key=len)


def _check_encryption(archive: Archive, pages: set[str]) -> None:
    """Raise UserError if pages are encrypted, as books with DRM are."""
    protected = archive.find("META-INF/rights.xml") or archive.find("META-INF/license.lcpl")
    if archive.find(ENCRYPTION):
        for data in archive.xml(ENCRYPTION).all("EncryptedData"):
            method, reference = data.find("EncryptionMethod"), data.find("CipherData", "CipherReference")
            algorithm = method.attributes.get("Algorithm", "") if method else ""
            target = resolve("", reference.attributes.get("URI", ""))[0] if reference else ""
            if algorithm not in _FONTS and (target in pages or protected):
                raise UserError(
                    f"cannot read {archive.path}: it is encrypted (DRM): only its shop's reader opens it"
                )


def _first(described: list[Element], name: str) -> str:
    return next((words for element in described if element.name == name and (words := element.words())), "")


def _authors(described: list[Element]) -> str:
    roles = {
        element.attributes.get("refines", "").lstrip("#"): element.words()
        for element in described
        if element.attributes.get("property") == "role"
    }
    creators = [element for element in described if element.name == "creator" and element.words()]
    role = {id(e): e.attributes.get("role") or roles.get(e.attributes.get("id", "")) for e in creators}
    authors = [element for element in creators if role[id(element)] in (None, "", "aut")] or creators
    return ", ".join(dict.fromkeys(element.words() for element in authors))


def _cover(described: list[Element], items: dict[str, Element], files: dict[str, str]) -> str:
    """The cover of EPUB 2: a meta element names an item."""
    named = next(
        (each.attributes.get("content", "") for each in described if each.attributes.get("name") == "cover"),
        "",
    )
    for key in (named, "cover-image", "cover"):
        if key in items and items[key].attributes.get("media-type", "").startswith("image/"):
            return files[key]
    return ""
