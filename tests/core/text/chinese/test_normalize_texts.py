"""Everyday texts as they are read aloud, and which written characters each reading stands for."""

import random

import pytest

from nanospeech_core.text.chinese.normalize import find, normalize
from nanospeech_core.text.readings.rules import Reading, apply_readings
from nanospeech_core.text.traced import TracedText

TEXTS = {
    "会议定于2024年3月15日（周五）14:00-16:30在3号楼201会议室举行。": (
        "会议定于二零二四年三月十五日（周五）十四点到十六点三十分在三号楼二零幺会议室举行。"
    ),
    "快递单号SF1234567890，请在18:00前取件。": "快递单号SF一二三四五六七八九零，请在十八点前取件。",
    "今日气温-3~8℃，北风4-5级，AQI指数85。": "今日气温负三到八摄氏度，北风四到五级，A-Q-I指数八十五。",
    "原价￥299，现价￥199.9，满300减50。": "原价两百九十九元，现价一百九十九点九元，满三百减五十。",
    "请于12/31前提交报名表.docx。": "请于十二月三十一日前提交报名表点D-O-C-X。",
    "他身高1.82m，体重75kg，视力5.1/5.0。": "他身高一点八二米，体重七十五千克，视力五点一，五点零。",
    "营业时间：周一至周五9:00-21:00，周六-周日10:00-22:00。": (
        "营业时间：周一至周五，九点到二十一点，周六到周日十点到二十二点。"
    ),
    "中国队以3:0战胜巴西队。": "中国队以三比零战胜巴西队。",
    "三局比分为25:22、25:19、25:17。": "三局比分为二十五比二十二、二十五比十九、二十五比十七。",
    "全程1318km，用时4h28min。": "全程一千三百一十八公里，用时四小时二十八分钟。",
    "3月CPI同比上涨0.1%，环比下降1.0%。": "三月CPI同比上涨百分之零点一，环比下降百分之一点零。",
    "图书馆藏书120万册，外文书占1/5。": "图书馆藏书一百二十万册，外文书占五分之一。",
    "密码必须包含8-16位字符。": "密码必须包含八到十六位字符。",
    "24小时客服电话95588。": "二十四小时客服电话九五五八八。",
    "下载v3.2.1版本的App。": "下载v三点二点一版本的App。",
    "一杯250ml的牛奶含8g蛋白质。": "一杯两百五十毫升的牛奶含八克蛋白质。",
    "这台电脑有16GB内存和1TB硬盘。": "这台电脑有十六GB内存和一TB硬盘。",
    "跑步5km，配速5'30\"。": "跑步五公里，配速五分三十秒。",
    "房子面积89.5㎡，单价5.2万/㎡。": "房子面积八十九点五平方米，单价每平方米五点二万。",
    "2023-2024学年第2学期将于6月24日-7月5日考试。": (
        "二零二三到二零二四学年第二学期将于六月二十四日到七月五日考试。"
    ),
    "苹果￥6.5/斤，香蕉￥3.98/500g。": "苹果每斤六点五元，香蕉每五百克三点九八元。",
    "体温38.5℃，心率110次/分，血压135/85mmHg。": (
        "体温三十八点五摄氏度，心率每分钟一百一十次，血压一百三十五，八十五毫米汞柱。"
    ),
    "面粉200g、鸡蛋2个、牛奶100mL，180℃烤25-30min。": (
        "面粉两百克、鸡蛋两个、牛奶一百毫升，一百八十摄氏度烤二十五到三十分钟。"
    ),
    "湖人112-108击败勇士，詹姆斯砍下28分。": "湖人一百一十二比一百零八击败勇士，詹姆斯砍下二十八分。",
    "汇率：1美元=7.24人民币。": "汇率：一美元等于七点二四人民币。",
    "手机尾号为1234的用户，您的余额为￥12.50。": "手机尾号为幺二三四的用户，您的余额为十二点五元。",
    "验证码：039281，5分钟内有效。": "验证码：零三九二八幺，五分钟内有效。",
    "您的快递已到3号柜，取件码6-2-3041。": "您的快递已到三号柜，取件码六杠二杠三零四幺。",
    "《三体Ⅲ》共3册，定价￥93.00元。": "《三体三》共三册，定价九十三元。",
    "每周二、四19:00-20:30上课。": "每周二、四，十九点到二十点三十分上课。",
    "年薪20w-30w，五险一金，双休。": "年薪二十万到三十万，五险一金，双休。",
    "一日3次，每次2片，饭后30min服用。": "一日三次，每次两片，饭后三十分钟服用。",
    "上海→北京G2次，07:00开，11:29到。": "上海，北京G二次，七点开，十一点二十九分到。",
    "全场5-7折，满￥300减￥40，限时2小时！": "全场五到七折，满三百元减四十元，限时两小时！",
    "单价（元/斤），男/女，3/5/7天，4G/5G。": "单价（元每斤），男、女，三、五、七天，四G、五G。",
    "HPV 16/18阳性，取0/1，20XX年。": "HPV 十六、十八阳性，取零、一，二零XX年。",
    "①打开设置②点击Wi-Fi③输入密码。": "一，打开设置，二，点击Wi-Fi，三，输入密码。",
    "他从第3-201室搬到了房间号 3-502。": "他从第三杠二零幺室搬到了房间号三杠五零二。",
}


@pytest.mark.parametrize("text", TEXTS)
def test_text(text):
    assert normalize(text) == TEXTS[text]


def test_a_reading_knows_what_it_stands_for():
    text = "頭髮乱，第 3 章，￥1,234元，50㎡。"
    spoken = {text[reading.start : reading.end]: reading.spoken for reading in find(text)}
    assert spoken == {
        "頭髮": "头发",
        " ": "",
        "第 3": "第三",
        "￥1,234元": "一千二百三十四元",
        "50㎡": "五十平方米",
    }


def test_prose_has_no_readings():
    assert find("今天天气很好，我们去公园吧。") == []


def test_one_sign_may_be_read_as_two_parts():
    assert find("5㎡") == [Reading(0, 2, "五平方米")]


@pytest.mark.parametrize("seed", range(4))
def test_readings_are_in_order_and_apart(seed):
    characters = [
        *"两年月日点分秒个￥$%‰℃㎡①½:：/-~.,，+×=<>()（） 2019 0537wkgmABCX頭著…",
        "电话",
        "房间号",
        "周一",
        "第",
        "14:30",
        "3-1",
    ]
    generator = random.Random(seed)
    for _ in range(100):
        text = "".join(generator.choices(characters, k=generator.randint(1, 30)))
        readings = find(text)
        ends = [0, *(reading.end for reading in readings)]
        assert all(
            end <= reading.start <= reading.end <= len(text)
            for end, reading in zip(ends, readings, strict=False)
        )
        spoken = apply_readings(TracedText.of(text), readings).text
        assert spoken == normalize(text) and not any(character in "0123456789" for character in spoken)
