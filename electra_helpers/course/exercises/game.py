"""The ten passages of the game of notebook 00."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """One passage of the game. `kind` says what gives the replaced word away, if anything does."""

    text: str
    replaced: str | None  # the word that stands there now
    original: str | None
    kind: str  # grammar, sentence, story, equal (nothing gives it away), original (nothing was replaced)


# Ten short stories of the little world's validation split, eight of them with one word replaced.
GAME: tuple[Passage, ...] = (
    Passage(
        "Karl, a programmer, lived in a quiet village. On Wednesday his uncle Carlo ordered a perfect game. Within"
        " eight hours he had a perfect game ready.",
        "quiet",
        "famous",
        "equal",
    ),
    Passage(
        "Martin, a fisher, had a house in a pretty city. Martin seven a hungry horse by the cathedral one rainy "
        'morning. "Your name is Rocky," said Martin and gave the horse some hay. Rocky neighed happily whenever '
        "Martin came with some hay.",
        "seven",
        "found",
        "grammar",
    ),
    Passage(
        'A sculptor named Anton lived on an ancient hill. "Where is my chisel?" asked Anton on Thursday. Without '
        "it there would be no bust for his sister Marta. Anton and Marta both searched his yard for it. Then Marta"
        " found his thimble at the windmill. How happy Anton was: at his yard he smiled all day!",
        "thimble",
        "chisel",
        "story",
    ),
    Passage(
        "A farmer named Eva lived in an ancient forest. One snowy morning Eva found a lost goat by the clearing. "
        "Eva fed the goat with some frost and called it Luna. Now Luna bleated happily whenever Eva came with some"
        " grass.",
        "frost",
        "grass",
        "sentence",
    ),
    Passage(
        "A watchmaker named Irene lived in a charming village. The hail came to the charming village on Sunday, as"
        " often in winter. On the way to her shop Irene had no helmet with her. Then her aunt Marta came with a "
        "helmet.",
        None,
        None,
        "original",
    ),
    Passage(
        "A carpenter named Paula lived in a pretty bay. Then Paula left home for Paris by plane on Saturday noon. "
        "He wanted to sell a splendid bench there. So in Paris Paula soon sold her bench for two coins.",
        "he",
        "she",
        "story",
    ),
    Passage(
        "Robert, a programmer, had a house in a pretty city. On Friday his daughter Teresa had a birthday. Teresa "
        "often dreamed of a white kite. All day Teresa flew her white kite and was so happy.",
        "friday",
        "tuesday",
        "equal",
    ),
    Passage(
        "Erik, a carpenter, had a house in a quiet forest. But on Friday the winter hail came to the quiet forest."
        " Erik forgot his helmet when he went to his workshop. But luckily his brother Paul lent Erik a whistle.",
        "whistle",
        "helmet",
        "story",
    ),
    Passage(
        "Leo was known as a potter in a pretty forest. Then Leo left for Berlin by train on Monday afternoon. He "
        "wanted to sell a perfect vase there. Somebody in Berlin paid Leo seven coins for his vase. At his pottery"
        " Leo danced and felt delighted.",
        None,
        None,
        "original",
    ),
    Passage(
        "Adam was once an inventor on a pretty island. Adam loved his factory and his new switch. One Wednesday "
        "his niece Julia came in and asked for a fine machine. Four plates later Adam was done with his fine "
        "machine.",
        "plates",
        "hours",
        "sentence",
    ),
)
