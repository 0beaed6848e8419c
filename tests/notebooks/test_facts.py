"""What articles say of ELECTRA and what is true, each held to the place in the course where a learner meets it.

A cell that shows one carries the tag `fact-…`: its words may change, it may move, but it may not go. What belongs to notebooks that come
later is named by their numbers, and the table behind exercise 00.3 must promise it there.
"""

import re
from collections import Counter
from dataclasses import dataclass

import pytest

from tests.notebooks.form import NOTEBOOKS, notebooks, read, tags

TAG = "fact-"


@dataclass(frozen=True)
class Shown:
    """One thing to set right or to teach: its tag, the notebook of each cell that has it, and the later ones that go on with it."""

    tag: str
    fact: str
    places: tuple[str, ...]
    later: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()  # stand in a tagged cell, in whatever words


# What popular articles say, row by row.
ARTICLES = (
    Shown("maker", "by OpenAI, for text-to-text translation", ("00", "00", "00", "11"), numbers=("2020",)),
    Shown("min-max", "a min-max game", ("00", "06", "06")),
    Shown("stop-words", "remove stop words, segment words", ("01", "07", "07")),
    Shown("neural-symbolic", "neural-symbolic reasoning", ("00",)),
    Shown(
        "class-names",
        "ElectraForConditionalGeneration and electra-base",
        ("03", "03"),
        later=("11",),
        numbers=("google/electra-base-discriminator",),
    ),
    Shown("argmax", "argmax of logits, decoded as text", ("05", "07"), later=("08",)),
    Shown(
        "uses",
        "classification, sentiment, questions, extraction, cleaning, generation, translation, summaries",
        ("00",),
        later=("08", "09", "10", "11", "12", "13"),
    ),
)

# The mechanics of a step, and what follows from them.
MECHANICS = (
    Shown("mask-count", "n = max(1, round(0.15 · real tokens)), without repeats", ("03",), numbers=("0.15",)),
    Shown("with-replacement", "the reference draws with replacement", ("03",)),
    Shown("mask-share", "85 % [MASK], 15 % unchanged, unlike BERT", ("03",), numbers=("80 %", "10 %")),
    Shown("gather", "gathered before the product with the vocabulary", ("03",)),
    Shown("narrower", "narrower, never shallower", ("03",)),
    Shown("sampling", "sampled in fp32, no gradient", ("04", "04"), numbers=("fp16",)),
    Shown("original-ids", "the original ids are corrupted", ("04",)),
    Shown("right-guess", "a right guess is original", ("04",)),
    Shown("perfect-generator", "a perfect generator still replaces", ("04",)),
    Shown("generator-size", "generator of a quarter to a half", ("04", "15")),
    Shown("rtd-on-all", "BCE over all real tokens, [CLS] and [SEP] too", ("05",), numbers=("[CLS]", "[SEP]")),
    Shown("no-accuracy", "never accuracy alone", ("05",)),
    Shown("best-judge", "the best judge", ("05",)),
    Shown("two-stage", "two-stage training can stick", ("05", "15")),
    Shown("table-5", "85.0, 84.3, 82.4, 82.2 in Table 5", ("05", "15"), numbers=("85.0", "84.3", "82.4", "82.2")),
    Shown("copy", "All-Tokens MLM may copy, by a learned probability", ("15",)),
    Shown("disentangled", "E_D = stopgrad(E_G) + Δ (DeBERTaV3)", ("17",)),
    Shown("electric", "Electric: a drawn token is noise, P(noise) = σ(E + log q + log odds)", ("17",)),
    Shown("corrective", "COCO-LM: copy, or draw a word", ("17",), numbers=("0.85", "0.05")),
    Shown("selection", "TEAMS: the original among candidates", ("17",)),
    Shown("mixture", "AMOS: a mixture of generators", ("17",)),
    Shown("ready", "Fast-ELECTRA: ready-made generator, falling temperature", ("17",)),
    Shown("lambda", "loss = MLM + 50 · RTD", ("06",), numbers=("50",)),
    Shown("shared-layer-norm", "the LayerNorm of the embeddings is shared too", ("06",), numbers=("LayerNorm",)),
    Shown("tied-output", "the output matrix stays tied", ("06",)),
    Shown("no-noise", "no noise input, no gradient through the draw", ("06",)),
    Shown("adversarial", "adversarial: 58 % against 65 %", ("06", "15"), numbers=("58 %", "65 %")),
    Shown("own-fakes", "AUC on own fakes may fall", ("05", "06")),
    Shown("small-by-hours", "Small by hours: 74.1 to 79.9", ("18",), numbers=("74.1", "76.0", "77.7", "79.0", "79.9")),
    Shown(
        "small-cost", "Small takes 1.4e18 operations, 4 days on a V100", ("18",), numbers=("1.4 · 10¹⁸", "four days")
    ),
    Shown("shifted", "P shifted against words", ("00", "07")),
)
FACTS = (*ARTICLES, *MECHANICS)


def whole(number: str) -> str:
    """All cells of a notebook as one text."""
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    return "\n".join(cell.source for cell in read(path).cells)


@pytest.fixture(scope="module")
def tagged() -> dict[str, list[tuple[str, str]]]:
    """Tag of a fact → the notebook and the text of each cell that has it, in the course's own language."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in notebooks():
        if path.parent == NOTEBOOKS:
            for cell in read(path).cells:
                for tag in (tag.removeprefix(TAG) for tag in tags(cell) if tag.startswith(TAG)):
                    found.setdefault(tag, []).append((path.name[:2], cell.source))
    return found


@pytest.mark.parametrize("row", FACTS, ids=lambda row: row.fact)
def test_every_fact_has_its_place(row, tagged):
    cells = tagged.get(row.tag, [])
    missing = Counter(row.places) - Counter(number for number, _ in cells)
    assert not missing, f"{row.fact}: a cell with the tag {TAG}{row.tag} is missing in {sorted(missing.elements())}"
    text = "\n".join(source for _, source in cells)
    assert [number for number in row.numbers if number not in text] == [], row.fact
    promised = " ".join(re.findall(r"^\|.*\| ([^|]*) \|$", whole("00"), re.MULTILINE))
    for number in row.later:
        covered = any(
            int(low) <= int(number) <= int(high or low) for low, high in re.findall(r"(\d\d)(?: to (\d\d))?", promised)
        )
        assert covered, f"{row.fact}: notebook 00 no longer promises it for {number}"


def test_no_cell_has_the_tag_of_a_fact_that_is_none(tagged):
    assert set(tagged) == {row.tag for row in FACTS}


def test_every_line_that_articles_get_wrong_stands_in_the_table_of_notebook_00():
    table = whole("00").split("seven things that articles say")[1].split("</details>")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) == len(ARTICLES)
    for row, line in zip(ARTICLES, rows, strict=True):
        shown = line.split("|")[-2]
        for number in set(row.places) - {"00"}:
            assert number in shown, (row.fact, shown)
