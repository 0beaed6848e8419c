"""What articles say of ELECTRA and what is true, each held to the place in the course where a learner meets it.

A row names a notebook and a phrase that must stand there, in the text or in the code. What belongs to notebooks that come later is
named by their numbers, and the table behind exercise 00.3 must promise it there.
"""

import re
from dataclasses import dataclass

import pytest

from tests.notebooks.form import NOTEBOOKS, notebooks, read


@dataclass(frozen=True)
class Shown:
    """One thing to set right or to teach: (notebook, phrase) for each place, and the later notebooks that go on with it."""

    fact: str
    places: tuple[tuple[str, str], ...]
    later: tuple[str, ...] = ()


# What popular articles say, row by row.
ARTICLES = (
    Shown(
        "by OpenAI, for text-to-text translation",
        (
            ("00", "(Stanford and Google Brain, ICLR 2020)"),
            ("00", "ELECTRA was made by OpenAI for text-to-text translation."),
            ("00", "openreview.net/forum?id=r1xMH1BtvB"),
            ("11", "*\"ELECTRA translates.\"* It reads"),
        ),
    ),
    Shown(
        "a min-max game",
        (
            ("00", "nobody is rewarded for fooling anybody"),
            ("06", "E[log D(x)] + E[log(1 − D(G(z)))]"),
            ("06", 'arms_table("accuracy", ("rtd", "adversarial"))'),
        ),
    ),
    Shown(
        "remove stop words, segment words",
        (
            ("01", "a word segmenter is not needed"),
            ("07", "Articles tell you to remove stop words and to segment text"),
            ("07", "mean P(replaced) of right words: in whole stories"),
        ),
    ),
    Shown("neural-symbolic reasoning", (("00", 'Nor is there a part for "neural-symbolic reasoning" in it'),)),
    Shown(
        "ElectraForConditionalGeneration and electra-base",
        (("03", "it is `google/electra-base-discriminator`"), ("03", "hasattr(transformers, name)")),
        ("11",),
    ),
    Shown(
        "argmax of logits, decoded as text",
        (("05", "P(\\text{replaced})_t = \\sigma(x_t)"), ("07", "argmax, decoded:")),
        ("08",),
    ),
    Shown(
        "classification, sentiment, questions, extraction, cleaning, generation, translation, summaries",
        (("00", "some only with a decoder or a sampler around it"), ("00", "Chinese too")),
        ("08", "09", "10", "11", "12", "13"),
    ),
)

# The mechanics of a step, and what follows from them.
MECHANICS = (
    Shown("n = max(1, round(0.15 · real tokens)), without repeats", (("03", "n = max(1, round(0.15 · real tokens))"),)),
    Shown("the reference draws with replacement", (("03", "its authors call it a bug"),)),
    Shown("85 % [MASK], 15 % unchanged, unlike BERT", (("03", "BERT has 80 % [MASK], 10 % random words"),)),
    Shown("gathered before the product with the vocabulary", (("03", "logits at the selected   (B, M, V)"),)),
    Shown("narrower, never shallower", (("03", "*narrower* than the discriminator, never shallower"),)),
    Shown("sampled in fp32, no gradient", (("04", "Nothing flows back through a draw"), ("04", "*Sampling in fp16.*"))),
    Shown("the original ids are corrupted", (("04", "The discriminator sees the **original** row"),)),
    Shown("a right guess is original", (("04", "the token *is* the original"),)),
    Shown("a perfect generator still replaces", (("04", "Only a generator that is *always right* makes no fakes."),)),
    Shown("generator of a quarter to a half", (("04", "a quarter to half as wide as the discriminator"),)),
    Shown("BCE over all real tokens, [CLS] and [SEP] too", (("05", "[CLS] and [SEP] too, padding never"),)),
    Shown("never accuracy alone", (("05", "A share of 6 % makes accuracy useless."),)),
    Shown("the best judge", (("05", "(1 - m)\\, p(w) + m\\, q(w)"),)),
    Shown("two-stage training can stick", (("05", "sometimes stays at the majority class"),)),
    Shown(
        "85.0, 82.4, 82.2 in Table 5",
        (("05", "BERT 82.2; ELECTRA with the loss on 15 % of the tokens 82.4; ELECTRA 85.0"),),
    ),
    Shown("loss = MLM + 50 · RTD", (("06", "loss = L_MLM + λ · L_RTD"), ("06", "1, 10, 20, 50, 100"))),
    Shown("the LayerNorm of the embeddings is shared too", (("06", "and the same LayerNorm"),)),
    Shown("the output matrix stays tied", (("06", "must be tied again after sharing"),)),
    Shown("no noise input, no gradient through the draw", (("06", "there is no noise input"),)),
    Shown("adversarial: 58 % against 65 %", (("06", "The paper found 58 % against 65 %"),)),
    Shown("AUC on own fakes may fall", (("06", "so the fakes got harder"), ("05", "Give both the same fixed exam"))),
    Shown("P shifted against words", (("00", "shifting them"), ("07", "*Numbers shifted against words.*"))),
)


def whole(number: str) -> str:
    """All cells of a notebook as one text."""
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    return "\n".join(cell.source for cell in read(path).cells)


@pytest.mark.parametrize("row", [*ARTICLES, *MECHANICS], ids=lambda row: row.fact)
def test_every_fact_has_its_place(row):
    for number, phrase in row.places:
        assert phrase in whole(number), f"{row.fact}: notebook {number} does not say {phrase!r} any more"
    promised = " ".join(re.findall(r"^\|.*\| ([^|]*) \|$", whole("00"), re.MULTILINE))
    for number in row.later:
        covered = any(
            int(low) <= int(number) <= int(high or low) for low, high in re.findall(r"(\d\d)(?: to (\d\d))?", promised)
        )
        assert covered, f"{row.fact}: notebook 00 no longer promises it for {number}"


def test_every_line_that_articles_get_wrong_stands_in_the_table_of_notebook_00():
    table = whole("00").split("seven things that articles say")[1].split("</details>")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) == len(ARTICLES)
    for row, line in zip(ARTICLES, rows, strict=True):
        shown = line.split("|")[-2]
        for number in {place for place, _ in row.places if place != "00"} & {p.name[:2] for p in notebooks()}:
            assert number in shown, (row.fact, shown)
