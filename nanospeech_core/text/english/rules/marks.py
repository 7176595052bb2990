"""Marks and signs: Markdown, dashes, web addresses, angles, mathematics."""

from __future__ import annotations

import re

from .numbers import Row, cardinal, letter, plain, words

WEB = {
    ".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", ":": "colon",
    "?": "question mark", "=": "equals", "&": "and", "+": "plus", "#": "hash", "%": "percent",
    "~": "tilde",
}  # fmt: skip
SIGNS = {
    "<=": "less than or equal to", ">=": "greater than or equal to", "≤": "less than or equal to",
    "≥": "greater than or equal to", "≠": "not equal to", "!=": "not equal to", "≈": "approximately equal to",
    "==": "equals", "=": "equals", "±": "plus or minus", "+/-": "plus or minus", "÷": "divided by",
    "×": "times", "<": "less than", ">": "greater than", "−": "minus", "→": "to", "->": "to", "⇒": "implies",
    "=>": "implies", "∞": "infinity", "√": "the square root of", "∝": "proportional to", "∈": "in",
    "∑": "the sum of", "·": "times",
}  # fmt: skip
DIRECTIONS = {
    "N": "north", "S": "south", "E": "east", "W": "west", "NE": "northeast", "NW": "northwest",
    "SE": "southeast",
    "SW": "southwest", "NNE": "north northeast", "ENE": "east northeast", "ESE": "east southeast",
    "SSE": "south southeast", "SSW": "south southwest", "WSW": "west southwest", "WNW": "west northwest",
    "NNW": "north northwest",
}  # fmt: skip
# Of HTML, as people write them in Markdown. "a<b and c>d" has none.
TAGS = "b|i|u|s|em|strong|code|a|span|div|p|br|sub|sup|mark|del|ins|small|kbd|li|ul|ol|h[1-6]|img|font|pre"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")


def _address(accent: str, match: re.Match[str]) -> str:
    address = re.sub(r"^https?://", "", match[0])
    return " ".join(re.sub(r"\W|_", lambda mark: f" {WEB.get(mark[0], '')} ", address).split())


def _spaced(accent: str, match: re.Match[str]) -> str:
    return f" {SIGNS[match['sign']]} "


def _power(accent: str, match: re.Match[str]) -> str | None:
    """10^6 -> "ten to the power of six", mc² -> "m c squared"; a note's number after a word is not read."""
    base, power = match["base"], (match["caret"] or match["raised"].translate(_SUPERSCRIPTS)).strip("{}()")
    if len(base) > 2 and base.isalpha():
        return base if match["raised"] else None
    spoken = (
        " ".join(letter(c) if c in "aA" else c for c in base)
        if base.isalpha()
        else cardinal(base, accent)
        if base[:1].isdigit()
        else base
    )
    if power in ("2", "3"):
        return f"{spoken} {'squared' if power == '2' else 'cubed'}"
    sign, digits = ("minus ", power[1:]) if power[0] in "-−" else ("", power.lstrip("+"))
    value = words(digits, accent) if digits.isdigit() else letter(digits)
    return (
        f"{spoken} to the power of {sign}{value}" if base[:1].isdigit() else f"{spoken} to the {sign}{value}"
    )


def _angle(accent: str, match: re.Match[str]) -> str | None:
    """40°26'46"N, 74.006° W: degrees, minutes and seconds; directions by their names."""
    if not (match["minutes"] or match["direction"]):
        return None
    parts = ((match["degrees"], "degree"), (match["minutes"], "minute"), (match["seconds"], "second"))
    spoken = [
        f"{cardinal(number, accent)} {name}{'s' * (plain(number).lstrip('0') != '1')}"
        for number, name in parts
        if number
    ]
    return " ".join(spoken) + (f" {DIRECTIONS[match['direction']]}" if match["direction"] else "")


def _direction(accent: str, match: re.Match[str]) -> str | None:
    """3 mi. N of town, wind NW 10 mph."""
    before = match.string[max(0, match.start() - 14) : match.start()]
    return (
        DIRECTIONS.get(match[0])
        if re.search(r"(?:mi\.?|km|mph|miles|met(?:er|re)s|[Ww]inds?) $", before)
        else None
    )


def _hyphen(accent: str, match: re.Match[str]) -> str | None:
    """The hyphen of 3-5, 9am-5pm, 20°C–25°C, €3bn-€4bn: "to" where a number with its unit is before it."""
    before = re.search(
        r"(?:^|[\s(\[\"'~<>])([^\s(\[\"'~<>]*)$", match.string[max(0, match.start() - 24) : match.start()]
    )
    if before is None or not re.match(rf"{_SIGNED}[\d.,:/]*\d", before[1]):
        return None
    if re.fullmatch(r"\d+(?:\.\d+){2,}", before[1]):
        return None  # a version
    if before[1].isdigit() and re.match(r"\d/\d", match.string[match.end() :]):
        return None  # 1-1/2 cups
    unit = re.sub(rf"^{_SIGNED}(?:\d+/\d+|[\d.,:]+)", "", before[1])
    return " to " if len(unit) <= 4 and not re.search(r"[-–/]", unit) else None


_SIGNED = r"[-−+~]?(?:(?:[A-Z]{1,2}(?=\$))?[$£€¥₹₩₽])?"
_NUMBER = r"\d[\d,]*(?:\.\d+)?"


def _dash(accent: str, match: re.Match[str]) -> str | None:
    """5 – 10 and 5 - 10 are ranges, 10 - 4 and 5 - 3 = 2 are differences."""
    first = re.search(
        rf"({_NUMBER})(?P<unit> ?(?:%|°[CF]?|[kmM]|[mb]n|[ck]?m|k?g))?$",
        match.string[max(0, match.start() - 20) : match.start()],
    )
    last = re.match(rf"[$£€]?({_NUMBER})(?P<equals> ?=)?", match.string[match.end() : match.end() + 20])
    if first is None or last is None:
        return None
    grows = float(first[1].replace(",", "")) < float(last[1].replace(",", ""))
    return " minus " if last["equals"] or not (grows or "–" in match[0]) else " to "


MARKUP: tuple[Row, ...] = (
    ("mark of a heading or item", r"^\s*(?:#{1,6}|[-*•>])\s+", ""),
    ("start of a link", r"!?\[(?=[^\[\]]+\]\([^()\s]*(?:\)|$))", ""),
    ("end of a link", r"(?<=[^\[\]])\]\([^()\s]*(?:\)|$)", ""),
    ("link without an end", r"!?\[(?=[\w ]+$)|(?<=\w)\]\($", ""),
    ("tag", rf"</?(?:{TAGS})(?:\s+\w+=[^<>]*)?\s?/?>|<(?:{TAGS})\s+\w+=[^<>]*$", ""),
    ("strike-through", r"~~(?=[^\s~])|(?<=[^\s~])~~", ""),
    ("backtick for an apostrophe", r"(?<=[A-Za-z])`(?=(?:[tsdm]|re|ve|ll)\b(?!`))", "'"),
    ("emphasis", r"(?<![\w*_`])[*_`]+(?=\w|~~)|(?<=[\w.,!?~])[*_`]+(?![\w*_`])", ""),
    ("rule of marks", r"(?<!\S)[*_=~#-]{3,}(?!\S)", ""),
    ("web address", r"(?:https?://|\bwww\.)[^\s<>\"]*[\w/]", _address),
    ("mail address", r"\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", _address),
    (
        "site",
        r"\b[\w-]{1,63}(?:\.[\w-]{1,63})*(?<!\.[A-Z])(?<!\b[A-Z])\.(?:com|org|net|edu|gov|io|ai|dev|app"
        r"|info|eu"
        r"|(?:co|ac|org|gov)\.uk|py|js|ts|cpp|txt|pdf|docx?|xlsx?|pptx?|csv|json|html?|css|png|jpe?g|gif"
        r"|mp[34]|wav"
        r"|zip|exe|ya?ml|toml|md|log|sql|java|sh)\b(?!\.\w)(?::(?P<port>\d{2,5}))?(?:/[^\s<>\"]*[\w/])?",
        _address,
    ),
)
# Before measures.
ANGLES: tuple[Row, ...] = (
    (
        "angle",
        r"(?<![\w.])(?P<degrees>[-−]?\d{1,3}(?:\.\d{1,8})?) ?° ?(?:"
        r"(?P<minutes>\d{1,2}"
        r"(?:\.\d{1,5})?) ?' ?(?:(?P<seconds>\d{1,2}(?:\.\d{1,4})?) ?(?:\"|''))?)? ?(?:"
        r"(?P<direction>[NSEW])\b)?",
        _angle,
    ),
    (
        "direction of a street",
        r"\b(?P<direction>[NSEW])\.?(?= \d{1,3}(?:st|nd|rd|th) (?:St|Ave|Street|Avenue)\b)",
        lambda accent, match: DIRECTIONS[match["direction"]].capitalize(),
    ),
    ("direction", r"\b[NSEW]{1,3}\b(?!\.\w)", _direction),
)
MATHEMATICS: tuple[Row, ...] = (
    ("difference", r"(?<=\d)-(?=\d+ ?=)", " minus "),
    (
        "power",
        r"(?<![A-Za-z\d.])(?P<base>[A-Za-zα-ωΑ-Ω]+|\d+(?:\.\d+)?|(?<=\)))(?:\^(?P<caret>\{[-−]?\w+\}"
        r"|\([-−]?\w+\)|[-−]?\d+|[a-z]\b)|(?P<raised>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ]+))",
        _power,
    ),
    ("aperture", r"\bf/(?=\d)", "f "),
    ("times", r"(?<=[\w)]) ?\* ?(?=[\w(])(?<=[ *])", " times "),
    ("comparison", r"(?: |(?<=[\w)]))(?P<sign><=|>=|!=|==|[≤≥≠≈=÷∝∈])(?: |(?=[\w(-]))", _spaced),
    ("heart", r"(?<!\S)<3(?=[!.\s]*$)", "heart"),
    (
        "less or greater",
        r" (?P<sign>[<>]) (?=[\w$£€(-])|(?<=\w)(?P<near>[<>])(?=\.?\d)",
        lambda accent, match: f" {SIGNS[match['sign'] or match['near']]} ",
    ),
    ("less or more before a number", r"(?<![\w<>])(?P<sign><=|>=|[<≤≥])(?= ?[$£€]?\d)", _spaced),
    ("more before a number", r"(?<![\w<>=-])>(?= ?[$£€]?\d)", "more than "),
    ("about", r"(?<!\w)[~≈](?= ?[$£€]?\d)", "about "),
    ("sign", r" ?(?P<sign>\+/-|[±→⇒∞√∑]|->|=>)(?![->=]) ?", _spaced),
    ("times sign", r"(?<=[\w)]) ?(?P<sign>[×·]) ?(?=[\w(])", _spaced),
    ("minus sign", r" −(?: |(?=[a-z(]))|(?<=[\w)])−(?=[\w(])", " minus "),
    ("plus after a number", r"(?<=[\d%])\+(?![\w+])", " plus"),
    ("plus before a number", r"(?<![\w+])\+(?=\d)", "plus "),
    ("section signs", r"§§ ?(?=\d)", "sections "),
    ("section sign", r"§ ?(?=\d)", "section "),
    ("note mark", r"[†‡]|(?<=\w)\[\d{1,3}\]", ""),
)
DASHES: tuple[Row, ...] = (
    (
        "dash between numbers",
        r"(?<=[\d%°CFkmnMg]) [-–] (?=[$£€]?\d)",
        _dash,
    ),
    ("dash before the present", r"(?<=\d) ?[-–] ?(?=(?:present|now|today)\b)", " to "),
    ("dash", r" [-–]{1,2} ", " — "),
    ("hyphen of a range", r"(?<=[\w%°$£€¥.])[-–](?=[$£€¥₹−'-]?\d)", _hyphen),
    ("hyphen between letters", r"(?<=\d[A-Z])[-–](?=[A-Z]\b)", " to "),
    ("dash without spaces", r"--+|(?<=[^\W\d])–(?=[^\W\d])", "—"),
)
