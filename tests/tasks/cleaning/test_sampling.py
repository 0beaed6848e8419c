"""What a file's share comes to is found on a sample of its rows; what repeats in its column is less suspicious; examples differ."""

import csv
import json
import re

import pytest

from electra_helpers.tasks.cleaning import sampling
from electra_helpers.tasks.cleaning.cells import Source, Wanted
from electra_helpers.tasks.cleaning.clean_file import clean_file
from electra_helpers.tasks.cleaning.sampling import Sample
from electra_helpers.tasks.score_tables import TOP, of_cleaning

RARE = [f"x{n}" for n in range(6)]


def write_csv(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def read_flags(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_most_suspicious_share_of_a_files_words_is_flagged(tmp_path, pretrained):
    rows = [[f"the {'un ' * (n % 9)}chef {'meal ' * (n // 9)}."] for n in range(60)]
    path, out = write_csv(tmp_path / "in.csv", ["text"], rows), tmp_path / "out.jsonl"
    found = clean_file(pretrained, path, out, Wanted(threshold=0.0))
    every = read_flags(out)
    assert found["words"] == found["flags"] == len(every) == sum(len(row[0].split()) for row in rows)
    assert (found["share"], found["threshold"]) == (None, 0.0)
    found = clean_file(pretrained, path, out, Wanted(share=0.05))
    flags = read_flags(out)
    assert 0 < len(flags) <= 0.05 * len(every)
    assert min(flag["score"] for flag in flags) >= found["threshold"] - 1e-6
    assert [flag for flag in every if flag["score"] >= found["threshold"]] == flags
    assert (found["share"], found["sampled"]) == (0.05, 60)
    assert clean_file(pretrained, path, out)["share"] == 0.02


def test_a_long_file_is_sampled_and_a_stopped_run_keeps_its_threshold(tmp_path, pretrained, monkeypatch):
    monkeypatch.setattr(sampling, "ROWS", 40)
    monkeypatch.setattr("electra_helpers.tasks.cleaning.clean_file.CHUNK", 100)
    rows = [[" ".join(["the", *["chef", "un", "meal", "today"][n % 4 :: n % 3 + 1], "."])] for n in range(300)]
    path, out = write_csv(tmp_path / "in.csv", ["text"], rows), tmp_path / "out.jsonl"
    whole = clean_file(pretrained, path, out, Wanted(share=0.2))
    assert whole["sampled"] == 40
    assert "chosen on 40 of the rows, drawn with seed 0" in of_cleaning(whole, out, None)
    flags = out.read_bytes()
    drawn = Sample(Source(path, Wanted()), 300).numbers
    assert drawn == Sample(Source(path, Wanted()), 300).numbers
    assert len(drawn) == 40
    assert max(drawn) > 250, "not only the file's beginning"
    asked = []

    def threshold(sample, model, own=Sample.threshold):
        asked.append(1)
        return own(sample, model)

    def stop(done, total):
        if done == 200:
            raise KeyboardInterrupt

    monkeypatch.setattr(Sample, "threshold", threshold)
    with pytest.raises(KeyboardInterrupt):
        clean_file(pretrained, path, out, Wanted(share=0.2), start_over=True, progress=stop)
    assert clean_file(pretrained, path, out, Wanted(share=0.2)) == whole
    assert out.read_bytes() == flags
    assert len(asked) == 1, "it stands in the file beside the output"


def scores(path, pretrained, out, **wanted):
    clean_file(pretrained, path, out, Wanted(threshold=0.0, suggest=0, **wanted))
    return {(flag["row"], flag["column"], flag["word"]): flag["score"] for flag in read_flags(out)}


def test_what_repeats_in_its_column_is_less_suspicious(tmp_path, pretrained):
    text = "the chef today the meal today un"  # running text
    rows = [["chef", text], ["chef", text], ["chef meal", text + " ."], ["meal", "e"], ["Un", "un"]]
    path, out = write_csv(tmp_path / "in.csv", ["name", "note"], rows), tmp_path / "out.jsonl"
    found = scores(path, pretrained, out, columns=("name", "note"))
    alone = {}
    for number, row in enumerate(rows, start=1):
        one = write_csv(tmp_path / "one.csv", ["name", "note"], [row])
        alone[number] = scores(one, pretrained, out, columns=("name", "note"))

    def divided(row, column, word):
        return alone[row][1, column, word] / found[row, column, word]

    assert divided(1, "name", "chef") == pytest.approx(3, rel=1e-3), (
        "in two cells of its own and in one with another word"
    )
    assert divided(3, "name", "meal") == pytest.approx(2, rel=1e-3)
    assert divided(5, "name", "Un") == 1
    assert divided(1, "note", "chef") == pytest.approx(2, rel=1e-3), "the value stands twice"
    assert divided(3, "note", "chef") == divided(5, "note", "un") == 1, "in running text a mistake may repeat"
    told = scores(path, pretrained, out, template="the {name} .")
    assert (
        told[1, "name", "chef"]
        == told[2, "name", "chef"]
        == pytest.approx(
            scores(write_csv(tmp_path / "two.csv", ["name"], [["chef"]]), pretrained, out, template="the {name} .")[
                1, "name", "chef"
            ]
        )
    ), "beside the others of its row a common value can be wrong"


def test_rows_that_were_not_drawn_count_themselves(tmp_path, pretrained, monkeypatch):
    monkeypatch.setattr(sampling, "ROWS", 3)
    path = write_csv(tmp_path / "in.csv", ["name"], [["chef"]] * 9)
    source = Source(path, Wanted())
    sample = Sample(source, 9)
    times = {n: sample.times(each, "chef") for n, row in enumerate(source.rows(), 1) for each in source.judged(n, row)}
    assert {times[n] for n in sample.numbers} == {3}
    assert {times[n] for n in set(times) - sample.numbers} == {4}


def test_one_line_is_shown_for_each_word_and_suggestion_with_its_count(tmp_path):
    fields = ["row", "column", "start", "end", "word", "score", "suggestion", "suggestion_p"]
    rows = [[n, "text", 0, 4, "wnet", 0.5 + n / 1000, "went", 0.9] for n in range(1, 31)]
    rows += [[40, "text", 0, 4, "wnet", 0.4, "want", 0.9]]
    rows += [[50 + n, "text", 2, 4, word, n / 100, "", ""] for n, word in enumerate(RARE * 2, start=1)]
    rows += [[90 + n, "text", 2, 4, f"y{n}", 0.001 * n, "", ""] for n in range(1, 9)]
    out = write_csv(tmp_path / "out.csv", fields, rows)
    found = {"rows": 100, "words": 5000, "flags": len(rows), "share": 0.02, "threshold": 0.001, "sampled": 100}
    first, rule, *shown = of_cleaning(found, out, None).splitlines()
    assert first == f"100 rows, {len(rows)} flags → {out}"
    assert rule == (
        "flagged of 5,000 words: the most suspicious 2 % (at least 3 words, none below a score of 0.4): score from 0.001 on, "
        "chosen on all 100 rows"
    )
    assert shown[0] == "  0.530  wnet → went  (row 30, text, 0–4; 30 times)"
    assert shown[1] == "  0.400  wnet → want  (row 40, text, 0–4)"
    assert [line.split()[1] for line in shown[2:8]] == RARE[::-1]
    assert all("2 times" in line for line in shown[2:8])
    assert [line.split()[1] for line in shown[8:]] == ["y8", "y7"]
    assert len(shown) == len({re.sub(r"\(.*", "", line) for line in shown}) == TOP


@pytest.mark.parametrize(
    ("cells", "word", "times"), [(["北京", "北海", "上海"], "北", 2), (["किताब", "किताब", "कलम"], "किताब", 2)]
)
def test_words_of_every_script_repeat_in_their_column(tmp_path, cells, word, times):
    source = Source(
        write_csv(tmp_path / "in.csv", ["name"], [[f"{cell} {n}"] for n, cell in enumerate(cells)]), Wanted()
    )
    sample = Sample(source, len(cells))
    [judged] = source.judged(1, {"name": f"{cells[0]} 0"})
    assert sample.times(judged, word) == times
