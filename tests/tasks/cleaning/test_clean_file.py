"""A cleaned file: every flag at its exact characters, nothing changed that was not asked for, a stopped run goes on to the same bytes."""

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import electra_helpers
from electra_helpers.errors import ElectraError
from electra_helpers.tasks.cleaning import clean_file as module
from electra_helpers.tasks.cleaning.cells import Judged, Wanted, fill, placed, plain_template
from electra_helpers.tasks.cleaning.clean_file import clean_file
from electra_helpers.tasks.cleaning.partial import only_run_to
from electra_helpers.tasks.cleaning.suspects import Flag

MODEL = "electra-tiny-world-en"
WORDS = st.sampled_from(
    ["the", "chef", "café", "CAFE\u0301", "naïve", "天", "气好", "😀", "👩‍🍳", "x", ",", '"', "it's", "a\tb", "…"]
)
CELL = st.lists(st.tuples(WORDS, st.sampled_from([" ", "", "  ", "\n"])), max_size=7).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)
ALL = Wanted(threshold=0.0)
NO_FIXTURE_WORRY = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def read_flags(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write_csv(path: Path, header, rows) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def assert_covered(text: str, flags: list[dict]) -> None:
    """In order, without overlap, each word as it stands there; between them nothing that the model can read a word of."""
    end = 0
    for flag in flags:
        assert text[flag["start"] : flag["end"]] == flag["word"] == flag["word"].strip() != ""
        assert flag["start"] >= end
        assert not re.search(r"[a-z天气好\u0301]", text[end : flag["start"]]), (text, flags)
        end = flag["end"]
    assert not re.search(r"[a-z天气好\u0301]", text[end:]), (text, flags)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=4))
@NO_FIXTURE_WORRY
def test_flags_of_a_table_stand_at_the_characters_of_their_cells(pretrained, tmp_path, rows):
    path = write_csv(tmp_path / "in.csv", ["text", "note"], rows)
    before = path.read_bytes()
    clean_file(pretrained, path, tmp_path / "out.jsonl", Wanted(("text", "note"), threshold=0.0), start_over=True)
    flags = read_flags(tmp_path / "out.jsonl")
    assert path.read_bytes() == before
    assert [flag["row"] for flag in flags] == sorted(flag["row"] for flag in flags)
    for number, row in enumerate(rows, start=1):
        for name, cell in zip(("text", "note"), row, strict=True):
            assert_covered(cell, [f for f in flags if (f["row"], f["column"]) == (number, name)])


@given(st.lists(CELL.map(lambda text: text.replace("\n", " ")), min_size=1, max_size=5))
@NO_FIXTURE_WORRY
def test_flags_of_a_text_stand_at_the_characters_of_their_line(pretrained, tmp_path, lines):
    (tmp_path / "in.txt").write_text("\n".join(["the chef", *lines]), "utf-8", newline="")
    clean_file(pretrained, tmp_path / "in.txt", tmp_path / "out.jsonl", ALL, start_over=True)
    flags = read_flags(tmp_path / "out.jsonl")
    for number, line in enumerate(["the chef", *lines], start=1):
        assert_covered(line, [flag for flag in flags if flag["row"] == number])


@given(CELL, CELL, st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=5))
def test_a_flag_of_a_told_row_goes_to_its_cell(who, what, places):
    text, cells = fill("« {who} » is a {what}{{}}!", {"who": who, "what": what})
    assert [text[cell.start : cell.end] for cell in cells] == [who, what]
    flags = [Flag(text[a : a + n], a, a + n, 0.5, (("x", 1.0),)) for a, n in places if a + n <= len(text)]
    found = placed(Judged(3, text, cells), flags)
    for each in found:
        cell = {"who": who, "what": what}[each.column]
        assert cell[each.start : each.end] == each.flag.word
    inside = [f for f in flags if any(max(f.start, c.start) < min(f.end, c.end) for c in cells)]
    assert len(found) >= len(inside)


def test_cells_are_judged_together_where_a_template_is_given(tmp_path, pretrained):
    path = write_csv(tmp_path / "in.csv", ["id", "cook", "dish"], [[1, "chef", "meal"], [2, "the 天", "cook"]])
    wanted = Wanted(template="the {cook} cooked {dish} .", threshold=0.0)
    clean_file(pretrained, path, tmp_path / "out.jsonl", wanted)
    found = [(f["row"], f["column"], f["start"], f["word"]) for f in read_flags(tmp_path / "out.jsonl")]
    assert found == [
        (1, "cook", 0, "chef"),
        (1, "dish", 0, "meal"),
        (2, "cook", 0, "the"),
        (2, "cook", 4, "天"),
        (2, "dish", 0, "cook"),
    ]
    assert plain_template(["a", "b"]) == "a: {a}, b: {b}."


def test_nothing_is_changed_unless_a_copy_is_asked_for(tmp_path, pretrained):
    rows = [['the "chef" cooked,', "keep  THIS"], ["", "天"], ["unlikely meal", "x"]]
    path = write_csv(tmp_path / "in.csv", ["text", "other"], rows)
    before = path.read_bytes()
    clean_file(pretrained, path, tmp_path / "out.csv", Wanted(("text",), threshold=0.0))
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.glob("*.csv")) == ["in.csv", "out.csv"]
    unsure = Wanted(("text",), threshold=0.0, corrected=tmp_path / "same.csv", sure=1.1)
    assert clean_file(pretrained, path, tmp_path / "out.csv", unsure)["changed"] == 0
    assert (tmp_path / "same.csv").read_bytes() == before
    sure = Wanted(("text",), threshold=0.0, corrected=tmp_path / "copy.csv", sure=0.0)
    assert clean_file(pretrained, path, tmp_path / "out.csv", sure)["changed"] == 2
    with open(tmp_path / "copy.csv", encoding="utf-8", newline="") as file:
        copied = list(csv.DictReader(file))
    assert [row["other"] for row in copied] == [row[1] for row in rows]
    with open(tmp_path / "out.csv", encoding="utf-8", newline="") as file:
        flags = [flag for flag in csv.DictReader(file) if flag["row"] == "1"]
    rebuilt, at = "", 0
    for flag in flags:
        rebuilt += rows[0][0][at : int(flag["start"])] + flag["suggestion"]
        at = int(flag["end"])
    assert copied[0]["text"] == rebuilt + rows[0][0][at:]


@pytest.mark.parametrize("form", ["txt", "tsv", "jsonl"])
def test_a_copy_without_a_sure_suggestion_has_the_bytes_of_its_original(form, tmp_path, pretrained):
    content = {
        "txt": 'the chef\r\n\r\n  "cooked" 天\n',
        "tsv": 'text\tn\nthe "chef\t1\ncooked\t"2"\n',
        "jsonl": '{"text": "the \\"chef\\" 天"}\n{"text": "cooked"}\n'.replace("\\u5929", "天"),
    }[form]
    path = tmp_path / f"in.{form}"
    path.write_bytes(content.encode())
    copy = tmp_path / f"copy.{form}"
    clean_file(pretrained, path, tmp_path / "out.tsv", Wanted(threshold=0.0, corrected=copy, sure=1.1))
    assert copy.read_bytes() == path.read_bytes()


class Stop(Exception):
    pass


def stop_after(rows: int):
    def progress(done: int, total: int) -> None:
        if done >= rows:
            raise Stop

    return progress


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 4)
    rows = [[n, f"the chef {'cooked ' * (n % 5)}meal 天{n} ."] for n in range(30)]
    return write_csv(tmp_path / "in.csv", ["n", "text"], rows)


def wanted_with_copy(folder: Path) -> Wanted:
    return Wanted(threshold=0.3, corrected=folder / "copy.csv", sure=0.0)


def test_a_stopped_run_goes_on_to_the_same_bytes(table, tmp_path, pretrained):
    wanted, out = wanted_with_copy(tmp_path), tmp_path / "out.csv"
    counts = clean_file(pretrained, table, out, wanted)
    whole = [(tmp_path / name).read_bytes() for name in ("out.csv", "copy.csv")]
    for name in ("out.csv", "copy.csv"):
        (tmp_path / name).unlink()
    began = []
    for rows in (4, 16, 24):
        with pytest.raises(Stop):
            clean_file(
                pretrained,
                table,
                out,
                wanted,
                progress=lambda done, total, rows=rows: (began.append(done), stop_after(rows)(done, total)),
            )
        with open(
            tmp_path / ".partial-out.csv", "ab"
        ) as file:  # a chunk that was cut off in the middle of being written
            file.write(b"9,text,0," * 2_000)
    assert not out.exists()
    told = []
    assert clean_file(pretrained, table, out, wanted, progress=lambda *x: told.append(x)) == counts
    assert told[0] == (24, 30), "it goes on where it was, and does not begin again"
    assert [(tmp_path / name).read_bytes() for name in ("out.csv", "copy.csv")] == whole
    assert not list(tmp_path.glob(".partial*"))


CHANGES = {
    "input": lambda table, model, wanted: table.write_text(table.read_text("utf-8") + "31,more\n", "utf-8"),
    "model": lambda table, model, wanted: model.net.discriminator.head.dense.weight.data.add_(0.01),
    "settings": lambda table, model, wanted: object.__setattr__(wanted, "threshold", 0.4),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_run_with_something_changed_is_refused_until_it_starts_over(what, table, tmp_path, pretrained):
    wanted, out = Wanted(threshold=0.3), tmp_path / "out.jsonl"
    with pytest.raises(Stop):
        clean_file(pretrained, table, out, wanted, progress=stop_after(8))
    CHANGES[what](table, pretrained, wanted)
    with pytest.raises(ElectraError, match=f"another {what}") as refused:
        clean_file(pretrained, table, out, wanted)
    assert "\n" not in str(refused.value)
    assert not out.exists()
    counts = clean_file(pretrained, table, out, wanted, start_over=True)
    assert counts["rows"] == 31 if what == "input" else counts["rows"] == 30


def command(folder: Path, *more: str) -> list[str]:
    what = [sys.executable, "-m", "electra_helpers.cli", "clean", str(folder / "in.csv"), "--model", MODEL]
    return [*what, "--output", str(folder / "out.csv"), *more]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(electra_helpers.__file__).parents[1]), "OMP_NUM_THREADS": "1"}


def make_rows(count: int):
    rng = random.Random(0)
    words = ["Martin", "gave", "the", "horse", "some", "hay", "needle", "wnet", "天", "quiet", "baker", "."]
    return [[n, " ".join(rng.choice(words) for _ in range(rng.randrange(2, 12)))] for n in range(count)]


@pytest.mark.slow
def test_a_killed_command_goes_on_to_the_bytes_of_an_undisturbed_one(tmp_path):
    write_csv(tmp_path / "in.csv", ["n", "text"], make_rows(800))
    quiet = {"env": environment(), "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    subprocess.run(command(tmp_path), check=True, **quiet)
    whole = (tmp_path / "out.csv").read_bytes()
    (tmp_path / "out.csv").unlink()
    process = subprocess.Popen(command(tmp_path), **quiet)
    state = tmp_path / ".partial-out.csv.json"
    while not state.exists() and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 0 < json.loads(state.read_text("utf-8"))["rows"] < 800
    ended = subprocess.run(command(tmp_path), check=True, **quiet)
    assert (tmp_path / "out.csv").read_bytes() == whole
    assert "800 rows" in ended.stdout
    assert "cleaning: 100%" in ended.stderr


PEAK = """
import resource, sys
from pathlib import Path
from electra_helpers.exchange.store import load
from electra_helpers.tasks.cleaning.clean_file import clean_file
clean_file(load("electra-tiny-world-en"), Path(sys.argv[1]), Path(sys.argv[2]))
print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) // 1024)
"""


# oneDNN keeps a prepared product for each new shape, up to a bound, and the allocator keeps odd holes: neither is a row that was kept.
NO_CACHES = {
    "LRU_CACHE_CAPACITY": "1",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = []
    for count in (300, 2100):
        path = write_csv(tmp_path / f"{count}.csv", ["n", "text"], make_rows(count))
        ran = subprocess.run(
            [sys.executable, "-c", PEAK, path, tmp_path / f"{count}.jsonl"],
            env=environment() | NO_CACHES,
            capture_output=True,
            check=True,
        )
        peaks.append(int(ran.stdout))
    assert peaks[1] - peaks[0] < 6, f"{peaks} MiB: seven times the rows must not need more"


def test_half_a_surrogate_pair_is_a_question_mark_in_flags_and_stays_in_the_copy(tmp_path, pretrained):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "the \\ud800 chef", "note": "\\ud800"}\n', "utf-8")
    wanted = Wanted(("text",), threshold=0.0, corrected=tmp_path / "copy.jsonl", sure=1.1)
    clean_file(pretrained, path, tmp_path / "out.jsonl", wanted)
    flags = read_flags(tmp_path / "out.jsonl")
    assert [(flag["word"], flag["start"]) for flag in flags] == [("the", 0), ("?", 4), ("chef", 6)]
    assert (tmp_path / "copy.jsonl").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("held", ["flags.csv", "copy.txt"])
def test_a_second_run_to_the_same_file_is_refused_and_leaves_the_first_alone(tmp_path, pretrained, held):
    (tmp_path / "in.txt").write_text("the chef cooked .\n", "utf-8")
    wanted = Wanted(threshold=0.0, corrected=tmp_path / "copy.txt")
    run = (pretrained, tmp_path / "in.txt", tmp_path / "flags.csv", wanted)
    with (
        only_run_to(tmp_path / held),
        pytest.raises(ElectraError, match=f"Another run writes to .*{held}: wait until it ends"),
    ):
        clean_file(*run)
    assert not list(tmp_path.glob(".partial-*"))
    clean_file(*run)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
