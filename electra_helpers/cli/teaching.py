"""The teacher's commands: `electra grade` and `electra course …`."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Optional

import typer

from electra_helpers.cli.config_file import with_config
from electra_helpers.cli.help import Command, Commands
from electra_helpers.errors import ElectraError
from electra_helpers.terminal import say

course_app = typer.Typer(
    cls=Commands, help="For teachers: variants for marked work, handouts, links.", no_args_is_help=True
)
CONTAINERS = ("podman", "docker")
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
    jobs: Annotated[int, typer.Option(min=1, help="Submissions graded in parallel.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.05, help="Longest a notebook may run.")] = 10.0,
    cell_seconds: Annotated[
        int, typer.Option(min=1, help="Longest a cell may compute; with --container, by the clock.")
    ] = 120,
    memory: Annotated[float, typer.Option(min=0.5, help="GB that a notebook's processes may take together.")] = 3.0,
    disk: Annotated[float, typer.Option(min=0.01, help="GB that a notebook may write.")] = 0.5,
    profile: Annotated[str, typer.Option(help="smoke, laptop or gpu: how much the notebooks compute.")] = "smoke",
    container: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="podman or docker: each notebook in a container of its own, where this system has no namespaces."
        ),
    ] = None,
    image: Annotated[
        str, typer.Option(help="Image for --container, with this version of the course.")
    ] = "electra-grade",
    resume: Annotated[bool, typer.Option(help="Resume an interrupted run of the same table.")] = False,
) -> None:
    """Run submitted notebooks and write who passed what. Each is cut off from the others; what that cannot do: see the README."""
    _check_grade(submissions, profile, container)
    try:
        from electra_helpers.classroom import jail, watch
        from electra_helpers.classroom.grade import grade as grade_all
    except ModuleNotFoundError as error:
        raise ElectraError(f"Grading needs {error.name}: pip install psutil, or electra_helpers[lab].") from None
    from electra_helpers.classroom import gradebook as report
    from electra_helpers.classroom.journal import Journal, signature

    folder = notebooks_folder(notebooks)
    limits = watch.Limits(60 * minutes, cell_seconds, memory, profile, disk_bytes=int(1e9 * disk))
    how = jail.Container(container, image) if container else None
    said = f"How learners are kept apart: {jail.SAID['container' if container else jail.isolation()]}."
    say(said, sys.stderr)
    journal = Journal(out, signature(folder, limits, how), resume=resume)
    with _stopped_by_signals():
        made = grade_all(
            submissions,
            folder,
            limits=limits,
            jobs=jobs,
            say=lambda line: say(line, sys.stderr),
            container=how,
            known=journal.known,
            keep=journal.keep,
        )
    for path in report.write(made, out, said=said):
        say(path)
    if made.stopped:
        say(f"{made.stopped[0].upper()}{made.stopped[1:]}. Resume it with --resume.", sys.stderr)
        raise typer.Exit(130)
    journal.done()


def _check_grade(submissions: Path, profile: str, container: str | None) -> None:
    """Raise `ElectraError` for what `electra grade` could not do with these options on this machine."""
    from electra_helpers.course.engine.session import PROFILES

    if profile not in PROFILES:
        raise ElectraError(f"There is no --profile {profile!r}: choose one of {', '.join(PROFILES)}.")
    if container is not None and container not in CONTAINERS:
        raise ElectraError(f"There is no --container {container!r}: choose one of {', '.join(CONTAINERS)}.")
    if not submissions.exists():
        raise ElectraError(f"There is no {submissions}: name a folder or a zip of submissions.")
    if container and not shutil.which(container):
        raise ElectraError(f"There is no {container} here: install it, or leave --container out.")


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP stop the grading as Ctrl-C does: with the table so far, and nothing left behind."""
    from electra_helpers.classroom.grade import Stopped

    def stop(*_: object) -> None:
        raise Stopped

    names = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    in_main = threading.current_thread() is threading.main_thread()
    before = {each: signal.signal(each, stop) for each in names} if in_main else {}
    try:
        yield
    except (Stopped, KeyboardInterrupt):  # before the first submission was begun
        raise typer.Exit(130) from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@course_app.command(cls=Command)
@with_config
def variants(
    seed: Annotated[int, typer.Option(help="Decides the rules: give each class or year another.")],
    out: Annotated[Path, typer.Option(help="Folder for the notebook.")] = Path("."),
) -> None:
    """Write a notebook of changed exercises for marked work: another share, whole words, three labels, each with its check."""
    from electra_helpers.classroom.material import write_variants

    path = write_variants(seed, out)
    say(f"{path}\nGrade it: electra grade HANDED_IN --notebooks {path.parent}")


@course_app.command(cls=Command)
@with_config
def handout(
    out: Annotated[Path, typer.Option(help="Folder for the copies.")] = Path("build/handout"),
    notebooks: Notebooks = None,
) -> None:
    """Copy the notebooks without hints, solutions and the answers of the quizzes."""
    from electra_helpers.classroom.own_folder import check_own_folder

    originals = notebooks_folder(notebooks)
    check_own_folder(out, "handout", apart_from=originals)
    from electra_helpers.classroom.material import write_handout

    say(f"{out}: {len(write_handout(originals, out))} notebooks without hints and solutions")


@course_app.command(cls=Command)
@with_config
def relink(
    repo: Annotated[str, typer.Option(help="OWNER/NAME of your copy on GitHub.")],
    ref: Annotated[str, typer.Option(help="Its tag or branch.")],
    root: Annotated[Path, typer.Option(help="Folder of your clone.")] = Path("."),
) -> None:
    """Point every badge, link and set-up cell of your clone to your copy of the course."""
    from electra_helpers.classroom.links import relink as point_to

    say(f"{point_to(root, repo, ref)} notebooks now point to {repo} at {ref}")
