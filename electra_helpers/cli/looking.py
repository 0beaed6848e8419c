"""Commands that look at one text, at a corpus, or at this machine; and `electra generate`, which writes a text."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from electra_helpers.cli.config_file import with_config
from electra_helpers.cli.help import Command, Commands
from electra_helpers.cli.options import AsJson, Count, Model, Share, Source, options_from
from electra_helpers.options import check_bounds, check_generate, refuse_idle, without_columns, without_plain_text
from electra_helpers.reading.layout import Layout
from electra_helpers.resources import FREE_TEXT
from electra_helpers.terminal import say, say_json

SUSPECTS = 5  # words that are named below the heat map


def inspect_text(
    text: Annotated[str, typer.Argument(help="The text to judge.")],
    model: Model = FREE_TEXT,
    as_json: AsJson = False,
    html: Annotated[Optional[Path], typer.Option(help="Also write the heat map to this HTML file.")] = None,  # noqa: UP045
) -> None:
    """Show which words the discriminator believes were replaced.

    Below stand the most suspicious words by P(replaced) and the generator's surprisal together, where the model has a generator and the
    text at most 128 tokens.
    """
    from electra_helpers.saved.folder import check_pretrained

    check_pretrained(model)
    from electra_helpers.exchange.store import load
    from electra_helpers.tasks.detection import detect, warn_of_unknown
    from electra_helpers.tasks.surprisal import suspect_words
    from electra_helpers.view.tokens import tokens_to_html, tokens_to_terminal

    pair = load(model)
    found = detect(pair, text)
    warn_of_unknown(found.tokens, model)
    suspicion = suspect_words(pair, found)
    if html is not None:
        html.write_text(tokens_to_html(found.tokens, found.p_replaced, word_ids=found.word_ids, title=text), "utf-8")
    if as_json:
        say_json(found.as_json() | ({} if suspicion is None else {"suspicion_words": suspicion}))
        return
    print(tokens_to_terminal(found.tokens, found.p_replaced, word_ids=found.word_ids))  # its colours are ours
    if suspicion is not None:
        first = sorted(zip(found.words, suspicion, strict=True), key=lambda pair: -pair[1])[:SUSPECTS]
        said = ", ".join(f"{word} {score:.2f}" for word, score in first)
        say(f"\nMost suspicious, by P(replaced) and the generator's surprisal together: {said}")


def corrupt(
    text: Annotated[str, typer.Argument(help="The text to corrupt.")],
    model: Model = FREE_TEXT,
    seed: Annotated[int, typer.Option(help="Decides what is selected and sampled.")] = 0,
    temperature: Annotated[float, typer.Option(help="Above 1 the generator samples more wildly.")] = 1.0,
    share: Annotated[float, typer.Option(help="Share of the tokens that is selected.")] = 0.15,
    as_json: AsJson = False,
) -> None:
    """Corrupt a text as pre-training does, and show every step. Selected, masked, proposed, sampled, replaced, judged."""
    from electra_helpers.saved.folder import check_pretrained

    check_bounds({"seed": seed, "temperature": temperature, "share": share})
    check_pretrained(model)
    from electra_helpers.exchange.store import load
    from electra_helpers.tasks.detection import ladder
    from electra_helpers.view.ladder import ladder_to_terminal

    made = ladder(load(model), text, seed=seed, temperature=temperature, share=share)
    say_json(dataclasses.asdict(made)) if as_json else say(ladder_to_terminal(made))


def generate(
    model: Model,
    text: Annotated[
        Source, typer.Option(help="A text with [MASK] or ___ to fill; without any, some of it is written anew.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many texts.")] = 3,
    words: Annotated[Count, typer.Option(help="Tokens of a text that is written from nothing [40].")] = None,
    share: Annotated[Share, typer.Option(help="Share of a text without blanks that is written anew [0.3].")] = None,
    redo: Annotated[
        Source, typer.Option(help="Who chooses what is drawn again: critic, random or confidence [critic].")
    ] = None,
    steps: Annotated[Count, typer.Option(help="How many words are drawn again [two a blank].")] = None,
    order: Annotated[str, typer.Option(help="Fill blanks 'one by one' or 'at once'.")] = "one by one",
    temperature: Annotated[float, typer.Option(help="Above 1 wilder, below 1 surer.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed writes the same again.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Fill blanks or write text. The generator proposes, the discriminator picks what is drawn again."""
    from electra_helpers.saved.folder import check_pretrained

    given = {"words": words, "share": share, "by": redo, "steps": steps}
    check_generate(text, given | {"redo": redo, "count": count, "temperature": temperature, "seed": seed})
    check_pretrained(model)
    from electra_helpers.exchange.store import load
    from electra_helpers.tasks import generation

    how = {"count": count} | {name: value for name, value in given.items() if value is not None}
    made = generation.generate(load(model), text, order=order, temperature=temperature, seed=seed, **how)
    say_json(made) if as_json else say("\n".join(made))


corpus_app = typer.Typer(cls=Commands, help="Look at a corpus.", no_args_is_help=True)


@corpus_app.command(cls=Command)
@with_config
@options_from(layout=Layout)
def stats(
    *,
    source: Annotated[list[str], typer.Argument(help="A file, a folder, docs, world, or hub:NAME.")],
    column: Annotated[Optional[str], typer.Option(help="Column that holds the text.")] = None,  # noqa: UP045
    tokenizer: Annotated[Optional[Path], typer.Option(help="Folder of a tokenizer, to count tokens.")] = None,  # noqa: UP045
    as_json: AsJson = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Count documents, words, types, tokens and duplicates."""
    from electra_helpers.reading.corpora import open_corpus
    from electra_helpers.text.counts import corpus_stats
    from electra_helpers.text.tokenizer import Tokenizer

    pieces = Tokenizer.load(tokenizer) if tokenizer else None
    refuse_idle(overrides["layout"] | {"column": column}, [without_columns(source), without_plain_text(source)])
    corpus = open_corpus(*source, column=column, layout=Layout(**overrides["layout"]))
    say(f"Reading {corpus.describe()}.", sys.stderr)
    found = dataclasses.asdict(corpus_stats(corpus, pieces))
    if as_json:
        say_json(found)
        return
    for name, value in found.items():
        shown = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
        say(f"{name.replace('_', ' '):>20}  {shown if value is not None else '–'}")


def doctor() -> None:
    """Print versions, device, precision, and the data and models here."""
    from electra_helpers.doctor import examine

    say(examine())
