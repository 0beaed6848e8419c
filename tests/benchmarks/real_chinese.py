"""What a model of real Chinese is worth on the course's own sentences: odd words, wrong characters, and reviews it is fine-tuned on.

    python -m tests.benchmarks.real_chinese electra-mini-zh --seeds 3

prints a table for the model's card. Characters are judged by P(replaced), by the generator's surprisal and by both together
(electra_helpers/tasks/surprisal.py); "first" is the share of sentences whose worst character is wrong. "By word" takes the words as the
file has them: the highest P(replaced) of a word's characters, its surprisal with all of them masked together, and the log odds of the one
and half of the other. The baselines are the rarest characters among the sentences themselves (of a word its rarest one), and for reviews
naive Bayes on characters and their pairs.
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
from electra_helpers.tasks.surprisal import WEIGHT, log_odds, surprisals, suspicions, word_surprisals

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
    return measured(wrong, scores)


def odd_by_word(model: Pretrained) -> dict[str, tuple[float, float]]:
    """By way of judging: AUC of the odd words among all words, and how often the worst word is the odd one."""
    rows = list(read_rows(data_folder() / "sentences" / "odd_word.zh.jsonl"))
    counts = Counter("".join(row["text"] for row in rows))
    found = word_surprisals(model, [row["text"] for row in rows], [row["words"] for row in rows])
    truth, scores = [], {way: [] for way in WAYS}
    for row, nats in zip(rows, found, strict=True):
        p, at, best = detect(model, row["text"]).p_replaced[1:-1], 0, []  # one token a character
        for word in row["words"]:
            at = row["text"].index(word, at) + len(word)
            best.append(max(p[at - len(word) : at]))
        both = [log_odds(one) + WEIGHT * other for one, other in zip(best, nats, strict=True)]
        rare = [-min(counts[character] for character in word) for word in row["words"]]
        truth.append([number == row["odd_index"] for number in range(len(row["words"]))])
        for way, values in zip(WAYS, (best, nats, both, rare), strict=True):
            scores[way].append(values)
    return measured(truth, scores)


def measured(truth: list[list[bool]], scores: dict[str, list[list[float]]]) -> dict[str, tuple[float, float]]:
    """By way of judging: the AUC over all texts, and how often a text's highest score is a wrong one's."""
    return {
        way: (
            float(roc_auc_score(np.concatenate(truth), np.concatenate(values))),
            mean(bool(row[int(np.argmax(each))]) for row, each in zip(truth, values, strict=True)),
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
    parser.add_argument("--seeds", type=int, default=3, help="of the fine-tuning on reviews; 0 leaves it out")
    options = parser.parse_args()
    model = load(options.model)
    print("| what | P(replaced) | surprisal | both | baseline |\n|---|---|---|---|---|")
    odd, wrong = odd_words(), wrong_characters()
    tables = {
        f"odd words, {len(odd)} sentences, by character": judged(model, odd),
        "the same by word": odd_by_word(model),
        f"wrong characters, {len(wrong)} sentences": judged(model, wrong),
    }
    for name, found in tables.items():
        for index, what in ((0, "AUC"), (1, "first")):
            cells = " | ".join(f"{found[way][index]:.3f}" for way in WAYS)
            print(f"| {name}: {what} | {cells} rarest |")
    if options.seeds:
        print(reviews(model, options.seeds), flush=True)


if __name__ == "__main__":
    main()
