"""Chapters of a Markdown file, by its headings."""

from __future__ import annotations

import re

import yaml

from ..text.language_detection import detect_language
from ..text.markdown.blocks import MarkdownParser
from .book import AFTER_TITLE, SCENE_BREAK, Book, Chapter, has_words
from .headings import joined_title, left_out, title_of

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*(?:\{[^{}]*\})?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})")
_FOOTNOTE = re.compile(r"^\[\^[^\]\n]+\]:.*\n?(?:(?:[ \t]*\n)*(?: {2,}|\t).+\n?)*", re.MULTILINE)
_IMAGE = re.compile(r"!\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_SPOKEN = re.compile(r"\[(?!\s*\])[^\[\]\n]+\]\(/[^/\n]*/\)")  # a word with its phonemes
_KEPT = "\ue000{}\ue001"  # private characters, in place of what the parser would take for a link


def read_markdown(text: str, name: str) -> Book:
    """The book in a Markdown file, which may begin with a block of YAML (title, author, lang, date).

    Args:
        text: its content.
        name: of the file, for a book without a title.
    """
    text = re.sub(r"\r\n?", "\n", text)
    front = _FRONT.match(text)
    given = _metadata(front[1]) if front else {}
    text = text[front.end() :] if front else text
    sections = _sections(_FOOTNOTE.sub("", text))
    levels = [level for level, _, _ in sections if level]
    title, chapter_level = given.get("title", ""), min(levels, default=1)
    if levels.count(chapter_level) == 1 and len(set(levels)) > 1 and sections[0][0] in (0, chapter_level):
        title = title or next(heading for level, heading, _ in sections if level == chapter_level)
        chapter_level = sorted(set(levels))[1]  # the only heading of its level is the book's title
    chapters = _chapters(sections, chapter_level, title or name)
    author, language, date = (given.get(key, "") for key in ("author", "lang", "date"))
    return Book(title or name, author, tuple(chapters), language, date)


def _metadata(block: str) -> dict[str, str]:
    """The strings of a YAML block; {} if it is none. Lists are joined."""
    try:
        values = yaml.safe_load(block) if len(block) < 20_000 and "&" not in block else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    if not isinstance(values, dict):
        return {}
    joined = {}
    for key, value in values.items():
        items = value if isinstance(value, list) else [value]
        names = [item.get("name", "") if isinstance(item, dict) else item for item in items]
        joined[str(key).lower()] = ", ".join(" ".join(str(item).split()) for item in names if item)
    return joined


def _sections(text: str) -> list[tuple[int, str, list[str]]]:
    """(level, heading, lines) of each heading; the first has level 0 if the text begins without one."""
    sections: list[tuple[int, str, list[str]]] = [(0, "", [])]
    fence = ""
    for line in text.split("\n"):
        lines = sections[-1][2]
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            fence = mark[1]
        elif heading := _HEADING.fullmatch(line):
            sections.append((len(heading[1]), heading[2] or "", []))
            continue
        elif (under := _UNDERLINE.fullmatch(line)) and lines and lines[-1].strip() and _may_be_title(lines):
            sections.append((1 if "=" in under[1] else 2, lines.pop().strip(), []))
            continue
        lines.append(line)
    return sections if "".join(sections[0][2]).strip() else sections[1:]


def _may_be_title(lines: list[str]) -> bool:
    return (len(lines) < 2 or not lines[-2].strip()) and not re.match(r"\s*(?:[-*+>|]|\d+[.)])\s?", lines[-1])


def _chapters(sections: list[tuple[int, str, list[str]]], level: int, title: str) -> list[Chapter]:
    chapters: list[Chapter] = []
    part = ""
    for depth, heading, lines in sections:
        spoken, text = _spoken(heading).strip(), _spoken("\n".join(lines))
        name = title_of(spoken)
        begins = 0 < depth <= level
        if begins and depth < level:  # the book's title, or a part
            if not has_words(text):
                part = f"{part}\n\n{spoken}".strip() if spoken != title else part
                continue
        if begins or not chapters:
            whole = f"{part}\n\n{spoken}".strip()
            text = f"{whole}\n\n{AFTER_TITLE}\n\n{text}".strip() if whole else text
            chapters.append(Chapter(joined_title(title_of(part), name) or title, text, left_out(name)))
            part = ""
        else:
            last = chapters[-1]
            more = f"{last.text}\n\n{SCENE_BREAK}\n\n{spoken}\n\n{text}".strip()
            chapters[-1] = Chapter(last.title, more, last.left_out)
    return [chapter for chapter in chapters if has_words(chapter.text)]


def _spoken(markdown: str) -> str:
    """Markdown as text for speech, in paragraphs. Tags stay, images are dropped."""
    kept: list[str] = []

    def keep(match: re.Match) -> str:
        kept.append(match[0])
        return _KEPT.format(len(kept) - 1)

    markdown = re.sub("[\ue000\ue001]", "", _IMAGE.sub("", markdown))
    markdown = _SPOKEN.sub(keep, markdown)
    paragraphs = []
    for block in _blocks(markdown):
        if _RULE.fullmatch(block):
            paragraphs.append(SCENE_BREAK)
            continue
        parser = MarkdownParser(detect_language(block))
        text = parser.feed(block + "\n\n") + parser.finish()
        paragraphs += [line.strip() for line in text.split("\n") if line.strip()]
    return re.sub("\ue000(\\d+)\ue001", lambda match: kept[int(match[1])], "\n\n".join(paragraphs))


def _blocks(markdown: str) -> list[str]:
    """The text cut at rules between paragraphs, outside blocks of code."""
    blocks: list[list[str]] = [[]]
    fence = ""
    for line in markdown.split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        if not fence and _RULE.fullmatch(line):
            blocks += [[line.strip()], []]
        else:
            blocks[-1].append(line)
    return [text for lines in blocks if (text := "\n".join(lines)).strip()]
