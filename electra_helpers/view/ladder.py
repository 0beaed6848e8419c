"""The ladder of one corruption for the terminal: six aligned rows, and the generator's proposals below."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from wcwidth import wcswidth

from electra_helpers.language import padded, worded, wording
from electra_helpers.tasks.detection import Ladder
from electra_helpers.view.tokens import shown

RUNGS = (
    wording("original"),
    wording("selected"),
    wording("masked"),
    wording("sampled"),
    wording("replaced"),
    "P(replaced)",
)


def ladder_to_terminal(made: Ladder, width: int | None = None) -> str:
    """Every rung of a corruption, one column a token; long texts continue in a further block.

    `selected` is marked by ^ and `replaced` by X; P(replaced) is what the discriminator says of the sampled row. Source: paper,
    Figure 2. Built in notebook 04.

    >>> from electra_helpers.tasks.detection import Ladder
    >>> from electra_helpers.view.ladder import ladder_to_terminal
    >>> print(ladder_to_terminal(Ladder(["cat"], [True], ["[MASK]"], [[("dog", 0.7)]], ["dog"], [True], [0.9])))
       original  cat
       selected  ^
         masked  [MASK]
        sampled  dog
       replaced  X
    P(replaced)  0.90
    <BLANKLINE>
    The generator's proposals:
      cat ← dog 0.70
    """
    columns = [
        (shown(token), "^" if selected else "", shown(masked), shown(sampled), "X" if replaced else "", f"{p:.2f}")
        for token, selected, masked, sampled, replaced, p in zip(
            made.tokens, made.is_selected, made.masked, made.sampled, made.is_replaced, made.p_replaced, strict=True
        )
    ]
    lines: list[str] = []
    for block in blocks(columns, (width or shutil.get_terminal_size().columns) - len(RUNGS[-1]) - 2):
        for i, rung in enumerate(RUNGS):
            cells = (pad(column[i], max(map(wcswidth, column))) for column in block)
            lines.append(f"{padded(rung, 11, right=True)}  {' '.join(cells)}".rstrip())
        lines.append("")
    lines.append(worded("The generator's proposals:"))
    for token, proposals in zip(made.tokens, made.top_k, strict=True):
        if proposals:
            lines.append(f"  {shown(token)} ← " + "  ".join(f"{shown(name)} {p:.2f}" for name, p in proposals))
    return "\n".join(lines)


def pad(text: str, width: int) -> str:
    """`text` filled up to `width` columns; a Chinese character takes two."""
    return text + " " * (width - wcswidth(text))


def blocks(columns: list[tuple[str, ...]], width: int) -> Iterator[list[tuple[str, ...]]]:
    """The columns in groups that fit into `width`."""
    block: list[tuple[str, ...]] = []
    used = 0
    for column in columns:
        wide = max(map(wcswidth, column)) + 1
        if block and used + wide > width:
            yield block
            block, used = [], 0
        block.append(column)
        used += wide
    if block:
        yield block
