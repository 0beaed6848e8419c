"""What was decided about a run's text: printed in one line, kept in run.json, with a warning where text is wasted or lost."""

from __future__ import annotations

from typing import Any

from electra_helpers.config import PretrainConfig
from electra_helpers.errors import warn
from electra_helpers.reading.corpora import Corpus
from electra_helpers.text.packing import Batch
from electra_helpers.text.rows import CorpusRows
from electra_helpers.text.tokenizer import Tokenizer

LOOKED_AT = 2_000  # rows in which [UNK] is counted, and padding where there are no rows on disk
LITTLE = 0.6  # of a row filled: less is worth a word
MANY_UNKNOWN = 0.05  # of the tokens
LEFT_OUT = 0.01  # of the text


def decisions(rows: CorpusRows, pieces: Tokenizer, config: PretrainConfig, corpus: Corpus) -> dict[str, Any]:
    """How text became rows: their form, how full they are, what is left out or unknown, and what is held out."""
    looked_at, about = rows.sample(LOOKED_AT), rows.about
    found = {"form": config.form, "length": config.length, "filled": round(_filled(rows, looked_at), 4)}
    found["unknown"] = round(unknown_share(looked_at, pieces), 4)
    if about.get("tokens"):
        found["left_out"] = round(about["left_out"] / about["tokens"], 4)
        found |= {"documents": about["documents"], "duplicates": about["duplicates"]}
    by_hash = f"{config.validation_share:.0%} of the documents, by a hash of their text"
    ways = ["stories of other meanings" if part.held_out else by_hash for part in corpus.parts]
    found |= {"held_out": " and ".join(dict.fromkeys(ways)), "warmup": config.warmup}
    return found | {"sources": list(corpus.decided)}


def _filled(rows: CorpusRows, looked_at: Batch) -> float:
    if rows.about:
        return rows.about["real_tokens"] / (rows.about["rows"] * rows.length)
    mask = looked_at.attention_mask
    return 1.0 if mask is None else float(mask.float().mean())


def unknown_share(batch: Batch, pieces: Tokenizer) -> float:
    """The share of [UNK] among the tokens that are not special."""
    ids = batch.input_ids
    words = (ids != pieces.pad_id) & (ids != pieces.cls_id) & (ids != pieces.sep_id)
    return float((ids == pieces.unk_id).sum() / words.sum().clamp(min=1))


def in_words(found: dict[str, Any]) -> str:
    """The decisions in one line."""
    parts = [f"rows of {found['length']} tokens in the form {found['form']}, {found['filled']:.0%} filled"]
    parts += [f"{found['left_out']:.1%} of the text left out"] if found.get("left_out", 0) >= 0.001 else []
    parts += [f"{found['unknown']:.1%} of the tokens [UNK]", f"held out: {found['held_out']}"]
    kinds = dict.fromkeys(source["document"] for source in found["sources"] if "document" in source)
    parts += [f"each {' or '.join(kinds)} is a document"] if kinds else []
    return f"Text: {'; '.join(parts)}."


def warn_of_waste(found: dict[str, Any]) -> None:
    """Say what costs much: padding, text left out, words that the vocabulary does not have."""
    form = found["form"]
    if form not in ("plain", "sentences") and found["filled"] < LITTLE:
        why = (
            "documents are shorter than a row"
            if form == "documents"
            else "no row crosses documents, and these are short"
        )
        warn(f"Only {found['filled']:.0%} of the rows is text, the rest padding ({why}): --form plain fills them.")
    if form == "documents" and found.get("left_out", 0) > LEFT_OUT:
        warn(
            f"{found['left_out']:.0%} of the text is left out: --form documents cuts a document where its row ends. "
            "Choose a larger --length, or --form plain, which reads all of it."
        )
    if found["unknown"] > MANY_UNKNOWN:
        warn(
            f"{found['unknown']:.0%} of the tokens are [UNK], words that the vocabulary does not have: "
            "another --tokenizer, or none, so that one is trained on this text."
        )
