"""A step takes the memory that the step before it freed."""

import json
import subprocess
import sys

import pytest

from electra_helpers.model.linear import HAS_ONEDNN

STEPS = """
import json, resource
from electra_helpers.training import memory, speed
if {keeps}:
    assert memory.keep_freed_memory()
else:
    from electra_helpers.training import loop
    loop.keep_freed_memory = lambda: None
trainer = speed.make_trainer(*speed.settings("tiny", 64, 128, 0.1, "cpu"))
for _ in range(3):
    trainer.step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    trainer.step()
print(json.dumps((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 4))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting is glibc's")
def test_steps_find_their_memory_where_the_last_one_left_it():
    faults = {}
    for keeps in (True, False):
        found = subprocess.run(
            [sys.executable, "-c", STEPS.format(keeps=keeps)], capture_output=True, text=True, check=True
        )
        faults[keeps] = json.loads(found.stdout.splitlines()[-1])
    assert faults[True] < faults[False] / 3, faults


@pytest.mark.skipif(not HAS_ONEDNN, reason="torch has no oneDNN on this machine")
def test_the_parts_are_measured(capsys):
    from tests.benchmarks import parts

    parts.main(calls=3, count=1, size="tiny")
    told = capsys.readouterr().out
    assert [line.split()[0].strip(",") for line in told.splitlines()] == [
        "queries",
        "up",
        "down",
        "dropout",
        "freed",
        "freed",
    ]
