"""What the concepts of the little world are called in Chinese, and in which forms.

Most tables are written as text, a blank between columns and a comma between rows. Nouns stand with their measure
word, verbs with what they need: 把 or 给, a result, a way of saying that it began. Where the concept leaves a relation
open, it is the elder one and the father's side: 姐姐, 哥哥, 姑姑, 叔叔.
"""

from . import lexicon as lex


def _rows(text: str, columns: int) -> dict[str, tuple[str, ...]]:
    """Rows of a table: the concept, which may hold blanks, and then so many Chinese columns."""
    table = {}
    for row in text.replace("\n", ",").split(","):
        if row.strip():
            concept, *cells = row.strip().rsplit(" ", columns)
            table[concept] = tuple(cells)
    return table


def _words(text: str) -> dict[str, str]:
    return {concept: cell for concept, (cell,) in _rows(text, 1).items()}


NAMES = _words(
    """
    Anna 安娜, Clara 克拉拉, Maria 玛丽亚, Emma 艾玛, Laura 劳拉, Nina 妮娜, Sofia 索菲亚, Lucy 露西, Eva 伊娃
    Alice 爱丽丝, Helen 海伦, Irene 艾琳, Marta 玛尔塔, Olga 奥尔加, Paula 葆拉, Rita 丽塔, Sara 莎拉, Teresa 特蕾莎
    Vera 薇拉, Elena 埃琳娜, Diana 黛安, Julia 茱莉娅, Carmen 卡门, Greta 格蕾塔
    Adam 亚当, Bruno 布鲁诺, Carlo 卡洛, David 大卫, Erik 埃里克, Felix 菲利克斯, Hugo 雨果, Ivan 伊万, Jonas 约纳斯
    Karl 卡尔, Leo 利奥, Martin 马丁, Noah 诺亚, Oscar 奥斯卡, Paul 保罗, Peter 彼得, Robert 罗伯特, Simon 西蒙
    Thomas 托马斯, Victor 维克多, Walter 沃尔特, Anton 安东, Daniel 丹尼尔, Max 马克斯
    Nora 诺拉, Ida 艾达, Linda 琳达, Monica 莫妮卡, Stella 斯黛拉, Sylvia 西尔维娅
    Emil 埃米尔, Henry 亨利, Lukas 卢卡斯, Oliver 奥利弗, Marco 马可, Samuel 塞缪尔
    Coco 可可, Luna 露娜, Milo 米洛, Bella 贝拉, Rocky 洛奇, Toby 托比, Daisy 黛西, Pixie 皮皮, Bingo 宾果, Momo 莫莫
    """
)

PLAIN = _words(
    """
    baker 面包师, carpenter 木匠, tailor 裁缝, painter 画家, gardener 园丁, chef 厨师, writer 作家, fisher 渔夫
    potter 陶工, composer 作曲家, mechanic 修车工, farmer 农夫, photographer 摄影师, jeweller 珠宝匠, blacksmith 铁匠
    programmer 程序员, weaver 织工, watchmaker 钟表匠, sculptor 雕塑家, chemist 药剂师, inventor 发明家
    boatbuilder 造船匠, glassblower 玻璃匠, bookbinder 装订工
    small 小小的, quiet 安静的, pretty 美丽的, remote 偏远的, famous 有名的, ancient 古老的, peaceful 祥和的
    charming 迷人的
    well 水井, church 教堂, cathedral 大教堂, stream 小溪, lighthouse 灯塔, windmill 风车, clearing 空地, pier 栈桥
    quay 码头, waterfall 瀑布
    Monday 星期一, Tuesday 星期二, Wednesday 星期三, Thursday 星期四, Friday 星期五, Saturday 星期六, Sunday 星期天
    morning 早上, noon 中午, afternoon 下午, evening 晚上, winter 冬天, spring 春天, summer 夏天, autumn 秋天
    hungry 饥饿的, lost 走失的, thirsty 口渴的, tired 疲惫的, frightened 受惊的, wounded 受伤的, abandoned 被遗弃的
    kennel 狗窝, basket 篮子, stable 马厩, shed 羊棚, coop 鸡窝, pond 池塘, paddock 围场, hutch 兔笼, cage 鸟笼
    sty 猪圈, loft 鸽舍, attic 阁楼
    red 红色, blue 蓝色, green 绿色, yellow 黄色, white 白色, black 黑色, orange 橙色, purple 紫色, brown 棕色
    grey 灰色
    delicious 美味, tasty 可口, excellent 地道, wonderful 妙, superb 棒
    salty 咸, bitter 苦, greasy 油腻, sour 酸, bland 淡
    Paris 巴黎, Rome 罗马, Berlin 柏林, Madrid 马德里, London 伦敦, Vienna 维也纳, Lisbon 里斯本, Athens 雅典
    Cairo 开罗, Tokyo 东京, Beijing 北京, Oslo 奥斯陆
    France 法国, Italy 意大利, Germany 德国, Spain 西班牙, England 英国, Austria 奥地利, Portugal 葡萄牙, Greece 希腊
    Egypt 埃及, Japan 日本, China 中国, Norway 挪威
    train 火车, plane 飞机, bus 大巴, station 火车站, airport 机场, terminal 汽车站
    friend (f) 朋友, friend (m) 朋友, neighbour (f) 邻居, neighbour (m) 邻居, cousin (f) 表姐, cousin (m) 表哥
    sister 姐姐, brother 哥哥, aunt 姑姑, uncle 叔叔, grandmother 奶奶, grandfather 爷爷, daughter 女儿, son 儿子
    niece 侄女, nephew 侄子
    happy 开心, proud 自豪, delighted 兴奋, cheerful 快活, glad 高兴, merry 愉快
    sad 伤心, angry 生气, upset 难过, gloomy 郁闷, disappointed 失望, grumpy 烦躁
    one 一, two 两, three 三, four 四, five 五, six 六, seven 七, eight 八, nine 九, ten 十
    to bark 汪汪, to meow 喵喵, to neigh 咴咴, to bleat 咩咩, to cluck 咯咯, to quack 嘎嘎, to bray 昂昂
    to squeak 吱吱, to screech 呱呱, to grunt 哼哼, to coo 咕咕, to hoot 呜呜
    """
)

# Concept, measure word, noun.
NOUNS = _rows(
    """
    whisk 个 打蛋器, sieve 个 筛子, spatula 把 抹刀, cake 个 蛋糕, pie 个 馅饼, tart 个 水果挞
    hammer 把 锤子, saw 把 锯子, drill 把 电钻, table 张 桌子, chair 把 椅子, bench 条 长凳
    needle 根 缝衣针, thimble 枚 顶针, thread 卷 丝线, coat 件 大衣, dress 条 连衣裙, shirt 件 衬衫
    brush 支 画笔, palette 块 调色板, easel 个 画架, portrait 幅 肖像画, landscape 幅 风景画, icon 幅 圣像画
    spade 把 铁锹, rake 把 耙子, hose 根 水管, rose 盆 玫瑰, tulip 盆 郁金香, orchid 盆 兰花
    pan 口 平底锅, ladle 把 汤勺, grater 个 擦丝器, curry 份 咖喱, stew 份 炖肉, roast 份 烤肉
    pen 支 钢笔, typewriter 台 打字机, dictionary 本 词典, novel 部 小说, poem 首 诗, tale 篇 童话
    net 张 渔网, rod 根 鱼竿, hook 枚 鱼钩, trout 条 鳟鱼, salmon 条 鲑鱼, eel 条 鳗鱼
    sponge 块 海绵, scraper 把 刮刀, stamp 枚 印章, bowl 只 陶碗, vase 只 花瓶, jug 把 陶壶
    violin 把 小提琴, flute 支 长笛, baton 根 指挥棒, waltz 支 圆舞曲, march 支 进行曲, song 首 歌曲
    wrench 把 扳手, jack 个 千斤顶, pump 个 打气筒, engine 台 发动机, motorbike 辆 摩托车, scooter 辆 踏板车
    sickle 把 镰刀, pitchfork 把 草叉, hoe 把 锄头, pumpkin 个 南瓜, melon 个 甜瓜, cabbage 棵 卷心菜
    camera 台 相机, tripod 个 三脚架, flash 个 闪光灯, photo 张 照片, postcard 张 明信片, poster 张 海报
    loupe 个 放大镜, torch 把 焊枪, ruler 把 尺子, ring 枚 戒指, necklace 条 项链, bracelet 只 手镯
    poker 根 拨火棍, file 把 锉刀, clamp 把 夹钳, knife 把 刀, axe 把 斧头, sword 把 剑
    laptop 台 笔记本电脑, keyboard 个 键盘, cable 根 数据线, game 款 游戏, app 款 应用, website 个 网站
    shuttle 个 梭子, spindle 个 纺锤, comb 把 梳子, carpet 块 地毯, blanket 条 毯子, shawl 条 披肩
    lens 个 目镜, screwdriver 把 螺丝刀, oilcan 个 油壶, clock 个 挂钟, watch 块 手表, timer 个 计时器
    chisel 把 凿子, mallet 把 木槌, rasp 把 木锉, statue 尊 雕像, bust 尊 半身像, figurine 个 小人像
    flask 个 烧瓶, pipette 支 移液管, funnel 个 漏斗, syrup 瓶 糖浆, lotion 瓶 润肤露, perfume 瓶 香水
    magnet 块 磁铁, battery 节 电池, switch 个 开关, machine 台 机器, robot 个 机器人, rocket 枚 火箭
    winch 台 绞车, crowbar 根 撬棍, adze 把 锛子, canoe 条 独木舟, raft 只 木筏, yacht 艘 游艇
    blowpipe 根 吹管, mould 个 模具, tray 个 托盘, bottle 个 瓶子, goblet 只 高脚杯, lamp 盏 油灯
    cutter 把 裁纸刀, stapler 个 订书机, press 台 压书机, diary 本 日记本, album 本 相册, atlas 本 地图册
    kite 只 风筝, ball 个 足球, book 本 书, scarf 条 围巾, bicycle 辆 自行车, guitar 把 吉他, lantern 盏 灯笼
    doll 个 布娃娃, puzzle 副 拼图, drum 面 鼓, sledge 架 雪橇, umbrella 把 雨伞
    dog 条 狗, cat 只 猫, horse 匹 马, goat 只 山羊, hen 只 母鸡, duck 只 鸭子, donkey 头 驴子, rabbit 只 兔子
    parrot 只 鹦鹉, pig 头 猪, pigeon 只 鸽子, owl 只 猫头鹰
    parka 件 棉袄, whistle 个 哨子, hood 顶 风帽, muffler 条 围脖, parasol 把 阳伞, raincoat 件 雨衣, helmet 顶 头盔
    bakery 家 面包房, workshop 间 木工房, boutique 家 裁缝铺, studio 间 画室, greenhouse 座 温室, restaurant 家 餐厅
    library 座 图书馆, harbour 座 渔港, pottery 家 陶艺坊, theatre 座 剧院, garage 家 修车铺, barn 座 谷仓
    darkroom 间 暗房, gallery 家 珠宝店, forge 家 铁匠铺, office 间 办公室, mill 家 织布坊, shop 家 钟表店, yard 个 后院
    laboratory 间 实验室, factory 家 工厂, shipyard 家 船厂, glassworks 家 玻璃厂, bindery 家 装订坊
    village 个 村子, town 个 镇子, city 座 城市, valley 个 山谷, island 座 海岛, hill 座 山丘, forest 片 森林
    bay 个 海湾, port 座 港城, mountain 座 山
    egg 个 鸡蛋, tomato 个 西红柿, mushroom 朵 蘑菇, cucumber 根 黄瓜, onion 个 洋葱, lemon 个 柠檬
    pickle 根 酸黄瓜, apple 个 苹果, prawn 只 大虾, potato 个 土豆
    butter 块 黄油, cheese 块 奶酪, rice 袋 大米, oil 瓶 橄榄油, beef 块 牛肉, sugar 包 白糖, ham 块 火腿
    flour 袋 面粉, saffron 包 藏红花, cream 盒 奶油
    """,
    2,
)

# Concept, measure word, verb, noun: what is eaten or drunk.
MEALS = _rows(
    """
    omelette 份 吃 煎蛋卷, pizza 盘 吃 披萨, risotto 盘 吃 烩饭, salad 盘 吃 沙拉, burger 个 吃 汉堡
    sorbet 份 吃 冰糕, sandwich 个 吃 三明治, crumble 块 吃 苹果酥, paella 盘 吃 海鲜饭, chowder 碗 喝 浓汤
    meat 块 吃 肉, milk 碗 喝 牛奶, hay 捆 吃 干草, grass 把 吃 青草, corn 把 吃 玉米, bread 片 吃 面包
    oats 把 吃 燕麦, clover 把 吃 三叶草, seed 把 吃 瓜子, bran 盆 吃 麦麸, wheat 把 吃 麦粒, mice 只 吃 老鼠
    breakfast 顿 吃 早饭, lunch 顿 吃 午饭, tea 顿 喝 下午茶, dinner 顿 吃 晚饭
    """,
    3,
)

# How a product comes into being: concept, verb, result. 烤 → 烤好 → 烤好了.
MAKES = _rows(
    """
    to bake 烤 好, to build 做 好, to sew 缝 好, to paint 画 好, to grow 种 好, to cook 烹制 好, to write 写 好
    to catch 捕 到, to shape 捏 好, to compose 谱写 好, to assemble 组装 好, to harvest 收 获, to print 冲印 好
    to design 设计 好, to hammer 打 好, to code 编写 好, to weave 织 好, to repair 修 好, to carve 雕 好
    to mix 调制 好, to invent 发明 出, to construct 造 好, to blow 吹制 好, to bind 装订 好
    """,
    2,
)

# What else is done to it: concept, 把 or 给 before the object, and the verb with its result.
WORKS = _rows(
    """
    to slice 把 切好了, to decorate 把 装饰了一番, to sand 把 打磨光滑了, to varnish 给 上好了漆, to hem 给 锁好了边
    to iron 把 熨平了, to sign 给 签上了名, to frame 给 装上了框, to water 给 浇了水, to prune 把 修剪了一番
    to season 给 调好了味, to serve 把 端上了桌, to edit 把 校对了一遍, to revise 把 修改了一遍
    to clean 把 收拾干净了, to smoke 把 熏好了, to glaze 给 上好了釉, to dry 把 晾干了, to practise 把 练熟了
    to perform 把 演奏了一遍, to test 把 测试了一遍, to tune 把 调校好了, to wash 把 洗干净了, to weigh 给 过了秤
    to enlarge 把 放大了, to crop 把 裁剪好了, to engrave 给 刻上了字, to polish 给 抛了光, to sharpen 把 磨快了
    to temper 给 淬了火, to update 把 更新了一遍, to debug 把 调试好了, to dye 给 染了色, to fold 把 叠好了
    to oil 给 上了油, to adjust 把 调准了, to smooth 把 磨光了, to measure 给 量了尺寸, to filter 把 过滤了一遍
    to label 给 贴上了标签, to improve 把 改进了一番, to patent 为 申请了专利, to tar 给 涂上了焦油
    to launch 把 推下了水, to tint 给 上了色, to cool 把 晾凉了, to trim 把 裁齐了, to emboss 给 压上了花纹
    """,
    2,
)

# What one does with a gift: concept, verb (放了一整天), and how it begins (放起了那只风筝).
USES = _rows(
    """
    to fly 放 放起了, to kick 踢 踢起了, to read 读 读起了, to wear 戴 戴上了, to ride 骑 骑上了, to strum 弹 弹起了
    to light 点 点亮了, to hug 抱 抱起了, to solve 拼 拼起了, to beat 敲 敲起了, to pull 拉 拉起了, to open 撑 撑开了
    """,
    2,
)

# How a feeling shows: concept, on the way (面带微笑回到…), all day long (整天笑眯眯的).
SHOWS = _rows(
    """
    to smile 面带微笑 笑眯眯的, to beam 容光焕发地 容光焕发, to dance 手舞足蹈地 手舞足蹈, to whistle 吹着口哨 吹着口哨
    to sing 唱着歌 唱着歌, to laugh 哈哈笑着 笑个不停, to cry 流着泪 哭个不停, to shout 大喊大叫地 大喊大叫
    to sob 抽泣着 抽抽搭搭的, to sigh 叹着气 唉声叹气, to frown 皱着眉头 皱着眉头, to grumble 嘟囔着 嘟囔个不停
    """,
    2,
)

# Weather: how it comes, and the noun.
WEATHERS = _rows(
    """
    rain 下起了 大雨, snow 下起了 大雪, fog 起了 浓雾, wind 刮起了 大风, frost 降下了 寒霜, heat 来了一股 热浪
    storm 来了 暴风雨, hail 下起了 冰雹
    """,
    2,
)
# Weather as an attribute, and as what is said of a city.
SKIES = _rows(
    """
    rainy 下雨的 正下着雨, snowy 下雪的 正下着雪, foggy 起雾的 大雾弥漫, windy 刮风的 正刮着风, frosty 结霜的 满地白霜
    hot 炎热的 十分炎热, stormy 风雨交加的 风雨交加, icy 寒冷的 寒气逼人
    """,
    2,
)
EFFECTS = _words(
    """
    soaked 淋湿了, frozen 冻僵了, confused 晕头转向, dizzy 头昏眼花, numb 手脚麻木, sunburnt 晒伤了, drenched 浑身湿透
    bruised 满身青紫
    """
)

# Where in a region, or where at a hiding place.
LOCATIVES = _words(
    """
    village 里, town 上, city 里, valley 里, island 上, hill 上, forest 里, bay 边, port 里, mountain 上
    box 里, drawer 里, shelf 上, cupboard 里, curtain 后面, door 后面, stairs 下面, stove 后面, crate 下面, ladder 下面
    sack 里, barrel 后面, bucket 里, window 旁边
    """
)
HIDING_PLACES = _words(
    """
    box 盒子, drawer 抽屉, shelf 架子, cupboard 柜子, curtain 窗帘, door 门, stairs 楼梯, stove 炉子, crate 木箱
    ladder 梯子, sack 麻袋, barrel 木桶, bucket 水桶, window 窗户
    """
)

# Adjectives choose their word by the kind of product: an elegant cabbage is 匀称的, an elegant song 优雅的.
KINDS = {
    "device": "engine motorbike scooter knife axe sword game app website machine robot rocket canoe raft yacht",
    "pastry": "cake pie tart",
    "dish": "curry stew roast",
    "fresh": "trout salmon eel pumpkin melon cabbage",
    "text": "novel poem tale waltz march song",
    "bottle": "syrup lotion perfume",
}
KIND_OF = {product: kind for kind, products in KINDS.items() for product in products.split()}
ADJECTIVES = {
    "fine": {"": "精致", "dish": "上好", "fresh": "上好", "text": "精彩", "bottle": "上好"},
    "beautiful": {"": "漂亮", "pastry": "诱人", "dish": "诱人", "text": "优美", "bottle": "清亮"},
    "splendid": {"": "极好"},
    "lovely": {"": "好看", "pastry": "可口", "dish": "可口", "fresh": "喜人", "text": "动人", "bottle": "诱人"},
    "special": {"": "特别"},
    "perfect": {"": "完美"},
    "elegant": {"": "雅致", "device": "精巧", "pastry": "考究", "dish": "考究", "fresh": "匀称", "text": "优雅"},
    "unusual": {"": "独特"},
}
COMPARATIVES = {
    "finer": {"": "精致", "dish": "美味", "fresh": "新鲜", "text": "精彩", "bottle": "纯正"},
    "better": {"": "好"},
    "prettier": {"": "漂亮", "pastry": "诱人", "dish": "诱人", "text": "优美", "bottle": "清亮"},
    "nicer": {"": "讨人喜欢"},
    "lovelier": {"": "好看", "pastry": "可口", "dish": "可口", "fresh": "喜人", "text": "动人", "bottle": "诱人"},
    "larger": {"": "大", "dish": "多", "text": "长", "bottle": "多"},
}
TOOL_ADJECTIVES = _words("old 旧, new 新, favourite 心爱的, trusty 好用的, shiny 锃亮的, worn 用旧了的")
NOT_SHINY = frozenset(  # 干净的
    ("thread", "net", "sponge", "dictionary", "hose", "cable", "palette", "easel", "brush", "keyboard", "mallet")
)

COUNTED = {"xiaoshi": "个小时", "ri": "天", "jinbi": "枚金币"}  # what a number counts, by the name of the form


def _dictionary() -> dict[tuple[str, str], str]:
    """Every concept in every form, but for those that depend on another concept."""
    table = {(concept, ""): shown for concept, shown in (NAMES | PLAIN | HIDING_PLACES).items()}
    table |= {(name, "ta"): "她" if name in lex.WOMEN else "他" for name in lex.NAMES}
    table |= {(colour, "de"): f"{PLAIN[colour]}的" for colour in lex.COLOURS}
    table |= {(concept, "li"): shown for concept, shown in LOCATIVES.items()}
    for form, counted in COUNTED.items():
        table |= {(number, form): PLAIN[number] + counted for number in lex.NUMBERS}
    for concept, effect in EFFECTS.items():
        table |= {(concept, ""): effect, (concept, "le"): f"{effect.removesuffix('了')}了"}
    for concept, (verb, result) in MAKES.items():
        table |= {(concept, "v"): verb, (concept, ""): verb + result, (concept, "le"): f"{verb}{result}了"}
    for rows, forms in (
        *((NOUNS, ("ge", "")), (MEALS, ("ge", "chi", "")), (WORKS, ("ba", "")), (USES, ("", "qi"))),
        *((SHOWS, ("lu", "tian")), (WEATHERS, ("qi", "")), (SKIES, ("", "zhe"))),
    ):
        for concept, cells in rows.items():
            table |= {(concept, form): cell for form, cell in zip(forms, cells, strict=True)}
    return table


DICTIONARY = _dictionary()


def _agreeing(concept: str, form: str, other: str) -> str:
    """What depends on another concept: 五碗 of a soup, or a poem that is not larger than another but longer."""
    if form == "fen":
        return PLAIN[concept] + MEALS[other][0]
    if concept in TOOL_ADJECTIVES:
        return "干净的" if concept == "shiny" and other in NOT_SHINY else TOOL_ADJECTIVES[concept]
    kinds = ADJECTIVES.get(concept) or COMPARATIVES[concept]
    shown = kinds.get(KIND_OF.get(other, ""), kinds[""])
    return f"{shown}的" if concept in ADJECTIVES else shown


def word(concept: str, form: str = "") -> str:
    """A concept in a form of Chinese; the docstring of `chinese.py` lists the forms."""
    base, agrees, other = form.partition("~")
    if agrees:
        return _agreeing(concept, base, other)
    try:
        return DICTIONARY[concept.removeprefix("many "), base]
    except KeyError:
        raise ValueError(f"Chinese has no form {form!r} of {concept!r}.") from None
