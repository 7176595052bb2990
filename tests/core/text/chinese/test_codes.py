"""Codes, telephones, rooms, versions, names with digits, capitals, file names, by kind."""

import pytest
from text_stages import phonemize

from nanospeech_core.text.chinese.normalize import normalize

KINDS = {
    "room": {
        "住3-502": "住三杠五零二",
        "A-203": "A 二零三",
        "房间号 3-201": "房间号三杠二零幺",
        "3-201室": "三杠二零幺室",
        "5栋3-201": "五栋三杠二零幺",
        "房间号：8-1201": "房间号：八杠幺二零幺",
        "1205室": "幺二零五室",
        "在201会议室": "在二零幺会议室",
        "3楼302": "三楼三零二",
        "3-2-501": "三杠二杠五零幺",
        "A座16层1605": "A座十六层幺六零五",
        "B座8-101": "B座八杠幺零幺",
        "3单元-501": "三单元杠五零幺",
        "501-503室": "五零幺到五零三室",
        "2单元501": "二单元五零幺",
        "A座1203": "A座幺二零三",
        "2号楼1508": "二号楼幺五零八",
        "302房间": "三零二房间",
        "302房间数": "三百零二房间数",
    },
    "order": {
        "订单号202403150001": "订单号二零二四零三幺五零零零幺",
        "编号：2024-15": "编号：二零二四杠幺五",
        "取件码6-2-3041": "取件码六杠二杠三零四幺",
        "验证码：039281": "验证码：零三九二八幺",
        "邮编100871": "邮编幺零零八七幺",
        "身份证号11010519491231002X": "身份证号幺幺零幺零五幺九四九幺二三幺零零二X",
        "卡号6222 0212 3456 7890": "卡号六二二二，零二幺二，三四五六，七八九零",
        "（600519）": "（六零零五幺九）",
    },
    "telephone": {
        "座机010-62345678转801": "座机零幺零，六二三四五六七八，转八零幺",
        "请拨打010-62345678 转 8012": "请拨打零幺零，六二三四五六七八，转八零幺二",
        "QQ群：123456789": "QQ群：幺二三四五六七八九",
        "请致电021-5888 8888": "请致电零二幺，五八八八，八八八八",
        "138 1234 5678": "幺三八，幺二三四，五六七八",
        "+86-138-1234-5678": "加八六，幺三八，幺二三四，五六七八",
        "400-820-8820": "四零零，八二零，八八二零",
        "(0755)26001234": "零七五五，二六零零幺二三四",
        "客服电话95588": "客服电话九五五八八",
        "火警119，急救120": "火警幺幺九，急救幺二零",
        "138****1234": "幺三八，四个星号，幺二三四",
        "95588来电": "九五五八八来电",
        "分机8023": "分机八零二三",
        "ISBN 978-7-111-12345-6": "ISBN 九七八，七，幺幺幺，幺二三四五，六",
    },
    "version": {
        "v2.0.1": "v二点零点一",
        "版本3.10": "版本三点一零",
        "iOS 17.4": "iOS 十七点四",
        "3.0版": "三点零版",
        "192.168.1.1": "一九二点一六八点一点一",
        "iOS16.4.1": "iOS十六点四点一",
        "Chrome 120.0.6099": "Chrome 一二零点零点六零九九",
        "PM2.5": "PM二点五",
    },
    "type": {
        "7-11便利店": "七幺幺便利店",
        "歼-20": "歼二十",
        "神舟-18": "神舟十八",
        "T-34坦克": "T 三十四坦克",
        "图-1": "图一",
        "RTX 4090": "RTX 四零九零",
        "C919": "C九一九",
        "312国道": "三幺二国道",
        "985高校": "九八五高校",
    },
    "file extension": {
        "文件.pdf": "文件点P-D-F",
        "简历.docx": "简历点D-O-C-X",
        "照片.JPG": "照片点J-P-G",
        "歌曲.mp3": "歌曲点M-P三",
        "config.json": "config点json",
        "压缩包.zip": "压缩包点zip",
    },
    "capitals": {
        "ABCDEFG": "A-B-C-D-E-F-G",
        "ICU病房": "I-C-U病房",
        "VIP会员": "V-I-P会员",
        "AED设备": "A-E-D设备",
        "BYD汽车": "B-Y-D汽车",
        "选A B C": "选A-B-C",
        "A/B测试": "A-B测试",
        "USB接口": "USB接口",
        "NASA发射": "NASA发射",
        "WTO成员": "WTO成员",
    },
    "signs": {
        "C++": "C加加",
        "A+级": "A加级",
        "3#楼": "三号楼",
        "№5": "第五",
        "北京→上海": "北京，上海",
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_kind(kind):
    assert {text: normalize(text) for text in KINDS[kind]} == KINDS[kind]


@pytest.mark.parametrize(
    "letters", ["ABCDEFG", "AED", "ICU", "AABB", "CAD", "VIP", "USB", "WTO", "ATM", "CEO"]
)
def test_capitals_are_spelled(letters):
    """The phones are those of the letters one by one, whatever their stress."""
    names = {"A": "Eh"}  # alone, espeak-ng reads the article
    want = "".join(phonemize(names.get(letter, letter)) for letter in letters)
    got = phonemize(normalize(letters), "zh")
    assert got.translate({ord(mark): None for mark in "ˈˌ "}) == want.replace("ˈ", "").replace("ˌ", "")
