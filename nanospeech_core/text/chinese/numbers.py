"""Numbers in Chinese words: the readings of the patterns in `normalize`.

Functions that take a match are named after what they read. Digits that they leave are read by `cardinal`.
"""

import re
import unicodedata

DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
CODE = str.maketrans("0123456789", "零幺二三四五六七八九")  # in codes 1 is yāo: yī sounds like qī, 7
NUMBER = r"\d+(?:\.\d+)?"
MONEY = {"¥": "元", "$": "美元", "€": "欧元", "£": "英镑", "HK$": "港元"}
CURRENCIES = {
    "RMB": "元", "CNY": "元", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "HKD": "港元", "JPY": "日元",
}  # fmt: skip
UNITS = {
    "km": "公里", "m": "米", "dm": "分米", "cm": "厘米", "mm": "毫米", "μm": "微米", "nm": "纳米",
    "ft": "英尺", "km²": "平方公里", "km2": "平方公里", "m²": "平方米", "m2": "平方米", "cm²": "平方厘米",
    "cm2": "平方厘米", "mm²": "平方毫米", "mm2": "平方毫米", "m³": "立方米", "m3": "立方米",
    "cm³": "立方厘米", "cm3": "立方厘米", "kg": "千克", "g": "克", "mg": "毫克", "μg": "微克", "t": "吨",
    "L": "升", "l": "升", "mL": "毫升", "ml": "毫升", "h": "小时", "min": "分钟", "s": "秒", "ms": "毫秒",
    "ha": "公顷", "kWh": "千瓦时", "mAh": "毫安时", "mA": "毫安", "GHz": "吉赫兹", "MHz": "兆赫兹",
    "kHz": "千赫兹", "Hz": "赫兹", "dB": "分贝", "V": "伏", "kV": "千伏", "W": "瓦", "kW": "千瓦",
    "MW": "兆瓦", "Pa": "帕", "kPa": "千帕", "hPa": "百帕", "MPa": "兆帕", "J": "焦耳", "kJ": "千焦",
    "kcal": "千卡", "mol": "摩尔", "℃": "摄氏度", "°C": "摄氏度", "℉": "华氏度", "°F": "华氏度", "°": "度",
    "Ω": "欧",
}  # fmt: skip
_OPERATORS = {
    "+": "加", "-": "减", "−": "减", "×": "乘", "x": "乘", "*": "乘", "÷": "除以", "=": "等于", "≈": "约等于",
    ">": "大于", "<": "小于", "≥": "大于等于", "≤": "小于等于", "≠": "不等于", "±": "正负",
}  # fmt: skip


def integer(number: int) -> str:
    """A whole number, from 0, with 两 where it leads: 两百二十二, 十二亿零五万."""
    words = re.sub("^一(?=十)", "", _large(number))
    return re.sub("^二(?=[百千万亿])", "两", words)


def _large(number: int) -> str:
    for base, unit in ((10**8, "亿"), (10**4, "万")):
        if number >= base:
            high, low = divmod(number, base)
            gap = "零" if 0 < low < base // 10 else ""
            return _large(high) + unit + gap + (_large(low) if low else "")
    words, zeros = "", False
    for digit, unit in zip(f"{number:04d}", ("千", "百", "十", ""), strict=True):
        if digit == "0":
            zeros = words != ""
        else:
            words += "零" * zeros + digit.translate(DIGITS) + unit
            zeros = False
    return words or "零"


def cardinal(match: re.Match) -> str:
    """A number. Decimals are read digit by digit, as are very long integers and leading zeros (007)."""
    whole, point, decimals = match[0].partition(".")
    if (len(whole) > 1 and whole[0] == "0" and not point) or len(whole) > 16:
        words = whole.translate(DIGITS)
    else:
        words = integer(int(whole or "0"))
    return words + ("点" + decimals.translate(DIGITS) if point else "")


def ordinal(match: re.Match) -> str:
    """After 第 it is 二百, not 两百."""
    return "第" + re.sub("^两", "二", re.sub(r"\d+", cardinal, match[0][1:]))


def code(match: re.Match) -> str:
    """Digit by digit, a pause between groups: "零幺零，六二五幺幺二三四"."""
    groups = [group.translate(CODE) for group in re.findall(r"\d+", match[0])]
    return ("加" if match[0].startswith("+") else "") + "，".join(groups)


def coded(match: re.Match) -> str:
    word = re.split(r"\d", match[0], maxsplit=1)[0]
    return word + "，".join(group.translate(CODE) for group in re.findall(r"\d+", match[0]))


def digits(match: re.Match) -> str:
    return match[0].replace("-", "").translate(DIGITS)


def years(match: re.Match) -> str:
    return f"{match['from'].translate(DIGITS)}到{match['to'].translate(DIGITS)}"


def points(match: re.Match) -> str:
    return "点".join(part.translate(DIGITS) for part in match[0].split("."))


def date(match: re.Match) -> str:
    """2024-05-01, 2024-05 and 05/01; unchanged if the month or the day is impossible."""
    parts = match.groupdict()
    month, day = int(parts["month"]), int(parts["day"] or 1) if "day" in parts else 1
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    year = f"{parts['year']}年" if parts.get("year") else ""
    return f"{year}{month}月" + (f"{day}日" if parts.get("day") else "")


def time(match: re.Match) -> str:
    """12:05 is 十二点零五分, 1:30pm 下午一点三十分."""
    half = {"": "", "a": "上午", "p": "下午"}[(match["half"] or "")[:1].lower()]
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if hour > 24:
        return match[0]
    words = half + ("零" if hour == 0 else "两" if hour == 2 else integer(hour)) + "点"
    if minute or second:
        words += f"{_two(minute)}分"
    return words + (f"{_two(second)}秒" if second else "")


def _two(number: int) -> str:
    return integer(number) if number >= 10 or number == 0 else f"零{integer(number)}"


def money(match: re.Match) -> str:
    return f"{match['number']}{match['magnitude'] or ''}{MONEY[match['sign']]}"


def percent(match: re.Match) -> str:
    """-5% is 负百分之五, 3-5% 百分之三到百分之五."""
    share = "百分之" if match["sign"] == "%" else "千分之"
    words = {"-": "负", "+": "正", None: ""}[match["plus"]] + share + match["number"]
    return words + (f"到{share}{match['to']}" if match["to"] else "")


def fraction(match: re.Match) -> str:
    """3/4 is 四分之三, 1 1/2 一又二分之一."""
    whole = f"{integer(int(match['whole']))}又" if match["whole"] else ""
    above, below = (re.sub("^两", "二", integer(int(match[name]))) for name in ("above", "below"))
    return f"{whole}{re.sub('^一(?=[百千万]$)', '', below)}分之{above}"


def rate(match: re.Match) -> str:
    """60km/h is 每小时六十公里, 5元/人 每人五元, 8L/100km 每百公里八升."""
    unit, per = (UNITS.get(match[name], match[name]) for name in ("unit", "per"))
    per = "分钟" if per == "分" else per
    return f"每{'百' if match['hundred'] else ''}{per}{match['number']}{unit}"


def unit(match: re.Match) -> str:
    return match["number"] + UNITS[match["unit"]]


def equation(match: re.Match) -> str:
    """Signs between numbers as words; a minus alone is left to `between`."""
    if not set(match[0]) & set("+×÷=*x≈<>≥≤≠"):
        return match[0]
    text = re.sub(r"(^|(?<=[=≈<>≥≤≠]))( ?)-(?=\d)", "负", match[0])
    return re.sub(" ?([-+×x*÷=≈<>≥≤≠]) ?", lambda sign: _OPERATORS[sign[1]], text)


def comparison(match: re.Match) -> str:
    return _OPERATORS[match[1] or match[2]]


def between(match: re.Match) -> str:
    """The minus between two numbers: 3-5 is from 3 to 5, 3-1 a score, 100-37 a difference."""
    first, second = float(match["first"]), float(match["second"])
    if first < second:
        word = "到"
    else:
        word = "减" if max(first, second) >= 20 else "比"
    return f"{match['first']}{word}{match['second']}"


def few(match: re.Match) -> str:
    """2、3个 is 两三个, which is spoken as one word."""
    first, second = int(match["first"]), int(match["second"])
    if second != first + 1:
        return match[0]
    return ("两" if first == 2 else match["first"].translate(DIGITS)) + match["second"].translate(DIGITS)


def sign(match: re.Match) -> str:
    """① and Ⅳ as 1 and 4, ½ as 1/2."""
    value = unicodedata.numeric(match[0])
    if value.is_integer():
        return str(int(value))
    return unicodedata.normalize("NFKC", match[0]).replace("\N{FRACTION SLASH}", "/")
