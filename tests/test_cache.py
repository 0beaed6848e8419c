"""The cache under many hands: nothing whole is ever removed, and what a disk has changed is made anew."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from electra_helpers.cache import made_whole
from electra_helpers.text.rows import build_rows
from electra_helpers.text.tokenizer import tokenizer_from_words


def is_whole(folder):
    return (folder / "content").is_file() and (folder / "content").read_text() == "whole"


def build(final, number, at_once):
    with made_whole(final, is_whole) as draft:
        (draft / "content").write_text("whole")
        (draft / f"by-{number}").touch()
        at_once.wait()
    assert is_whole(final)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_hundred_builds_at_once_all_end_well_and_the_first_one_stays(tmp_path, damaged):
    final, at_once = tmp_path / "rows", Barrier(100)
    if damaged:
        final.mkdir()
        (final / "content").write_text("half")
    with ThreadPoolExecutor(100) as pool:
        list(pool.map(lambda number: build(final, number, at_once), range(100)))
    assert len(list(final.iterdir())) == 2
    assert {p.name for p in tmp_path.iterdir()} <= {"rows", ".lock"}


def test_a_whole_folder_is_taken_and_not_replaced(tmp_path):
    for number in range(2):
        with made_whole(tmp_path / "rows", is_whole) as draft:
            (draft / "content").write_text("whole")
            (draft / f"by-{number}").touch()
    assert (tmp_path / "rows" / "by-0").exists()
    assert not (tmp_path / "rows" / "by-1").exists()


def test_rows_that_a_disk_has_changed_are_packed_anew(tmp_path):
    pieces = tokenizer_from_words(["a", "b"])
    first = build_rows(["a b a", "b b"], pieces, 8, cache_dir=tmp_path).take([0]).input_ids.tolist()
    [file] = tmp_path.glob("rows-*/rows.arrow")
    data = bytearray(file.read_bytes())
    data[data.index(bytes([2, 0, 5, 0, 6, 0]))] ^= 4
    file.write_bytes(data)
    assert build_rows(["a b a", "b b"], pieces, 8, cache_dir=tmp_path).take([0]).input_ids.tolist() == first


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_folders_of_a_cache_have_the_mode_of_every_other_folder(tmp_path):
    (tmp_path / "usual").mkdir()
    build_rows(["a b a", "b b"], tokenizer_from_words(["a", "b"]), 8, cache_dir=tmp_path)
    [made] = tmp_path.glob("rows-*")
    assert stat.S_IMODE(made.stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)
