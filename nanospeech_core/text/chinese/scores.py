"""Scores and ratios: 3-1战胜, 25:23、22:25, 比例1:3."""

from __future__ import annotations

import re

from .numbers import ordinal, rule

_SCORED = (
    "的?(?:大|总)?比分|的(?:优势|战绩|成绩)|[大小险完惜惨]?[胜败]|[大告报]捷|[大小]?[赢输]|获胜|取胜|战胜|击[败退]|领先|落后|[战打逼闷]平|力克|淘汰|"
    "逆转|不敌|负于|[告惜]?负(?![数责担荷债])|横扫|晋级|夺冠|捧杯|拿下|主场|客场|握手言和"
)
_SCORE_IS = "(?:比分|半场|终场|战成|扳成|战绩|改写[为成]|定格在|锁定)"
_RATIO_IS = (
    "(?:比例|比率|比值|配比|之比|宽高比|长宽比|画幅|赔率|性别比|汇率|比重|[水粉液盈亏女生身缩噪速传动]比)"
)
_RATIO_OF = "的?(?:比例|比率|稀释|兑|配|屏|画[面幅]|宽高|显示|宽屏|混合|调配|缩放|模型|还原|复刻|返还|赔)"
_TEAM = re.compile(
    "(?:队|中国|日本|韩国|朝鲜|越南|泰国|伊朗|沙特|巴西|阿根廷|德国|法国|英格兰|西班牙|葡萄牙|意大利|荷兰|比利时|克罗地亚|"
    "美国|澳大利亚|国[足安米]|[男女][篮排足]|皇马|巴萨|曼[联城]|利物浦|切尔西|阿森纳|热刺|拜仁|多特|巴黎|尤文|米兰|马竞|申花|"
    "海港|泰山|恒大|蓉城|湖人|勇士|火箭|马刺|热火|雄鹿|太阳|快船|掘金|独行侠|凯尔特人|森林狼) ?$"
)
_TEAM_NEXT = re.compile(" ?(?:" + _TEAM.pattern.removesuffix(" ?$") + "|[，。！；]|$)")


def read_ratio(match: re.Match[str]) -> str:
    """3:2:1 is 三比二比一."""
    before = match.groupdict().get("before") or ""
    return before + "比".join(ordinal(number) for number in re.findall(r"\d+(?:\.\d+)?", match["ratio"]))


def _scores(match: re.Match[str]) -> str | None:
    """25:23、22:25: the scores of sets, unless each may be a time or a range."""
    scores = re.findall(r"(\d+)([-–—:])(\d+)", match[0])
    times = all(
        sign == ":" and int(hour) < 25 and int(minute) < 60 and len(minute) == 2
        for hour, sign, minute in scores
    )
    ranges = all(sign != ":" and int(first) <= int(second) for first, sign, second in scores)
    if times or ranges:
        return None
    return re.sub(r"(\d+)[-–—:](\d+)", lambda score: f"{ordinal(score[1])}比{ordinal(score[2])}", match[0])


def is_score(match: re.Match[str]) -> bool:
    """Whether two numbers with a hyphen are a score: between teams, or as in basketball after a word."""
    first, second = float(match["first"]), float(match["second"])
    before, after = match.string[: match.start()], match.string[match.end() : match.end() + 5]
    if _TEAM.search(before) and _TEAM_NEXT.match(after):
        return True
    return 50 <= second < first < 200 and before[-1:].isalpha()


RULES = (
    rule(
        "score, announced",
        rf"(?P<before>{_SCORE_IS}[^\d]{{0,2}})(?P<ratio>\d{{1,3}}[-–—:]\d{{1,3}})(?![\d:]|[折分个人名岁天元])",
        read_ratio,
    ),
    rule("score", rf"(?<![\d:.-])(?P<ratio>\d{{1,3}}[-–—:]\d{{1,3}})(?=(?:{_SCORED}))", read_ratio),
    rule(
        "ratio, announced",
        rf"(?P<before>{_RATIO_IS}[为是约成:： ]{{0,2}})(?P<ratio>\d+(?:\.\d+)?(?::\d+(?:\.\d+)?)+)(?![\d:])",
        read_ratio,
    ),
    rule(
        "scores",
        r"(?<![\d:.-])(?P<ratio>\d{1,3}[-–—:]\d{1,3}"
        r"(?:[、，, /]{1,2}\d{1,3}[-–—:]\d{1,3}){1,6})(?![\d:.年月日点%-])",
        _scores,
    ),
    rule("ratio of", rf"(?<![\d:.])(?P<ratio>\d+(?::\d+)+)(?={_RATIO_OF})", read_ratio),
)
