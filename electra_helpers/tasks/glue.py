"""GLUE as the paper runs it: each of the eight tasks fine-tuned by itself with several seeds, one report of their medians.

OUT holds run.json, results.json and results.md, and for each task the folder that `finetune_seeds` writes. What the paper and its code do,
and this does: 3 epochs, 10 of RTE and STS-B; the net at the end of its training is scored, on the development set; STS-B is a regression;
pairs of MRPC and STS-B are learned in both orders, and judged in their own. Source: paper, Section 3.1 and Appendix B; reference code,
`configure_finetuning.py` and `classification_tasks.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from electra_helpers.config import FinetuneConfig
from electra_helpers.errors import ElectraError
from electra_helpers.jsonfile import expect, read_json
from electra_helpers.paths import appears_whole, check_new_folder
from electra_helpers.reading.glue import (
    GLUE,
    both_orders,
    check_glue,
    glue_tasks,
    has_labels,
    read_glue,
    scored_splits,
    tasks_in,
)
from electra_helpers.reading.labelled import LabelledData
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.saved.files import write_json_atomically
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.base import DownstreamTask
from electra_helpers.tasks.finetuned import known_rows, load_finetuned
from electra_helpers.tasks.finetuning import settings_for, with_changes
from electra_helpers.tasks.glue_report import main_metric, report, table, task_entry
from electra_helpers.tasks.seeds import finetune_seeds
from electra_helpers.training.loop import Callback

EPOCHS = {"rte": 10.0, "stsb": 10.0}  # paper, Table 7; 3 for the others
KEPT = "also_scored"  # folder of what each seed scored on rows beside the validation rows
AT_THE_END = 10**9  # steps between evaluations: more than a run has, so that the last net is the one that is scored


@dataclass(frozen=True)
class Suite:
    """A run of GLUE as it is asked for."""

    model: Pretrained
    data: str  # a folder with one for each task, `hub`, or hub:OWNER/NAME
    out: Path
    tasks: tuple[str, ...]
    seeds: int = 1
    scratch: bool = False
    layout: Layout = FOUND_OUT
    changes: Mapping[str, Any] = field(default_factory=dict)  # settings in place of the paper's

    def config(self, task: str) -> FinetuneConfig:
        """How a task is fine-tuned: the recipe of the model's size, with the paper's epochs and what is asked for."""
        paper = {"epochs": EPOCHS.get(task, 3.0), "eval_every": AT_THE_END, "best_by": main_metric(task)}
        return with_changes(settings_for(self.model), paper | dict(self.changes))

    def rows(self, task: str) -> tuple[LabelledData, LabelledData]:
        """What a task learns from and is validated on."""
        train = read_glue(self.data, task, "train", self.layout)
        validation = read_glue(self.data, task, "validation", self.layout)
        return both_orders(train) if GLUE[task].symmetric else train, validation

    def about(self) -> dict[str, Any]:
        """What the report says of the run."""
        runs = "1 run" if self.seeds == 1 else f"median of {self.seeds} runs, each"
        when = "at its best evaluation" if "eval_every" in self.changes else "at the end of its training"
        about = {"model": self.model.name, "from_scratch": self.scratch, "data": self.data, "seeds": self.seeds}
        return about | {
            "split": "validation",
            "how": f"{runs} scored {when}; scores × 100",
            "settings": dict(self.changes),
        }


def finetune_glue(
    suite: Suite,
    *,
    resume: bool = False,
    callbacks: Callable[[str, int], Iterable[Callback]] = lambda task, seed: (),
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Fine-tune on every task of the suite; returns the report, which is written anew when a task ends.

    `callbacks` are made for each task and seed, `say` is told of rows and of tasks that end. With `resume` finished seeds are kept and
    an interrupted one resumes. Raises `ElectraError` for a folder in use, for a run with other settings, and for data that do not fit.
    """
    check_glue(suite.data, suite.tasks, suite.layout)
    for task in suite.tasks:
        suite.config(task)  # says what is not allowed
    _begin(suite, resume)
    try:
        return _every_task(suite, callbacks, say)
    except ElectraError:
        # The mended command may be given the same --out.
        if not resume and not any(_is_begun(suite.out / task) for task in suite.tasks):
            (suite.out / "run.json").unlink()
            suite.out.rmdir()
        raise


def _every_task(
    suite: Suite, callbacks: Callable[[str, int], Iterable[Callback]], say: Callable[[str], None]
) -> dict[str, Any]:
    """One task after the other, with the report as far as it goes behind each."""
    entries: dict[str, dict[str, Any]] = {}
    found: dict[str, Any] = {}
    # What is begun comes first: it is compared with the settings before anything else is trained with them.
    for task in sorted(suite.tasks, key=lambda name: not _is_begun(suite.out / name)):
        entries[task] = _one_task(suite, task, lambda seed, task=task: callbacks(task, seed), say)
        found = report(suite.about(), entries, missing_tasks(suite, entries))
        write_report(found, suite.out)
        score = entries[task]["score"]
        say(f"{GLUE[task].title}: {main_metric(task)} {score:.3f} ({len(entries)} of {len(suite.tasks)} tasks)")
    return found


def write_report(found: Mapping[str, Any], out: Path) -> None:
    """Write results.json and results.md."""
    write_json_atomically(found, out / "results.json")
    with appears_whole(out / "results.md") as draft:
        draft.write_text(table(found) + "\n", "utf-8")


def missing_tasks(suite: Suite, done: Iterable[str]) -> dict[str, str]:
    """Why each task of GLUE that has no score has none."""
    there = tasks_in(suite.data)
    return {
        name: "not trained yet"
        if name in suite.tasks
        else "not among --tasks"
        if name in there
        else f"{suite.data} has no folder for it"
        for name in GLUE
        if name not in done
    }


def tasks_to_run(data: str, out: Path, asked: str | None, resume: bool) -> tuple[str, ...]:
    """The tasks that are asked for, by default all that the data have; of a resumed run those that it began with, too.

    Raises `ElectraError` for an unknown task, and where there is no run to resume.
    """
    before = tuple(_run_in(out)["tasks"]) if resume else ()
    if asked is None:
        return before or tasks_in(data)
    return glue_tasks([*glue_tasks(asked), *before])


def _run_in(out: Path) -> dict[str, Any]:
    """run.json of a run of GLUE. Raises `ElectraError` where there is none."""
    path = out / "run.json"
    try:
        about = read_json(path)
    except FileNotFoundError:
        about = {}
    if about.get("suite") != "glue":
        raise ElectraError(f"There is no run of GLUE in {out}: `electra finetune glue --out` writes one.")
    expect(about, path, model=str, data=str, from_scratch=bool, tasks=list)
    return about | {"tasks": glue_tasks(about["tasks"])}


def _begin(suite: Suite, resume: bool) -> None:
    """Write run.json, or compare with it."""
    told = {"suite": "glue", "model": suite.model.name, "data": suite.data, "from_scratch": suite.scratch}
    if resume:
        before = _run_in(suite.out)
        changed = [f"{name}: {before[name]!r} → {value!r}" for name, value in told.items() if before[name] != value]
        if changed:
            raise ElectraError(f"The run in {suite.out} was started with other settings ({'; '.join(changed)}).")
    else:
        check_new_folder(suite.out, "choose another --out, or resume the run in it by --resume")
    suite.out.mkdir(parents=True, exist_ok=True)
    write_json_atomically(told | {"tasks": list(suite.tasks), "seeds": suite.seeds}, suite.out / "run.json")


def _is_begun(folder: Path) -> bool:
    return (folder / "run.json").is_file()


def _one_task(
    suite: Suite, task: str, callbacks: Callable[[int], Iterable[Callback]], say: Callable[[str], None]
) -> dict[str, Any]:
    """Fine-tune on one task, or find that it is done; its entry in the report."""
    train, validation = suite.rows(task)
    for data in (train, validation):
        say(data.describe())
    folder, config = suite.out / task, suite.config(task)
    if folder.exists() and not _is_begun(folder):
        shutil.rmtree(folder)  # killed before its first file was whole
    results = finetune_seeds(
        "classification",
        suite.model,
        folder,
        train=train,
        validation=validation,
        config=config,
        seeds=suite.seeds,
        scratch=suite.scratch,
        resume=_is_begun(folder),
        callbacks=callbacks,
    )
    ends, baselines = results["seeds"], {"validation": results["baseline"]["validation"]}
    parts, more = {"validation": [end["validation"] for end in ends]}, _also_scored(suite, task)
    if more:
        scored, beside = score_seeds(folder, more, keep=True)
        parts, baselines = parts | scored, baselines | beside
    entry = task_entry(task, [end["seed"] for end in ends], parts, baselines)
    entry["rows"] = {"train": len(train), "validation": len(validation)} | {part: len(d) for part, d in more.items()}
    entry["remarks"] = [f"{GLUE[task].title}: {remark}" for remark in results["remarks"]]
    return entry | {"epochs": config.epochs, "learning_rate": config.learning_rate}


def _also_scored(suite: Suite, task: str) -> dict[str, LabelledData]:
    """What is scored beside the validation rows: MNLI's other half, and test rows that have labels."""
    wanted = [*scored_splits(GLUE[task]).items(), *scored_splits(GLUE[task], "test").items()]
    return {
        part: read_glue(suite.data, task, split, suite.layout)
        for part, split in wanted
        if part != "validation" and (not part.startswith("test") or has_labels(suite.data, task, split, suite.layout))
    }


def score_seeds(
    folder: Path, parts: Mapping[str, LabelledData], keep: bool = False
) -> tuple[dict[str, list[dict[str, float]]], dict[str, dict[str, Any]]]:
    """Every seed's metrics on labelled rows, and those of the trivial baseline, by part.

    With `keep` they are stored below the task's folder, and read there where they are of these rows: a resumed run scores no seed twice.
    """
    scores: dict[str, list[dict[str, float]]] = {part: [] for part in parts}
    baselines: dict[str, dict[str, Any]] = {}
    for seed in seed_folders(folder):
        path = folder / KEPT / f"{seed.name}.json"
        wanted = {part: {"source": data.source, "rows": len(data)} for part, data in parts.items()}
        found = read_json(path) if keep and path.is_file() else {}
        if found.get("of") != wanted:
            found = {"of": wanted} | _scored(seed, parts)
        if keep:
            path.parent.mkdir(exist_ok=True)
            write_json_atomically(found, path)
        for part in parts:
            scores[part].append(found["scores"][part])
        baselines = found["baselines"]
    return scores, baselines


def _scored(seed: Path, parts: Mapping[str, LabelledData]) -> dict[str, Any]:
    """The scores of one seed's net, and those of the trivial baseline."""
    made = load_finetuned(seed)
    scores = {part: made.evaluate(data) for part, data in parts.items()}  # says where no row has a label
    return {"scores": scores, "baselines": {part: _baseline(made.task, data) for part, data in parts.items()}}


def seed_folders(folder: Path) -> list[Path]:
    """The folders of a task's finished seeds, in their order."""
    seeds = [end["seed"] for end in read_json(folder / "results.json")["seeds"]]
    return [folder / "seeds" / str(seed) for seed in seeds]


def _baseline(task: DownstreamTask, data: LabelledData) -> dict[str, Any]:
    name, scores = task.baseline(known_rows(task, data))
    return {"name": name} | scores


def trained_tasks(folder: Path, asked: Sequence[str] | None = None) -> tuple[str, ...]:
    """The tasks of a run that have ended. Raises `ElectraError` where one that is asked for has not, and where none has."""
    before = _run_in(folder)["tasks"]
    done = tuple(name for name in before if (folder / name / "results.json").is_file())
    absent = [GLUE[name].title for name in asked or () if name not in done]
    if absent or not done:
        what = absent[0] if absent else "any task"
        raise ElectraError(f"{folder} has no finished run of {what}: it has {', '.join(done) or 'none'}.")
    return tuple(asked or done)


def evaluate_glue(
    folder: Path,
    data: str,
    *,
    tasks: Sequence[str] | None = None,
    split: str = "validation",
    layout: Layout = FOUND_OUT,
) -> dict[str, Any]:
    """Score every seed of a run of GLUE on a split of the data, as the report of that run has it; nothing is written.

    Raises `ElectraError` where a task was not trained, or its rows have no labels.
    """
    chosen = trained_tasks(folder, tasks)
    about = _run_in(folder)
    entries = {task: entry for task, entry in _evaluated(folder, data, chosen, split, layout)}
    counts = {len(entry["seeds"]) for entry in entries.values()}
    told = {"model": about["model"], "from_scratch": about["from_scratch"], "data": data, "split": split}
    told["how"] = (
        "1 run" if counts == {1} else f"median of {'–'.join(map(str, sorted(counts)))} runs"
    ) + "; scores × 100"
    missing = {
        name: "not asked for" if name in about["tasks"] else f"not in {folder}" for name in GLUE if name not in entries
    }
    return report(told, entries, missing)


def _evaluated(
    folder: Path, data: str, tasks: Sequence[str], split: str, layout: Layout
) -> Iterator[tuple[str, dict[str, Any]]]:
    for task in tasks:
        rows = {part: read_glue(data, task, each, layout) for part, each in scored_splits(GLUE[task], split).items()}
        scores, baselines = score_seeds(folder / task, rows)
        entry = task_entry(task, [int(seed.name) for seed in seed_folders(folder / task)], scores, baselines)
        yield task, entry | {"rows": {part: len(found) for part, found in rows.items()}}
