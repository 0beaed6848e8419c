"""`import electra_helpers` and `electra --help` answer at once: nothing heavy is loaded until it is used."""

import json
import subprocess
import sys
from importlib import import_module

import pytest

import electra_helpers

HEAVY = {"torch", "transformers", "datasets", "matplotlib"}
REPORT = "import json, sys; print(json.dumps(sorted(m for m in sys.modules if '.' not in m)))"
HELP = """
import sys
sys.argv = ["electra", "--help"]
from electra_helpers.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


def modules_after(code: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", f"{code}\n{REPORT}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_heavy():
    loaded = modules_after("import electra_helpers as eh; dir(eh)")
    assert "electra_helpers" in loaded
    assert not loaded & HEAVY


def test_checking_an_exercise_needs_nothing_that_colab_lacks():
    """Colab has none of these; whoever imports one on top of a file of the course breaks every notebook there."""
    loaded = modules_after("from electra_helpers.course.exercises import every; list(every())")
    assert "electra_helpers" in loaded
    assert not loaded & {"sacrebleu", "seqeval", "rouge_score"}


def test_the_probe_sees_a_heavy_module():
    assert "matplotlib" in modules_after("import matplotlib")


def test_help_of_the_command_loads_nothing_heavy():
    assert not modules_after(HELP) & HEAVY


def test_every_lazy_name_lives_where_the_table_says():
    for name, module in electra_helpers._HOME.items():
        assert getattr(electra_helpers, name) is getattr(import_module(module), name)
    assert electra_helpers.__all__ == sorted(electra_helpers._HOME)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'elektra'"):
        _ = electra_helpers.elektra
