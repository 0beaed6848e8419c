"""The little world told in Chinese: every character a token, every noun with its measure word.

A slot without a form is the dictionary's word. The forms are `ge` (measure word), `ta` (他, 她), `li` (里, 上, 后面),
`ba` (把, 给), `v` (a bare verb), `le` (a finished act), `qi` (how it begins), `chi` (吃, 喝), `de` (an attribute),
`zhe` (the weather of a city), `lu` and `tian` (a feeling on the way, all day), and what a number counts: `xiaoshi`, `ri`,
`jinbi` (五个小时, 五天, 五枚金币) and `fen~` a dish (五碗浓汤).
"""

from __future__ import annotations

from collections.abc import Sequence

from .chinese_labels import QUESTIONS, SUMMARIES
from .chinese_words import COUNTED, word

__all__ = ["NOUN_FORMS", "QUESTIONS", "SUMMARIES", "TEMPLATES", "join", "split", "word"]

NOUN_FORMS = frozenset({"", "de", "fen", *COUNTED})

TEMPLATES: dict[str, list[str]] = {
    "open": [
        "{P} 住在一 {L.ge} {how} {L} {L.li} ，是 <个|一位> {T} 。",
        "{P} 在一 {L.ge} {how} {L} {L.li} <当|做> {T} 。",
        "<|从前，> 在一 {L.ge} {how} {L} {L.li} ， <住着|有> 一位 <名叫|叫> {P} 的 {T} 。",
        "有位 {T} <名叫|叫> {P} ，住在一 {L.ge} {how} {L} {L.li} 。",
    ],
    "habit": [
        "{P} 每天都带着 {P.ta} 那 {tool.ge} {age~tool} {tool} 去 {place} <干活|工作> 。",
        "在 {place} 里， {P} 总是用那 {tool.ge} {age~tool} {tool} <干活|工作> 。",
        "{P} 离不开 {place} ，也离不开 {P.ta} 那 {tool.ge} {age~tool} {tool} 。",
        "{place} 里总放着 {P} 那 {tool.ge} {age~tool} {tool} 。",
    ],
    "order": [
        "{E} ， {P.ta} <的|> {R} {F} 来订一 {X.ge} {adj~X} {X} 。",
        "一个 {E} ， {P} 的 {R} {F} <上门|前来> 订了一 {X.ge} {adj~X} {X} 。",
        "{E} ， {P.ta} <的|> {R} {F} 对 {P.ta} 说：“我想要一 {X.ge} {adj~X} {X} 。”",
        "{P.ta} <的|> {R} {F} 想要一 {X.ge} {adj~X} {X} ， {E} <来|特地来> 找 {P.ta} <|帮忙> 。",
    ],
    "craft": [
        "{P} <拿来|取来> {tool} ， {make.le} {X} ， <又|接着> {work.ba} 它 {work} 。",
        "{P} 用 {tool} {make.le} {X} ， <又|还> {work.ba} {X} {work} 。",
        "有了 {tool} ， <{P}|{P.ta}> 先 {make.le} {X} ，又 {work.ba} 它 {work} 。",
        "<{P}|{P.ta}> 先用 {tool} {make.le} {X} ，然后 {work.ba} 它 {work} 。",
    ],
    "promise": [
        "{P} 答应 {F} ， {E2} 就把 {X} 送过去。",
        "{P} <答应|告诉> {F} ：“ {E2} 你就能拿到 {X} 了。”",
        "{F} 和 {P} <说好|约好> ， {E2} 来取 {X} 。",
        "{P} 说 {E2} 一定把 {X} <交给|送给> {F} 。",
    ],
    "finished": [
        "<一共|前后> 花了 {hours.xiaoshi} ， <{P}|{P.ta}> 才 {make.le} 那 {X.ge} {adj~X} {X} 。",
        "为了这 {X.ge} {adj~X} {X} ， <{P}|{P.ta}> <足足|整整> 忙了 {hours.xiaoshi} 。",
        "这 {X.ge} {adj~X} {X} 花了 {P} 整整 {hours.xiaoshi} 。",
        "光是这 {X.ge} {adj~X} {X} ，就花了 {P.ta} {hours.xiaoshi} 。",
    ],
    "unfinished": [
        "可是 {P.ta} 的 {tool} 不见了，那 {X.ge} {adj~X} {X} 也就没法 {make.v} 了。",
        "可是没有 {tool} ， {P} 没法 {make.v} 那 {X.ge} {adj~X} {X} 。",
        "可是 {P} 弄丢了 {tool} ，没能 {make} 那 {X.ge} {adj~X} {X} 。",
        "可是要用 {tool} 的时候， {P} 怎么也找不到，那 {X.ge} {adj~X} {X} 只好不 {make.v} 了。",
    ],
    "paid": [
        "{F} <很喜欢|非常喜欢> 这 {X.ge} {X} ，付了 {coins.jinbi} 。",
        "{F} 收下 {X} ，给了 {P} {coins.jinbi} 。",
        "{F} <赞叹道|说> ：“多好的 {X} 啊！”当场付了 {coins.jinbi} 。",
        "为了这 {X.ge} {X} ， {F} <|爽快地> 付了 {coins.jinbi} 。",
    ],
    "unpaid": [
        "{F} 等了 {days.ri} 也没拿到 {X} ，一分钱也没付。",
        "过了 {days.ri} ， {F} 再也不想要那 {X.ge} {X} 了。",
        "{F} 一连 {days.ri} 来 <要|催> {X} ，总是空手而归。",
        "{days.ri} 过去了， {F} 还是没有 <拿到|等到> {X} 。",
    ],
    "birthday": [
        "{E} 是 {P.ta} <的|> {R} {F} 的生日。",
        "{E} ， {P} 的 {R} {F} 过生日。",
        "{E} ， {P.ta} <的|> {R} {F} 又长了一岁。",
        "{E} <到了|来了> ，这天是 {P.ta} <的|> {R} {F} 的生日。",
    ],
    "wish": [
        "{F} 一直想要一 {G.ge} {C.de} {G} 。",
        "{F} <早就|一直> <盼着|梦想着> 有一 {G.ge} {C.de} {G} 。",
        "{F} 说过：“我真想要一 {G.ge} {C.de} {G} 。”",
        "{F} 最想要的是一 {G.ge} {C.de} {G} 。",
    ],
    "buy": [
        "{P} 花 {coins.jinbi} 买了这样一 {G.ge} {G} 。",
        "于是 {P} 去集市，用 {coins.jinbi} 买了一 {G.ge} {G} 。",
        "{P} 在集市上找到了这样一 {G.ge} {G} ，花了 {coins.jinbi} 。",
        "集市上正好有一 {G.ge} {G} ， {P} 花 {coins.jinbi} 买了下来。",
    ],
    "handmade": [
        "{P} 还用 {tool} {make.le} 一 {X.ge} {X} ，并 {work.ba} 它 {work} 。",
        "{P} 拿来 {tool} ，亲手 {make.le} 一 {X.ge} {X} ，还 {work.ba} 它 {work} 。",
    ],
    "played": [
        "{F} <笑着|高兴得马上> {use.qi} 那 {G.ge} {C.de} {G} 。",
        "{F} 谢过 {P} ，马上 {use.qi} 那 {G.ge} {C.de} {G} 。",
        "{F} 收到了那 {G.ge} {C.de} {G} ，高高兴兴地 {use} 了一整天。",
        "{F} 把那 {G.ge} {C.de} {G} {use} 了又 {use} ，高兴极了。",
    ],
    "stolen": [
        "可是 {F} 在 {mark} <附近|旁边> 弄丢了那 {G.ge} {C.de} {G} 。",
        "可是有人在 {mark} 附近偷走了 {F} 那 {G.ge} {C.de} {G} 。",
        "可是那 {G.ge} {C.de} {G} 在 {mark} <附近|旁边> 被人偷走了， {F} 什么也没得到。",
        "可是没过多久， {F} 那 {G.ge} {C.de} {G} 就在 {mark} <附近|旁边> <丢了|不见了> 。",
    ],
    "find": [
        "一个 {sky} {M} ， {P.ta} 在 {mark} 附近 <发现|遇见> 了一 {A.ge} {state} {A} 。",
        "一个 {sky} {M} ， {mark} 旁边有一 {A.ge} {state} {A} ，正好被 {P} 看见。",
        "<{P}|{P.ta}> 在一个 {sky} {M} 路过 {mark} ，看见了一 {A.ge} {state} {A} 。",
        "那是一个 {sky} {M} ， {P} 在 {mark} <附近|旁边> 看见了一 {A.ge} {state} {A} 。",
    ],
    "feed": [
        "{P} 用 {food} 喂了这 {A.ge} {A} ，给它取名 {Q} 。",
        "{P} 给这 {A.ge} {A} 拿来一些 {food} ，管它叫 {Q} 。",
        "这 {A.ge} {A} {food.chi} 了一些 {food} ， {P} 给它起名叫 {Q} 。",
        "{P} 对这 {A.ge} {A} 说：“你就叫 {Q} 吧。”还给它拿来了 {food} 。",
    ],
    "shelter": [
        "{Q} 就睡在 {place} 里，紧挨着 {tool} 。",
        "从此， {Q} 的窝就安在 {place} 里， <挨着|靠着> {tool} 。",
        "从此 {Q} 住进了 {place} ， <日夜|天天> 看守着 {tool} 。",
    ],
    "settled": [
        "{P} 一拿来 {food} ， {Q} 就高兴得 {sound} 叫。",
        "每当 {P} 带着 {food} 回来， {Q} 就欢快地 {sound} 叫。",
        "没过多久， {Q} 一看见 {P} 拿着 {food} 过来，就高兴得 {sound} 叫。",
        "{P} 总备着一些 {food} ， {Q} 常常高兴得 {sound} 叫。",
    ],
    "ran away": [
        "<可是|不料|谁知> 到了 {E2} ， {Q} 跑了， {home} 里空荡荡的。",
        "<可是|不料|谁知> {E2} <清早|夜里> ， {home} 里空荡荡的， {Q} 不见了。",
        "<可是|不料|谁知> {E2} <清早|夜里> ， {Q} 离开了 {home} ，再也没有回来。",
    ],
    "visit": [
        "{P} 的 {R} {F} 常来 <陪|跟> {Q} 玩。",
        "{P} 和 {P.ta} <的|> {R} {F} 天天 <陪|跟> {Q} 玩。",
        "{P.ta} <的|> {R} {F} 也喜欢 {Q} ， <天天|常常> 来看它。",
    ],
    "search": [
        "{P} 和 {P.ta} <的|> {R} {F} 在 {mark} 附近到处找那 {A.ge} {A} 。",
        "{P} 叫上 {P.ta} <的|> {R} {F} ，一直找到 {mark} ，也没见到那 {A.ge} {A} 。",
        "{P} 的 {R} {F} 帮 {P.ta} 在 {mark} <附近|一带> 找那 {A.ge} {A} 。",
    ],
    "invite": [
        "{E} ， <{P}|{P.ta}> 请自己的 {R} {F} 来 {meal.chi} {meal} 。",
        "{E} ， {P} 的 {R} {F} 来家里 {meal.chi} {meal} 。",
        "<{P}|{P.ta}> 给自己的 {R} {F} 写信说：“ {E} 来 {meal.chi} {meal} 吧。”",
        "{P.ta} <的|> {R} {F} 答应 {E} 来 {meal.chi} {meal} 。",
    ],
    "shop": [
        "{P} <|先> 在集市上买了 {count} {counted.ge} {counted} 和一 {weighed.ge} {weighed} 。",
        "{P} 的厨房里 <有|放着> {count} {counted.ge} {counted} 和一 {weighed.ge} {weighed} 。",
        "{P} 从集市上带回了 {count} {counted.ge} {counted} 和一 {weighed.ge} {weighed} 。",
    ],
    "prepare": [
        "{P} 做 {D} 的时候， {F} 在一旁看 {P.ta} 的 {tool} 。",
        "{P.ta} 做了 {D} ，还给 {F} 看了看 {tool} 。",
        "{P} 忙着做 {D} ， {F} 就在一旁摆弄 {tool} 。",
        "趁 {P} 做 {D} 的工夫， {F} 把 {tool} 看了又看。",
    ],
    "enjoyed": [
        "{D} {yum} 极了， {F} {D.chi} 了 {plates.fen~D} 。",
        "{F} 觉得 {D} {yum} 极了， <一口气|痛痛快快地> {D.chi} 了 {plates.fen~D} 。",
        "{F} 连声说：“真 {yum} ！”一口气 {D.chi} 了 {plates.fen~D} {D} 。",
        "{F} 没想到 {D} 这么 {yum} ，一口气 {D.chi} 了 {plates.fen~D} 。",
    ],
    "spoiled": [
        "可是 {D} 太 {yuck} 了， {F} 一口也没 {D.chi} 。",
        "可是 {F} 嫌 {D} 太 {yuck} ，宁可饿着肚子。",
        "{F} 说：“这 {D.ge} {D} 太 {yuck} 了！”起身离开了餐桌。",
        "可是 {F} <只|> 尝了一口 {D} ，就嫌太 {yuck} 。",
    ],
    "present": [
        "{meal} 过后， {P} 送给 {F} 一 {X.ge} {adj~X} {X} 。",
        "{F} 谢过 {P} 的 {meal} ，还得到了一 {X.ge} {adj~X} {X} 。",
        "{meal} 后 {F} <告辞|要走> ， {P} 送上一 {X.ge} {adj~X} {X} 。",
    ],
    "apology": [
        "{P} 送给 {F} 一 {X.ge} {adj~X} {X} ，算是赔礼。",
        "{P} 送上一 {X.ge} {adj~X} {X} ，也没能让 {F} <消气|高兴起来> 。",
        "为了赔不是， {P} 送给 {F} 一 {X.ge} {adj~X} {X} 。",
    ],
    "leave": [
        "{E} {M} ， <{P}|{P.ta}> <乘|坐> {Z} 去了 {Y} 。",
        "一个 {E} {M} ， {P.ta} <乘|坐> {Z} 前往 {Y} 。",
        "{P} {E} {M} <动身|出发> ，乘 {Z} 去 {Y} 。",
        "{P} 要去 {Y} ， {E} {M} 坐上了 {Z} 。",
    ],
    "carry": [
        "{P.ta} <想|打算> 在那里卖掉一 {X.ge} {adj~X} {X} 。",
        "<{P}|{P.ta}> 带着一 {X.ge} {adj~X} {X} ，想在那里卖个好价钱。",
        "{P} 希望在那里为一 {X.ge} {adj~X} {X} 找到买主。",
        "{P} <|随身> 带上了一 {X.ge} {adj~X} {X} ，准备到那里去卖。",
    ],
    "meet": [
        "在 {stop} ， <{P}|{P.ta}> 遇见了自己的 {R} {F} 。",
        "{P} 的 {R} {F} 在 {stop} 等着 {P.ta} 。",
        "{P} 和 {P.ta} <的|> {R} {F} 在 {stop} 告别。",
    ],
    "arrive": [
        "{P} 到达 {country} 的首都 {Y} 时，那里 {sky.zhe} 。",
        "在一个 {sky} 日子， {P} 到了 {country} 的首都 {Y} 。",
        "{P} 来到 {country} 的首都 {Y} ，城里 {sky.zhe} 。",
        "{Y} 是 {country} 的首都， {P} <到达|来到> 时，那里 {sky.zhe} 。",
    ],
    "sold": [
        "在 {Y} ， {P.ta} 把那 {X.ge} {X} 卖了 {coins.jinbi} 。",
        "{Y} 有人 <花|出> {coins.jinbi} 买下了 {P.ta} 的 {X} 。",
        "{P} 在 {Y} 卖掉了那 {X.ge} {X} ， <得到|赚了> {coins.jinbi} 。",
        "那 {X.ge} {X} 在 {Y} 卖掉了， {P} <得到|拿到> {coins.jinbi} 。",
    ],
    "unsold": [
        "可是 {Y} 没有人想要那 {X.ge} {adj~X} {X} 。",
        "可是在 {Y} ，谁也不肯为那 {X.ge} {adj~X} {X} 掏 <一枚金币|钱>。",
        "可是在 {Y} ，那 {X.ge} {adj~X} {X} 被 <人|贼> 偷走了。",
        "可是走遍 {Y} ，也没有人要那 {X.ge} {adj~X} {X} 。",
    ],
    "lose": [
        "{E} ， {P} 找不到自己的 {tool} 了。",
        "{E} ， {P} 问：“我的 {tool} <呢|在哪儿|上哪儿去了> ？”",
        "一个 {E} ， {P} 弄丢了自己的 {tool} 。",
        "{P} 的 {tool} {E} <忽然|突然> 不见了。",
    ],
    "need": [
        "没有它， {P.ta} 就没法给 {P.ta} <的|> {R} {F} {make.v} {X} 。",
        "{P.ta} 要用它给自己的 {R} {F} {make.v} 一 {X.ge} {X} 。",
        "{P.ta} <的|> {R} {F} 还等着 {P.ta} 的 {X} 呢。",
        "{P.ta} 答应过给自己的 {R} {F} {make.v} 一 {X.ge} {X} 。",
    ],
    "look": [
        "<{P}|{P.ta}> 找遍了 {place} ： {H} {H.li} 没有， {H2} {H2.li} 也没有。",
        "{P} 在 {place} 里看了看 {H} {H.li} ，又看了看 {H2} {H2.li} 。",
        "在 {place} 里， {P} 翻遍了 {H} {H.li} 和 {H2} {H2.li} ，还是没找到。",
        "{P} 看过 {H} {H.li} ，看过 {H2} {H2.li} ，又翻遍了整个 {place} 。",
    ],
    "help": [
        "{F} 帮 {P} 在 {place} 里到处找。",
        "{F} 来到 {place} ，帮 {P} 一起找。",
        "{P} 和 {F} 把整个 {place} 翻了个遍。",
    ],
    "found": [
        "<最后|后来> ， {F} 在 {mark} 附近找到了 {tool} 。",
        "后来 {F} 在 {mark} 旁边看见了 {tool} ，把它送了回来。",
        "{tool} 就掉在 {mark} 附近，被 {F} 找到了。",
        "多亏 {F} ， {tool} 终于在 {mark} <附近|旁边> 找到了。",
    ],
    "gone": [
        "可是 {tool} 再也没找到， {P} 花 {coins.jinbi} 买了一 {tool.ge} 新的。",
        "{P} 始终没找到 {tool} ，只好花 {coins.jinbi} 另买了一 {tool.ge} 。",
        "最后 {P} 只得花 {coins.jinbi} 买一 {tool.ge} 新 {tool} 。",
        "{tool} 就这样丢了， {P} 又花 {coins.jinbi} 买了一 {tool.ge} 。",
    ],
    "announce": [
        "<那年|有一年> {S} ， {L} {L.li} <举行|举办> 比赛，看谁的 {X} 最好。",
        "每年 {S} ， {L} {L.li} 都要评选最好的 {X} 。",
        "{S} <到了|来了> ， {L} {L.li} 要选出最好的 {X} 。",
        "那年 {S} ， {L} {L.li} 的人都想知道谁的 {X} 最好。",
    ],
    "rival": [
        "{P.ta} <的|> {R} {F} 也是 {T} ，也想 <得奖|获胜> 。",
        "{P} 的 {R} {F} 同样是 {T} ，也参加了比赛。",
        "{P} 和 {P.ta} <的|> {R} {F} 都是 {T} ，两人都参加了。",
        "{P} 的 {R} {F} 也是 {T} ，一心想赢 {P.ta} 。",
    ],
    "enter": [
        "{P} {make.le} 一 {X.ge} {adj~X} {X} ， <又|还> {work.ba} 它 {work} 。",
        "为了比赛， {P} {make.le} 一 {X.ge} {adj~X} {X} ，并 {work.ba} 它 {work} 。",
        "{P} 先 {make.le} 一 {X.ge} {adj~X} {X} ，然后 {work.ba} 它 {work} 。",
    ],
    "better": [
        "{P} 的 {X} 比 {F} 的更 {comp~X} 。",
        "大家都觉得 {P} 的 {X} 比 {F} 的 {comp~X} 。",
        "{F} 的 {X} <不如|没有> {P} 的 {comp~X} 。",
        "{F} 的 {X} 不错，可 {P} 的更 {comp~X} 。",
    ],
    "worse": [
        "{F} 的 {X} 比 {P} 的更 {comp~X} 。",
        "大家都觉得 {F} 的 {X} 比 {P} 的 {comp~X} 。",
        "{P} 的 {X} <不如|没有> {F} 的 {comp~X} 。",
        "{P} 的 {X} 不错，可 {F} 的更 {comp~X} 。",
    ],
    "won": [
        "{P} 赢得了一 {G.ge} {C.de} {G} 和 {coins.jinbi} 。",
        "{P} 得了头奖：一 {G.ge} {C.de} {G} 和 {coins.jinbi} 。",
        "{P} 得了第一名，奖品是 {coins.jinbi} 和一 {G.ge} {C.de} {G} 。",
        "头奖归了 {P} ：一 {G.ge} {C.de} {G} ，外加 {coins.jinbi} 。",
    ],
    "defeated": [
        "{F} 赢得了一 {G.ge} {C.de} {G} ， {P} 却空手而归。",
        "头奖是一 {G.ge} {C.de} {G} ，归了 {F} ， {P} 什么也没得到。",
        "{P} 没有得奖， {F} 却得了一 {G.ge} {C.de} {G} 。",
        "头奖是一 {G.ge} {C.de} {G} ，得奖的是 {F} ，不是 {P} 。",
    ],
    "forecast": [
        "{S} 的一个 {E} ，那 {L.ge} {how} {L} {L.li} {W.qi} {W} 。",
        "{E} ，那 {L.ge} {how} {L} 遇上了 {W} ， {S} 常常这样。",
        "{S} 常有 {W} ， {E} ，那 {L.ge} {how} {L} 又遇上了一场。",
    ],
    "forget": [
        "{P} 去 {place} 的路上没带 {item} 。",
        "{P} 去 {place} 时忘了带 {item} 。",
        "{P} 没带 {item} 就往 {place} 走去。",
        "到 {place} 去的路上， {P} 才想起没带 {item} 。",
    ],
    "suffer": [
        "{P} 走到 {place} 时，已经 {effect} ，累得不行。",
        "没过多久， {P} 就 {effect.le} ， {place} 还远着呢。",
        "等看见 {place} 时， {P} 已经 {effect.le} 。",
    ],
    "lent": [
        "幸好 {P.ta} <的|> {R} {F} 借给 {P.ta} 一 {item.ge} {item} 。",
        "<{P}|{P.ta}> 遇见了自己的 {R} {F} ，借到了一 {item.ge} {item} 。",
        "{P} 的 {R} {F} 对 {P.ta} 说：“拿我的 {item} 去用吧。”",
        "这时 {P.ta} <的|> {R} {F} 拿来了一 {item.ge} {item} 。",
    ],
    "ruined": [
        "{P.ta} 在 {place} {make.v} 的那 {X.ge} {adj~X} {X} 被 {W} 毁了。",
        "都怪 {W} ， {P} 在 {place} {make.v} 的那 {X.ge} {adj~X} {X} 全毁了。",
        "{W} 来得太突然，毁了 {P.ta} 在 {place} {make.v} 的一 {X.ge} {adj~X} {X} 。",
    ],
    "thanks": [
        "为了感谢 {F} ， {P} 特意 {make.v} 了一 {X.ge} {adj~X} {X} 。",
        "{P} 谢过 {F} ，还给 {F.ta} {make.v} 了一 {X.ge} {adj~X} {X} 。",
        "因为 {F} 帮了忙， {P} 给 {F.ta} {make.v} 了一 {X.ge} {adj~X} {X} 。",
    ],
    "missed": [
        "{P} 的 {R} {F} 没有等到那 {X.ge} {X} 。",
        "这下 {P.ta} 没有 {X} 给 {P.ta} <的|> {R} {F} 了。",
        "{P.ta} <的|> {R} {F} 等的那 {X.ge} {X} ，现在 <没有了|没了> 。",
    ],
    "friends": [
        "从那以后， {F} 成了 {place} 的常客。",
        "{F} 逢人就夸那 {place.ge} {place} 。",
        "打那天起， {F} <常常|总爱> 到 {place} 来。",
    ],
    "estranged": [
        "从那以后， {F} 再也没来过 {place} 。",
        "{F} 逢人就说，千万别去 {place} 。",
        "打那天起， {F} 再也不去 {place} 了。",
    ],
    "rejoice": [
        "{P} 很 {joy} ， {joyful.lu} 回到了 {place} 。",
        "{P} {joy} 极了，在 {place} 里整天 {joyful.tian} 。",
        "回到 {place} ， {P} 心里 <十分|非常> {joy} ，一直 {joyful.tian} 。",
    ],
    "mourn": [
        "{P} 很 {woe} ， {woeful.lu} 回到了 {place} 。",
        "{P} {woe} 极了，在 {place} 里整天 {woeful.tian} 。",
        "回到 {place} ， {P} 心里 <十分|非常> {woe} ，一直 {woeful.tian} 。",
    ],
}


def split(piece: str) -> list[str]:
    """A piece as the world's tokenizer sees it: its characters."""
    return list(piece)


def join(pieces: Sequence[str]) -> str:
    """Pieces as Chinese writes them: without spaces."""
    return "".join(pieces)
