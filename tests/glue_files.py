"""Small sets in the forms of GLUE, for tests: sentences written here, columns and layouts as its own files and the hub have them."""

import csv
import json

WHO, DID = ["Anna", "the cook", "a tailor", "Erik"], ["sang", "slept", "won a prize", "sold a boat", "left early"]
GENRES = {"train": "fiction", "matched": "fiction", "mismatched": "letters"}
NAMES = {
    "cola": "CoLA",
    "sst2": "SST-2",
    "mrpc": "MRPC",
    "stsb": "STS-B",
    "qqp": "QQP",
    "mnli": "MNLI",
    "qnli": "QNLI",
    "rte": "RTE",
}
YES_NO = ("entailment", "not_entailment")
LABELS = {"mnli": ("entailment", "neutral", "contradiction"), "qnli": YES_NO, "rte": YES_NO}
PAIRED = {
    "mrpc": ("sentence1", "sentence2"),
    "stsb": ("sentence1", "sentence2"),
    "qqp": ("question1", "question2"),
    "mnli": ("premise", "hypothesis"),
    "qnli": ("question", "sentence"),
    "rte": ("sentence1", "sentence2"),
}


def splits_of(task):
    """The hub's names of a task's splits."""
    if task != "mnli":
        return ("train", "validation", "test")
    return ("train", "validation_matched", "validation_mismatched", "test_matched", "test_mismatched")


def rows_of(task, split, count=8):
    """Rows under the hub's names, labels as numbers; -1 in a test split."""
    made, shift = [], 0 if split == "train" else 1
    for n in range(count):
        one = f'{WHO[(n + shift) % 4]} {DID[n % 5]} "again" {split[:5]} .'
        other = f"{WHO[n % 4]} {DID[(n + n % 2) % 5]} ."
        label = (n % 5) + 0.5 if task == "stsb" else n % (3 if task == "mnli" else 2)
        texts = dict(zip(PAIRED[task], (one, other), strict=True)) if task in PAIRED else {"sentence": one}
        none = -1.0 if task == "stsb" else -1
        made.append(texts | {"label": none if split.startswith("test") else label, "idx": n})
    return made


def write_hub(folder, tasks=tuple(NAMES), form=".jsonl", count=8):
    """A folder for each task under the hub's name, with a file a split."""
    for task in tasks:
        (folder / task).mkdir(parents=True)
        for split in splits_of(task):
            write_rows(folder / task / f"{split}{form}", rows_of(task, split, count))
    return folder


def write_rows(path, rows):
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    elif path.suffix == ".parquet":
        import datasets

        path.parent.mkdir(exist_ok=True)
        datasets.Dataset.from_list(rows).to_parquet(str(path))
    else:
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)


def own_table(task, split):
    """Header (None: there is none) and rows of GLUE's own file."""
    rows, is_test = rows_of(task, split), split.startswith("test")
    labels = LABELS.get(task)
    first, second = PAIRED.get(task, ("sentence", None))
    table, header = [], None
    for n, row in enumerate(rows):
        label = "" if is_test else labels[row["label"]] if labels else str(row["label"])
        one, other = row[first], row.get(second)
        if task == "cola":
            header, cells = (["index", "sentence"], [n, one]) if is_test else (None, ["gj04", label, "", one])
        elif task == "sst2":
            header, cells = (["index", "sentence"], [n, one]) if is_test else (["sentence", "label"], [one, label])
        elif task == "mrpc":
            head = "index" if is_test else "Quality"
            header = [head, "#1 ID", "#2 ID", "#1 String", "#2 String"]
            cells = [n if is_test else label, 10 * n, 10 * n + 1, one, other]
        elif task == "stsb":
            header = ["index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2"]
            cells = [n, "main", "file", 2012, n, "none", "none", one, other]
            header, cells = (header, cells) if is_test else ([*header, "score"], [*cells, label])
        elif task == "qqp":
            header = ["id", "question1", "question2"] if is_test else ["id", "qid1", "qid2", "question1", "question2"]
            cells = [n, one, other] if is_test else [n, 2 * n, 2 * n + 1, one, other, label]
            header = header if is_test else [*header, "is_duplicate"]
        elif task == "mnli":
            header = ["index", "promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse"]
            header += ["sentence1_parse", "sentence2_parse", "sentence1", "sentence2"]
            cells = [
                n,
                n,
                f"{n}e",
                GENRES[split.split("_")[-1]] if not is_test else "x",
                "( a )",
                "( b )",
                "(A)",
                "(B)",
            ]
            cells += [one, other]
            if not is_test:
                header, cells = [*header, "label1", "gold_label"], [*cells, label, label]
        else:  # qnli, rte
            header, cells = ["index", first, second], [n, one, other]
            header, cells = (header, cells) if is_test else ([*header, "label"], [*cells, label])
        table.append(cells)
    return header, table


def write_own(folder, tasks=tuple(NAMES)):
    """A folder for each task as GLUE's download has it: CoLA/train.tsv without a header, MNLI/dev_matched.tsv …"""
    for task in tasks:
        where = folder / NAMES[task]
        where.mkdir(parents=True)
        for split in splits_of(task):
            header, table = own_table(task, split)
            lines = ["\t".join(map(str, cells)) for cells in ([header] if header else []) + table]
            (where / f"{split.replace('validation', 'dev')}.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    if "mrpc" in tasks:  # the download leaves it there
        (folder / "MRPC" / "dev_ids.tsv").write_text("1\t2\n3\t4\n", "utf-8")
    return folder
