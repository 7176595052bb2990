"""Written Chinese to spoken Chinese: simplified characters, no digits.

One table of (pattern, reading), applied in order, the most specific first. Digits that remain are read by the
last pattern, as a plain number.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

from ..characters import HAN, fold
from . import numbers
from .numbers import CURRENCIES, NUMBER, UNITS
from .pinyin import import_library

# After these words digits are a code, read one by one.
_CODED = (
    "电话|手机|座机|热线|传真|拨打|号码|证号|账号|帐号|卡号|单号|编号|学号|工号|群号|密码|尾号|验证码|邮编|代码|房号|"
    "房间号?|门牌号|航班|车次|波音|空客|QQ|微信|客服"
)
# Digits before these are a count even there: 电话3000个.
_COUNTED = r"(?!\d|[.,:%]\d| ?[万亿千百个人位名台部间条次元块件年月日号])"
_SERVICES = "110|119|120|122|12306|12315|12345|10086|10010"  # numbers to call
_WINS = "的比分|获胜|取胜|战胜|击败|领先|落后|战平|大胜|险胜|完胜|力克|淘汰|逆转|不敌|负于|惜败"
# Before these 2 is 两, not 二.
_MEASURES = (
    "[个只位名双种条块瓶本张封杯碗盒箱把架台辆艘座间口头匹颗粒滴片根支枝朵棵株秒天周岁倍点遍趟场回顿件套份道家所门"
    "项句段篇首部集页章层栋幢笔批群组队届对副节堂步串袋包罐桶盘盆壶勺枚顶幅盏扇刻国县市省村院站格局轮类成元角毛斤吨"
    "克升亩寸里米度]|次(?![元方])|年(?![级代初末])|人(?!转)|分(?!之)|室|公[里斤分顷]|千[米克瓦]|毫[米升克]|厘米|"
    "英[里尺寸]|平方|立方|小时|星期|礼拜|摄氏度|华氏度|美元|欧元|英镑|港元|日元|方面|大(?=[类块步])|[百千万亿]"
)


def normalize(text: str) -> str:
    """A sentence as it is read aloud: simplified characters, no digits, punctuation that `pinyin` knows.

    Letters of other scripts stay.

    Raises:
        UserError: opencc cannot be loaded.
    """
    text = simplified(fold(text))
    for pattern, reading in _rules():
        text = pattern.sub(reading, text)
    return " ".join(text.split())


def simplified(text: str) -> str:
    """Traditional characters as simplified ones. Raises UserError if opencc cannot be loaded."""
    return _opencc()(text)


@functools.cache
def _opencc() -> Callable[[str], str]:
    return import_library("opencc").OpenCC("t2s").convert


def _alternatives(words: dict[str, str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


@functools.cache
def _rules() -> tuple[tuple[re.Pattern, str | Callable[[re.Match], str]], ...]:
    table = (*_plain(), *_dates(), *_codes(), *_amounts(), *_counts(), *_marks())
    return tuple((re.compile(pattern, re.ASCII), reading) for pattern, reading in table)


def _plain() -> tuple:
    """Characters and signs that are written in more than one way."""
    return (
        # 著 is also how traditional text writes the particle 着, but never in these words.
        (r"(?<![名原专编显卓土合译论巨拙遗执昭])著(?![名作者书称录述])", "着"),
        (r"甚么", "什么"),
        (r"(?<=\d)(?=[½⅓⅔¼¾])", "又"),
        (r"[①-⑳Ⅰ-Ⅻ½⅓⅔¼¾]", numbers.sign),
        (r"[㎀-㏟]", lambda match: unicodedata.normalize("NFKC", match[0])),  # ㎡, ㎞
        (r"[−﹣]", "-"),
        (r"[〜∼～]", "~"),
        (r"µ", "μ"),
        (r"(?<=\d)：(?=\d)", ":"),
        (r"\bN[oO]\. ?(?=\d)", "第"),
        (r"(?<=[A-Za-z])-(?=\d)", " "),  # COVID-19
        (r"(?<=\b[A-Z])2(?=[A-Z]\b)", " to "),  # B2B
        (rf"(?<=\d) +(?=[{HAN}%‰℃°])|(?<=[{HAN}]) +(?=\d)", ""),
        (r"(?<!\d)(?<!\d[,.])\d{1,3}(?:,\d{3})+(?![,\d])", lambda match: match[0].replace(",", "")),
    )


def _dates() -> tuple:
    year = r"[12]\d{3}"
    return (
        (rf"(?<!\d)(?P<from>{year})[-–—~至到](?P<to>{year}|\d\d)(?=学?年|赛季)", numbers.years),
        (
            rf"(?<![\d./-])(?P<from>(?:19|20)\d\d)[-–—~](?P<to>(?:19|20)\d\d)(?![\d./-]|[{HAN}A-Za-z%])",
            numbers.years,
        ),
        (r"(?<=\d)[–—](?=\d)", "-"),
        (r"(?<=[%‰℃°])[-–—~](?=\d)|(?<=\d)[-–—~](?=[¥$€£]\d)", "到"),
        (r"(?<=\d[年月日号点时分秒元级度岁天周])[-–—~](?=\d)|(?<=\d)-(?=\d\d?[月日号点时])", "到"),
        (r"(?<=年)0(?=\d月)|(?<=月)0(?=\d[日号])", ""),
        (
            rf"(?<![\d./-])(?P<year>{year})([./-])(?P<month>\d\d?)\2(?P<day>\d\d?)(?![./-]?\d)",
            numbers.date,
        ),
        (rf"(?<![\d./-])(?P<year>{year})[-/](?P<month>0\d|1[0-2])(?![./-]?\d)", numbers.date),
        (r"(?<![\d./-])(?P<month>0\d)/(?P<day>[0-3]\d)(?![./-]?\d)", numbers.date),
        (r"(?<=\d\d\d0)s(?![A-Za-z])", "年代"),
        (r"(?<!\d)[1-9]000(?=年(?:前|来|间|之久|的?历史))", numbers.cardinal),
        (rf"(?<![\d.]){year}(?=[年版款届])", numbers.digits),
        (r"(?<![\d.])[05-9][05](?=后(?![天年]))", numbers.digits),
        (rf"(?<=比分)(\D{{0,2}}\d+):(?=\d)|(?<!\d)(\d+)[:-](?=\d+(?:{_WINS}))", r"\1\2比"),
        (
            r"(?<![\d:.])(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])"
            r"(?: ?(?P<half>[AaPp][Mm])\b)?",
            numbers.time,
        ),
        (r"(?<=[点分秒])[-~](?=[零一二三四五六七八九十两]+点)", "到"),
        (r"(?<=\d):(?=\d)", "比"),
    )


def _codes() -> tuple:
    return (
        (r"(?<![\w.])\+\d{1,3}(?:[ -]?\d{2,})+", numbers.code),
        (r"(?<![\w.-])(?:0\d{2,3}-|[(（]0\d{2,3}[)）] ?)\d{7,8}(?![\w-])", numbers.code),
        (r"(?<![\w.-])(?:1\d\d([- ])\d{4}\1|[48]00-\d{3,4}-)\d{3,4}(?![\w-])", numbers.code),
        (
            rf"(?:(?<![\d.])|(?<=\D\.))(?:{_CODED})[为是:： ]{{0,2}}\d{{3,}}(?:-\d+)*{_COUNTED}",
            numbers.coded,
        ),
        (rf"(?<=[打拨叫呼])(?:{_SERVICES}){_COUNTED}", numbers.code),
        (rf"(?<![\d.])(?:{_SERVICES})(?=报警|急救|火警|消防|热线|电话|客服|平台)", numbers.code),
        (rf"(?<![\d.])(?:12306|10086|10010){_COUNTED}", numbers.code),
        (r"(?<![\d.])\d{3,4}(?=室|号房)", numbers.code),
        (r"(?<=[A-Za-z·])\d{3,}(?![.,:]?\d)", numbers.digits),  # GB2312
        (r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d)", numbers.points),  # v1.2.3
        (r"(?<![\w.-])\d(?:-\d){2,}(?![\w-])", numbers.digits),
        (r"(?<![\w.-])\d+(?:-\d+){2,}(?![\w-])", numbers.code),
        (r"(?<![\d.,])(?:\d{12,}|1\d{10})(?![\d.,%]|[万亿元个人])", numbers.code),
    )


def _amounts() -> tuple:
    units = _alternatives(UNITS)
    words = "元|块|角|美元|个|分|次|人|份|度|瓶|件|页|字|步|升|千?克|[公市]?斤|吨|公里|千?米"
    each = "个?人|天|个?月|年|[日次个晚位周季斤克吨升米件]|小时|分钟?|秒|公斤|公里|千克|千米|平方米?|平米|亩"
    some = rf"{NUMBER}(?:[-~到]{NUMBER})?[万亿]?"
    return (
        (r"\bUS(?=\$)", ""),
        (
            rf"(?P<sign>\bHK\$|[¥$€£]) ?(?P<number>{NUMBER}(?:[-~到]{NUMBER})?) ?(?P<magnitude>[百千万亿]+)?",
            numbers.money,
        ),
        (rf"(?<=\d) ?(?:{'|'.join(CURRENCIES)})\b", lambda match: CURRENCIES[match[0].strip()]),
        (
            rf"(?:(?<![\w)])(?P<plus>[-+]))?(?P<number>{NUMBER})(?:[-~](?P<to>{NUMBER}))?(?P<sign>[%‰])",
            numbers.percent,
        ),
        (
            rf"(?P<number>{some}) ?(?P<unit>{units}|{words})"
            rf"/(?P<hundred>100)?(?P<per>{units}|{each})(?![A-Za-z/])",
            numbers.rate,
        ),
        (rf"(?P<number>{NUMBER}) ?(?P<unit>{units})(?![A-Za-z0-9²³])", numbers.unit),
        (r"(?<=\w)²", "的平方"),
        (r"(?<=\w)³", "的立方"),
        (r"√(?=\d)", "根号"),
    )


def _counts() -> tuple:
    operator = "[-+×÷*x=≈<>≥≤≠]"
    return (
        (
            r"(?<![\d.])(?P<first>[1-8])、(?P<second>[2-9])(?=[个只位天年月周岁次本条块名人件种斤倍点百千万])",
            numbers.few,
        ),
        (rf"(?<![\w./-])-?{NUMBER}(?: ?{operator} ?-?{NUMBER})+(?: ?=)?", numbers.equation),
        (rf"(?<=[\w{HAN})）]) ?([=≈<>≥≤≠×]) ?(?=-?\d)|(?<=\d) ?([=≈]) ?(?=[\w?？])", numbers.comparison),
        (r"(?<!\w)([><≥≤≈±])()(?=-?\d|[百千]分之)", numbers.comparison),
        (r"(?<=\d)-(?=\d[\d.]*(?:等于|是多少|得))", "减"),
        (rf"(?<![\w./-])(?P<first>{NUMBER})-(?P<second>{NUMBER})(?![\d-])", numbers.between),
        (r"(?<=\d)~(?=-?\d)", "到"),
        (
            r"(?<![\w/.])(?:(?P<whole>\d{1,3}) )?(?P<above>\d{1,9})/(?P<below>\d{1,9})(?![\w/])",
            numbers.fraction,
        ),
        (r"(?<![\d)A-Za-z])-(?=\d)", "负"),
        (r"(?<!\w)\+(?=\d)", "正"),
        (r"(?<!\d)\.(?=\d)", "0."),
        (r"第\d+(?!\.?\d)", numbers.ordinal),
        (r"(?<=\d点)2(?=分)|(?<![\d.])2(?=单元|次元|次方|人转)", "二"),
        (rf"(?<![\d./:])2(?=(?:到{NUMBER})?(?:{_MEASURES}))", "两"),
        (NUMBER, numbers.cardinal),
    )


def _marks() -> tuple:
    marks = str.maketrans(",.!?;:()", "，。！？；：（）")
    return (
        (r"[『〈]", "「"),
        (r"[』〉]", "」"),
        # Marks typed on a Western keyboard
        (rf"(?<=[{HAN}”」』）])[,!?;:]+|[,!?;:]+(?=[{HAN}])", lambda match: match[0].translate(marks)),
        (rf"(?<=[{HAN}”」』）])\.(?!\.)(?=\W|$|[{HAN}])", "。"),
        (r"…+|\.{3,}|。{2,}", "…"),
        (r"[—–-]{2,}|―+", "—"),
        (r"[！？]{2,}", lambda match: "？" if "？" in match[0] else "！"),
        (r"([，。；：、])\1+", r"\1"),
    )
