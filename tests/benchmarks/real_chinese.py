"""What a model of real Chinese is worth on the course's own sentences: odd words, wrong characters, and reviews it is fine-tuned on.

    python -m tests.benchmarks.real_chinese electra-mini-zh --seeds 3

prints a table for the model's card. Characters are judged by P(replaced), by the generator's surprisal and by both together
(electra_helpers/tasks/surprisal.py); "first" is the share of sentences whose worst character is wrong. The baselines are the rarest
characters among the sentences themselves, and for reviews naive Bayes on characters and their pairs.
"""

from __future__ import annotations

import argparse
from collections import Counter
from statistics import mean, stdev

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from electra_helpers import detect, finetune, load
from electra_helpers.course.labs import prose
from electra_helpers.reading.files import read_rows
from electra_helpers.resources import data_folder
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.surprisal import surprisals, suspicions

WAYS = ("P(replaced)", "surprisal", "both", "rarest")


def odd_words() -> list[tuple[str, list[tuple[int, int]]]]:
    rows = read_rows(data_folder() / "sentences" / "odd_word.zh.jsonl")
    return [(row["text"], [(row["start"], row["end"])]) for row in rows]


def wrong_characters() -> list[tuple[str, list[tuple[int, int]]]]:
    """Sentences whose errors are single characters put for others."""
    rows = read_rows(data_folder() / "sentences" / "errors.zh.jsonl")
    kept = (r for r in rows if r["errors"] and all(len(e["wrong"]) == len(e["right"]) == 1 for e in r["errors"]))
    return [(row["text"], [(e["start"], e["end"]) for e in row["errors"]]) for row in kept]


def judged(model: Pretrained, rows: list[tuple[str, list[tuple[int, int]]]]) -> dict[str, tuple[float, float]]:
    """By way of judging: AUC of the wrong characters among all, and how often the worst character is a wrong one."""
    counts = Counter("".join(text for text, _ in rows))
    wrong, scores = [], {way: [] for way in WAYS}
    for (text, spans), found in zip(rows, surprisals(model, [text for text, _ in rows]), strict=True):
        places = model.tokenizer.encode(text).offsets[1:-1]
        p = detect(model, text).p_replaced[1:-1]
        wrong.append([any(a < end and b > start for start, end in spans) for a, b in places])
        for way, values in zip(
            WAYS,
            (p, [s.nats for s in found], suspicions(p, found), [-counts[text[a]] for a, _ in places]),
            strict=True,
        ):
            scores[way].append(values)
    truth = np.concatenate(wrong)
    return {
        way: (
            float(roc_auc_score(truth, np.concatenate(values))),
            mean(bool(row[int(np.argmax(each))]) for row, each in zip(wrong, values, strict=True)),
        )
        for way, values in scores.items()
    }


def reviews(model: Pretrained, seeds: int) -> str:
    learn, test = prose.sets("reviews", "zh")
    texts, labels = test.column("text"), test.column("label")
    counting = make_pipeline(CountVectorizer(analyzer="char", ngram_range=(1, 2)), MultinomialNB())
    counted = counting.fit(learn.column("text"), learn.column("label")).score(texts, labels)
    found = []
    for seed in range(seeds):
        made = finetune("classification", model, learn, seed=seed, epochs=8, batch_size=16, device="cpu")
        said = [test.labels.index(each["label"]) for each in made.predict(texts)]
        found.append(mean(a == b for a, b in zip(said, labels, strict=True)))
    spread = stdev(found) if seeds > 1 else 0.0
    return (
        f"| 160 reviews after fine-tuning on 320, {seeds} seeds: accuracy | {mean(found):.3f} ± {spread:.3f} | | | "
        f"{counted:.3f} counting characters |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    model = load(options.model)
    print("| what | P(replaced) | surprisal | both | baseline |\n|---|---|---|---|---|")
    for name, rows in (("odd words", odd_words()), ("wrong characters", wrong_characters())):
        found = judged(model, rows)
        for index, what in ((0, "AUC"), (1, "first")):
            cells = " | ".join(f"{found[way][index]:.3f}" for way in WAYS)
            print(f"| {name}, {len(rows)} sentences: {what} | {cells} rarest |")
    print(reviews(model, options.seeds), flush=True)


if __name__ == "__main__":
    main()
