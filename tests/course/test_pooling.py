"""A class's lines come back from chats: what arrived whole is counted once, what did not is left out and said."""

import pytest

from electra_helpers.course.labs import objectives
from electra_helpers.course.labs.objectives import READINGS, Readings, arm_run, last_scores
from electra_helpers.course.labs.pooling import SharedRun, arm_of, pool, read_lines, share
from electra_helpers.errors import ElectraError


def shared(arm="rtd", seed=1, percent=100, end=0.7):
    pairs = (0.6, 0.61, 0.62, 0.63, 0.64, end)
    return SharedRun(arm, seed, percent, pairs, (0.7,) * READINGS)


A, B, C = shared(seed=1), shared("mlm", 2, end=0.61), shared("paper weights", 3)


def test_a_line_comes_back_as_the_run_it_was():
    assert read_lines(A.line()) == ([A], [])
    assert "\n" not in A.line()
    assert len(A.line()) < 200


def wrapped(line, width):
    return "\n".join(f"> {line[i : i + width]}" for i in range(0, len(line), width))


def test_noise_quotes_wraps_and_doubles_do_not_matter():
    chat = f"[10:03] Ada: here is mine:  {A.line()} 👍\n{A.line()}\n**{B.line()}** thanks!\n`{C.line()}`\nelectra-runs are fun; sum it up"
    runs, said = read_lines(chat)
    assert runs == [A, B, C]
    assert said == ["left out: 1 that repeats an arm and seed that is there already"]
    for width in (11, 37, 80):
        assert read_lines(f"On Monday Bo wrote:\n{wrapped(B.line(), width)}\u00a0\n-- \nBo") == ([B], [])


def test_what_was_cut_changed_or_is_of_another_version_is_left_out_and_counted():
    other_version = A.line().replace("electra-run 1", "electra-run 2")
    changed = A.line().replace("0.700;", "0.900;")
    unknown = SharedRun("best", 1, 100, A.pairs, A.outcome).line()
    impossible = shared(end=1.7).line()
    text = "\n".join([A.line()[:90], B.line(), other_version, changed, unknown, impossible, "electra-run 1; sum 0000"])
    runs, said = read_lines(text)
    assert runs == [B], "a line that was cut does not take the next one with it"
    assert said == [
        "left out: 2 that was cut off",
        "left out: 1 that is of version 2, not 1",
        "left out: 3 that was changed on its way",
    ]


def test_the_picture_tells_every_score_in_words(capsys):
    figure = pool("\n".join([A.line(), B.line(), shared(seed=9, percent=1).line()]))
    said = capsys.readouterr().out
    assert said.startswith("2 lines of a class\nleft out: 1 with less compute")
    n = len(last_scores("rtd", "pairs")) + 1
    assert f"({n} runs)" in said
    assert "gains over their starts, rtd − mlm: +" in said
    assert "of the class 0.700" in figure.alt
    assert "of the class 0.610" in figure.alt
    assert figure._repr_mimebundle_()[0]["image/png"].startswith(b"\x89PNG")


def test_the_conclusion_follows_the_rule_of_the_exercise(capsys):
    pool(
        "\n".join(
            [shared(seed=i, end=0.9).line() for i in range(3)] + [shared("mlm", i, end=0.9).line() for i in range(3)]
        )
    )
    assert "not clear" in capsys.readouterr().out
    with pytest.raises(ElectraError, match="pairs and outcome"):
        pool("", "accuracy")


def test_a_run_is_shared_by_its_own_numbers(capsys, monkeypatch):
    monkeypatch.setattr(Readings, "last", None)
    with pytest.raises(ElectraError, match="no finished run"):
        share()
    run = arm_run("uniform", seed=7, percent=1, story_count=40)
    readings = Readings(run.tokenizer)
    monkeypatch.setattr(objectives, "PROBES", {"pairs": quick_probe(0.25), "outcome": quick_probe(0.5)})
    run.train(readings)
    share()
    runs, said = read_lines(capsys.readouterr().out)
    assert said == []
    assert (runs[0].arm, runs[0].seed, runs[0].percent) == ("uniform", 7, 1)
    assert (runs[0].pairs, runs[0].outcome) == ((0.25,) * READINGS, (0.5,) * READINGS)
    readings.found, readings.count = readings.found[:2], 2  # read less often, and to its end
    share(readings)
    readings.count = 3
    with pytest.raises(ElectraError, match="no finished run"):
        share(readings)


def quick_probe(score):
    class Fixed:
        def score(self, encoder):
            return score

    return lambda tokenizer: Fixed()


def test_a_run_that_is_no_arm_is_not_shared():
    class Some:
        def __init__(self, run):
            self.config, self.task = run.config, run.task

    assert arm_of(Some(arm_run("paper weights", seed=1, percent=1, story_count=20))) == "paper weights"
    assert arm_of(Some(arm_run("adversarial", seed=1, percent=1, story_count=20))) == "adversarial"
    with pytest.raises(ElectraError, match="changed something else"):
        arm_of(Some(arm_run("rtd", seed=1, percent=1, story_count=20, rtd_weight=3.0)))
