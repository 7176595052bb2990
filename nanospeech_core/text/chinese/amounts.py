"""Money, units, percent, rates, sizes, w and k for 万 and 千."""

from __future__ import annotations

import re

from ..readings.rules import alternatives
from .numbers import DASH, HAN_LETTER, NUMBER, RANGE, cardinal, digits, rule
from .words import COUNTED, CURRENCIES, MONEY_WORDS, PER, SIGNS, UNIT, UNITS, amount, count

_SIGN = alternatives(SIGNS)
_NAMES = alternatives(CURRENCIES)
_MAGNITUDE = "(?P<magnitude>[十百千万亿]+)?"
_LETTERS = {"K": 1e3, "M": 1e6, "B": 1e9}
# A capital K or W is thousands only near these.
_PAID = (
    "(?:[年月周时日]薪|薪资|薪水|工资|收入|预算|底薪|待遇|[涨]?粉丝?|播放量?|"
    "阅读量?|点赞|销量|存款|奖金|房价|总价|报价)"
)
_PAID_IN = "元|块|粉|播放|阅读|点赞|人|用户|赞|次|\\+|以上|左右|[年月]薪|的?[年月]薪|收入"


def _per(match: re.Match[str]) -> str:
    """What a rate is for: /人 is 每人, /100km 每百公里."""
    per = UNITS.get(match["per"], match["per"])
    per = {"分": "分钟", "d": "天"}.get(per, per)
    many = match.groupdict().get("many") or ""
    return f"每{'百' if many == '100' else count(many, per) if many else ''}{per}" + (
        f"每{also[1]}" if (also := match.groupdict().get("also")) else ""
    )


def _money(match: re.Match[str]) -> str:
    """￥50, $5-$10, ￥100万元, -$3, ￥50/人."""
    name = match["name"] or {**SIGNS, **CURRENCIES}[match["sign"]]
    magnitude, low, second = match["magnitude"] or "", match["low"] or "", match["second"]
    minus = {"-": "负", "+": "正", None: ""}[match["minus"]]
    words = ""
    if second:
        words = count(_cents(match["first"]), low or magnitude or name) + low
        words += (name if match["again"] and not magnitude else "") + "到"
    if match["letter"] and not second:
        return minus + cardinal(f"{float(match['first']) * _LETTERS[match['letter']]:.0f}") + name
    words += count(_cents(second or match["first"]), magnitude or name) + magnitude + name
    return (_per(match) if match["per"] else "") + minus + words + (match["up"] or "")


def _sum(match: re.Match[str]) -> str:
    """A sign or a name of a currency after the number: 20$, 100USD."""
    name = {**SIGNS, **CURRENCIES}[match["sign"]]
    magnitude = match["magnitude"] or ""
    each = _per(match) if match["per"] else ""
    return each + amount(_cents(match["number"]), magnitude or name) + magnitude + name


def _cents(number: str) -> str:
    """A sum without the zeros behind its point: ￥12.50 is 十二点五元."""
    return re.sub(r"\.00$|(?<=\.\d)0$", "", number)


def _percent(match: re.Match[str]) -> str:
    """-5% is 负百分之五, 3-5% 百分之三到百分之五."""
    share = "百分之" if match["sign"] == "%" else "千分之"
    words = {"-": "负", "+": "正", None: ""}[match["plus"]] + share + cardinal(match["number"])
    return words + (f"到{share}{cardinal(match['to'])}" if match["to"] else "")


def _rate(match: re.Match[str]) -> str:
    """60km/h is 每小时六十公里, 5元/人 每人五元, 8L/100km 每百公里八升."""
    unit = UNITS.get(match["unit"], match["unit"])
    magnitude = match["magnitude"] or ""
    return _per(match) + amount(match["number"], magnitude or unit) + magnitude + unit


def _bare_rate(match: re.Match[str]) -> str:
    magnitude = match["magnitude"] or ""
    return _per(match) + amount(match["number"], magnitude) + magnitude


def _unit(match: re.Match[str]) -> str | None:
    name = re.search(r"([A-Za-z]*)[a-z] ?$", match.string[: match.start()])
    if re.fullmatch("[A-Za-z]", match["unit"]) and name and name[0].strip() not in UNITS:
        return None  # iPhone 5s, Ace 3V
    unit, magnitude = UNITS[match["unit"]], match["magnitude"] or ""
    minus = "负" if match["minus"] else ""
    to = match["to"]
    words = minus + count(match["number"], magnitude or unit)
    if match["first"]:  # 20℃-30℃
        words += UNITS[match["first"]]
    if to:
        words += "到" + ("负" if to.startswith("-") else "") + count(to.lstrip("-"), magnitude or unit)
    return words + magnitude + unit


def _orders(match: re.Match[str]) -> str | None:
    """100w is 一百万, 15k 一万五千, 1w5 一万五."""
    order, more = match["order"], match["more"] or ""
    following = match.string[match.end() : match.end() + 3]
    if order in "KW" and not match["before"] and not re.match(_PAID_IN, following):
        return None
    run = following.startswith("跑") or match.string[: match.start()].endswith(("跑", "跑了", "跑完", "跑个"))
    if order in "kK" and run and not following.startswith(("步", "米")):
        return None  # 10k跑
    words = []
    for number in re.findall(NUMBER, match["number"]):
        if order in "wW":
            words.append(count(number, "万") + "万")
        elif number.isdigit() and int(number) < 10:
            words.append(count(number, "千") + "千")
        else:
            words.append(cardinal(f"{float(number) * 1000:.0f}"))
    return match["before"] + "到".join(words) + digits(more)


_PER = (
    rf"/ ?(?!\d+ ?(?:Hz|m?A|k?W|V))(?P<many>\d+)? ?(?P<per>{UNIT}|{PER}|d)(?P<also>[·/][年月天日人])?"
    r"(?![A-Za-z\d/²³])"
)

RULES = (
    rule(
        "discount",
        r"(?<![\d.])([1-9])\.(\d)(?=折)|(?<![\d.])(\d\d)(?=折)",
        lambda m: digits(re.sub(r"\D", "", m[0])),
    ),
    rule("height", r"(?<=\d米)\d\d?(?![\d.]|[A-Za-z%])", lambda match: digits(match[0])),
    rule(
        "money",
        rf"(?:(?<![\w)）])(?P<minus>[-+]))?(?<![A-Za-z])(?P<sign>{_SIGN}|\b(?:{_NAMES})) ?"
        rf"(?P<first>{NUMBER})(?:(?P<low>[百千万亿]*)[-–—~到至] ?"
        rf"(?P<again>{_SIGN}|{_NAMES})? ?(?P<second>{NUMBER}))? ?"
        rf"(?:(?P<letter>[KMB])(?![A-Za-z\d])|{_MAGNITUDE})"
        rf"(?P<name>{MONEY_WORDS})?(?P<up>起(?=/))?(?:{_PER})?",
        _money,
    ),
    rule(
        "money, sign behind",
        rf"(?P<number>{RANGE}) ?{_MAGNITUDE} ?(?P<sign>(?:{_SIGN})(?!\d)|(?:{_NAMES})\b)"
        rf"(?:{_PER})?",
        _sum,
    ),
    rule(
        "percent",
        rf"(?:(?<![\d)%])(?P<plus>[-+]))?(?P<number>{NUMBER})(?:{DASH}(?P<to>{NUMBER}))?(?P<sign>[%‰])",
        _percent,
    ),
    rule("cents", r"(?<![\d.])\d+\.(?:\d0|00)(?=[元块]|美元|人民币)", lambda m: cardinal(_cents(m[0]))),
    rule("rate", rf"(?P<number>{RANGE}) ?(?P<magnitude>[万亿])?(?P<unit>{UNIT}|{COUNTED}){_PER}", _rate),
    rule(
        "rate without unit",
        rf"(?<![\d./])(?P<number>{RANGE})(?P<magnitude>[万亿])?/(?P<many>)(?P<per>{PER}|㎡|m²)(?![\d])",
        _bare_rate,
    ),
    rule(
        "thousands by a letter",
        rf"(?P<before>{_PAID}[为是约达在有破:： ]{{0,2}}|"
        rf"(?<![\w./]))(?P<number>{NUMBER}[wWkK]?(?:[-–—~到至]{NUMBER})?)"
        r"(?P<order>[wWkK])(?:(?<=[wk])(?P<more>[1-9])(?!\.))?(?![A-Za-z\dΩ])(?!视频|电视|[屏高超分画]|显示|直播)",
        _orders,
    ),
)


# After sizes and sums, 10×20cm, which have units of their own.
UNIT_RULES = (
    rule(
        "amperes",
        rf"(?:(?P<volts>{NUMBER})V[/ ]?)?(?P<amperes>{NUMBER})A"
        r"(?:(?<=A)(?=[插电充保空线快])|(?(volts)(?![A-Za-z\d])|(?!)))",
        lambda m: (f"{count(m['volts'], '升')}伏" if m["volts"] else "") + f"{count(m['amperes'], '升')}安",
    ),
    rule(
        "unit",
        rf"(?<![A-Z\d])(?<![A-Z]-)(?:(?<![\w)）])(?P<minus>-))?(?P<number>{NUMBER})"
        rf"(?: ?(?P<first>{UNIT})?[-–—~到至](?P<to>-?{NUMBER}))? ?"
        rf"(?P<magnitude>[万亿])? ?(?P<unit>{UNIT})(?![A-Za-z0-9²³])",
        _unit,
    ),
    rule(
        "inches",
        rf"({NUMBER})(?:[\"″]|'')(?={HAN_LETTER}{{0,3}}[屏寸电显笔平轮])",
        lambda m: f"{count(m[1], '英寸')}英寸",
    ),
    rule("seconds of arc", r"(?<=[分′'])(\d{1,2})(?:[\"″])", lambda match: f"{cardinal(match[1])}秒"),
    rule("amid", r"(?<=[%‰℃°])[-–—~](?=-?\d)|(?<=\d)[-–—~](?=[¥$€£]\d)|(?<=/[hs])[-–—~](?=\d)", "到"),
    rule(
        "amid amounts",
        rf"(?<=\d[元级度岁块折斤倍层楼米秒人个次章页条成]){DASH}(?=第?\d)|(?<=\d公[斤里]|\d小时|\d分钟|\d千[克米]|\d厘米|\d毫[米升]){DASH}(?=\d)",
        "到",
    ),
    rule("degrees", rf"({NUMBER})[°º](?=\d)", lambda match: f"{cardinal(match[1])}度"),
    rule(
        "megabits",
        rf"(?:(?<=宽带)|(?<=带宽)|(?<=网速)|(?<=流量))({NUMBER})M(?![A-Za-z])|(?P<number>{NUMBER})M(?=宽带|流量|光纤|网速|带宽|内存|的?(?:宽带|流量|带宽))",
        lambda match: f"{count(match[1] or match['number'], '升')}兆",
    ),
    rule(
        "unit without number",
        r"(?<![A-Za-z_.²³])(?<!\d)(?:[kcdm]?m[²³]|[kmμ]g|[kcm]m|m[lL]|km/h|mmHg|℃|℉)(?![A-Za-z²³])"
        r"|(?<=\d) ?mmHg",
        lambda m: UNITS.get(m[0].strip()) or "公里每小时",
    ),
    rule("root", r"√(?=\d)", "根号"),
)
