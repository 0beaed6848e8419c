"""The command `electra clean`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from electra_helpers.cli.options import Check, File, Model, Number, Share, Source, options_from
from electra_helpers.options import refuse_idle
from electra_helpers.reading.layout import Layout
from electra_helpers.terminal import fail, say, say_checked

if TYPE_CHECKING:  # it brings what reads files
    from electra_helpers.tasks.cleaning.cells import Wanted


Columns = Annotated[
    list[str],
    typer.Option(metavar="NAMES", help="Columns to judge, with commas; default: text, or all that hold text."),
]
Template = Annotated[
    Source,
    typer.Option(
        help="Judge a row's cells together, joined with this template: '{name} is a {trade}.'; auto: as a list."
    ),
]
FlaggedShare = Annotated[
    Share,
    typer.Option(
        help="Share of the words to flag, the most suspicious ones [0.02]; at least 3 words, none with a score below 0.4."
    ),
]
Sure = Annotated[Number, typer.Option(help="Score times P of a suggestion from which on the copy has it [0.5].")]


@options_from(layout=Layout, without=("documents",))
def clean(
    *,
    file: Annotated[Path, typer.Argument(help="A .txt, .jsonl, .csv, .tsv or .parquet file; it is never changed.")],
    model: Model,
    output: Annotated[Path, typer.Option(help="A .jsonl, .csv or .tsv file for the flags.")],
    columns: Columns = (),
    template: Template = None,
    share: FlaggedShare = None,
    threshold: Annotated[
        Number, typer.Option(help="In place of a share: the score from which on a word is flagged.")
    ] = None,
    generator: Annotated[Source, typer.Option(help="Whose generator suggests; default: the model's own.")] = None,
    corrected: Annotated[
        File, typer.Option(help="Also write a copy with sure suggestions in it; without it nothing is changed.")
    ] = None,
    sure: Sure = None,
    start_over: Annotated[bool, typer.Option("--start-over", help="Forget a run that was stopped.")] = False,
    check: Check = False,
    overrides: dict[str, dict[str, Any]],
) -> None:
    """Flag suspicious words of a text or table. Each has its place, score and suggestion; started again it resumes.

    The score is P(wrong). Of a value that stands in several rows of its column it is divided by their number, unless --template is given.
    What score a share comes to is found on at most 2,048 rows, drawn with a fixed seed.
    """
    from electra_helpers.early import check_cleaning
    from electra_helpers.tasks.cleaning.cells import Wanted, plain_template

    named = tuple(name.strip() for item in columns for name in item.split(","))
    if template == "auto":
        template = plain_template(named)
    refuse_idle({"sure": sure}, [(corrected is None, ("sure",), "without --corrected: there is no copy to write to")])
    refuse_idle({"share": share}, [(threshold is not None, ("share",), "beside --threshold, which decides alone")])
    sure, layout = 0.5 if sure is None else sure, Layout(**overrides["layout"])
    wanted = Wanted(named, template, share, threshold, corrected=corrected, sure=sure, layout=layout)
    check_cleaning(file, output, wanted, (model, generator))
    if check:
        from electra_helpers.cli.check_rows import cleaning

        return say_checked(cleaning(model, file, wanted), f"nothing was flagged, and nothing written to {output}")
    flag_words(file, output, wanted, (model, generator), start_over=start_over)


def flag_words(
    file: Path, output: Path, wanted: Wanted, models: tuple[str, str | None], *, start_over: bool = False
) -> None:
    """Judge every row, with a bar, and say what was flagged."""
    from electra_helpers.tasks.cleaning.clean_file import clean_file
    from electra_helpers.tasks.cleaning.suspects import load_cleaner
    from electra_helpers.tasks.score_tables import of_cleaning
    from electra_helpers.training.callbacks import rows_bar

    made, other = (load_cleaner(name) if name else None for name in models)
    try:
        with rows_bar("cleaning") as told:
            found = clean_file(made, file, output, wanted, generator=other, start_over=start_over, progress=told)
    except KeyboardInterrupt:
        fail(f"stopped and saved. Resume it: the same command again (it is beside {output}).", 130)
    say(of_cleaning(found, output, wanted.corrected))
