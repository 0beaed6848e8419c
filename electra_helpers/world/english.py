"""The little world told in English: one word a slot, each word one token of the world's vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

from . import lexicon as lex

PAST = {
    **{"to bake": "baked", "to slice": "sliced", "to decorate": "decorated", "to build": "built", "to sand": "sanded"},
    **{"to varnish": "varnished", "to sew": "sewed", "to hem": "hemmed", "to iron": "ironed", "to paint": "painted"},
    **{"to sign": "signed", "to frame": "framed", "to grow": "grew", "to water": "watered", "to prune": "pruned"},
    **{"to cook": "cooked", "to season": "seasoned", "to serve": "served", "to write": "wrote", "to edit": "edited"},
    **{"to revise": "revised", "to catch": "caught", "to clean": "cleaned", "to smoke": "smoked", "to shape": "shaped"},
    **{"to glaze": "glazed", "to dry": "dried", "to compose": "composed", "to practise": "practised"},
    **{"to perform": "performed", "to assemble": "assembled", "to test": "tested", "to tune": "tuned"},
    **{"to harvest": "harvested", "to wash": "washed", "to weigh": "weighed", "to print": "printed"},
    **{"to enlarge": "enlarged", "to crop": "cropped", "to design": "designed", "to engrave": "engraved"},
    **{"to polish": "polished", "to hammer": "hammered", "to sharpen": "sharpened", "to temper": "tempered"},
    **{"to code": "coded", "to update": "updated", "to debug": "debugged", "to weave": "wove", "to dye": "dyed"},
    **{"to fold": "folded", "to repair": "repaired", "to oil": "oiled", "to adjust": "adjusted", "to carve": "carved"},
    **{"to smooth": "smoothed", "to measure": "measured", "to mix": "mixed", "to filter": "filtered"},
    **{"to label": "labelled", "to invent": "invented", "to improve": "improved", "to patent": "patented"},
    **{"to construct": "constructed", "to tar": "tarred", "to launch": "launched", "to blow": "blew"},
    **{"to tint": "tinted", "to cool": "cooled", "to bind": "bound", "to trim": "trimmed", "to emboss": "embossed"},
    **{"to fly": "flew", "to kick": "kicked", "to read": "read", "to wear": "wore", "to ride": "rode"},
    **{"to strum": "strummed", "to light": "lit", "to hug": "hugged", "to solve": "solved", "to beat": "beat"},
    **{"to pull": "pulled", "to open": "opened", "to bark": "barked", "to meow": "meowed", "to neigh": "neighed"},
    **{"to bleat": "bleated", "to cluck": "clucked", "to quack": "quacked", "to bray": "brayed"},
    **{"to squeak": "squeaked", "to screech": "screeched", "to grunt": "grunted", "to coo": "cooed"},
    **{"to hoot": "hooted", "to smile": "smiled", "to beam": "beamed", "to dance": "danced", "to whistle": "whistled"},
    **{"to sing": "sang", "to laugh": "laughed", "to cry": "cried", "to shout": "shouted", "to sob": "sobbed"},
    **{"to sigh": "sighed", "to frown": "frowned", "to grumble": "grumbled"},
}
PLURALS = {"egg": "eggs", "tomato": "tomatoes", "mushroom": "mushrooms", "cucumber": "cucumbers", "onion": "onions"}
PLURALS |= {"lemon": "lemons", "pickle": "pickles", "apple": "apples", "prawn": "prawns", "potato": "potatoes"}
PLURALS |= {"coin": "coins", "hour": "hours", "day": "days", "plate": "plates"}
PREPOSITIONS = {
    **{"village": "in", "town": "in", "city": "in", "valley": "in", "island": "on", "hill": "on", "forest": "in"},
    **{"bay": "in", "port": "in", "mountain": "on", "box": "in", "drawer": "in", "shelf": "on", "cupboard": "in"},
    **{"curtain": "behind", "door": "behind", "stairs": "under", "stove": "behind", "crate": "under"},
    **{"ladder": "under", "sack": "in", "barrel": "behind", "bucket": "in", "window": "by"},
}
PROPER = frozenset(
    (*lex.NAMES, *lex.PETS, *lex.WEEKDAYS, *lex.CITIES, *lex.CITIES.values())
)  # written with a capital; the world's tokenizer lower-cases
PRONOUNS = {"he": ("she", "he"), "him": ("her", "him"), "his": ("her", "his")}
NOUN_FORMS = frozenset({""})
NO_SPACE_BEFORE = frozenset(".,:;?!")

TEMPLATES: dict[str, list[str]] = {
    "open": [
        "{P} was {T.a} {T} {L.in} {how.a} {how} {L} .",
        "{P} worked as {T.a} {T} {L.in} {how.a} {how} {L} .",
        "{L.in} {how.a} {how} {L} lived {T.a} {T} <named|called> {P} .",
        "{T.a} {T} <named|called> {P} lived {L.in} {how.a} {how} {L} .",
    ],
    "habit": [
        "{P} worked at the {place} with {P.his} {age} {tool} .",
        "{P} loved the {place} and {P.his} {age} {tool} .",
        "at the {place} {P} <always|often> used {P.his} {age} {tool} .",
        "{P.his} {age} {tool} always <lay|stood> ready at the {place} .",
    ],
    "order": [
        "on {E} {P.his} {R} {F} <asked for|ordered> {adj.a} {adj} {X} .",
        "one {E} {P.his} {R} {F} came and <asked for|ordered> {adj.a} {adj} {X} .",
        '" i need {adj.a} {adj} {X} , " said {P.his} {R} {F} on {E} .',
    ],
    "craft": [
        "{P} <took|fetched> the {tool} , {make} the {X} and {work} it .",
        "with the {tool} {P.he} {make} and {work} the {X} .",
        "first {P.he} {make} the {X} with the {tool} , then {P.he} {work} it .",
    ],
    "promise": [
        "{P} promised {F} to bring the {X} on {E2} .",
        '" you will have the {X} on {E2} , " {P.he} promised {F} .',
        "{F} was to get the {X} from {P.him} on {E2} .",
    ],
    "finished": [
        "after {hours} hours {P} had finished the {adj} {X} .",
        "{hours} hours later {P.he} was done with the {adj} {X} .",
        "it took {hours} hours , but then {P} had {adj.a} {adj} {X} .",
    ],
    "unfinished": [
        "but {P.his} {tool} was gone , so {P.he} never finished the {adj} {X} .",
        "but without {P.his} {tool} {P} could not finish the {adj} {X} .",
        "but {P} had lost the {tool} , so there was no {adj} {X} .",
    ],
    "paid": [
        "{F} <loved|admired> the {X} and paid {coins} {coins.coin} .",
        "{F} gave {P.him} {coins} {coins.coin} for the {X} .",
        '" what {X.a} {X} ! " <cried|said> {F} and paid {coins} {coins.coin} .',
    ],
    "unpaid": [
        "{F} waited {days} days for the {X} and paid nothing .",
        "after {days} days {F} no longer wanted the {X} .",
        "for {days} days {F} <asked|begged> for the {X} in vain .",
    ],
    "birthday": [
        "{E} was the birthday of {P.his} {R} {F} .",
        "on {E} {P.his} {R} {F} <had|celebrated> a birthday .",
        "it was {E} , the birthday of {P.his} {R} {F} .",
    ],
    "wish": [
        "{F} had always wanted {C.a} {C} {G} .",
        "{F} <wished for|dreamed of> {C.a} {C} {G} .",
        '" i would love {C.a} {C} {G} , " {F} had said .',
    ],
    "buy": [
        "{P} bought the {G} for {coins} {coins.coin} .",
        "so {P.he} went to the market and paid {coins} {coins.coin} for the {G} .",
        "at the market {P} found the {G} for {coins} {coins.coin} .",
    ],
    "handmade": [
        "{P} also {make} {X.a} {X} and {work} it with {P.his} {tool} .",
        "with {P.his} {tool} {P.he} {make} and {work} {X.a} {X} as well .",
    ],
    "played": [
        "{F} <laughed|thanked {P.him}> and {use} the {C} {G} at once .",
        "{F} {use} the {C} {G} <all day|with great joy> .",
        "all day {F} {use} the {C} {G} and was happy .",
    ],
    "stolen": [
        "but a thief stole the {C} {G} near the {mark} , and {F} got nothing .",
        "but {F} lost the {C} {G} near the {mark} .",
        "but near the {mark} the {C} {G} was stolen from {F} .",
    ],
    "find": [
        "one {sky} {M} {P.he} found {state.a} {state} {A} near the {mark} .",
        "near the {mark} {P} met {state.a} {state} {A} one {sky} {M} .",
        "{P} saw {state.a} {state} {A} at the {mark} one {sky} {M} .",
    ],
    "feed": [
        "{P} gave the {A} some {food} and <called|named> it {Q} .",
        "{P} fed the {A} with {food} and <called|named> it {Q} .",
        "the {A} ate some {food} , and {P} <called|named> it {Q} .",
    ],
    "shelter": [
        "{Q} slept beside the {tool} in the {place} .",
        "in the {place} {Q} had a bed beside the {tool} .",
        "from then on {Q} lived in the {place} and guarded the {tool} .",
    ],
    "settled": [
        "soon {Q} {sound} happily when {P} came with the {food} .",
        "{Q} {sound} for joy whenever {P} brought {food} .",
        "now {P} always had some {food} , and {Q} {sound} happily .",
    ],
    "ran away": [
        "but on {E2} {Q} ran away and left an empty {home} .",
        "but on {E2} the {home} was empty , and {Q} was gone .",
        "but {Q} left the {home} on {E2} and never came back .",
    ],
    "visit": [
        "{P.his} {R} {F} often came and played with {Q} .",
        "{P} and {P.his} {R} {F} played with {Q} every day .",
    ],
    "search": [
        "{P} and {P.his} {R} {F} looked for the {A} near the {mark} .",
        "with {P.his} {R} {F} {P.he} searched for the {A} as far as the {mark} .",
    ],
    "invite": [
        "on {E} {P.he} invited {P.his} {R} {F} to {meal} .",
        "{P.his} {R} {F} came to {meal} with {P.him} on {E} .",
        '" come to {meal} on {E} , " {P} wrote to {P.his} {R} {F} .',
    ],
    "shop": [
        "{P} bought {count} {counted} and some {weighed} at the market .",
        "there {count.was} {count} {counted} and some {weighed} in the kitchen of {P} .",
        "from the market {P} brought {count} {counted} and some {weighed} .",
    ],
    "prepare": [
        "while {P} made {D.a} {D} , {F} looked at the {tool} .",
        "{P.he} made {D.a} {D} and showed {F} the {tool} .",
        "{F} played with the {tool} while {P} prepared {D.a} {D} .",
    ],
    "enjoyed": [
        "the {D} was {yum} , and {F} ate {plates} {plates.plate} .",
        "{F} found the {D} {yum} and ate {plates} {plates.plate} .",
        '" how {yum} ! " said {F} and ate {plates} {plates.plate} of {D} .',
    ],
    "spoiled": [
        "but the {D} was too {yuck} , and {F} ate nothing .",
        "but {F} found the {D} too {yuck} and stayed hungry .",
        '" this {D} is {yuck} ! " said {F} and left the table .',
    ],
    "present": [
        "after {meal} {P.he} gave {F} {adj.a} {adj} {X} .",
        "{F} thanked {P} for {meal} and got {adj.a} {adj} {X} too .",
    ],
    "apology": [
        "{P} gave {F} {adj.a} {adj} {X} to say sorry .",
        "even {adj.a} {adj} {X} from {P.him} did not comfort {F} .",
    ],
    "leave": [
        "on {E} {M} {P.he} took the {Z} to {Y} .",
        "one {E} {M} {P} went to {Y} by {Z} .",
        "{P.he} left for {Y} by {Z} on {E} {M} .",
    ],
    "carry": [
        "{P.he} wanted to sell {adj.a} {adj} {X} there .",
        "there {P} hoped to find a buyer for {adj.a} {adj} {X} .",
        "{P} took along {adj.a} {adj} {X} to sell .",
    ],
    "meet": [
        "at the {stop} {P.he} met {P.his} {R} {F} .",
        "{P.his} {R} {F} waited for {P.him} at the {stop} .",
        "{P} and {P.his} {R} {F} said goodbye at the {stop} .",
    ],
    "arrive": [
        "it was {sky} in {Y} , the capital of {country} , when {P} arrived .",
        "{P} reached {Y} , the capital of {country} , on {sky.a} {sky} day .",
        "in {Y} , the capital of {country} , {P} found {sky} weather .",
    ],
    "sold": [
        "in {Y} {P.he} sold the {X} for {coins} {coins.coin} .",
        "somebody in {Y} paid {P} {coins} {coins.coin} for the {X} .",
        "{P.he} got {coins} {coins.coin} for the {X} in {Y} .",
    ],
    "unsold": [
        "but nobody in {Y} wanted the {adj} {X} .",
        "but in {Y} no one had a coin for the {adj} {X} .",
        "but a thief in {Y} stole the {adj} {X} .",
    ],
    "lose": [
        "on {E} {P} could not find {P.his} {tool} .",
        '" where is my {tool} ? " asked {P} on {E} .',
        "{P} lost {P.his} {tool} one {E} .",
    ],
    "need": [
        "without it there would be no {X} for {P.his} {R} {F} .",
        "{P.he} needed it to make {X.a} {X} for {P.his} {R} {F} .",
        "{P.his} {R} {F} was waiting for {X.a} {X} .",
    ],
    "look": [
        "at the {place} {P.he} looked {H.prep} the {H} and {H2.prep} the {H2} .",
        "at the {place} it was not {H.prep} the {H} and not {H2.prep} the {H2} .",
        "{P} searched the {place} : {H.prep} the {H} , {H2.prep} the {H2} , nothing .",
    ],
    "help": [
        "{F} helped {P} to search the {place} .",
        "at the {place} {F} helped {P.him} to look for it .",
        "{P} and {F} searched the whole {place} .",
    ],
    "found": [
        "at last {F} found the {tool} near the {mark} .",
        "then {F} saw the {tool} at the {mark} and brought it back .",
        "the {tool} lay near the {mark} , where {F} found it .",
    ],
    "gone": [
        "but the {tool} was gone , and {P} paid {coins} {coins.coin} for a new one .",
        "but {P.he} never found the {tool} , and a new one cost {coins} {coins.coin} .",
        "in the end {P} had to buy a new {tool} for {coins} {coins.coin} .",
    ],
    "announce": [
        "in {S} there was a contest {L.in} the {L} for the best {X} .",
        "every {S} the {L} had a contest for the best {X} .",
        "that {S} the {L} looked for the best {X} .",
    ],
    "rival": [
        "{P.his} {R} {F} , also {T.a} {T} , wanted to win .",
        "{P.his} {R} {F} was {T.a} {T} too and took part .",
        "{P} and {P.his} {R} {F} , {T.a} {T} too , took part .",
    ],
    "enter": [
        "{P} {make} {adj.a} {adj} {X} and {work} it .",
        "{P.he} {make} and {work} {adj.a} {adj} {X} for it .",
    ],
    "better": [
        "the {X} by {P} was {comp} than the one by {F} .",
        "{P} had a {comp} {X} than {F} .",
        "everybody found the {X} by {P} {comp} than the one by {F} .",
    ],
    "worse": [
        "the {X} by {F} was {comp} than the one by {P} .",
        "{F} had a {comp} {X} than {P} .",
        "everybody found the {X} by {F} {comp} than the one by {P} .",
    ],
    "won": [
        "{P} won {C.a} {C} {G} and {coins} {coins.coin} .",
        "{P} got the first prize : {C.a} {C} {G} and {coins} {coins.coin} .",
        "for the first prize {P.he} got {coins} {coins.coin} and {C.a} {C} {G} .",
    ],
    "defeated": [
        "{F} won {C.a} {C} {G} , and {P} got nothing .",
        "the first prize , {C.a} {C} {G} , went to {F} and not to {P} .",
        "{P} got no prize , but {F} got {C.a} {C} {G} .",
    ],
    "forecast": [
        "on {E} the {S} {W} came over the {how} {L} .",
        "one {E} in {S} the {W} came to the {how} {L} .",
        "the {W} reached the {how} {L} on {E} , as often in {S} .",
    ],
    "forget": [
        "on the way to the {place} {P} had no {item} .",
        "{P} went to the {place} and forgot {P.his} {item} .",
        "without {item.a} {item} {P} walked to the {place} .",
    ],
    "suffer": [
        "{P} arrived at the {place} {effect} and tired .",
        "soon {P} was {effect} , and the {place} was still far .",
        "when {P} saw the {place} , {P.he} was already {effect} .",
    ],
    "lent": [
        "luckily {P.his} {R} {F} lent {P.him} {item.a} {item} .",
        "then {P.he} met {P.his} {R} {F} , who had {item.a} {item} for {P.him} .",
        '" take my {item} , " said {P.his} {R} {F} to {P} .',
    ],
    "ruined": [
        "the {W} ruined {adj.a} {adj} {X} in the {place} .",
        "in the {place} {adj.a} {adj} {X} was ruined by the {W} .",
        "because of the {W} {P.he} lost {adj.a} {adj} {X} in the {place} .",
    ],
    "thanks": [
        "to thank {F} , {P} {make} {adj.a} {adj} {X} .",
        "{P} thanked {F} and {make} {F.him} {adj.a} {adj} {X} .",
    ],
    "missed": [
        "{P.his} {R} {F} waited for the {X} in vain .",
        "now {P} had no {X} for {P.his} {R} {F} .",
    ],
    "friends": [
        "since then {F} often came to the {place} .",
        "{F} told everybody about the {place} .",
        "from that day on {F} liked to visit the {place} .",
    ],
    "estranged": [
        "since then {F} never came to the {place} again .",
        "{F} told everybody to stay away from the {place} .",
        "from that day on {F} did not visit the {place} .",
    ],
    "rejoice": [
        "{P} was {joy} and {joyful} all the way to the {place} .",
        "how {joy} {P} was : at the {place} {P.he} {joyful} all day !",
        "back at the {place} {P} {joyful} and felt {joy} .",
    ],
    "mourn": [
        "{P} was {woe} and {woeful} all the way to the {place} .",
        "how {woe} {P} was : at the {place} {P.he} {woeful} all day !",
        "back at the {place} {P} {woeful} and felt {woe} .",
    ],
}


def article(word: str) -> str:
    return "an" if word[0] in "aeiou" and not word.startswith(("uni", "use")) else "a"


def _plain(concept: str) -> str:
    if concept in PAST:
        return PAST[concept]
    if concept.startswith("many "):
        return PLURALS[concept.removeprefix("many ")]
    return concept.removesuffix(" (f)").removesuffix(" (m)")


def word(concept: str, form: str = "") -> str:
    """A concept in a form of English: article "a", a pronoun, "in" and "prep", "was", or what a number counts."""
    if form == "":
        return _plain(concept)
    if form == "a":
        return article(_plain(concept))
    if form in PRONOUNS:
        return PRONOUNS[form][concept not in lex.WOMEN]
    if form in ("in", "prep"):
        return PREPOSITIONS[concept]
    if form == "was":
        return "was" if concept == "one" else "were"
    if form in PLURALS:
        return form if concept == "one" else PLURALS[form]
    raise ValueError(f"English has no form {form!r} of {concept!r}.")


def split(piece: str) -> list[str]:
    """A piece as the world's tokenizer sees it: here every piece is one lower-case word already."""
    return [piece.lower()]


def join(pieces: Sequence[str]) -> str:
    """Pieces as written: capitals, no space before a full stop, quotation marks that hug their words."""
    text, is_open, glue = "", False, True
    for piece in pieces:
        shown = piece.capitalize() if piece == "i" or text.strip(' "') == "" else piece
        closes = piece == '"' and is_open
        text += ("" if glue or closes or piece in NO_SPACE_BEFORE else " ") + shown
        is_open ^= piece == '"'
        glue = piece == '"' and is_open
    return text
