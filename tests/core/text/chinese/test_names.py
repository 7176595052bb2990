"""Addresses, models, plates, trains, flights, slang, names in digits, by kind."""

import pytest

from nanospeech_core.text.chinese.normalize import normalize
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.traced import TracedText

KINDS = {
    "mail address": {
        "我的邮箱是abc@163.com。": "我的邮箱是abc at 幺六三点com。",
        "邮箱12345@qq.com": "邮箱幺二三四五 at qq点com",
        "发到 zhang.san_88@gmail.com 吧": "发到 zhang点san下划线八八 at gmail点com 吧",
        "写信到service@12306.cn": "写信到service at 幺二三零六点cn",
        "li-ming2020@mail.sjtu.edu.cn是我": "li横杠ming二零二零 at mail点sjtu点edu点cn是我",
        "问test@126.com或a@b.net": "问test at 幺二六点com或a at b点net",
    },
    "web address": {
        "打开 example.com 吧": "打开 example点com 吧",
        "官网www.12306.cn订票": "官网三W点幺二三零六点cn订票",
        "网址https://www.baidu.com/s?wd=123": "网址三W点baidu点com斜杠s问号wd等于幺二三",
        "看b23.tv/abc": "看b二三点tv斜杠abc",
        "（见www.gov.cn）": "（见三W点gov点cn）",
        "访问 https://a-b.org/": "访问 a横杠b点org",
    },
    "mention": {
        "@张三 明天来": "艾特张三 明天来",
        "关注@人民日报": "关注艾特人民日报",
        "@所有人": "艾特所有人",
        "请@Tom 看": "请艾特Tom 看",
        "@我": "艾特我",
    },
    "model": {
        "骁龙888": "骁龙八八八",
        "麒麟9000": "麒麟九千",
        "保时捷911": "保时捷九一一",
        "Boeing 737坠毁": "Boeing 七三七坠毁",
        "Nokia 3310手机": "Nokia 三三一零手机",
        "用Office 365打开": "用Office 三六五打开",
        "用Photoshop 2024修图": "用Photoshop 二零二四修图",
        "装了Windows 98": "装了Windows 九八",
        "装了Windows 2000": "装了Windows 两千",
        "i5 12400F处理器": "i五 一二四零零F处理器",
        "奥迪A6L": "奥迪A六L",
        "iPhone 5s和Ace 3V": "iPhone 五s和Ace 三V",
        "Qwen2.5-72B模型": "Qwen二点五 七十二B模型",
        "N95口罩": "N九五口罩",
        "IP67防水": "I-P六七防水",
        "x86架构": "x八六架构",
    },
    "lines and pixels": {
        "1080p视频": "一零八零p视频",
        "720P画质": "七二零P画质",
        "1600x900屏": "一千六百乘九百屏",
        "f/1.8光圈": "f一点八光圈",
        "1/125s快门": "一百二十五分之一秒快门",
        "8GB+256GB": "八GB加两百五十六GB",
    },
    "licence plate": {
        "沪A12345": "沪A幺二三四五",
        "京A·88888": "京A八八八八八",
        "粤B12345D": "粤B幺二三四五D",
        "京N8F123": "京N八F幺二三",
        "粤A·D12345，白色": "粤A-D幺二三四五，白色",
    },
    "train and flight": {
        "G101次列车": "G幺零幺次列车",
        "Z19次": "Z幺九次",
        "坐D3025去北京": "坐D三零二五去北京",
        "K1024次晚点": "K幺零二四次晚点",
        "航班CA1501": "航班C-A幺五零幺",
        "乘坐CZ3101": "乘坐C-Z三幺零幺",
        "MU5137 07:00": "M-U五幺三七 七点",
        "3U8633航班": "三U八六三三航班",
    },
    "bus and road": {
        "302路公交": "三零二路公交",
        "110路": "幺幺零路",
        "88路": "八十八路",
        "长江路18-1号": "长江路十八杠一号",
        "人民路25号-3": "人民路二十五号杠三",
        "中山路18-20号": "中山路十八到二十号",
        "我知道10-3等于7": "我知道十减三等于七",
        "病例3-5例": "病例三到五例",
        "去T1/T2航站楼": "去T一/T二航站楼",
        "坐K12路": "坐K十二路",
    },
    "slang": {
        "666太强了": "六六六太强了",
        "666元": "六百六十六元",
        "哈哈2333": "哈哈二三三三",
        "520快乐！": "五二零快乐！",
        "520元": "五百二十元",
        "5201314": "五二零一三一四",
        "一生一世1314": "一生一世一三一四",
        "88，明天见": "八八，明天见",
        "先睡了，886": "先睡了，八八六",
        "88元": "八十八元",
        "88。": "八十八。",
        "语文90，数学88。": "语文九十，数学八十八。",
        "996太累了": "九九六太累了",
        "996个": "九百九十六个",
        "555我好惨": "五五五我好惨",
        "yyds！": "Y-Y-D-S！",
    },
    "name in digits": {
        "84消毒液": "八四消毒液",
        "502胶水": "五零二胶水",
        "404页面": "四零四页面",
        "92号汽油": "九二号汽油",
        "95号涨到8.5元": "九五号涨到八点五元",
        "1024程序员节": "一零二四程序员节",
        "油价：92号8.12元/升": "油价：九二号每升八点一二元",
        "95新，无磕碰": "九五新，无磕碰",
        "985硕": "九八五硕",
        "孕28W+5": "孕二十八周加五",
        "863计划": "八六三计划",
        "24/7服务": "twenty-four seven 服务",
    },
    "code of letters and digits": {
        "合同编号：HT-2024-001": "合同编号：HT 二零二四杠零零幺",
        "编号NO.20240001": "编号二零二四零零零幺",
        "按GB/T 19001-2016": "按GB/T 一九零零一杠二零一六",
        "型号KFR-35GW/N8": "型号KFR 三十五GW/N八",
        "加V：abc_123": "加V：abc下划线一二三",
        "照片IMG_0001.JPG": "照片I-M-G下划线零零零一点J-P-G",
        "端口8080": "端口八零八零",
        "访问127.0.0.1:8080": "访问一二七点零点零点一，八零八零",
        "学习率1e-4": "学习率一e负四",
        "身份证尾号123X": "身份证尾号一二三X",
    },
    "licence, case, figure": {
        "京ICP备12345678号-1": "京I-C-P备幺二三四五六七八号杠一",
        "沪ICP备2021012345号": "沪I-C-P备二零二幺零幺二三四五号",
        "（2023）京01民终1234号": "（二零二三）京零一民终幺二三四号",
        "见图3-2、表4-1": "见图三杠二、表四杠一",
        "例题2-1": "例题二杠一",
    },
    "Roman number in letters": {
        "III期临床": "三期临床",
        "II型糖尿病": "二型糖尿病",
        "第IV代": "第四代",
        "I类切口": "一类切口",
        "第X章": "第十章",
        "V型，AI级，X光": "V型，AI级，X光",
    },
    "list item": {
        "1.苹果 2.香蕉 3.梨": "一，苹果，二，香蕉，三，梨",
        "1.打开App；2.登录": "一，打开App；二，登录",
        "1、打开；2、登录": "一、打开；二、登录",
        "共3.5米": "共三点五米",
        "今天 1.5 米": "今天一点五米",
    },
    "signs in names": {
        "CO₂排放": "C-O二排放",
        "H₂SO₄": "H二S-O四",
        "BA.5毒株": "B-A点五毒株",
        "XBB.1.5": "XBB点一点五",
        "PA+++": "P-A三个加",
        "Lv.10会员": "Lv 十会员",
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_kind(kind):
    assert {text: normalize(text) for text in KINDS[kind]} == KINDS[kind]


# As the tokenizer reads them: which numbers are Chinese, which English.
MIXED = {
    "我买了 iPhone 15 Pro Max。": "我买了 iPhone 十五 Pro Max。",
    "华为 Mate 60 Pro 卖断货了。": "华为 Mate 六十 Pro 卖断货了。",
    "红米 Note 12 Turbo": "红米 Note 十二 Turbo",
    "RTX4090和RTX 3060 Ti": "RTX四零九零和RTX 三零六零 Ti",
    "电脑升级到 Windows 11 系统了。": "电脑升级到 Windows 十一系统了。",
    "大疆 Mini 4 Pro 和 PS5": "大疆 Mini 四 Pro 和 PS五",
    "用 USB 3.2 Gen 2 接口": "用 USB 三点二 Gen 二接口",
    "Boeing 737 坠毁": "Boeing 七三七坠毁",
    "他用 state-of-the-art 方法。": "他用 state-of-the-art 方法。",
    "Wi-Fi 6 密码是12345678": "Wi-Fi 六密码是幺二三四五六七八",
    "买 T-shirt 3 件，拍 X-ray 200 元": "买 T-shirt 三件，拍 X-ray 两百元",
    "这款 3-in-1 咖啡": "这款 three-in-one 咖啡",
    "24-hour 服务和 top-10 名单": "twenty-four-hour 服务和 top-ten 名单",
    "COVID-19 和 SARS-CoV-2": "COVID 十九和 SARS-CoV 二",
    "老师说 There are 26 letters in English.": "老师说 There are twenty-six letters in English.",
    "请翻译：I was born in 1998.": "请翻译： I was born in nineteen ninety-eight.",
    '标语是"Just do it 100%"，很酷': '标语是" Just do it one hundred percent "，很酷',
    "请读 Lesson 5 on page 20.": "请读 Lesson five on page twenty.",
    "deadline is 5月3日": "deadline is 五月三日",
    "我 check in 3 次了": "我 check in 三次了",
}


@pytest.mark.parametrize("text", MIXED)
def test_mixed(text):
    assert Tokenizer("phonemes", SYMBOLS).spoken(TracedText.of(text), "zh").text == MIXED[text]
