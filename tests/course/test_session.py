"""A session: how much of everything, what is seeded, rows in memory, and parts that do not exist."""

import pytest

from electra_helpers.course.engine.session import AMOUNTS, PROFILES, in_one_line, setup
from electra_helpers.course.labs.own_steps import own_steps
from electra_helpers.course.labs.world_run import RowsInMemory
from electra_helpers.errors import ElectraError, ElectraWarning


def test_rows_in_memory_are_padded_and_masked():
    rows = RowsInMemory([[2, 5, 3], [2, 5, 6, 3]], 4, pad_id=0)
    batch = rows.take([1, 0])
    assert batch.input_ids.tolist() == [[2, 5, 6, 3], [2, 5, 3, 0]]
    assert batch.attention_mask.tolist() == [[True] * 4, [True, True, True, False]]
    assert rows.take([1]).attention_mask is None


def test_rows_in_memory_train_as_packed_rows_do():
    from electra_helpers.course.labs.world_run import world_run

    rows = RowsInMemory([[2, 5 + n, 6, 7, 3] for n in range(9)], 5, pad_id=0)
    run = world_run(story_count=0, steps=1, rows=rows, batch_size=4)
    work = run.task.work(step=2, process=0, processes=2)
    other = run.task.work(step=2, process=1, processes=2)
    both = [*work.batch.input_ids.tolist(), *other.batch.input_ids.tolist()]
    assert len(both) == 4
    assert all(row in rows.ids.tolist() for row in both)
    assert run.task.work(step=2, process=0, processes=1).batch.input_ids.tolist() == both


def test_the_profile_decides_the_amounts(monkeypatch, capsys):
    for place, profile in enumerate(PROFILES):
        monkeypatch.setenv("ELECTRA_PROFILE", profile)
        session = setup(seed=1, device="cpu")
        assert [session.amount(name) for name in AMOUNTS] == [amounts[place] for amounts in AMOUNTS.values()]
    assert "profile gpu · seed 1" in capsys.readouterr().out
    with pytest.raises(ElectraError, match="no profile 'fast'"):
        setup(profile="fast")
    with pytest.raises(ElectraError, match="no amount"):
        session.amount("99.steps")


def test_setup_seeds_all_three_generators():
    import random

    import numpy as np
    import torch

    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    setup(seed=5, profile="smoke", device="cpu")
    first = draw()
    setup(seed=5, profile="smoke", device="cpu")
    assert draw() == first


def test_a_part_that_does_not_exist_is_told():
    with pytest.raises(ElectraError, match="no part 'judge'"):
        own_steps(judge=print)


def test_a_warning_of_the_course_is_its_message_and_another_keeps_its_place():
    assert in_one_line("Too few rows.", ElectraWarning, "a.py", 7) == "Too few rows.\n"
    assert in_one_line(UserWarning("old"), UserWarning, "a.py", 7).startswith("a.py:7: UserWarning: old")
