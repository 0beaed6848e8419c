"""The course's drawings: the two nets, one encoder layer, the joint step, and the heads for tasks. Coordinates are units of the card."""

from __future__ import annotations

from electra_helpers.language import worded, wording
from electra_helpers.view.drawings.svg import Drawing

# Of each net: its kind, its name, the middle and the width of its column, and what stands in and around it.
NETS = (
    (
        "generator",
        wording("Generator"),
        190,
        130,
        wording("narrower"),
        wording("a word for each selected token"),
        wording("MLM head"),
        wording("set aside after training"),
        wording("[MASK] chef [MASK] the meal"),
    ),
    (
        "discriminator",
        wording("Discriminator"),
        510,
        250,
        wording("full width"),
        wording("original or replaced? for every token"),
        wording("RTD head"),
        wording("kept, and fine-tuned"),
        wording("the chef ate the meal"),
    ),
)


def two_nets(bright: str | None = None) -> Drawing:
    """Generator and discriminator side by side over the embeddings that they share, one of them faded if the other is `bright`.

    Source: paper, Figure 2 and Section 3.2.
    """
    d = Drawing(
        worded(
            "The generator and the discriminator side by side. Both stand on one and the same embeddings: word, position and segment"
            " tables and their LayerNorm. Each has its own projection, its own layers and its own head; the generator's layers are"
            " narrower, not fewer. The generator's output matrix is the shared word table. After training the generator is set aside"
            " and the discriminator is kept."
        ),
        430,
    )
    for kind, name, x, width, wide, answer, head, fate, reads in NETS:
        left = x - width / 2
        with d.faded(bright not in (None, kind)):
            d.text(x, 28, name, "bold")
            d.text(x, 46, fate, "small faint")
            d.text(x, 78, answer)
            d.arrow((x, 104), (x, 84))
            d.box(left, 104, width, 34, head, kind)
            d.arrow((x, 160), (x, 140))
            d.box(left, 160, width, 80, worded("layers\n{wide}", wide=wide), kind)
            d.arrow((x, 262), (x, 242))
            d.box(left, 262, width, 34, wording("E → its width"), kind)
            d.arrow((x, 322), (x, 298))
            d.arrow((x, 398), (x, 376))
            d.text(x, 414, reads)
    d.text(320, 204, wording("equally many"), "small faint")
    d.box(
        60,
        322,
        580,
        52,
        wording("Shared embeddings\nword table · position table · segment table · LayerNorm"),
        "shared",
    )
    with d.faded(bright == "discriminator"):
        d.arrow((88, 322), (88, 121), (123, 121))
        for i, words in enumerate((wording("output"), wording("matrix:"), wording("the word"), wording("table"))):
            d.text(80, 190 + 16 * i, words, "small faint", "end")
    return d


def encoder_layer() -> Drawing:
    """One layer, post-LayerNorm as in BERT: attention and feed-forward net, each with dropout, residual sum and LayerNorm."""
    d = Drawing(
        worded(
            "One encoder layer in two rows. First row: x goes through attention and dropout; x itself, carried around them by the"
            " residual connection, is added; LayerNorm gives a. Second row: a goes through a linear map from H to F, GELU, a linear"
            " map from F back to H, and dropout; a itself is added; LayerNorm gives y. Attention mixes tokens; everything else"
            " treats each token alone."
        ),
        300,
    )
    rows = (
        (
            30,
            "x",
            "a",
            wording("Tokens read each other"),
            ((80, 210, wording("attention\nall tokens, A heads"), "part"), (310, 90, wording("dropout"), "plain")),
        ),
        (
            170,
            "a",
            "y",
            wording("Each token by itself: the feed-forward net"),
            (
                (80, 82, wording("linear\nH → F"), "part"),
                (182, 66, "GELU", "plain"),
                (268, 82, wording("linear\nF → H"), "part"),
                (370, 76, wording("dropout"), "plain"),
            ),
        ),
    )
    d.text(680, 30, wording("coloured: has weights"), "small faint", "end")
    for top, enters, leaves, title, boxes in rows:
        middle = top + 72
        d.text(20, top, title, "bold", "start")
        d.text(28, middle + 5, enters, "bold")
        last = 38
        for x, width, words, kind in boxes:
            d.arrow((last, middle), (x - 2, middle))
            d.box(x, middle - 23, width, 46, words, kind)
            last = x + width
        d.arrow((last, middle), (478, middle))
        d.plus(492, middle)
        d.arrow((56, middle), (56, middle - 44), (492, middle - 44), (492, middle - 14))
        d.text(274, middle - 49, worded("residual: {enters} itself", enters=enters), "small faint")
        d.arrow((504, middle), (538, middle))
        d.box(540, middle - 23, 94, 46, "LayerNorm", "part")
        d.arrow((634, middle), (664, middle))
        d.text(677, middle + 5, leaves, "bold")
    return d


def joint_step() -> Drawing:
    """One step of pre-training, forward in full lines and gradients backward in dashed ones. Source: paper, Section 2."""
    d = Drawing(
        worded(
            "One joint step. Forward, in full lines: the original ids are masked and read by the generator, words are sampled from its"
            " guesses and put into the original ids, and the discriminator reads the corrupted ids. Backward, in dashed lines: the"
            " MLM loss reaches the generator and the shared embeddings, the RTD loss the discriminator and the shared embeddings."
            " Between sampling and the generator a wall: no gradient passes through a drawn word."
        ),
        412,
    )
    d.text(216, 20, wording("into the original ids, not the masked ones"), "small faint")
    d.arrow((66, 50), (66, 28), (397, 28), (397, 48))
    d.box(18, 50, 88, 50, wording("original ids"))
    d.arrow((106, 75), (192, 75))
    d.text(147, 67, wording("select, mask"), "small faint")
    d.box(194, 50, 88, 50, wording("masked ids"))
    d.arrow((236, 100), (236, 148))
    d.box(164, 150, 144, 60, wording("Generator\nlogits (B, M, V)"), "generator")
    d.arrow((308, 180), (350, 180))
    d.wall(323, 166, 28)
    d.text(352, 228, wording("no gradient"), "small bold")
    d.text(352, 244, wording("through a draw"), "small faint")
    d.box(352, 155, 90, 50, wording("sample"))
    d.arrow((397, 155), (397, 102))
    d.box(344, 50, 106, 50, wording("corrupted ids"))
    d.arrow((450, 75), (543, 75), (543, 148))
    d.box(470, 150, 146, 60, wording("Discriminator\nlogits (B, L)"), "discriminator")
    d.arrow((236, 210), (236, 268))
    d.arrow((543, 210), (543, 268))
    d.box(164, 270, 144, 46, wording("MLM loss\nselected tokens"), "generator")
    d.box(470, 270, 146, 46, wording("λ · RTD loss\nall real tokens"), "discriminator")
    d.text(384, 289, wording("label: another id"), "small faint")
    d.text(384, 305, wording("than the original?"), "small faint")
    d.arrow((442, 293), (468, 293))
    d.box(164, 356, 452, 40, wording("Shared embeddings"), "shared")
    for x, side, toward, loss in ((148, 164, -2, "MLM"), (632, 616, 2, "RTD")):
        d.arrow((side, 293), (x, 293), (x, 180), (side + toward, 180), gradient=True)
        d.arrow((x, 293), (x, 376), (side + toward, 376), gradient=True)
        for i, words in enumerate((wording("gradient"), worded("of {loss}", loss=loss))):
            d.text(x + 18 * toward, 240 + 16 * i, words, "small faint")
    return d


def task_heads() -> Drawing:
    """The pre-trained encoder with each task's head. Source: reference code, `finetune/`."""
    d = Drawing(
        worded(
            "Four small heads on the same pre-trained encoder. Classification: one linear map on the vector of [CLS] gives one score"
            " for each class. Tagging: one linear map on the first piece of each word gives one score for each tag. Question"
            " answering: two numbers for each token, start and end. Detection: the RTD head of pre-training itself, one logit for each"
            " token. Only the first three are new weights."
        ),
        424,
    )
    panels = (
        (
            wording("Classification"),
            wording("new: H → classes, on [CLS]"),
            wording("class"),
            (0,),
            "[CLS] a fine film [SEP]",
        ),
        (
            wording("Tagging"),
            wording("new: H → tags, on each word's first piece"),
            wording("tag"),
            (1, 3),
            "[CLS] ada ##s london [SEP]",
        ),
        (
            wording("Question answering"),
            wording("new: H → 2, start and end, on every token"),
            "s e",
            (0, 1, 2, 3, 4),
            "[CLS] who ? ada [SEP]",
        ),
        (
            wording("Detection"),
            wording("not new: the RTD head of pre-training"),
            "P",
            (0, 1, 2, 3, 4),
            "[CLS] the chef flew [SEP]",
        ),
    )
    for i, (title, head, answer, heads, tokens) in enumerate(panels):
        left, top = 16 + 340 * (i % 2), 14 + 212 * (i // 2)
        d.text(left + 164, top + 16, title, "bold")
        d.text(left + 164, top + 34, head, "small faint")
        for j, token in enumerate(tokens.split()):
            x = left + 2 + 66 * j
            if j in heads:
                d.box(x + 5, top + 48, 50, 26, answer, "discriminator" if i == 3 else "part")
                d.arrow((x + 30, top + 100), (x + 30, top + 76))
            d.arrow((x + 30, top + 164), (x + 30, top + 144))
            d.text(x + 30, top + 180, token)
        d.box(left, top + 100, 328, 42, wording("encoder of the discriminator"), "discriminator")
    return d
