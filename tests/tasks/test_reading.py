"""Rows to predict: lists of words out of a table, and one clear word for what is none."""

import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.tasks.reading import rows_to_predict
from electra_helpers.tasks.tagging import Tagging

TASK = Tagging(("O", "B-PER"))


def write(tmp_path, cell):
    path = tmp_path / "in.csv"
    path.write_text(f"n,tokens\n1,{cell}\n", "utf-8")
    return path


def test_a_list_of_words_in_a_table_is_json(tmp_path):
    [(row, read)] = rows_to_predict(write(tmp_path, '"[""Anna"", ""sang""]"'), TASK)
    assert read == {"tokens": ["Anna", "sang"]}
    assert row["n"] == "1"


@pytest.mark.parametrize("cell", ["Anna sang", "[1]", "5", ""])
def test_what_is_no_list_of_words_is_said_with_its_row(tmp_path, cell):
    with pytest.raises(ElectraError, match=r"Row 1 of .* in column 'tokens', where a list of words should be"):
        list(rows_to_predict(write(tmp_path, cell), TASK))
