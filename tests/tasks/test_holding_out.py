"""Held-out rows: every class on both sides, equal rows and groups on one, the same ones for the same seed."""

from collections import Counter

import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.reading.labelled import labelled
from electra_helpers.tasks.holding_out import HoldOut, hold_out


def in_turn(kinds, count=100):
    return labelled([{"text": f"text {n}", "label": f"kind {n % kinds}", "by": n % 20} for n in range(count)])


@pytest.mark.parametrize("kinds", [2, 3, 5, 10])
def test_labels_in_turn_keep_their_shares_on_both_sides(kinds):
    kept, held = hold_out(in_turn(kinds))
    assert set(Counter(held.column("label")).values()) == {round(10 / kinds)}
    assert len(kept) + len(held) == 100
    assert {row["text"] for row in kept.rows}.isdisjoint(row["text"] for row in held.rows)


def test_a_rare_label_is_on_both_sides_and_one_that_cannot_be_stays_to_learn_from():
    rows = [{"text": f"t {n}", "label": "often"} for n in range(60)]
    rows += [{"text": f"r {n}", "label": "rare"} for n in range(2)] + [{"text": "once", "label": "once"}]
    kept, held = hold_out(labelled(rows))
    assert [list(part.label_counts().values()) for part in (kept, held)] == [[54, 1, 1], [6, 0, 1]]


def test_a_seed_decides_and_the_same_seed_decides_the_same():
    texts = [[row["text"] for row in hold_out(in_turn(2), seed=seed)[1].rows] for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


def test_equal_rows_and_a_group_stay_on_one_side():
    rows = [{"text": f"{' ' * (n % 3)}Text {n // 4}", "label": n // 4 % 2} for n in range(80)]
    kept, held = hold_out(labelled(rows))
    assert len(held) == 8
    assert {row["text"].strip() for row in kept.rows}.isdisjoint(row["text"].strip() for row in held.rows)
    kept, held = hold_out(in_turn(2), group="by")
    assert {row["by"] for row in kept.rows}.isdisjoint(row["by"] for row in held.rows)
    assert len(held) == 10
    assert "by and equal rows on one side" in held.how["split"]


def test_what_cannot_be_held_out_is_told():
    with pytest.raises(ElectraError, match="12 rows, of which 1 differ: too few to hold some out: give --validation"):
        hold_out(labelled([{"text": "same", "label": "x"}] * 12))
    with pytest.raises(ElectraError, match="has 4 rows: too few"):
        hold_out(in_turn(2, 4))
    with pytest.raises(ElectraError, match=r"--group 'writer' is no column of rows; it has: .*by"):
        hold_out(in_turn(2), group="writer")
    with pytest.raises(ElectraError, match=r"hold_out is 1\.5"):
        HoldOut(hold_out=1.5)
