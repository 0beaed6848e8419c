"""Values travel: every solution passes from a learner's process, every wrong function fails as at home, and nothing else comes through."""

import json
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch

from electra_helpers.classroom import jail, remote, wire
from electra_helpers.classroom.runner import IN_THEIR_PROCESS
from electra_helpers.corruption import Selection
from electra_helpers.course.engine.grading import FAILED, NOT_ATTEMPTED, PASSED, judge
from electra_helpers.course.engine.sandbox import LONGEST
from electra_helpers.course.exercises import every, find

BUILT = [exercise for exercise in every() if exercise.kind == "build" and exercise.id not in IN_THEIR_PROCESS]


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    room = tmp_path_factory.mktemp("learner")
    command = [sys.executable, "-P", "-m", "electra_helpers.classroom.worker"]
    started = remote.Learner(command, jail.paths() | {"HOME": str(room)}, cwd=str(room), options={})
    started.begin()
    started.request(300, do="cell", source="import torch, numpy as np\nfrom electra_helpers import Selection")
    yield started
    started.end()


def there(learner, source, name, exercise, seconds=20.0):
    learner.request(300, do="cell", source=source)
    verdict = judge(find(exercise), remote.submission(learner, name, exercise, seconds), seconds, LONGEST)
    assert learner.gone is None
    learner.settle(seconds)
    return verdict


@pytest.mark.parametrize("exercise", BUILT, ids=lambda each: each.id)
def test_every_solution_passes_from_afar(learner, exercise):
    module = sys.modules[exercise.solution.__module__]
    learner.request(
        300,
        do="cell",
        source=f"from {module.__name__} import *\nfrom {module.__name__} import {exercise.variable} as theirs",
    )
    source = f"def {exercise.variable}(*args, **named):\n    return theirs(*args, **named)"
    if exercise.id == "04.3":
        source = f"def {exercise.variable}(a, b, selection=None):\n    return theirs(a, b)"
    verdict = there(learner, source, exercise.variable, exercise.id)
    assert verdict.status == PASSED, verdict


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows cannot hold a process")
def test_a_process_that_the_machine_holds_up_keeps_its_time(learner, tmp_path):
    """It needs a fifth of a second of the processor and may take two seconds; for six of the clock it gets nothing."""
    pid, working = learner.process.pid, tmp_path / "working"

    def hold():
        while not working.exists():
            time.sleep(0.01)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(6)
        os.kill(pid, signal.SIGCONT)

    held = threading.Thread(target=hold, daemon=True)
    held.start()
    work = f"import time\nopen({str(working)!r}, 'w').close()\nend = time.thread_time() + 0.2\n"
    work += "while time.thread_time() < end:\n    pass"
    answer = learner.request(2, do="cell", source=work)
    held.join()
    assert "stopped" not in answer


@pytest.mark.parametrize("source", ["while True:\n    pass", "import time\ntime.sleep(1000)"], ids=["works", "waits"])
def test_who_takes_too_long_is_stopped(learner, source):
    assert learner.request(1, do="cell", source=source)["stopped"]
    assert "stopped" not in learner.request(60, do="cell", source="1 + 1")


@pytest.mark.parametrize(
    ("source", "exercise", "status", "part"),
    [
        ("def word_ids(tokens):\n    raise NotImplementedError", "01.4", NOT_ATTEMPTED, "Write word_ids"),
        ("def word_ids(tokens):\n    print('hm')\n    return tokens[9]", "01.4", FAILED, "IndexError"),
        ("def word_ids(tokens):\n    print('hm')\n    return tokens[9]", "01.4", FAILED, "return tokens[9]"),
        ("def word_ids(tokens):\n    print('hm')\n    return tokens[9]", "01.4", FAILED, "It printed:\nhm"),
        ("def word_ids(tokens):\n    return range(len(tokens))", "01.4", FAILED, "not range"),
        ("def word_ids(tokens):\n    return object()", "01.4", FAILED, "not object"),
        ("word_ids = 3", "01.4", FAILED, "not a int"),
        ("def word_ids(tokens):\n    import sys\n    sys.exit()", "01.4", FAILED, "SystemExit"),
        (
            "def pack(documents, length):\n    documents.append([1])\n    return []",
            "01.3",
            FAILED,
            "changed the caller's",
        ),
        ("def gather_positions(h, p):\n    return h.detach()[torch.arange(len(h))[:, None], p]", "03.3", FAILED, ""),
        (
            "def attention(q, k, v, mask=None):\n    q /= 2\n    return q @ k.transpose(-1, -2) @ v",
            "02.1",
            FAILED,
            "in place",
        ),
        (
            "def multi_head(x, qkv, out, heads, attend, mask=None):\n    return attend(x, x, x)",
            "02.2",
            FAILED,
            "attend wants",
        ),
    ],
)
def test_a_wrong_function_is_told_what_it_is_told_at_home(learner, source, exercise, status, part):
    verdict = there(learner, source, find(exercise).variable, exercise)
    assert verdict.status == status, verdict
    assert part in verdict.message


def test_an_endless_function_is_stopped_and_the_process_goes_on(learner):
    verdict = there(learner, "def word_ids(tokens):\n    while True:\n        pass", "word_ids", "01.4", seconds=1.0)
    assert "never ends" in verdict.message
    assert learner.request(10, do="cell", source="1 + 1").get("error") is None


VALUES = [
    None,
    True,
    3,
    2.5,
    "a\ud800",
    [1, (2, {3: "x"})],
    {1, 2},
    ...,
    torch.randn(2, 3),
    torch.zeros(0, 3),
    torch.tensor(1.5, dtype=torch.bfloat16),
    torch.tensor([True]),
    torch.arange(3.0).expand(10**6, 3),
    torch.ones(()).expand(5),
    torch.ones(1).expand(2, 1),
    np.arange(3),
    np.float32(2),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_is_sent_arrives(value):
    found = wire.decode(json.loads(json.dumps(wire.encode(value))))
    assert type(found) is type(value)
    assert torch.equal(found, value) if isinstance(value, torch.Tensor) else np.all(found == value)


def test_a_selection_arrives_and_a_stranger_keeps_only_its_name():
    sent = Selection(torch.zeros(2, 3).long(), torch.ones(2, 3).bool())
    assert torch.equal(wire.decode(wire.encode(sent)).is_valid, sent.is_valid)
    for stranger in (object(), print, 10**5_000, torch.nn.Linear(1, 1)):
        assert type(wire.decode(json.loads(json.dumps(wire.encode(stranger))))).__name__ == type(stranger).__name__


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"is": "tensor"},
        {"is": "tensor", "dtype": "float32", "once": [0], "shape": [10**9, 10**9], "grad": False, "data": ""},
        {"is": "tensor", "dtype": "float32", "once": [3], "shape": [3], "grad": False, "data": "AAAA"},
        {"is": "array", "dtype": "object", "shape": [1], "single": False, "data": "AAAAAAAAAAA="},
        {"is": "record", "type": "os.system", "fields": {}},
        {"is": "dict", "items": [[{"is": "list", "items": []}, 1]]},
        {"is": "generator", "state": "AAAA"},
        [1],
    ],
)
def test_what_was_made_to_harm_is_broken_and_nothing_more(data):
    with pytest.raises(wire.Broken):
        wire.decode(data)
