"""Every plot with the bundled model's own numbers, light and dark, as PNGs under build/gallery: `python -m tests.view.gallery`."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

import electra_helpers as eh
from electra_helpers import resources
from electra_helpers.config import PretrainConfig
from electra_helpers.corruption import draw_noise
from electra_helpers.course.labs import exams, objectives
from electra_helpers.course.labs import replacements as laboratory
from electra_helpers.tasks.interpret import attention_of, find_clues, gradient_norms
from electra_helpers.text.packing import Batch
from electra_helpers.view import plots
from electra_helpers.view.plots.style import png
from electra_helpers.world import stories
from electra_helpers.world.pairs import PHENOMENA

MODEL = "electra-tiny-world-en"
FOLDER = Path(__file__).resolve().parents[2] / "build" / "gallery"
TEXT = "Oscar was a tailor in a small port. On Monday he lost his needle."
HELD_OUT = 64  # stories

Draw = Callable[..., plots.Picture]


def training_log(name: str, kind: str) -> tuple[list[float], list[float]]:
    """(steps, values) of the bundled model's own log."""
    lines = (resources.bundled_models()[MODEL] / "log.jsonl").read_text("utf-8").splitlines()
    records = [r for r in map(json.loads, lines) if r["kind"] == kind and name in r]
    return [r["step"] for r in records], [r[name] for r in records]


def held_out_batch(model: eh.Pretrained) -> Batch:
    rows = [model.tokenizer.encode(story.text("en")).ids for story in stories(count=HELD_OUT, split="test")]
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[model.tokenizer.pad_id] * (longest - len(row))] for row in rows])
    return Batch(ids, None, ids != model.tokenizer.pad_id)


def over_time() -> Iterator[tuple[str, Draw, tuple, dict]]:
    steps, mlm = training_log("mlm_loss", "train")
    bands = {name: objectives.band(arm, "pairs") for arm, name in (("rtd", "RTD"), ("mlm", "MLM only"))}
    yield (
        "curves",
        plots.curves,
        ({"yours": (steps, mlm)},),
        {
            "ceilings": {"unigram entropy": 5.3, "ceiling of the grammar": 0.6},
            "title": "The generator learns words, then stories",
            "y": "MLM loss in nats",
        },
    )
    yield "curves_bands", plots.curves, ({"yours": bands["RTD"][2]},), {
        "bands": bands, "ceilings": {"guessing": 0.5}, "title": "Five seeds at equal compute", "y": "pairs told apart"
    }  # fmt: skip
    steps, own = training_log("rtd_auc", "evaluation")
    fixed = {name: training_log(f"exam_{name}_auc", "evaluation")[1] for name in ("uniform", "bigram")}
    yield "two_exams", plots.two_exams, (steps, own, fixed), {"ceilings": {"ceiling, own fakes": 0.99}}
    healthy = objectives.recorded()["sheets"]["healthy"]
    (steps, own), (_, exam) = healthy["AUC own fakes"], healthy["AUC fixed exam"]
    yield "two_exams_healthy", plots.two_exams, (steps, own, {"fixed exam": exam}), {}


def of_rows(model: eh.Pretrained) -> Iterator[tuple[str, Draw, tuple, dict]]:
    documents = [model.tokenizer.encode(story.text("en")).ids[1:-1] for story in stories(count=9, split="test")]
    alone = [[2, *document, 3] for document in documents]
    alone = [row + [0] * (96 - len(row)) for row in alone]
    owners = [[None, *[n] * len(d), None] + [None] * (94 - len(d)) for n, d in enumerate(documents)]
    yield "packing_alone", plots.packing_strip, (alone, owners), {}
    flat = [(i, n) for n, d in enumerate(documents) for i in [*d, 3]]
    rows = [flat[k : k + 95] for k in range(0, len(flat) - 94, 95)]
    ids = [[2, *(i for i, _ in row)] for row in rows]
    whose = [[None, *(None if i == 3 else n for i, n in row)] for row in rows]
    yield "packing_packed", plots.packing_strip, (ids, whose), {}


def of_the_inside(model: eh.Pretrained) -> Iterator[tuple[str, Draw, tuple, dict]]:
    tokens, weights = attention_of(model, TEXT, layer=0)
    yield "attention", plots.attention, (tokens, weights), {"title": "Layer 0"}
    short, few = attention_of(model, "Oscar was a tailor.", layer=-1)
    yield "attention_short", plots.attention, (short, few[:2]), {}
    kinds = {
        "trade": "tailor baker chef fisher writer potter sculptor gardener",
        "tool": "needle net ruler typewriter easel",
        "day": "monday tuesday wednesday thursday friday",
        "place": "city port village forest town hill",
    }
    words = [word for group in kinds.values() for word in group.split()]
    groups = [kind for kind, group in kinds.items() for _ in group.split()]
    table = model.net.discriminator.encoder.embeddings.tables()[0].detach()
    ids = [model.tokenizer.encode(word).ids[1] for word in words]
    yield "embedding_map", plots.embedding_map, (words, table[ids].numpy()), {"groups": groups}
    batch = held_out_batch(model).rows(0, 16)
    noise = draw_noise(*batch.input_ids.shape, torch.Generator().manual_seed(0))
    shared = eh.Electra(replace(model.net.config, sharing="all"))
    yield "gradient_map", plots.gradient_map, (gradient_norms(shared, batch, noise, PretrainConfig()),), {}
    own = gradient_norms(model.net, batch, noise, replace(PretrainConfig(), rtd_weight=10.0))
    yield "gradient_map_own", plots.gradient_map, (own,), {}


def of_judgements(model: eh.Pretrained) -> Iterator[tuple[str, Draw, tuple, dict]]:
    held_out = held_out_batch(model)
    found = {share: exams.judged_logits(model.net.discriminator, exams.learned_exam(model, held_out, share=share))
             for share in (0.25, 0.03)}  # fmt: skip
    p = torch.cat([logits.sigmoid() for logits, _ in found.values()]).numpy()
    truth = torch.cat([labels for _, labels in found.values()]).numpy()
    groups = [name for name, (x, _) in zip(("as trained", "rare"), found.values(), strict=True) for _ in range(len(x))]
    yield "calibration", plots.calibration, (p, truth), {"groups": groups}
    yield "confusion", plots.confusion_by_phenomenon, (laboratory.found_by_phenomenon(model, PHENOMENA, 30),), {}
    logits, labels = found[0.25]
    flagged = logits.sigmoid() >= 0.5
    rates = float(flagged[labels].double().mean()), float(flagged[~labels].double().mean())
    yield "threshold_prior", plots.threshold_and_prior, (*rates, 0.01), {}
    yield "threshold_prior_many", plots.threshold_and_prior, (*rates, 0.15), {}
    for number, name in enumerate(("clue_finder", "clue_finder_2")):
        yield name, plots.clue_finder, (find_clues(model, *laboratory.clue_cases()[number]),), {}
    yield "clue_finder_short", plots.clue_finder, (find_clues(model, "Oscar was a tailor.", 4),), {}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    model = eh.load(MODEL)
    parts = (over_time(), of_rows(model), of_the_inside(model), of_judgements(model))
    for name, draw, arguments, options in (one for part in parts for one in part):
        for theme, dark in (("light", False), ("dark", True)):
            made = draw(*arguments, **options, dark=dark)
            (FOLDER / f"{name}.{theme}.png").write_bytes(png(made))
        print(f"{name}: {made.alt}")


if __name__ == "__main__":
    main()
