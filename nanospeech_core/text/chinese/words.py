"""Tables of words around numbers: units, currencies, measure words, words before a code. Add rows here."""

from __future__ import annotations

import re

from ..readings.rules import alternatives
from .numbers import cardinal


def spell(letters: str) -> str:
    """Letters with hyphens, which keep A from being the article, and "Eh" for an A that would still be."""
    return "-".join(
        [letters[0], *("Eh" if letter == "A" else letter for letter in letters[1:-1]), *letters[1:][-1:]]
    )


UNITS = {
    "km": "公里", "m": "米", "dm": "分米", "cm": "厘米", "mm": "毫米", "μm": "微米", "um": "微米",
    "nm": "纳米", "ft": "英尺", "inch": "英寸", "mi": "英里", "mile": "英里", "miles": "英里",
    "km²": "平方公里", "km2": "平方公里", "m²": "平方米", "m2": "平方米", "dm²": "平方分米",
    "cm²": "平方厘米", "cm2": "平方厘米", "mm²": "平方毫米", "mm2": "平方毫米", "m³": "立方米",
    "m3": "立方米", "dm³": "立方分米", "cm³": "立方厘米", "cm3": "立方厘米", "mm³": "立方毫米", "cc": "毫升",
    "ha": "公顷",
    "kg": "千克", "KG": "千克", "Kg": "千克", "g": "克", "mg": "毫克", "μg": "微克", "ug": "微克", "t": "吨",
    "lb": "磅", "lbs": "磅", "oz": "盎司",
    "L": "升", "l": "升", "mL": "毫升", "ml": "毫升", "ML": "毫升", "μL": "微升", "μl": "微升", "dL": "分升",
    "h": "小时", "hr": "小时", "min": "分钟", "s": "秒", "sec": "秒", "ms": "毫秒", "μs": "微秒",
    "ns": "纳秒", "kWh": "千瓦时", "kwh": "千瓦时", "KWh": "千瓦时", "Wh": "瓦时", "mAh": "毫安时",
    "Ah": "安时", "mA": "毫安", "V": "伏", "kV": "千伏", "KV": "千伏", "mV": "毫伏", "W": "瓦",
    "kW": "千瓦", "KW": "千瓦",
    "kw": "千瓦", "MW": "兆瓦", "GW": "吉瓦", "Ω": "欧", "kΩ": "千欧", "Ω·m": "欧姆米",
    "GHz": "吉赫兹", "MHz": "兆赫兹", "kHz": "千赫兹", "Hz": "赫兹", "dB": "分贝",
    "Pa": "帕", "kPa": "千帕", "hPa": "百帕", "MPa": "兆帕", "mmHg": "毫米汞柱", "N": "牛", "N·m": "牛米",
    "J": "焦耳", "kJ": "千焦", "kcal": "千卡", "cal": "卡", "mol": "摩尔", "mmol": "毫摩尔", "lm": "流明",
    "℃": "摄氏度", "°C": "摄氏度", "º": "度", "℉": "华氏度", "°F": "华氏度", "°": "度",
    "m/s²": "米每二次方秒", "rpm": "转每分钟", "fps": "帧每秒", "px": "像素", "ppm": "百万分之一",
    "Mbps": "兆比特每秒", "Gbps": "吉比特每秒", "kbps": "千比特每秒",
}  # fmt: skip
# Before a number. The longest is found first: HK$ before $.
SIGNS = {
    "¥": "元", "RMB¥": "元", "CN¥": "元", "JP¥": "日元", "$": "美元", "US$": "美元", "HK$": "港元",
    "NT$": "新台币", "A$": "澳元", "AU$": "澳元", "C$": "加元", "CA$": "加元", "S$": "新加坡元",
    "NZ$": "新西兰元", "R$": "雷亚尔", "MOP$": "澳门元", "€": "欧元", "£": "英镑", "₩": "韩元", "₽": "卢布",
    "₹": "卢比", "฿": "泰铢", "₫": "越南盾", "₱": "比索", "₺": "里拉", "₴": "格里夫纳", "₪": "谢克尔",
    "₿": "比特币", "円": "日元",
}  # fmt: skip
# Before or after a number.
CURRENCIES = {
    "RMB": "元", "CNY": "元", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "HKD": "港元", "JPY": "日元",
    "TWD": "新台币", "AUD": "澳元", "CAD": "加元", "SGD": "新加坡元", "KRW": "韩元", "CHF": "瑞士法郎",
    "RUB": "卢布", "INR": "卢比", "THB": "泰铢",
}  # fmt: skip
# A sum of money that names its currency again after the sign: ￥50元.
MONEY_WORDS = (
    "人民币|元人民币|元|块钱?|圆|美元|美金|美刀|刀|欧元|英镑|港元|港币|港幣|日元|日圆|韩元|韩币|新台币|台币|澳元|澳币|加元|加币|"
    "新加坡元|新币|卢布|卢比|泰铢|瑞士法郎|比特币"
)

# Before these 2 is 两, not 二.
_MEASURES = (
    "(?!单元|次[元方]|人转|房东)"
    "(?:[个只位名双种条块瓶本张封杯碗盒箱把架台辆艘座间口头匹颗粒滴片根支枝朵棵株秒天周岁倍点遍趟场回顿件套份道家所门"
    "项句段篇首部集页章层栋幢笔批群组队届对副节堂步串袋包罐桶盘盆壶勺枚顶幅盏扇刻国县市省村院站格局轮类成元角毛斤吨"
    "克升亩寸里米度款起样餐顿拨卷捆筐剂例宗桩处幕册股味晚夜排列行枪刀针碟尊辈棒圈拳脚声眼课则厅卫房菜汤荤素男女"
    "胜负单瓣撮球票边侧金铜死伤]|下(?!午)|次(?![元方])|年(?![级代初末])|"
    "人(?!转)|分(?!之)|室|公[里斤分顷]|千[米克瓦]|毫[米升克]|厘米|英[里尺寸]|平方|立方|小时|星期|礼拜|摄氏度|华氏度|"
    "美元|欧元|英镑|港元|日元|方面|大(?=[类块步]|\\d小)|[茶汤]匙|[大小][勺碗杯瓶袋]|平米|日游|季(?![度报])|银(?!行)|"
    "级(?=台阶|楼梯)|[MGTP]B|T(?=[硬固的，。、]|$)|居(?!民)|[百千万亿])"
)
MEASURE = re.compile(_MEASURES)

# What a rate is counted by: 5元/人.
COUNTED = (
    "万?元|块|[毛角]|美元|个|分|次|人|份|度|瓶|件|页|字|步|升|千?克|[公市]?斤|"
    "吨|公里|千?米|转|滴|票|单|篇|条|张|本|包|盒|杯|片|粒|颗|袋|支|丸|碗|勺|组|套|双|节|局|场|集|层|箱|桶|罐|[KMGT]B"
)
PER = (
    "个?人|天|度|个?月|年|[日次个晚位周季斤克吨升米件份间套股台瓶盒张本公亩间门单辆节]|小时|分钟?|秒|公斤|公里|千克|千米|平方米?|"
    "平米|班|课时|学期|千瓦时|立方米?|学年|盎司|磅|加仑|桶|袋|对|双|只|支|粒|片|箱|罐|包|组|串|碗|杯|把|颗|条|块|期|辆|亩|根|枚"
)

# After these words digits are a code, read one by one. Between the groups of a number to call or to pay to is
# a pause; between those of other codes, 杠.
CALLED = (
    "电话|手机号?码?|座机|热线|传真|拨打|致电|号码|证号|账号|帐号|账户|卡号|"
    "尾号|分机号?|群号|QQ(?:号|群号?)?|微信号?|客服|联系方式|证件号码?"
)
NUMBERED = (
    "[订运货快单件]单号|单号|编号|学号|工号|密码|口令|验证码|校验码|取件码|提货码|提取码|邀请码|兑换码|识别码|序列号|条形?码|"
    "编码|识别号|税号|社保号|合同号|发票号码?|货号|款号|串码|激活码|券码|核销码|流水号|票号|档案号|许可证号?|批号|邮编|邮政编码|区号|(?:股票)?代码|航班|车次|波音|空客|车牌号?|型号|案号|文号|房号|"
    "房间号?|门牌号?|房门号|端口号?"
)
ROOMS = "房间号?|房号|门牌号?|房门号|住址|地址"
# Digits before these are a count even there: 电话3000个.
NOT_COUNTED = (
    r"(?!\d|[.,:%]\d|[A-WYZa-z]| ?[万亿千百个人位名台部间条次元块件年月日号家多余款种辆架行字]|"
    r"[-–—~]\d+ ?[万亿千百个人位名台部间条次元块件])"
)
SERVICES = "110|119|120|122|114|12306|12315|12345|12333|12348|12351|12320|10086|10010|10000|95\\d{3}|96\\d{3}"
# Names of types: the hyphen before their number is not a minus. 歼-20, 表-1.
TYPES = (
    "[歼轰运直苏米图安卡]|东风|神舟|天宫|天舟|嫦娥|长征|红旗|鹰击|巨浪|北斗|风云|波音|空客|伊尔|辽宁|新冠|[图表式例题区室号版型]|"
    "附件|附录|附表"
)
# Numbers that are names: each is followed by what tells it from a count.
NICKNAMES = {
    r"985(?=[本硕博]|高校|大学|院校|工程|毕业|[、/和或与]|学生|名校)": "九八五",
    r"211(?=[本硕博]|高校|大学|院校|工程|毕业|学生|名校)": "二幺幺",
    r"(?<=985[、/和或与])211": "二幺幺",
    r"007(?=电影|系列|工作)": "零零七",
    r"3[.·]15(?=晚会|消费者|打假|$|[，。“”])|(?<!\d)315(?=晚会|打假)": "三幺五",
    r"7-11(?=便利|超市|门?店)": "七幺幺",
    r"6[.·]18(?=大促|活动|年中|购物|狂欢)|(?<!\d)618(?=大促|活动|年中|购物|狂欢|期间|"
    r"到了?|来|买|囤|凑|预售|开[始抢]|当天|前)": "六幺八",
    r"9[.·]?18(?=事变)": "九一八",
    r"7[.·]7(?=事变)": "七七",
    r"9[.·]?11(?=事件|恐怖|袭击)": "九幺幺",
    r"12[.·]9(?=运动)": "一二九",
    r"5[.·]4(?=运动|青年节|精神)": "五四",
    r"3[.·]8(?=妇女|女神|女王)": "三八",
    r"6[.·]1(?=儿童)": "六一",
    r"7[.·]1(?=建党)": "七一",
    r"8[.·]1(?=建军)": "八一",
    r"818(?=大促|活动|购物|狂欢)": "八幺八",
    r"5[.·]20(?=去|领|快乐|[表告]白|情人|活动)": "五二零",
    r"24/7(?![\d/])": " twenty-four seven ",
    r"5[.·]1(?=假|节|黄金周|长假|小长假|劳动|国际)": "五一",
    r"10[.·]1(?=假|节|黄金周|长假|国庆)": "十一",
    r"11[.·]11(?=购物|大促|活动|狂欢|光棍)": "双十一",
    r"12[.·]12(?=购物|大促|活动|狂欢)": "双十二",
}

# Other numbers that are read digit by digit, where nothing is counted after them.
_UNCOUNTED = rf"(?![-/]\d|[A-Za-z%℃°米克斤公分毫吨升度平倍楼级天周岁秒小余来几])(?:{NOT_COUNTED})"
SLANG = (
    rf"(?:(?<![\d¥$€£第])(?<!\d[.,:/-])(?:6{{3,}}|23{{3,}}|996|5201314|7456(?=气)){_UNCOUNTED}"
    r"|(?<![\d¥$€£第共约])(?<!\d[.,:/-])(?:520|1314)(?=快乐|礼[物品盒]|[告表]白|情人|当天|那天|这天|活动|红包|到了|文案|朋友圈|领证|结婚|限定|"
    "我?[爱你]|"
    r"永远|一生)|(?<=我)520|(?<=一生一世)1314|^520(?=[！!~～，,。])"
    r"|(?:^(?=\d+[^\d。])|(?<=[^\d\s][，。！!~,吧啦]))(?:886?|9494|3166)(?=[~～！!，,。啦咯哦喽]|$)|"
    r"(?:^|(?<=[^\d][，。！~ ]))5{3,}(?=[~～！!，。…我]))"
)
DIGIT_NAMES = (
    r"84(?=消毒)|502(?=胶)|404(?=错误|页面|了)|(?:404|500|502|503)(?=报错|错误)|360(?=浏览器|安全|杀毒|搜索|公司)|58(?=同城)|"
    r"863(?=计划)|973(?=计划)|731(?=部队)|798(?=艺术)|85(?=度C)|1024(?=程序员)|802\.11|(?:9[258]|89)(?=号?[汽油]|号(?:国|乙醇|涨|跌|降|\d\.\d)|"
    r"新(?:[，。！ ]|$|的|无|机))|"
    r"(?<=加)9[258](?=号?(?:$|[，。！]|的))"
)
# Before a number of a model: 骁龙888, Boeing 737.
BRANDS = (
    "Boeing|Airbus|Nokia|Office|Xbox|HTTP|Radeon|骁龙|天玑|麒麟|诺基亚|保时捷|标致|"
    "宝马|奔驰|雪铁龙|沃尔沃|米格"
)

# Capitals are spelled, but for these, which are read as words. Six letters and more are a word.
WORDS = frozenset(
    "NASA NATO OPEC APEC AIDS SARS MERS FIFA UEFA OPPO VIVO ECMO NIKE "
    "ZARA IKEA SONY ASUS ACER PUMA FILA MUJI DIOR "
    "MINI SPA RAM ROM SIM POS PIN GIF OK APP SALE LOVE HELLO BABY HIFI "
    "WIFI SAAS BRICS ASEAN ADAS TED LOGO DEMO "
    "BUFF BOSS COOL HIGH SHOW OUT UP CUT FANS NICE GOOD TIPS BUG KISS "
    "VLOG BLOG PASS FLAG GET CARRY TOP HOT NEW "
    "SOLO LIVE RAP ROCK JAZZ POP PLUS PRO MAX AIR MIX ULTRA LITE NOTE "
    "TOEFL IELTS SWOT LASER RADAR SCUBA YES NO "
    "HI BYE TIME OPEN CLUB CAFE TAXI CHINA JAVA LINUX UNIX COVID SOHO LOFT VISA IMAX GUCCI PRADA COACH "
    "FENDI ROLEX OMEGA CASIO CANON NIKON BOSE DELL AUDI FORD HONDA MAZDA JEEP LEXUS LEGO UBER META "
    "STEAM EPIC COS MALL KING QUEEN OFFER EMAIL DATA FILE LINK CODE TOKEN LIST GAME OVER WIN LIKE "
    "WOW GO READY START STOP EXIT MENU HELP USER ADMIN LOGIN ROOT NULL TRUE FALSE NONE TEST DEBUG "
    "FROM WHERE SUPER HAPPY LADY STAR SHOP CALL CITY WALK WEEK YEAR DAY SWEET DREAM BEST NIGHT MUSIC "
    "VIDEO PHOTO VOGUE ELLE ROSE JISOO LISA JENNIE CUDA BERT AJAX BASIC MATLAB "
    "LASIK OLED MODEL TESLA INTEL NOKIA LINE ZOOM "
    "SKYPE WORD EXCEL OFFICE PIZZA BABE GIRL BOY HOME PARTY IN ON OF TO AND THE IS IT'S".split()
)
# Capitals with vowels that espeak-ng spells on its own.
SPELLED_ANYWAY = frozenset(
    "AI IT ID US UK EU UN USA USB CEO CFO COO CTO KPI API CPU GPU CPI PPI "
    "PMI UFO SUV DNA RNA NBA CBA MBA MRI DIY IBM "
    "WTO AAA BBA ATM HIV TV UV PE".split()
)
# Extensions of file names, and those that are read as a word.
EXTENSIONS = {
    **{
        name: spell(name.upper())
        for name in (
            "pdf doc docx xls xlsx ppt pptx txt csv md html htm xml yaml yml "
            "exe dll apk ipa dmg iso png jpg gif bmp "
            "svg psd webp wav flac aac ogg avi mkv mov py js ts css java cpp "
            "go rs sh bat sql db log cfg ini rar gz tar "
            "epub wps jar php vue ttf srt"
        ).split()
    },
    "mp3": "M-P三", "mp4": "M-P四", "m4a": "M四A", "7z": "七Z", "h5": "H五", "jpeg": "J-peg", "json": "json",
    "zip": "zip", "log": "log", "java": "java", "wave": "wave", "bat": "bat", "go": "go", "tar": "tar",
    "jar": "jar", "vue": "vue", "ini": "ini",
}  # fmt: skip

UNIT = alternatives(UNITS)


def count(number: str, following: str) -> str:
    """A number before what it counts: 2 is 两 before a measure word."""
    return "两" if number == "2" and MEASURE.match(following) else cardinal(number)


def amount(written: str, following: str) -> str:
    """A number or a range of numbers before what is counted: 3-5 is 三到五."""
    numbers = re.split("[-–—~到至]", written)
    return ("至" if "至" in written else "到").join(count(number, following) for number in numbers)
