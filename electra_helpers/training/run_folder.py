"""The folder of a pre-training run: what run.json says of it, and whether a run may start or be resumed in it. Nothing here loads torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.fields import from_json
from electra_helpers.jsonfile import expect, read_json
from electra_helpers.paths import check_new_folder
from electra_helpers.reading.layout import FOUND_OUT, Layout
from electra_helpers.recipes import Recipe

# These decide how a run is shown or where it computes, not which steps it takes: they may change when it is resumed.
# (How long it is, is said by its steps.)
FREE = (
    "epochs",
    "minutes",
    "log_every",
    "eval_every",
    "save_every",
    "keep",
    "device",
    "compile",
    "shard",
    "accumulation",
    "eval_rows",
)


@dataclass(frozen=True)
class StartedRun:
    """What run.json says of a run: its networks and settings, its data, and a hash of its rows."""

    recipe: Recipe
    sources: list[str]
    column: str | None
    data: str
    layout: Layout = FOUND_OUT
    begun: dict[str, str | None] = field(
        default_factory=dict
    )  # size, tokenizer, init_from as given, where that is known


def read_run(out: Path) -> StartedRun:
    """The run in a folder. Raises `ElectraError` if there is none, or if its run.json cannot be used."""
    path = out / "run.json"
    try:
        found = read_json(path)
        expect(found, path, sources=list, column=(str, type(None)), data=str, begun=(dict, type(None)))
        started = Recipe(
            from_json(ModelConfig, found.get("model"), path), from_json(PretrainConfig, found.get("pretrain"), path)
        )
        expect(found.get("begun") or {}, path, **dict.fromkeys(("size", "tokenizer", "init_from"), (str, type(None))))
        layout = from_json(Layout, found.get("layout", {}), path)
    except FileNotFoundError:
        raise ElectraError(f"There is no run in {out} to resume: leave --resume out to start one.") from None
    except ElectraError as error:
        raise ElectraError(f"{path} is no run of this package, so it cannot be resumed: {error}") from error
    sources = [str(source) for source in found["sources"]]
    return StartedRun(started, sources, found.get("column"), found["data"], layout, found.get("begun") or {})


def check_folder(out: Path, resume: bool) -> None:
    """Raise `ElectraError` where a new run has no empty folder to write to, or where there is no run to resume."""
    is_run = (out / "run.json").is_file()
    if resume:
        read_run(out)
        if (out / "model.safetensors").is_file() and not any((out / "checkpoints").glob("*/state.json")):
            # An average or a bundle: a run resumed here would start at random weights and overwrite these.
            raise ElectraError(
                f"{out} holds a model and no checkpoint to resume from: start a run by --init-from {out}."
            )
    if not resume:
        check_new_folder(out, f"{'resume it by --resume, or choose' if is_run else 'choose'} another --out")


def try_folder(out: Path, resume: bool) -> None:
    """The same, and try whether the folder can be made; it is left unmade until all that may be wrong with the text was looked at."""
    check_folder(out, resume)
    if not out.exists():
        out.mkdir(parents=True)
        out.rmdir()


def compare_run(out: Path, now: dict[str, Any]) -> None:
    """Raise `ElectraError`, with the differences, if the run in `out` is another one than the run asked for.

    A run that is finished may be asked for more steps.
    """
    then = read_run(out)
    before = asdict(then.recipe.model) | asdict(then.recipe.pretrain) | {"data": then.data}
    asked = now["model"] | now["pretrain"] | {"data": now["data"]}
    longer = asked["steps"] > before["steps"]
    free = (*FREE, "steps") if longer and is_finished(out, int(before["steps"])) else FREE
    changed = [f"{k}: {before.get(k)!r} → {asked[k]!r}" for k in asked if k not in free and before.get(k) != asked[k]]
    if changed:
        advice = (
            "resume it to its end before it is extended"
            if longer and len(changed) == 1
            else "give the same, or another --out"
        )
        raise ElectraError(f"The run in {out} was started with other settings ({'; '.join(changed)}): {advice}.")


def is_finished(out: Path, steps: int) -> bool:
    """Whether the run in `out` has taken all of its steps: its checkpoint of the last one is there."""
    return (out / "checkpoints" / f"step-{steps:08d}" / "state.json").is_file()


def extend(out: Path, now: dict[str, Any]) -> int | None:
    """Note in run.json that a finished run is extended to more steps; returns how many it had, None where they are the same."""
    from electra_helpers.saved.files import write_json_atomically  # it brings torch

    found = read_json(out / "run.json")
    before = found["pretrain"]["steps"]
    if now["pretrain"]["steps"] == before:
        return None
    extended = [*found.get("extended", []), before]
    write_json_atomically(found | {"pretrain": now["pretrain"], "extended": extended}, out / "run.json")
    return before


def as_started(
    out: Path, given: dict[str, str | None], config: PretrainConfig, model: ModelConfig | None
) -> tuple[PretrainConfig, ModelConfig]:
    """Settings and shape with which the run in `out` is resumed: its own shape, and its own steps where minutes were asked for.

    Raises `ElectraError` for `given` (see `same_start`) or minutes that differ from what the run was started with.
    """
    started = read_run(out)
    same_start(out, started, given)
    then = started.recipe.pretrain
    if config.minutes:
        if config.minutes != then.minutes:
            raise ElectraError(
                f"The run in {out} was started with minutes {then.minutes:g}, not {config.minutes:g}: extend it by steps or epochs."
            )
        config = replace(config, steps=then.steps)
    return config, model or started.recipe.model


def same_start(out: Path, started: StartedRun, given: dict[str, str | None]) -> None:
    """Raise `ElectraError` if what is given on resuming is not what the run in `out` was started with; None = not given."""
    for name, value in given.items():
        before = started.begun.get(name, value)
        if value is not None and value != before:
            said = (
                f"without --{name.replace('_', '-')}" if before is None else f"with --{name.replace('_', '-')} {before}"
            )
            raise ElectraError(f"The run in {out} was started {said}, not with {value}: leave it out with --resume.")
