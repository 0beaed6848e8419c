"""English words of the little world: the past tense of its verbs, plurals, and the prepositions of its places."""

from __future__ import annotations

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


def article(word: str) -> str:
    """The indefinite article that a word takes."""
    return "an" if word[0] in "aeiou" and not word.startswith(("uni", "use")) else "a"
