"""Dates, years, times of day, durations, and what lies between two of them."""

from __future__ import annotations

import re

from .numbers import DASH, cardinal, digits, integer, rule
from .scores import read_ratio
from .words import MEASURE, UNIT

_YEAR = r"[12]\d{3}"
_RECENT = r"(?:19|20)\d\d"
_MONTH = r"(?:1[0-2]|0?[1-9])"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_TWO = r"(?:0\d|1[0-2])"  # a month that is written with two digits
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
# After a month and a day: 5/20前, 3.15开始.
_AFTER_DAY = (
    "(?:之?[前后](?!半|[一二三]|进)|[早晚]|上午|下午|中午|晚上|凌晨|当[天日晚]|起|"
    "开[始会售学业播庭]|截[止至稿]|到期|出发|放假|发[货布售]|上[映线市]|"
    "活动|周[一二三四五六日]|星期|[（(](?:周|星期)|举行|召开|生日|见(?![到过])|交(?![于换流])| "
    "\\d{1,2}:\\d\\d|日|号|(?u:\\w){0,3}节(?![课目约省气]))"
)
# Before a month and a day.
_BEFORE_DAY = (
    "(?:(?:日期|时间|生日|截[止至]|有效期|期限|定于|将于|预计|自|"
    "[放请休]假|出差|旅[游行]|[今明昨后]天|[周期拜][一二三四五六日天末][（(])[为是在于到至:： ]{0,2})"
)
_LASTS = "(?:时长|用时|耗时|历时|全长|片长|总长|成绩|配速|跑出|仅用)"


def _date(match: re.Match[str]) -> str:
    """2024-05-01, 2024-05 and 05/01 as 二零二四年五月一日."""
    parts = match.groupdict()
    year = f"{digits(parts['year'])}年" if parts.get("year") else ""
    day = f"{integer(int(parts['day']))}日" if parts.get("day") else ""
    return f"{year}{integer(int(parts['month']))}月{day}"


def _year_last(match: re.Match[str]) -> str | None:
    """05/03/2024 has the month first, as in America, unless the numbers or the points differ."""
    month, day = int(match["first"]), int(match["second"])
    if month > 12 or (match[2] == "." and day <= 12):
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{digits(match['year'])}年{integer(month)}月{integer(day)}日"


def _dates(match: re.Match[str]) -> str:
    """From one date to another."""
    found = re.findall(r"(?:(\d{4})\D)?(\d+)\D(\d+)", match[0])
    years = [f"{digits(year)}年" if year else "" for year, _, _ in found]
    days = [f"{integer(int(month))}月{integer(int(day))}日" for _, month, day in found]
    return "到".join(map("".join, zip(years, days, strict=True)))


def _days(match: re.Match[str]) -> str | None:
    """A month and a day, or two of them, after what announces them."""
    following = match.string[match.end() : match.end() + 8]
    if "." in match["days"] and match["before"] and _counts(following):
        return None  # 时间3.5小时
    days = re.findall(r"(\d+)[./](\d+)", match["days"])
    if [(int(month), int(day)) for month, day in days] != sorted((int(m), int(d)) for m, d in days):
        return None  # 1/4-1/2
    words = "到".join(f"{integer(int(month))}月{integer(int(day))}日" for month, day in days)
    named = match.string.startswith(("日", "号"), match.end())  # 5/20日
    return match["before"] + (words[:-1] if named else words)


def _months(match: re.Match[str]) -> str:
    ends = re.findall(r"(\d{4})[./](\d+)", match[0])
    words = [f"{digits(year)}年{integer(int(month))}月" for year, month in ends]
    return "到".join(words) + ("到" if len(words) == 1 else "")


def _years(match: re.Match[str]) -> str:
    return f"{digits(match['from'])}到{digits(match['to'])}"


def _life(match: re.Match[str]) -> str | None:
    """（1881-1936） is a life, （500-600） is a range."""
    first, last = int(match["from"]), int(match["to"])
    is_range = first % 10 == 0 == last % 10 and not 1800 <= first < 2100
    return (
        None
        if not match["mark"] and is_range
        else f"{digits(match['from'])}{match['mark']}到{digits(match['to'])}"
    )


def _counts(following: str) -> bool:
    """Whether what follows a number is what it counts."""
    return bool(MEASURE.match(following) or re.match(rf" ?(?:{UNIT}|[A-Za-z%‰万亿余多级折版号])", following))


def _bare_years(match: re.Match[str]) -> str | None:
    """1998-1999 where nothing is counted."""
    following = match.string[match.end() : match.end() + 8]
    return None if _counts(following) or match["from"] >= match["to"] else _years(match)


def _hour(number: int) -> str:
    return "两" if number == 2 else integer(number)


def _two(number: int) -> str:
    return integer(number) if number >= 10 or number == 0 else f"零{integer(number)}"


def _time(match: re.Match[str]) -> str | None:
    """12:05 is 十二点零五分, 1:30pm 下午一点三十分."""
    half = {"": "", "a": "上午", "p": "下午"}[(match["half"] or "")[:1].lower()]
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if hour > 24:
        return None
    words = f"{half}{_hour(hour)}点"
    if minute or second:
        words += f"{_two(minute)}分"
    return words + (f"{_two(second)}秒" if second else "")


def _lasting(match: re.Match[str]) -> str:
    """用时2:35 is 两分三十五秒, 1:23:45 一小时二十三分四十五秒."""
    parts = [int(part) for part in re.findall(r"\d+", match["time"])]
    units = ("小时", "分", "秒")[-len(parts) :]
    words = [_hour(parts[0]) if number is parts[0] else _two(number) for number in parts]
    return match["before"] + "".join(word + unit for word, unit in zip(words, units, strict=True))


def _duration(match: re.Match[str]) -> str:
    hours, minutes, seconds = (match[name] for name in ("h", "m", "s"))
    words = f"{_hour(int(hours))}小时{_hour(int(minutes))}分"
    return words + (f"{_hour(int(seconds))}秒" if seconds else "" if match["short"] else "钟")


def _hundreds(match: re.Match[str]) -> str | None:
    """2000年前 is two thousand years ago, 2008年前 before 2008."""
    long_ago = int(match[0]) % 1000 == 0 or int(match[0]) < 1900
    return cardinal(match[0]) if long_ago or not match.string.startswith("年前", match.end()) else None


# After a year without 年: 2024巴黎奥运会.
_SEASON = (
    "[春夏秋冬]|新[款品年春]|财年|赛季|世界|欧洲|亚洲|中国|全国|全球|国际|巴黎|东京|北京|上海|奥运|高考|考研|国考|毕业|跨年|龙年|蛇年|"
    "马年|央视|中秋|国庆|元旦|五一|双十?[一1]|上半年|下半年|一季度|二季度|三季度|四季度|校招|秋招|春招|年度|最新|计划|目标|总结|展望"
)
_HALF = r"(?: ?(?P<half>[AaPp])\.?[Mm]\b\.?)?"

RULES = (
    rule(
        "years",
        rf"(?<!\d)(?P<from>{_YEAR}|\d\d(?=.\d\d(?:[学财]年|赛季))|[5-9]\d(?=.[5-9]\d年(?![以代])))[-–—~至到/](?P<to>{_YEAR}|\d\d)(?=[学财]?年|赛季)",
        _years,
    ),
    rule(
        "years, bare",
        rf"(?<![\d./¥$€£-])(?P<from>{_RECENT})[-–—~](?P<to>{_RECENT})(?![\d./-])",
        _bare_years,
    ),
    rule(
        "years of a life",
        r"(?<=[（(])(?:公元)?(?P<from>[1-9]\d{2,3})(?P<mark>年?) ?[-–—~至] ?(?P<to>\d{3,4})(?=年?[)）])",
        _life,
    ),
    rule(
        "dates",
        rf"(?<![\d./-]){_RECENT}([./-]){_MONTH}\1{_DAY} ?[-–—~至到] ?"
        rf"(?:{_RECENT}\1)?{_MONTH}\1{_DAY}(?![./-]?\d)",
        _dates,
    ),
    rule(
        "date of two digits",
        r"(?<![\w./-])(?P<year>[12]\d)([./-])(?P<month>0[1-9]|1[0-2])\2(?P<day>0[1-9]|[12]\d|3[01])(?![\w./-])",
        _date,
    ),
    rule(
        "date, year last",
        rf"(?<![\w./-])(?P<first>\d\d?)([./])(?P<second>\d\d?)\2(?P<year>{_RECENT})(?![\w./-])",
        _year_last,
    ),
    rule(
        "date",
        rf"(?<![\d./-])(?P<year>{_YEAR})([./-])(?P<month>{_MONTH})\2(?P<day>{_DAY})(?![./-]?\d)(?:T(?=\d\d:))?",
        _date,
    ),
    rule(
        "months",
        rf"(?<![\d./-])(?:{_RECENT})[./]{_MONTH} ?[-–—~至到] ?(?:(?:{_RECENT})[./]{_MONTH}(?![\d./])|"
        rf"(?=至?今))",
        _months,
    ),
    rule("month of a year", rf"(?<![\d./-])(?P<year>{_YEAR})[-/](?P<month>{_TWO})(?![./-]?\d)", _date),
    rule(
        "days",
        rf"(?P<before>)(?<![\d./-])(?P<days>{_MONTH}/{_DAY}(?:{DASH}{_MONTH}/{_DAY})?)(?![\d/])(?={_AFTER_DAY})",
        _days,
    ),
    rule(
        "days, two", rf"(?P<before>)(?<![\d./-])(?P<days>{_MONTH}/{_DAY}[-–~]{_MONTH}/{_DAY})(?![\d/])", _days
    ),
    rule(
        "days, announced",
        rf"(?P<before>{_BEFORE_DAY})(?P<days>{_MONTH}[./]{_DAY}(?:{DASH}{_MONTH}[./]{_DAY})?)(?![\d./]|[%米元公千万亿])",
        _days,
    ),
    rule(
        "days with a point",
        rf"(?P<before>)(?<![\d./-])(?P<days>{_MONTH}\.{_DAY}(?:{DASH}{_MONTH}\.{_DAY})?)(?![\d./])"
        r"(?=之?前(?!进)|开[始会售学]|截[止至稿]|出发|放假|发货|"
        r"上[映线市]|活动|晚上|上午|下午| \d{1,2}:\d\d|"
        r"跨年|愚人节|教师节|圣诞|植树节|护士节|情人节|平安夜|国庆节|元旦)",
        _days,
    ),
    rule(
        "day, two digits", r"(?<![\d./-])(?P<month>0[1-9])[/-](?P<day>0[1-9]|[12]\d|3[01])(?![./-]?\d)", _date
    ),
    rule("decade", r"(?<!\d)[12]\d\d0s(?![A-Za-z])", lambda match: digits(match[0][:-1]) + "年代"),
    rule("so many years", r"(?<![\d.])[1-9]\d00(?=年(?:前|来|间|之久|的?历史|以上))", _hundreds),
    rule(
        "year",
        rf"(?<![\d.]){_YEAR}(?=[年版款届]|级(?!台阶)|Q[1-4]|H[12])|(?<!\d)\d\d(?=[Xx×]{{2}}年)|(?<=《)\d{{4}}(?!\d)|(?<=[〔\[（(]){_RECENT}(?=[〕\])）])|"
        rf"(?<![\d.,¥$第共约达近超过有]){_RECENT}(?<!000)(?= ?(?:{_SEASON}))|(?:(?<=再见)|(?<=你好)|"
        rf"(?<=告别)|(?<=迎接)|(?<=展望)|(?<=拥抱)|(?<=喜迎)){_RECENT}(?!\w|[\u4e00-\u9fff])",
        lambda match: digits(match[0]),
    ),
    rule(
        "year, two digits",
        r"(?<=['’])\d\d(?=年)|(?<![\d.第])\d\d(?=年(?:\d{1,2}月|出生|生人|生的|毕业|入学|[春夏秋冬])|"
        r"[届级](?:校招|毕业|新生|学[生长姐弟妹]|同学|应届|研究生|本科|秋招|春招|校友|[硕博]士))|(?<![\d.第])[5-9][1-9](?=年(?:的|属))|(?:(?<=是)|(?<=自)|(?<=从)|(?<=于))[5-9][1-9](?=年)",
        lambda match: digits(match[0]),
    ),
    rule(
        "year of an era", r"(?<=公元)\d{1,4}(?=年)|(?<=公元前)\d{1,4}(?=年)", lambda match: digits(match[0])
    ),
    rule(
        "year with a circle",
        r"[一二](?:[一二三四五六七八九零]|[0OoОＯ○](?=.{0,2}[年○]))+(?=年)",
        lambda m: re.sub("[0OoО○]", "零", m[0]),
    ),
    rule(
        "generation",
        r"(?<![\d.])[05-9][05](?=后(?![天年])|[、/和][05-9][05]后(?![天年]))",
        lambda match: digits(match[0]),
    ),
    rule("zero before a month", r"(?<!\d)0\d(?=[月日号时点]|年级)", lambda match: integer(int(match[0]))),
    rule(
        "lasting",
        rf"(?P<before>{_LASTS}[为是约了达:： ]{{0,2}})(?P<time>\d{{1,3}}:[0-5]\d(?::[0-5]\d)?)(?![\d:])",
        _lasting,
    ),
    rule("time", rf"(?<![\d:.]){_CLOCK}(?![\d:]|\.\d)(?:(?<=\d)分(?!钟)|{_HALF})", _time),
    rule(
        "hour of a half day",
        r"(?<![\d:.-])(?P<hour>1[0-2]|0?[1-9])(?P<minute>)(?P<second>) ?(?P<half>[AaPp])\.?[Mm]\b\.?",
        _time,
    ),
    rule("ratio", r"(?<![\d:.])(?P<ratio>\d+(?:\.\d+)?(?::\d+(?:\.\d+)?)+)", read_ratio),
    rule(
        "hours and minutes",
        r"(?<![\w.])(?P<h>\d{1,3})h ?(?P<m>\d{1,2})(?P<short>m)?(?:(?<!m)min|"
        r"(?<=m))? ?(?:(?P<s>\d{1,2})s)?(?![\w])",
        _duration,
    ),
    rule(
        "minutes and seconds",
        r"(?<![\w.'])(\d{1,3})['′]\s?(\d{1,2})(?:[\"″]|'')(?!\d)",
        lambda m: f"{_hour(int(m[1]))}分{_two(int(m[2]))}秒",
    ),
    rule(
        "minute of a match",
        r"(?<!\d)(\d{1,3})['′](?=进球|破门|点球|[红黄]牌|换人|扳平|绝杀)",
        lambda m: f"{cardinal(m[1])}分钟",
    ),
    rule("arc minutes", r"(?<=[°度])(\d{1,2})['′]", lambda match: f"{cardinal(match[1])}分"),
    rule(
        "from a time to another",
        rf"(?<=[年月日号点时分秒天周半]){DASH}(?=(?:上午|下午|晚上?|次[日年]|凌晨|早上?|翌[日年]|[明来]年|第)?\d|至?今|深夜|打烊)|(?<=\d){DASH}(?=\d\d?(?:[月号点时:]|日(?!本)))|(?<=:\d\d){DASH}(?=(?:上午|下午|晚上?|次日|凌晨|早上?|翌日)?\d)|(?<=[ap]m){DASH}(?=\d)|(?<=[A-Z]\d)-(?=[A-Z]\d)",
        "到",
    ),
    rule(
        "from a day to another",
        rf"(?<=[周期拜][一二三四五六日天末]){DASH}(?=(?:周|星期|礼拜)?[一二三四五六日天])|(?<=[一二三四五六七八九十][月日号点岁年级班楼]){DASH}(?=[一二三四五六七八九十])|(?<=\d日|\d号){DASH}(?=\d)",
        "到",
    ),
)
