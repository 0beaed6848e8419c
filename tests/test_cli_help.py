"""Help in groups, the version, and the three ways to call the command."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from electra_helpers import __version__
from electra_helpers.cli.entry import COMMANDS
from electra_helpers.cli.help import FIELDS, GROUPS
from electra_helpers.config import FinetuneConfig, ModelConfig, PretrainConfig

pytestmark = pytest.mark.usefixtures("own_cache")


def sections(said):
    """The headings of a help page and what stands below each."""
    found = {}
    for line in said.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            found[line[:-1]] = []
        elif found:
            found[list(found)[-1]].append(line)
    return {name: " ".join(lines) for name, lines in found.items()}


def test_options_stand_below_what_they_decide(electra):
    code, said, _ = electra("pretrain", "-h")
    found = sections(said)
    assert code == 0
    assert next(iter(found)) == "Options"
    assert {"Steps and learning rate", "Optimizer", "The two networks", "How files are written"} <= set(found)
    assert "--corpus" in found["Options"]
    assert "--config" in found["Options"]
    assert "--learning-rate" in found["Steps and learning rate"]
    assert "--adam-beta1" in found["Optimizer"]
    assert "--hidden-size" in found["The two networks"]
    assert "--encoding" in found["How files are written"]
    assert said.count("--learning-rate") == 1


def test_every_command_stands_in_its_group(electra):
    code, said, _ = electra("--help")
    found = sections(said)
    assert code == 0
    assert set(COMMANDS) <= set(found)
    for group, commands in COMMANDS.items():
        assert all(f"  {name} " in f" {found[group]}" for name in commands), group
    assert "..." not in said.split("Pre-train:")[1], "what a command does is told to its end"


def test_a_group_names_fields_that_there_are():
    known = {f.name for kind in (PretrainConfig, FinetuneConfig, ModelConfig) for f in dataclasses.fields(kind)}
    named = [field for fields in FIELDS.values() for field in fields]
    assert len(named) == len(set(named))
    assert set(named) <= known
    assert not set(GROUPS.values()) & set(FIELDS)


@pytest.mark.parametrize("module", ["electra_helpers", "electra_helpers.cli"])
def test_the_package_is_the_command(module):
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
    )
    assert (done.returncode, done.stdout) == (0, f"electra_helpers {__version__}\n")
