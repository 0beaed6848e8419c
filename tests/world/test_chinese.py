"""The world in Chinese: whole, in characters alone, every noun with a measure word that a Chinese reader accepts."""

import re
from itertools import product

import pytest

from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.world import chinese, chinese_words, stories, vocabulary
from electra_helpers.world import lexicon as lex
from electra_helpers.world.meaning import EXPRESSIONS, FRAMES, frame_registers, registers
from electra_helpers.world.story import TOPICS
from electra_helpers.world.telling import Slot, parse_template

SOME = list(stories(seed=8, count=400, languages=["zh"])) + list(stories(count=300, split="test"))
PUNCTUATION = "，。：？！“”"
ATTRIBUTES = {"adj", "age", "how", "state", "C"}  # what may stand between a measure word and its noun

# What a dictionary of measure words allows, noun by noun; written apart from the tables of the module.
ACCEPTED = {
    "把": "抹刀 锤子 锯子 电钻 椅子 铁锹 耙子 汤勺 刮刀 陶壶 小提琴 扳手 镰刀 草叉 锄头 焊枪 尺子 锉刀 夹钳 刀 斧头 剑"
    " 梳子 螺丝刀 凿子 木槌 木锉 锛子 裁纸刀 吉他 雨伞 阳伞 青草 玉米 燕麦 三叶草 瓜子 麦粒",
    "张": "桌子 渔网 照片 明信片 海报",
    "条": "长凳 连衣裙 鳟鱼 鲑鱼 鳗鱼 项链 毯子 披肩 独木舟 围巾 狗 围脖",
    "根": "缝衣针 水管 鱼竿 指挥棒 拨火棍 数据线 撬棍 吹管 黄瓜 酸黄瓜",
    "枚": "顶针 鱼钩 印章 戒指 火箭",
    "件": "大衣 衬衫 棉袄 雨衣",
    "支": "画笔 钢笔 长笛 圆舞曲 进行曲 移液管",
    "块": "调色板 海绵 手表 磁铁 地毯 苹果酥 肉 黄油 奶酪 牛肉 火腿",
    "幅": "肖像画 风景画 圣像画",
    "盆": "玫瑰 郁金香 兰花 麦麸",
    "份": "咖喱 炖肉 烤肉 煎蛋卷 冰糕",
    "台": "打字机 发动机 相机 笔记本电脑 机器 绞车 压书机",
    "本": "词典 日记本 相册 地图册 书",
    "首": "诗 歌曲",
    "辆": "摩托车 踏板车 自行车",
    "只": "陶碗 花瓶 手镯 木筏 高脚杯 风筝 猫 山羊 母鸡 鸭子 兔子 鹦鹉 鸽子 猫头鹰 大虾 老鼠",
    "头": "驴子 猪",
    "匹": "马",
    "尊": "雕像 半身像",
    "瓶": "糖浆 润肤露 香水 橄榄油",
    "盏": "油灯 灯笼",
    "顶": "风帽 头盔",
    "座": "城市 海岛 山丘 港城 山 温室 图书馆 渔港 剧院 谷仓",
    "家": "面包房 裁缝铺 餐厅 陶艺坊 修车铺 珠宝店 铁匠铺 织布坊 钟表店 工厂 船厂 玻璃厂 装订坊",
    "间": "木工房 画室 暗房 办公室 实验室",
    "袋": "大米 面粉",
    "包": "白糖 藏红花",
    "盘": "披萨 烩饭 沙拉 海鲜饭",
    "碗": "浓汤 牛奶",
    "顿": "早饭 午饭 下午茶 晚饭",
    "个": "打蛋器 筛子 蛋糕 馅饼 水果挞 画架 擦丝器 千斤顶 打气筒 南瓜 甜瓜 三脚架 闪光灯 放大镜 键盘 网站 梭子"
    " 纺锤 目镜 油壶 挂钟 计时器 小人像 烧瓶 漏斗 开关 机器人 模具 托盘 瓶子 订书机 足球 布娃娃 哨子 村子 镇子 山谷 "
    "海湾 后院 鸡蛋 西红柿 洋葱 柠檬 苹果 土豆 汉堡 三明治",
    **{
        "口": "平底锅",
        "卷": "丝线",
        "部": "小说",
        "篇": "童话",
        "款": "游戏 应用",
        "节": "电池",
        "艘": "游艇",
        "棵": "卷心菜",
    },
    **{"副": "拼图", "面": "鼓", "架": "雪橇", "片": "森林 面包", "朵": "蘑菇", "盒": "奶油", "捆": "干草"},
}
ACCEPTED_NOUNS = {noun for nouns in ACCEPTED.values() for noun in nouns.split()}


# Every template of the language, by where it stands.
LINES = {
    **{f"{frame} {at}": line for frame, lines in chinese.TEMPLATES.items() for at, line in enumerate(lines)},
    **{f"asked {frame} {at}": q[1] for frame, asked in chinese.QUESTIONS.items() for at, q in enumerate(asked)},
    **{f"summary {key} {at}": line for key, lines in chinese.SUMMARIES.items() for at, line in enumerate(lines)},
}


def ways():
    """Every sentence pattern there is: where it stands, and its pieces, with each free choice made in each way."""
    for where, line in LINES.items():
        for chosen in product(*parse_template(line)):
            yield where, [piece for way in chosen for piece in way]


def spans(told):
    """The entities of a told sentence: (kind, characters)."""
    found = []
    for character, tag in zip(told.words, told.entities, strict=True):
        if tag.startswith("B-"):
            found.append([tag[2:], character])
        elif tag.startswith("I-"):
            assert found[-1][0] == tag[2:]
            found[-1][1] += character
    return [tuple(span) for span in found]


def concepts(expression):
    names, concept, _ = EXPRESSIONS[expression]
    return {concept(*values) for values in product(*(registers()[name].values for name in names))}


def test_every_noun_has_a_measure_word_that_a_dictionary_allows():
    nouns = chinese_words.NOUNS.keys() | chinese_words.MEALS.keys()
    for concept in nouns:
        noun, measure = chinese.word(concept), chinese.word(concept, "ge")
        assert noun in ACCEPTED[measure].split(), f"{measure}{noun}"


def test_a_measure_word_follows_a_number_and_leads_to_its_own_noun():
    for where, pieces in ways():
        for at, piece in enumerate(pieces):
            if not isinstance(piece, Slot) or piece.form != "ge":
                continue
            before = pieces[at - 1]
            assert before == Slot("count", "") if isinstance(before, Slot) else before[-1] in "一这那", where
            noun = next(p for p in pieces[at + 1 :] if not isinstance(p, Slot) or p.expression not in ATTRIBUTES)
            alone = isinstance(noun, str) and noun[0] in "。，新"  # 另买了一把。 买了一把新的。
            assert alone or noun == Slot(piece.expression, ""), where


def test_after_a_number_there_is_a_measure_word():
    for where, pieces in ways():
        for piece, follows in zip(pieces, [*pieces[1:], ""], strict=True):
            if piece == Slot("count", "") or (isinstance(piece, str) and piece[-1] in "一这那"):
                assert getattr(follows, "form", "") == "ge", where
    for where, line in LINES.items():
        bare = set(re.findall(r"\{(coins|hours|days|plates)\}", line))  # these are told with what they count
        assert not bare, where


def test_a_slot_stands_apart_from_the_words_around_it():
    for where, pieces in ways():
        assert not any("{" in piece or "}" in piece for piece in pieces if isinstance(piece, str)), where


def test_stories_are_chinese_characters_and_full_width_punctuation_and_nothing_else():
    for story in SOME:
        text = story.text("zh")
        assert re.fullmatch(f"[\u4e00-\u9fff{PUNCTUATION}]+", text), text
        assert not re.search(r"([，。：？！])[，。：？！]|^[，。：？！”]|的的|了了|二(?<!期二)", text), text


def test_every_sentence_is_closed_and_every_quotation_too():
    for story in SOME:
        for sentence in story.sentences("zh"):
            assert sentence.endswith(("。", "！", "？", "。”", "！”", "？”")), sentence
            assert re.sub("[^“”]", "", sentence) in ("", "“”"), sentence


def test_the_vocabulary_is_single_characters_and_the_tokenizer_agrees():
    known = vocabulary("zh")
    assert all(len(character) == 1 for character in known)
    assert set(PUNCTUATION) <= set(known)
    tokenizer = tokenizer_from_words(known)
    for story in SOME:
        assert tokenizer.encode(story.text("zh")).tokens[1:-1] == story.words("zh")
        assert set(known).issuperset(story.words("zh"))


def test_every_concept_has_a_word_and_two_concepts_never_share_one():
    always_in_a_form = {"adj", "age", "comp", "joyful", "woeful"}  # test_stories.py tries them as the templates do
    for expression in EXPRESSIONS.keys() - always_in_a_form:
        shown = {concept.removeprefix("many "): chinese.word(concept) for concept in concepts(expression)}
        shown = {concept: text for concept, text in shown.items() if not concept.endswith("(m)")}  # 朋友 is either
        assert all(shown.values())
        assert len(set(shown.values())) == len(shown), expression


def test_no_name_hides_in_another():
    names = [chinese.word(name) for name in (*lex.NAMES, *lex.PETS)]
    assert not [(a, b) for a, b in product(names, names) if a != b and a in b]
    assert len(set(names)) == len(names)


def test_pronouns_have_the_gender_of_the_one_they_mean():
    seen = set()
    for story in SOME:
        for told in story.told("zh"):
            for piece, slot in zip(told.pieces, told.slots, strict=True):
                if slot is not None and slot.form == "ta":
                    is_woman = story.values[slot.expression] in lex.WOMEN
                    assert piece == ("她" if is_woman else "他")
                    seen.add(piece)
                assert slot is not None or not re.search(
                    "[他她]", piece
                )  # a fixed pronoun would be right half the time
    assert seen == {"她", "他"}


def test_entities_are_whole_words_of_their_kind():
    found = {span for story in SOME for told in story.told("zh") for span in spans(told)}
    named = {"PERSON": (*lex.NAMES, *lex.PETS), "TRADE": lex.TRADES}
    day, part, season = ("|".join(map(chinese.word, values)) for values in (lex.WEEKDAYS, lex.DAYPARTS, lex.SEASONS))
    colour = "|".join(chinese.word(colour, "de") for colour in lex.COLOURS)
    pattern = {kind: "|".join(map(chinese.word, concepts)) for kind, concepts in named.items()}
    pattern["TIME"] = f"({day})({part})?|{part}|{season}|[两三四五六七八九十](天|个小时)"
    pattern["THING"] = f"({colour})?({'|'.join(ACCEPTED_NOUNS)})"
    pattern["PLACE"] = "[^，。：“”]{1,4}"
    assert {kind for kind, _ in found} == set(pattern)
    for kind, text in found:
        assert re.fullmatch(pattern[kind], text), (kind, text)
    assert {("TIME", "三个小时"), ("TIME", "星期三"), ("THING", "红色的风筝"), ("PLACE", "水井")} <= found


def test_adjectives_fit_their_noun():
    assert chinese.word("elegant", "~cabbage") == "匀称的"
    assert chinese.word("elegant", "~song") == "优雅的"
    assert chinese.word("larger", "~poem") == "长"
    assert chinese.word("larger", "~table") == "大"
    assert chinese.word("shiny", "~hammer") == "锃亮的"
    assert chinese.word("shiny", "~sponge") == "干净的"


def test_what_is_drunk_is_not_eaten():
    drunk = {concept for concept in chinese_words.MEALS if chinese.word(concept, "chi") == "喝"}
    assert drunk == {"milk", "tea", "chowder"}
    assert chinese.word("two", "fen~chowder") == "两碗"
    assert not [where for where, line in LINES.items() if re.search("[吃喝]", line)]  # the verb is the noun's affair


def test_a_story_fits_a_row_of_160_characters():
    lengths = [len(story.words("zh")) + 2 for story in SOME]
    assert sum(length <= 128 for length in lengths) > 0.8 * len(lengths)
    assert sum(length <= 160 for length in lengths) > 0.97 * len(lengths)


def test_an_unknown_form_is_said_plainly():
    with pytest.raises(ValueError, match="no form 'le' of 'baker'"):
        chinese.word("baker", "le")


def test_questions_and_summaries_speak_only_of_what_the_story_has():
    summed = {(topic, outcome) for topic in TOPICS for outcome in ("good", "bad")}
    assert set(chinese.SUMMARIES) == summed
    assert set(chinese.QUESTIONS) <= set(FRAMES)
    assert {kind for asked in chinese.QUESTIONS.values() for kind, _, _ in asked} == {
        *("who", "what", "where", "when", "why", "how many")
    }
    for frame, asked in chinese.QUESTIONS.items():
        for _, line, answer in asked:
            said = {
                p.expression for way in product(*parse_template(line)) for ps in way for p in ps if isinstance(p, Slot)
            }
            known = frame_registers(frame) | {"P", "T"}
            assert all(set(EXPRESSIONS[e].registers) <= known for e in said | ({answer} - {"sentence"})), (frame, line)
            assert answer not in said, (frame, line)  # a question does not say its own answer
            assert answer == "sentence" or answer in FRAMES[frame], (frame, line)
