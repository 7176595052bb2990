"""Which lines are chapter headings, and which parts of a book nobody wants to hear."""

from __future__ import annotations

import re

_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty "
    "first second third fourth fifth sixth seventh eighth ninth tenth last"
).split()
NUMBER = rf"(?:\d{{1,4}}|[IVXLC]{{1,8}}|(?:the\s+)?(?:{'|'.join(_WORDS)})(?:[- ](?:{'|'.join(_WORDS[:9])}))?)"
_LABELED = re.compile(
    rf"(?:chapter|book|part|volume|canto|act|scene|stave|letter|adventure|episode)\s+{NUMBER}"
    r"(?P<rest>$|\s*[.:,—–-].*|\s+[\"“‘'(]?[A-Z].*)",
    re.IGNORECASE | re.DOTALL,
)
_NAMED = re.compile(
    r"(?:prologue|epilogue|preface|introduction|foreword|afterword|conclusion|finale|appendix(?: [A-Z\d])?)"
    r"\W*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?P<number>\d{1,3}|[IVXLC]{1,8})(?:\.|$|(?=\n))(?P<title>[^\n]{0,80})(?:\n[^\n]{1,80})?"
)
_CHINESE = re.compile(
    r"(?:第[〇零一二三四五六七八九十百千两\d]{1,7}[章回节節卷部集篇](?:$|[\s：:　].*)"
    r"|楔子|引子|序[章言]?|前言|尾[声聲]|后记|後記|番外).{0,30}"
)
MOST = 160  # characters of a heading
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}

_LEFT_OUT = {
    "cover": r"(?:front |back )?cover(?: page)?",
    "title page": r"(?:half[- ])?title ?page|half[- ]title|书名页|扉页",
    "copyright": r"copyright(?: page| notice)?|imprint|colophon|legal notices?|版权(?:页|信息)?",
    "contents": r"(?:table of )?contents|目[录錄]",
    "list of illustrations": r"(?:list of )?(?:illustrations|figures|tables|maps)",
    "index": r"(?:general |subject )?index",
    "notes": r"(?:foot|end)?notes",
    "license": r"(?:the )?(?:full )?project gutenberg(?:[™’'a-z-]*)? (?:e?book|license|licence)?.*"
    r"|transcriber[’']?s[’']? notes?",
    "advertisement": r"also by .*|books by .*|by the same author|newsletter(?: sign-?up)?",
}
_REASONS = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in _LEFT_OUT.items()}


def is_heading(paragraph: str) -> bool:
    """Whether a paragraph is a heading for certain: "CHAPTER IV. The Cave", "Prologue", "第三章"."""
    text = paragraph.strip()
    if not text or len(text) > MOST or text.count("\n") > 2:
        return False
    found = _LABELED.fullmatch(text)
    if found:  # not "Part two of the plan was simple."
        rest = found["rest"].strip()
        return rest[:1] in ("", *".:,—–-\n") or (rest[:1] in "\"“‘'(" or rest[:1].isupper())
    return bool(_NAMED.fullmatch(text) or _CHINESE.fullmatch(text))


def numbered_heading(paragraph: str) -> int | None:
    """The number of a heading such as "IV." or "IV. The Cave", which alone could be anything; None: none."""
    text = paragraph.strip()
    match = _NUMBERED.fullmatch(text) if len(text) <= MOST else None
    if match is None or match["title"].rstrip().endswith((",", ";")):
        return None
    return int(match["number"]) if match["number"].isdecimal() else from_roman(match["number"])


def number_of(heading: str) -> int:
    """The number in a heading such as "CHAPTER IV" or "4. The Cave"; 1 for one in
    words, 0 for none."""
    match = re.match(r"(?:[A-Za-z]+\s+)??(?:(\d{1,4})|([IVXLC]{1,8}))\b", heading.strip())
    if match is None:
        return 1 if _LABELED.fullmatch(heading.strip()) else 0
    return int(match[1]) if match[1] else from_roman(match[2])


def from_roman(numeral: str) -> int:
    """The value of a Roman numeral up to 399, in capitals."""
    values = [_ROMAN[letter] for letter in numeral]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)


def label(heading: str) -> str:
    """What a heading in the contents has in common with that of the chapter: "chapter iv"."""
    text = " ".join(heading.split()).casefold()
    match = re.match(rf"\w+\s+{NUMBER}|{NUMBER}(?=[.\s]|$)|\w+", text, re.IGNORECASE)
    return match[0] if match else text


def title_of(heading: str) -> str:
    """A heading as a player shows it: one line, without marks at its end."""
    lines = [" ".join(line.split()) for line in heading.strip().splitlines()]
    lines = [re.sub(r"(?<=\S)--+(?=\S)", "—", line) for line in lines if line]
    joints = ["." if re.fullmatch(NUMBER, line) else "" if line[-1] in ".:—–-,!?" else ":" for line in lines]
    title = (
        " ".join(line + joint for line, joint in zip(lines, [*joints[:-1], ""], strict=True)) if lines else ""
    )
    return title.rstrip(" .:,—–-")[:200]


def joined_title(outer: str, inner: str) -> str:
    """The title of a chapter that begins with the heading of a part."""
    outer, inner = outer.rstrip(" .:"), inner.strip()
    return inner if not outer or inner.casefold().startswith(outer.casefold()) else f"{outer}: {inner}"


def left_out(title: str) -> str:
    """Why a part of a book with this title is not spoken; "" if it is."""
    plain = " ".join(title.split()).strip(" .:*")
    return next((reason for reason, pattern in _REASONS.items() if pattern.fullmatch(plain)), "")
