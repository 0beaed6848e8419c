"""Who and what lives in the little world: tables of concepts, in no language.

A concept is a short English id ("baker", "to bake", "Lisbon"). How it is said in English, Chinese or French is the
business of `english.py`, `chinese.py` and `french.py`. Here stands only what belongs together: which tool goes with
which trade, what a donkey eats, which country Lisbon is the capital of.
"""

from typing import NamedTuple


class Trade(NamedTuple):
    """A trade, where it is practised, and what it uses, does and makes."""

    place: str
    tools: tuple[str, str, str]  # all can be carried, mislaid and found again
    make: str  # brings the product into being
    work: tuple[str, str]  # two more things one does to any of the products
    products: tuple[str, str, str]


class Animal(NamedTuple):
    """What an animal does with its voice, what it eats and where it lives."""

    sound: str
    food: str
    home: str


class Weather(NamedTuple):
    """An adjective for the weather, what helps against it, and how one is without that."""

    adjective: str
    item: str
    effect: str


class Dish(NamedTuple):
    """A dish and what has to be bought for it: one thing that is counted and one that is weighed."""

    counted: str
    weighed: str


FEMALE_NAMES = (
    *("Anna", "Clara", "Maria", "Emma", "Laura", "Nina", "Sofia", "Lucy", "Eva", "Alice", "Helen", "Irene"),
    *("Marta", "Olga", "Paula", "Rita", "Sara", "Teresa", "Vera", "Elena", "Diana", "Julia", "Carmen", "Greta"),
)
MALE_NAMES = (
    *("Adam", "Bruno", "Carlo", "David", "Erik", "Felix", "Hugo", "Ivan", "Jonas", "Karl", "Leo", "Martin"),
    *("Noah", "Oscar", "Paul", "Peter", "Robert", "Simon", "Thomas", "Victor", "Walter", "Anton", "Daniel", "Max"),
)
HELD_OUT_FEMALE_NAMES = ("Nora", "Ida", "Linda", "Monica", "Stella", "Sylvia")  # heroines of the test stories only
HELD_OUT_MALE_NAMES = ("Emil", "Henry", "Lukas", "Oliver", "Marco", "Samuel")
NAMES = FEMALE_NAMES + MALE_NAMES + HELD_OUT_FEMALE_NAMES + HELD_OUT_MALE_NAMES
HELD_OUT_NAMES = HELD_OUT_FEMALE_NAMES + HELD_OUT_MALE_NAMES
WOMEN = frozenset(FEMALE_NAMES + HELD_OUT_FEMALE_NAMES)

PETS = ("Coco", "Luna", "Milo", "Bella", "Rocky", "Toby", "Daisy", "Pixie", "Bingo", "Momo")

TRADES = {
    "baker": Trade(
        "bakery", ("whisk", "sieve", "spatula"), "to bake", ("to slice", "to decorate"), ("cake", "pie", "tart")
    ),
    "carpenter": Trade(
        "workshop", ("hammer", "saw", "drill"), "to build", ("to sand", "to varnish"), ("table", "chair", "bench")
    ),
    "tailor": Trade(
        "boutique", ("needle", "thimble", "thread"), "to sew", ("to hem", "to iron"), ("coat", "dress", "shirt")
    ),
    "painter": Trade(
        "studio", ("brush", "palette", "easel"), "to paint", ("to sign", "to frame"), ("portrait", "landscape", "icon")
    ),
    "gardener": Trade(
        "greenhouse", ("spade", "rake", "hose"), "to grow", ("to water", "to prune"), ("rose", "tulip", "orchid")
    ),
    "chef": Trade(
        "restaurant", ("pan", "ladle", "grater"), "to cook", ("to season", "to serve"), ("curry", "stew", "roast")
    ),
    "writer": Trade(
        "library", ("pen", "typewriter", "dictionary"), "to write", ("to edit", "to revise"), ("novel", "poem", "tale")
    ),
    "fisher": Trade(
        "harbour", ("net", "rod", "hook"), "to catch", ("to clean", "to smoke"), ("trout", "salmon", "eel")
    ),
    "potter": Trade(
        "pottery", ("sponge", "scraper", "stamp"), "to shape", ("to glaze", "to dry"), ("bowl", "vase", "jug")
    ),
    "composer": Trade(
        "theatre", ("violin", "flute", "baton"), "to compose", ("to practise", "to perform"), ("waltz", "march", "song")
    ),
    "mechanic": Trade(
        "garage", ("wrench", "jack", "pump"), "to assemble", ("to test", "to tune"), ("engine", "motorbike", "scooter")
    ),
    "farmer": Trade(
        "barn", ("sickle", "pitchfork", "hoe"), "to harvest", ("to wash", "to weigh"), ("pumpkin", "melon", "cabbage")
    ),
    "photographer": Trade(
        "darkroom",
        ("camera", "tripod", "flash"),
        "to print",
        ("to enlarge", "to crop"),
        ("photo", "postcard", "poster"),
    ),
    "jeweller": Trade(
        "gallery",
        ("loupe", "torch", "ruler"),
        "to design",
        ("to engrave", "to polish"),
        ("ring", "necklace", "bracelet"),
    ),
    "blacksmith": Trade(
        "forge", ("poker", "file", "clamp"), "to hammer", ("to sharpen", "to temper"), ("knife", "axe", "sword")
    ),
    "programmer": Trade(
        "office", ("laptop", "keyboard", "cable"), "to code", ("to update", "to debug"), ("game", "app", "website")
    ),
    "weaver": Trade(
        "mill", ("shuttle", "spindle", "comb"), "to weave", ("to dye", "to fold"), ("carpet", "blanket", "shawl")
    ),
    "watchmaker": Trade(
        "shop", ("lens", "screwdriver", "oilcan"), "to repair", ("to oil", "to adjust"), ("clock", "watch", "timer")
    ),
    "sculptor": Trade(
        "yard", ("chisel", "mallet", "rasp"), "to carve", ("to smooth", "to measure"), ("statue", "bust", "figurine")
    ),
    "chemist": Trade(
        "laboratory",
        ("flask", "pipette", "funnel"),
        "to mix",
        ("to filter", "to label"),
        ("syrup", "lotion", "perfume"),
    ),
    "inventor": Trade(
        "factory",
        ("magnet", "battery", "switch"),
        "to invent",
        ("to improve", "to patent"),
        ("machine", "robot", "rocket"),
    ),
    "boatbuilder": Trade(
        "shipyard", ("winch", "crowbar", "adze"), "to construct", ("to tar", "to launch"), ("canoe", "raft", "yacht")
    ),
    "glassblower": Trade(
        "glassworks", ("blowpipe", "mould", "tray"), "to blow", ("to tint", "to cool"), ("bottle", "goblet", "lamp")
    ),
    "bookbinder": Trade(
        "bindery", ("cutter", "stapler", "press"), "to bind", ("to trim", "to emboss"), ("diary", "album", "atlas")
    ),
}

# How a product is praised; every one goes with every product.
PRODUCT_ADJECTIVES = ("fine", "beautiful", "splendid", "lovely", "special", "perfect", "elegant", "unusual")
TOOL_ADJECTIVES = ("old", "new", "favourite", "trusty", "shiny", "worn")
COMPARATIVES = ("finer", "better", "prettier", "nicer", "lovelier", "larger")

GIFTS = {  # what it is: what one does with it
    "kite": "to fly",
    "ball": "to kick",
    "book": "to read",
    "scarf": "to wear",
    "bicycle": "to ride",
    "guitar": "to strum",
    "lantern": "to light",
    "doll": "to hug",
    "puzzle": "to solve",
    "drum": "to beat",
    "sledge": "to pull",
    "umbrella": "to open",
}
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "orange", "purple", "brown", "grey")

ANIMALS = {
    "dog": Animal("to bark", "meat", "kennel"),
    "cat": Animal("to meow", "milk", "basket"),
    "horse": Animal("to neigh", "hay", "stable"),
    "goat": Animal("to bleat", "grass", "shed"),
    "hen": Animal("to cluck", "corn", "coop"),
    "duck": Animal("to quack", "bread", "pond"),
    "donkey": Animal("to bray", "oats", "paddock"),
    "rabbit": Animal("to squeak", "clover", "hutch"),
    "parrot": Animal("to screech", "seed", "cage"),
    "pig": Animal("to grunt", "bran", "sty"),
    "pigeon": Animal("to coo", "wheat", "loft"),
    "owl": Animal("to hoot", "mice", "attic"),
}
ANIMAL_STATES = ("hungry", "lost", "thirsty", "tired", "frightened", "wounded", "abandoned")

WEATHERS = {
    "rain": Weather("rainy", "umbrella", "soaked"),
    "snow": Weather("snowy", "parka", "frozen"),
    "fog": Weather("foggy", "whistle", "confused"),
    "wind": Weather("windy", "hood", "dizzy"),
    "frost": Weather("frosty", "muffler", "numb"),
    "heat": Weather("hot", "parasol", "sunburnt"),
    "storm": Weather("stormy", "raincoat", "drenched"),
    "hail": Weather("icy", "helmet", "bruised"),
}
SEASONS = {  # which weather comes in it
    "winter": ("snow", "frost", "hail"),
    "spring": ("rain", "wind", "hail"),
    "summer": ("heat", "storm", "wind"),
    "autumn": ("fog", "rain", "storm"),
}

DAYPARTS = {"morning": "breakfast", "noon": "lunch", "afternoon": "tea", "evening": "dinner"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

REGIONS = {  # what stands or runs there
    "village": "well",
    "town": "church",
    "city": "cathedral",
    "valley": "stream",
    "island": "lighthouse",
    "hill": "windmill",
    "forest": "clearing",
    "bay": "pier",
    "port": "quay",
    "mountain": "waterfall",
}
REGION_ADJECTIVES = ("small", "quiet", "pretty", "remote", "famous", "ancient", "peaceful", "charming")

HIDING_PLACES = (
    *("box", "drawer", "shelf", "cupboard", "curtain", "door", "stairs", "stove", "crate", "ladder"),
    *("sack", "barrel", "bucket", "window"),
)

CITIES = {
    "Paris": "France",
    "Rome": "Italy",
    "Berlin": "Germany",
    "Madrid": "Spain",
    "London": "England",
    "Vienna": "Austria",
    "Lisbon": "Portugal",
    "Athens": "Greece",
    "Cairo": "Egypt",
    "Tokyo": "Japan",
    "Beijing": "China",
    "Oslo": "Norway",
}
TRANSPORTS = {"train": "station", "plane": "airport", "bus": "terminal"}

DISHES = {
    "omelette": Dish("egg", "butter"),
    "pizza": Dish("tomato", "cheese"),
    "risotto": Dish("mushroom", "rice"),
    "salad": Dish("cucumber", "oil"),
    "burger": Dish("onion", "beef"),
    "sorbet": Dish("lemon", "sugar"),
    "sandwich": Dish("pickle", "ham"),
    "crumble": Dish("apple", "flour"),
    "paella": Dish("prawn", "saffron"),
    "chowder": Dish("potato", "cream"),
}
GOOD_TASTES = ("delicious", "tasty", "excellent", "wonderful", "superb")
BAD_TASTES = ("salty", "bitter", "greasy", "sour", "bland")

RELATIONS = {  # told of a woman, told of a man: two concepts, because French says "amie" and "ami"
    "friend": ("friend (f)", "friend (m)"),
    "neighbour": ("neighbour (f)", "neighbour (m)"),
    "cousin": ("cousin (f)", "cousin (m)"),
    "sibling": ("sister", "brother"),
    "parent's sibling": ("aunt", "uncle"),
    "grandparent": ("grandmother", "grandfather"),
    "child": ("daughter", "son"),
    "sibling's child": ("niece", "nephew"),
}

GOOD_FEELINGS = {  # the feeling: how it shows
    "happy": "to smile",
    "proud": "to beam",
    "delighted": "to dance",
    "cheerful": "to whistle",
    "glad": "to sing",
    "merry": "to laugh",
}
BAD_FEELINGS = {
    "sad": "to cry",
    "angry": "to shout",
    "upset": "to sob",
    "gloomy": "to sigh",
    "disappointed": "to frown",
    "grumpy": "to grumble",
}

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
