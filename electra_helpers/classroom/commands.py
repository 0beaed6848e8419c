"""The teacher's commands: `electra grade` and `electra course …`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from electra_helpers.errors import ElectraError

course_app = typer.Typer(
    help="For teachers: variants for marked work, handouts, links to your copy.", no_args_is_help=True
)
Notebooks = Annotated[Optional[Path], typer.Option(help="Folder of the original notebooks.")]  # noqa: UP045


def notebooks_folder(named: Path | None) -> Path:
    """The named folder, or notebooks/ here or in the clone. Raises `ElectraError` where there is none."""
    places = [named] if named else [Path("notebooks"), Path(__file__).resolve().parents[2] / "notebooks"]
    for place in places:
        if place.is_dir():
            return place
    raise ElectraError(f"There is no folder {places[0]}: name the course's notebooks with --notebooks.")


def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder or zip with a folder, zip or notebook a learner.")],
    out: Annotated[Path, typer.Option(help="The table; a page and the written answers lie beside it.")] = Path(
        "grades.csv"
    ),
    notebooks: Notebooks = None,
    jobs: Annotated[int, typer.Option(min=1, help="So many submissions at once.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.05, help="Longest a notebook may run.")] = 10.0,
    cell_seconds: Annotated[int, typer.Option(min=1, help="Longest a cell may run.")] = 120,
    memory: Annotated[float, typer.Option(min=0.5, help="GB that a submission's processes may take together.")] = 3.0,
    profile: Annotated[str, typer.Option(help="smoke, laptop or gpu: how much the notebooks compute.")] = "smoke",
) -> None:
    """Run submitted notebooks, each cut off from the others, and write who passed what. This is no sandbox: see the README."""
    from electra_helpers.course.session import PROFILES

    if profile not in PROFILES:
        raise ElectraError(f"There is no profile {profile!r}: choose one of {', '.join(PROFILES)}.")
    if not submissions.exists():
        raise ElectraError(f"There is no {submissions}: name a folder or a zip of submissions.")
    try:
        from electra_helpers.classroom import watch
    except ModuleNotFoundError as error:
        raise ElectraError(
            f"Grading needs {error.name}: pip install nbclient psutil, or electra_helpers[lab]."
        ) from None
    from electra_helpers.classroom import report
    from electra_helpers.classroom.grade import grade as grade_all

    limits = watch.Limits(60 * minutes, cell_seconds, memory, profile)
    said = f"How submissions were cut off: {watch.ISOLATION[watch.isolation()]}."
    print(said, file=sys.stderr)
    say = lambda line: print(line, file=sys.stderr)  # noqa: E731
    made = grade_all(submissions, notebooks_folder(notebooks), limits=limits, jobs=jobs, say=say)
    for path in report.write(made, out, said=said):
        print(path)


@course_app.command()
def variants(
    seed: Annotated[int, typer.Option(help="Decides the rules: give each class or year another.")],
    out: Annotated[Path, typer.Option(help="Folder for the notebook.")] = Path("."),
) -> None:
    """Write a notebook of changed exercises for marked work: another share, whole words, three labels, each with its check."""
    from electra_helpers.classroom.material import write_variants

    path = write_variants(seed, out)
    print(f"{path}\nGrade it: electra grade HANDED_IN --notebooks {path.parent}")


@course_app.command()
def handout(
    out: Annotated[Path, typer.Option(help="Folder for the copies.")] = Path("build/handout"),
    notebooks: Notebooks = None,
) -> None:
    """Copy the notebooks without hints, solutions and the answers of the quizzes."""
    from electra_helpers.classroom.material import write_handout

    print(f"{out}: {len(write_handout(notebooks_folder(notebooks), out))} notebooks without hints and solutions")


@course_app.command()
def relink(
    repo: Annotated[str, typer.Option(help="OWNER/NAME of your copy on GitHub.")],
    ref: Annotated[str, typer.Option(help="Its tag or branch.")],
    root: Annotated[Path, typer.Option(help="Folder of your clone.")] = Path("."),
) -> None:
    """Point every badge, link and set-up cell of your clone to your copy of the course."""
    from electra_helpers.classroom.material import relink as point_to

    print(f"{point_to(root, repo, ref)} notebooks now point to {repo} at {ref}")
