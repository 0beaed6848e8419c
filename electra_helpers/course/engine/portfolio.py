"""What a learner keeps: passed code, answers and predictions, in one small JSON file beside the notebook."""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from electra_helpers.course.engine.kept_code import name_of, source_of
from electra_helpers.errors import ElectraError, ElectraWarning
from electra_helpers.language import worded
from electra_helpers.paths import appears_whole

FILE = "electra_portfolio.json"
VERSION = 1
EMPTY: dict[str, Any] = {"version": VERSION, "exercises": {}, "predictions": {}}


class DoesNotRun(ElectraError):
    """Kept code cannot be made a function again."""


def portfolio_path() -> Path:
    """ELECTRA_PORTFOLIO, or `electra_portfolio.json` in the folder where the notebook runs."""
    return Path(os.environ.get("ELECTRA_PORTFOLIO", FILE))


def read(path: Path | None = None) -> dict[str, Any]:
    """The portfolio; an empty one where there is no file yet. Raises `ElectraError` for a file that is none."""
    path = path or portfolio_path()
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return json.loads(json.dumps(EMPTY))
    except (ValueError, OSError, RecursionError) as error:
        raise ElectraError(
            worded("{path} cannot be read ({error}). Move it away to start a new portfolio.", path=path, error=error)
        ) from error
    if not _is_portfolio(content):
        raise ElectraError(worded("{path} is no portfolio of this course. Move it away to start a new one.", path=path))
    # JSON can hold lone surrogates, which no file and no terminal takes: they become question marks.
    return json.loads(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def _is_portfolio(content: Any) -> bool:
    """Whether a file's content has the parts that are read here, each of its kind."""
    if not isinstance(content, dict) or content.get("version") != VERSION:
        return False
    exercises, predictions = content.get("exercises"), content.get("predictions")
    if not isinstance(exercises, dict) or not isinstance(predictions, dict):
        return False
    kinds = {"status": str, "attempts": int}
    entries = all(
        isinstance(e, dict) and all(isinstance(e.get(n), k) for n, k in kinds.items()) for e in exercises.values()
    )
    return entries and all(isinstance(e.get(n, ""), str) for e in exercises.values() for n in ("name", "code"))


def write(content: dict[str, Any]) -> None:
    """Write the file whole or not at all."""
    path = portfolio_path()
    with appears_whole(path) as draft:
        draft.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def record(exercise_id: str, status: str, submission: Any, variable: str = "answer") -> None:
    """Note an attempt; what once passed stays passed, with its newest code or answer, a nameless function as `variable`."""
    content = read()
    entry = content["exercises"].setdefault(exercise_id, {"status": status, "attempts": 0})
    entry["attempts"] += 1
    if status == "passed":
        entry |= {"status": status} | _kept(submission, variable)
    elif entry["status"] != "passed":
        entry["status"] = status
    write(content)


def _kept(submission: Any, variable: str) -> dict[str, Any]:
    if not callable(submission):
        return {"answer": submission if _is_json(submission) else repr(submission)}
    name = name_of(submission, variable)
    code = source_of(submission, name)
    return {"name": name, "code": code} if code else {}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def has_passed(exercise_id: str) -> bool:
    """Whether the exercise was passed, in this session or an earlier one."""
    return read()["exercises"].get(exercise_id, {}).get("status") == "passed"


def saved_function(exercise_id: str) -> Callable | None:
    """The learner's passed function, compiled again from the portfolio; None where there is none.

    The file is the learner's own code: it is run as any cell of theirs is. Raises `DoesNotRun` where that fails.
    """
    entry = read()["exercises"].get(exercise_id, {})
    if entry.get("status") != "passed" or "code" not in entry:
        return None
    space: dict[str, Any] = {"__name__": f"portfolio_{exercise_id.replace('.', '_')}"}
    try:
        exec(compile(f"from __future__ import annotations\n{entry['code']}", f"<your {exercise_id}>", "exec"), space)
        return space[entry["name"]]
    except Exception as error:  # whatever a learner's code, or a damaged file, raises
        raise DoesNotRun(
            worded(
                "Your saved {exercise_id} does not run by itself ({kind}: {error}).",
                exercise_id=exercise_id,
                kind=type(error).__name__,
                error=error,
            )
        ) from error


def portfolio(file: str | Path | None = None) -> Path:
    """Say where your passed code and answers are kept and how to carry them along; with `file`, take those of a file in.

    On Colab, where every notebook starts on a fresh machine, this offers the file for download; `eh.portfolio("…")` takes an
    uploaded one in. Raises `ElectraError` for a file that is no portfolio. Built in notebook 00.

    >>> import electra_helpers as eh
    >>> eh.portfolio()  # doctest: +SKIP
    PosixPath('electra_portfolio.json')
    """
    path = portfolio_path()
    if file is not None:
        if not Path(file).is_file():
            raise ElectraError(worded("There is no file {file}: upload your electra_portfolio.json first.", file=file))
        _take_in(read(Path(file)))
    kept = [i for i, entry in read()["exercises"].items() if entry["status"] == "passed"]
    said = {"name": path.name, "count": len(kept)}
    if kept:
        print(worded("{name}: {count} passed: {kept}.", **said, kept=", ".join(sorted(kept))))
    else:
        print(worded("{name}: {count} passed.", **said))
    if "google.colab" in sys.modules and file is None and path.exists():
        importlib.import_module("google.colab.files").download(str(path))
    return path


def _take_in(other: dict[str, Any]) -> None:
    """Merge another portfolio: passed entries win, the other's over ours."""
    content = read()
    for exercise_id, entry in other["exercises"].items():
        if entry["status"] == "passed" or exercise_id not in content["exercises"]:
            content["exercises"][exercise_id] = entry
    content["predictions"] = content["predictions"] | other["predictions"]
    write(content)


def guess(name: str, value: Any) -> Any:
    """Store a guess before the cell that shows the answer; `eh.reveal` puts both side by side. None means no guess yet.

    `name` is the notebook's number and a word, such as "03.plateau". Returns the guess. Built in notebook 00.

    >>> import electra_helpers as eh
    >>> eh.guess("04.share", None)
    04.share: no guess yet. Put yours in place of None; a wrong one helps too.
    """
    if value is None or value is ...:
        print(worded("{name}: no guess yet. Put yours in place of None; a wrong one helps too.", name=name))
        return None
    content = read()
    content["predictions"][name] = value if _is_json(value) else repr(value)
    write(content)
    print(worded("{name}: your guess is {value}. It waits for the result.", name=name, value=_shown(value)))
    return value


def predict(name: str, value: Any) -> Any:
    """The old name of `eh.guess`, which still works and says so."""
    warnings.warn(worded('eh.predict is now eh.guess: eh.guess("{name}", …).', name=name), ElectraWarning, stacklevel=2)
    return guess(name, value)


def reveal(name: str, result: Any) -> None:
    """Print a result beside the guess that `eh.guess` stored under the same name. Built in notebook 00.

    >>> import electra_helpers as eh
    >>> eh.reveal("04.share", 0.0604)  # doctest: +SKIP
    04.share: 0.0604 (no guess was made)
    """
    guessed = read()["predictions"].get(name)
    beside = (
        worded("no guess was made") if guessed is None else worded("your guess: {guessed}", guessed=_shown(guessed))
    )
    print(f"{name}: {_shown(result)} ({beside})")


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
