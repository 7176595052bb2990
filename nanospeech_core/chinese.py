"""Chinese: written text to spoken text, and that to phonemes.

Numbers are read by wetext (the grammars of WeTextProcessing), traditional characters become simplified by
opencc, and phonemes come from misaki: jieba's words, pypinyin's readings. The rules here are for what those
get wrong.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator

from .errors import UserError
from .scripts import HAN, fold, is_han

NEEDS = 'Chinese needs more packages: pip install "nanospeech-mar[zh]"'
if sys.version_info >= (3, 13):
    NEEDS += " (one of them, misaki, needs Python 3.12 or older)"
_LIBRARIES = ("misaki", "jieba", "pypinyin", "cn2an", "ordered_set", "wetext", "kaldifst", "opencc")

_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
_CODE = str.maketrans("0123456789", "零幺二三四五六七八九")  # in codes 1 is yāo: yī sounds like qī, 7
_MONEY = {"¥": "元", "$": "美元", "€": "欧元", "£": "英镑", "HK$": "港元"}
_UNITS = {  # wetext knows the others
    "kWh": "千瓦时", "mAh": "毫安时", "mA": "毫安", "GHz": "吉赫兹", "MHz": "兆赫兹", "kHz": "千赫兹",
    "Hz": "赫兹", "dB": "分贝", "V": "伏", "W": "瓦",
}  # fmt: skip
# After these words digits are a code, read one by one.
_CODED = (
    "电话|手机|座机|热线|传真|拨打|号码|证号|账号|帐号|卡号|单号|编号|学号|工号|群号|密码|验证码|邮编|代码|房号|"
    "房间号?|门牌号|航班|车次|波音|空客|QQ|微信|客服"
)
# What makes of digits a count even there: 电话3000个.
_COUNTED = r"(?!\d|[.,:%]\d| ?[万亿千百个人位名台部间条次元块件年月日号])"


def missing() -> bool:
    """Whether one of the libraries that Chinese needs is not installed."""
    return any(importlib.util.find_spec(name) is None for name in _LIBRARIES)


def normalize(text: str) -> str:
    """A sentence as it is read aloud: simplified characters, no digits, the punctuation that misaki knows.

    Letters of other scripts stay. Raises UserError when a library is not installed.
    """
    text = simplified(fold(text))
    for pattern, reading in _before():
        text = pattern.sub(reading, text)
    if re.search(r"\d", text):
        text = _wetext()(text.replace("\\", " ")).replace("\\", "")  # it puts some before quotes
    for pattern, reading in _after():
        text = pattern.sub(reading, text)
    return " ".join(text.split())


def simplified(text: str) -> str:
    """Traditional characters as simplified ones. Raises UserError when opencc is not installed."""
    return _opencc()(text)


def phonemes(text: str) -> str:
    """misaki's phonemes of one line of Chinese text, tones as arrows; characters without any are left out."""
    convert = _misaki()
    text = "".join(c for c in " ".join(text.split()) if not is_han(c) or has_reading(c))
    result, _ = convert(text)
    return " ".join(result.split())


@functools.cache
def has_reading(character: str) -> bool:
    """Whether misaki can read a Chinese character: it breaks down at some, such as those made up in Japan."""
    try:
        _misaki()(character)
    except ValueError:
        return False
    return True


def _read_code(match: re.Match) -> str:
    """Digit by digit, a pause between groups: "零幺零，六二五幺幺二三四"."""
    groups = [group.translate(_CODE) for group in re.findall(r"\d+", match[0])]
    return ("加" if match[0].startswith("+") else "") + "，".join(groups)


def _read_coded(match: re.Match) -> str:
    word = re.match(r"\D+", match[0])[0]
    return word + "，".join(group.translate(_CODE) for group in re.findall(r"\d+", match[0]))


def _read_digits(match: re.Match) -> str:
    return match[0].translate(_DIGITS)


def _read_years(match: re.Match) -> str:
    return f"{match['from'].translate(_DIGITS)}到{match['to'].translate(_DIGITS)}"


def _read_money(match: re.Match) -> str:
    return f"{match['number']}{match['magnitude']}{_MONEY[match['sign']]}"


def _read_unit(match: re.Match) -> str:
    return match["number"] + _UNITS[match["unit"]]


def _read_date(match: re.Match) -> str:
    month, day = int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{match['year']}年{month}月{'二' if day == 2 else day}日"


def _read_midnight(match: re.Match) -> str:
    return f"零点{match['minute']}分" if int(match["minute"]) else "零点"


def _read_points(match: re.Match) -> str:
    return "点".join(part.translate(_DIGITS) for part in match[0].split("."))


def _read_sign(match: re.Match) -> str:
    """① and Ⅳ as 1 and 4, ½ as 1/2."""
    value = unicodedata.numeric(match[0])
    if value.is_integer():
        return str(int(value))
    return unicodedata.normalize("NFKC", match[0]).replace("\N{FRACTION SLASH}", "/")


@functools.cache
def _before() -> tuple[tuple[re.Pattern, str | Callable[[re.Match], str]], ...]:
    """What is made plain before wetext reads the numbers."""
    year = r"[12]\d{3}"
    table = (
        # 著 is also how traditional text writes the particle 着, but never in these words.
        (r"(?<![名原专编显卓土合译论巨拙遗执昭])著(?![名作者书称录述])", "着"),
        (r"甚么", "什么"),
        (r"[①-⑳Ⅰ-Ⅻ½⅓⅔¼¾]", _read_sign),
        (r"[㎀-㏟]", lambda match: unicodedata.normalize("NFKC", match[0])),  # ㎡, ㎞
        (r"[−﹣]", "-"),
        (r"(?<=\d)：(?=\d)", ":"),
        (r"\bN[oO]\. ?(?=\d)", "第"),
        (r"(?<=[A-Za-z])-(?=\d)", " "),  # COVID-19
        (rf"(?<=\d) +(?=[{HAN}%‰℃°])|(?<=[{HAN}]) +(?=\d)", ""),
        (r"(?<!\d)(?<!\d[,.])\d{1,3}(?:,\d{3})+(?![,\d])", lambda match: match[0].replace(",", "")),
        # Dates and times
        (rf"(?<!\d)(?P<from>{year})[-–—~至到](?P<to>{year})(?=学?年)", _read_years),
        (r"(?<=\d)[–—](?=\d)", "-"),
        (r"(?<=[%‰℃°])[-–—~](?=\d)|(?<=\d)[-–—~](?=[¥$€£]\d)", "到"),
        (r"(?<=年)0(?=\d月)|(?<=月)0(?=\d[日号])", ""),
        # wetext reads the second day of a month as 两日.
        (r"(?:(?<=月)|(?<=年\d月)|(?<=年\d\d月))2(?=[日号])", "二"),
        (r"(?<![\d./-])(?P<year>[12]\d{3})([./-])(?P<month>\d\d?)\2(?P<day>\d\d?)(?![./-]?\d)", _read_date),
        (r"(?<![\d./-])([12]\d{3})-(?:0(\d)|(1[0-2]))(?![./-]?\d)", r"\1年\2\3月"),
        (r"(?<=\d\d\d0)s(?![A-Za-z])", "年代"),
        (r"(?<![\d:.])00?:(?P<minute>[0-5]\d)(?![\d:])", _read_midnight),
        # Codes
        (r"(?<![\w.])\+\d{1,3}(?:[ -]?\d{2,})+", _read_code),
        (r"(?<![\w.-])(?:0\d{2,3}-|[(（]0\d{2,3}[)）] ?)\d{7,8}(?![\w-])", _read_code),
        (r"(?<![\w.-])(?:1\d\d([- ])\d{4}\1|[48]00-\d{3,4}-)\d{3,4}(?![\w-])", _read_code),
        (rf"(?:(?<![\d.])|(?<=\D\.))(?:{_CODED})[为是:： ]{{0,2}}\d{{3,}}(?:-\d+)*{_COUNTED}", _read_coded),
        (r"(?<![\d.])\d{3,4}(?=室|号房)", _read_code),
        (r"(?<=[A-Za-z])\d{3,}(?![.,:]?\d)", _read_digits),  # GB2312
        (r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d)", _read_points),  # v1.2.3
        (r"(?<![\d.,])\d{12,}(?![\d.,万亿元])", _read_code),
        # Amounts
        (r"\bUS(?=\$)", ""),
        (
            r"(?P<sign>\bHK\$|[¥$€£]) ?(?P<number>\d+(?:\.\d+)?) ?(?P<magnitude>[百千万亿]+)",
            _read_money,
        ),
        (r"\bHK\$ ?(\d+(?:\.\d+)?)", r"\1港元"),
        (rf"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>{'|'.join(_UNITS)})(?![A-Za-z])", _read_unit),
        (r"(\d+(?:\.\d+)?)‰", r"千分之\1"),
        # Where wetext has 二, but 两 is said; and the reverse
        (r"(?<![\d.第/:-])2(?=[次倍点]|年(?![级代初末]))", "两"),
        (r"(?<![\d.])2(?=单元)", "二"),
    )
    return tuple((re.compile(pattern), reading) for pattern, reading in table)


@functools.cache
def _after() -> tuple[tuple[re.Pattern, str | Callable[[re.Match], str]], ...]:
    """What is left to do when the numbers are words."""
    marks = str.maketrans(",.!?;:()", "，。！？；：（）")
    table = (
        (r"\d+", _read_digits),
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
    return tuple((re.compile(pattern), reading) for pattern, reading in table)


@contextlib.contextmanager
def _libraries() -> Iterator[None]:
    """Around imports: what is missing is a UserError, and what they warn of is not for the user."""
    if missing():  # also what this import does without: all of them are needed sooner or later
        raise UserError(NEEDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ImportError as error:
        raise UserError(NEEDS) from error


@functools.cache
def _opencc() -> Callable[[str], str]:
    with _libraries():
        import opencc
    return opencc.OpenCC("t2s").convert


@functools.cache
def _wetext() -> Callable[[str], str]:
    with _libraries():
        from wetext import Normalizer
    return Normalizer(lang="zh", operator="tn").normalize


@functools.cache
def _misaki() -> Callable[[str], tuple[str, None]]:
    with _libraries():
        import jieba
        from misaki import zh
    jieba.setLogLevel(logging.WARNING)
    return zh.ZHG2P()
