"""A step takes the memory that the step before it freed."""

import json
import subprocess
import sys

import pytest

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
