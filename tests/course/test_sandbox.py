"""A learner's code that loops, raises or floods the page is stopped, told briefly, and the notebook goes on."""

import subprocess
import sys
import threading
import time

import pytest

from electra_helpers.course.engine.sandbox import CappedText, TimeUp, own_frames, run_limited, short_traceback
from tests.pace import within

LOOPS = {
    "plain": "def f():\n    while True:\n        pass",
    "catches Exception": "def f():\n    while True:\n        try:\n            1 / 0\n        except Exception:\n            pass",
    "recursion in a loop": "def g(n):\n    return n and g(n - 1)\ndef f():\n    while True:\n        g(50)",
    "torch in a loop": "import torch\ndef f():\n    x = torch.ones(4)\n    while True:\n        x = x + 1",
}


@pytest.mark.parametrize("source", LOOPS.values(), ids=LOOPS)
def test_an_endless_loop_is_stopped(define, source):
    begun, before = time.monotonic(), len(sys._current_frames())
    outcome = run_limited(define(source), seconds=0.3)
    assert outcome.timed_out
    assert not outcome.still_running
    assert within(time.monotonic() - begun, 5)
    assert len(sys._current_frames()) == before


def test_a_busy_processor_costs_nobody_an_answer(monkeypatch):
    """By the clock the work takes longer than allowed, by the processor it does not: other programs had it."""
    from electra_helpers.course.engine import sandbox

    waited = iter(
        range(0, 10**6, 10)
    )  # every look at the clock is ten seconds later: each counts as two turns, a tenth of a second
    monkeypatch.setattr(sandbox.time, "monotonic", lambda: next(waited))
    monkeypatch.setattr(sandbox, "LONGEST", 10**9)
    monkeypatch.setattr(sandbox, "IDLE", 0.0)

    def work():
        end = time.thread_time() + 0.3
        while time.thread_time() < end:
            pass
        return "done"

    assert run_limited(work, seconds=0.4).value == "done"


def test_who_only_waits_is_stopped_by_the_clock():
    begun = time.monotonic()
    outcome = run_limited(lambda: [threading.Event().wait(0.05) for _ in range(2_000)], seconds=1)
    assert outcome.timed_out
    assert within(time.monotonic() - begun, 9), "who works has ten seconds"


def test_what_cannot_be_stopped_is_said():
    lock = threading.Lock()
    with lock:
        outcome = run_limited(lock.acquire, seconds=0.2)  # a call into C does not listen
        assert outcome.timed_out
        assert outcome.still_running
    until = time.monotonic() + 60
    while any(thread.name == "exercise" for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.01)  # it ends by itself, now that it can


def test_who_raises_the_signal_of_the_limit_has_no_answer():
    def gives_up():
        raise TimeUp

    outcome = run_limited(gives_up, seconds=100)
    assert outcome.timed_out
    assert outcome.error is None


def test_ten_thousand_lines_are_cut_and_counted(capsys):
    outcome = run_limited(lambda: [print("line", i) for i in range(10_000)])
    lines = outcome.printed.splitlines()
    assert len(lines) < 250
    assert lines[0] == "line 0"
    assert lines[-1].endswith("more lines")
    print("afterwards")
    assert capsys.readouterr().out == "afterwards\n"


def test_text_without_end_of_line_is_cut_too():
    text = CappedText(10)
    for _ in range(1000):
        text.write("x" * 100)
    assert text.text() == "x" * 10 + "\n… and 0 more lines"


def test_a_traceback_shows_the_learners_lines_only(define):
    import torch

    function = define("def broken(x):\n    y = x * 2\n    return torch.nn.functional.linear(y, x)\n", torch=torch)
    outcome = run_limited(lambda: function(torch.ones(2, 3, 4)))
    assert [frame.name for frame in own_frames(outcome.error)][-1] == "broken"
    told = short_traceback(outcome.error)
    assert "RuntimeError" in told
    assert "line 3 of broken" in told
    assert "functional.py" not in told
    assert len(told.splitlines()) <= 4


def test_leaving_python_does_not_leave_the_notebook():
    assert isinstance(run_limited(lambda: sys.exit(3)).error, SystemExit)


def test_an_interrupt_while_waiting_stops_the_loop_and_reaches_the_notebook():
    script = (
        "import _thread, signal, sys, threading, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # what a shell starts behind an & ignores interrupts
        "from electra_helpers.course.engine.sandbox import run_limited\n"
        "def endless():\n    while True: pass\n"
        "threading.Timer(0.5, _thread.interrupt_main).start()\n"
        "try:\n    run_limited(endless, seconds=60)\n"
        "except KeyboardInterrupt:\n"
        "    deadline = time.monotonic() + 20\n"  # the threads of the loop and of the timer may be a moment from their ends
        "    while len(sys._current_frames()) > 1 and time.monotonic() < deadline:\n        time.sleep(0.01)\n"
        "    print('interrupted', len(sys._current_frames()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "interrupted 1\n", done.stderr
