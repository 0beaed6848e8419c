"""What a learner keeps: passed code, answers and predictions, in one small JSON file beside the notebook."""

from __future__ import annotations

import builtins
import importlib
import inspect
import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError

FILE = "electra_portfolio.json"
VERSION = 1
EMPTY: dict[str, Any] = {"version": VERSION, "exercises": {}, "predictions": {}}


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
    except (ValueError, OSError) as error:
        raise ElectraError(f"{path} cannot be read ({error}). Move it away to start a new portfolio.") from error
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ElectraError(f"{path} is no portfolio of this course. Move it away to start a new one.")
    return content


def write(content: dict[str, Any]) -> None:
    """Write the file whole or not at all."""
    path = portfolio_path()
    partial = path.with_name(f".partial-{path.name}")
    partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(partial, path)


def record(exercise_id: str, status: str, submission: Any) -> None:
    """Note an attempt; what once passed stays passed, with its newest passing code or answer."""
    content = read()
    entry = content["exercises"].setdefault(exercise_id, {"status": status, "attempts": 0})
    entry["attempts"] += 1
    if status == "passed":
        entry |= {"status": status} | _kept(submission)
    elif entry["status"] != "passed":
        entry["status"] = status
    write(content)


def _kept(submission: Any) -> dict[str, Any]:
    if not callable(submission):
        return {"answer": submission if _is_json(submission) else repr(submission)}
    code = source_of(submission)
    return {"name": submission.__name__, "code": code} if code else {}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def source_of(function: Callable) -> str | None:
    """The source of a function with the imports, constants and helper functions of the notebook that it uses, or None."""
    seen: dict[str, str] = {}
    try:
        return "\n\n".join([*_needs(function, seen), inspect.getsource(function)])
    except (OSError, TypeError):
        return None


def _needs(function: Callable, seen: dict[str, str]) -> list[str]:
    for name in _names(function.__code__):
        value = function.__globals__.get(name, builtins)
        if name in seen or value is builtins or name == function.__name__:
            continue
        if isinstance(value, types.ModuleType):
            seen[name] = f"import {value.__name__} as {name}"
        elif isinstance(value, bool | int | float | str):
            seen[name] = f"{name} = {value!r}"
        elif isinstance(value, types.FunctionType) and value.__module__ == function.__module__:
            seen[name] = ""  # against endless recursion of two functions that call each other
            _needs(value, seen)
            # After what it needs: a dictionary keeps the order of insertion.
            seen.pop(name)
            seen[name] = inspect.getsource(value)
        elif getattr(value, "__module__", None) in sys.modules and hasattr(value, "__name__"):
            seen[name] = f"from {value.__module__} import {value.__name__} as {name}"
    return [text for text in seen.values() if text]


def _names(code: types.CodeType) -> list[str]:
    """Global names a function's code reads, its inner functions included."""
    inner = [name for const in code.co_consts if isinstance(const, types.CodeType) for name in _names(const)]
    return [*code.co_names, *inner]


def saved_function(exercise_id: str) -> Callable | None:
    """The learner's passed function, compiled again from the portfolio; None where there is none.

    The file is the learner's own code: it is run as any cell of theirs is.
    """
    entry = read()["exercises"].get(exercise_id, {})
    if entry.get("status") != "passed" or "code" not in entry:
        return None
    space: dict[str, Any] = {"__name__": f"portfolio_{exercise_id.replace('.', '_')}"}
    exec(compile(f"from __future__ import annotations\n{entry['code']}", f"<your {exercise_id}>", "exec"), space)
    return space[entry["name"]]


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
            raise ElectraError(f"There is no file {file}: upload your electra_portfolio.json first.")
        _take_in(read(Path(file)))
    kept = [i for i, entry in read()["exercises"].items() if entry["status"] == "passed"]
    print(f"{path.name}: {len(kept)} passed{': ' + ', '.join(sorted(kept)) if kept else ''}.")
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


def predict(name: str, guess: Any) -> Any:
    """Store a guess before the cell that shows the answer; `eh.reveal` puts both side by side. None means no guess yet.

    `name` is the notebook's number and a word, such as "03.plateau". Returns the guess. Built in notebook 00.

    >>> import electra_helpers as eh
    >>> eh.predict("04.share", None)
    04.share: no guess yet. Put yours in place of None; a wrong one helps too.
    """
    if guess is None or guess is ...:
        print(f"{name}: no guess yet. Put yours in place of None; a wrong one helps too.")
        return None
    content = read()
    content["predictions"][name] = guess if _is_json(guess) else repr(guess)
    write(content)
    print(f"{name}: your guess is {_shown(guess)}. It waits for the result.")
    return guess


def reveal(name: str, result: Any) -> None:
    """Print a result beside the guess that `eh.predict` stored under the same name. Built in notebook 00.

    >>> import electra_helpers as eh
    >>> eh.reveal("04.share", 0.0604)  # doctest: +SKIP
    04.share: 0.0604 (no guess was made)
    """
    guess = read()["predictions"].get(name)
    beside = "no guess was made" if guess is None else f"your guess: {_shown(guess)}"
    print(f"{name}: {_shown(result)} ({beside})")


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
