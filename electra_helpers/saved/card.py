"""The README of a saved model, its card on the hub: what it is, how to load it, how it was trained, what it scored.

What only a person can say (whose data it was, what the model must not be used for) is left as a list to fill in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from electra_helpers.config import ModelConfig
from electra_helpers.paths import appears_whole

NAME = "README.md"
MARK = "<!-- Written by electra_helpers. Delete this line to keep your own text: the file is then left as it is. -->"
TO_SAY = (
    "whose data it learned from, and under which licence",
    "the languages and kinds of text that it has seen",
    "what it is meant for, and what it must not be used for",
    "known mistakes, and groups of people whom they may hurt",
)
NETS = {"mlm": "a masked language model", "clm": "a causal language model"}  # what an objective of one net trains
PLAIN = str.maketrans({"|": "\\|", "\n": " "})  # what a cell of a table cannot hold


@dataclass(frozen=True)
class Card:
    """What a card says."""

    title: str
    summary: str
    code: str  # how to load it, Python
    settings: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # metric → column → value
    remarks: Sequence[str] = ()
    front: Mapping[str, Any] = field(default_factory=dict)  # the hub's own fields

    def text(self) -> str:
        """The card as Markdown, behind the hub's block of YAML.

        >>> Card("wet-or-dry", "Tells wet from dry.", "pass").text().splitlines()[6]
        '# wet-or-dry'
        """
        parts = [_front(self.front), MARK, f"# {self.title}", self.summary, f"## Use\n\n```python\n{self.code}\n```"]
        if self.settings:
            rows = {name: {"value": value} for name, value in self.settings.items()}
            parts.append("## Training\n\n" + table("setting", rows))
        if self.scores:
            parts.append("## Scores\n\n" + table("metric", self.scores))
        parts += [f"Note: {remark}" for remark in self.remarks]
        parts.append("## To be written by you\n\n" + "\n".join(f"- [ ] {each}" for each in TO_SAY))
        return "\n\n".join(parts).replace("\n\n" + MARK + "\n\n", "\n" + MARK + "\n\n", 1) + "\n"


def table(name: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown table: a line for each row, its columns those of the first."""
    columns = list(next(iter(rows.values())))
    lines = [[name, *columns], ["---"] * (1 + len(columns))]
    lines += [[key, *(shown(row.get(column, "")) for column in columns)] for key, row in rows.items()]
    return "\n".join("| " + " | ".join(str(cell).translate(PLAIN) for cell in line) + " |" for line in lines)


def shown(value: Any) -> str:
    """A value in a cell: four significant digits of a fraction."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_card(folder: Path, card: Card) -> None:
    """Write the card into the folder of a model, unless a person has made the one that is there their own."""
    path = folder / NAME
    if path.is_file() and MARK not in path.read_text("utf-8", errors="replace"):
        return
    with appears_whole(path) as draft:
        draft.write_text(card.text(), "utf-8")


def _front(fields: Mapping[str, Any]) -> str:
    """The block that the hub reads; values are written as JSON, which is YAML as well."""
    import json

    known = {"library_name": "electra_helpers", "tags": ["electra"]} | dict(fields)
    return "\n".join(["---", *(f"{name}: {json.dumps(value)}" for name, value in known.items()), "---"])


def pretrained_card(
    name: str, shape: ModelConfig, pretrain: Mapping[str, Any], *, sources: Sequence[str] = (), steps: int | None = None
) -> Card:
    """The card of a pre-trained model; `pretrain` holds fields of `PretrainConfig`, `steps` how many of them were taken."""
    objective = pretrain.get("objective", "rtd")
    nets = NETS.get(objective, "a generator and a discriminator")
    settings = {"read": ", ".join(Path(source).name or source for source in sources)} if sources else {}
    settings |= {"objective": objective, "layers": shape.num_layers, "width": shape.hidden_size}
    settings |= {"heads": shape.num_heads, "vocabulary": shape.vocab_size, "positions": shape.max_positions}
    names = ("steps", "batch_size", "length", "learning_rate", "mask_share", "rtd_weight", "seed")
    settings |= {key: pretrain[key] for key in names if key in pretrain}
    if steps is not None:
        settings["steps"] = steps
    code = f'import electra_helpers as eh\n\nmodel = eh.load("{name}")  # this folder'
    return Card(
        name,
        f"ELECTRA pre-trained from text: {nets}. `electra export` takes it to transformers, `electra finetune` to a task.",
        code,
        settings,
        front={"pipeline_tag": "text-generation" if objective == "clm" else "fill-mask"},
    )


def exported_card(title: str, kind: str, summary: str, *, front: Mapping[str, Any] | None = None) -> Card:
    """The card of a folder that transformers loads with the class `kind`."""
    code = f'from transformers import AutoTokenizer, {kind}\n\nmodel = {kind}.from_pretrained("{title}")  # this folder'
    code += f'\ntokenizer = AutoTokenizer.from_pretrained("{title}")'
    return Card(title, summary, code, front={"library_name": "transformers"} | dict(front or {}))
