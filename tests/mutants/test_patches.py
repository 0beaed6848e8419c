"""Every mistake can still be put in: a patch that no longer fits the code would prove nothing, and nobody would hear of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.mutants.run import ROOT, fields

PATCHES = sorted(Path(__file__).parent.glob("*.patch"))


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_the_patch_fits_the_code_and_names_its_tests(patch):
    fits = subprocess.run(["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True)
    assert fits.returncode == 0, fits.stderr
    named = fields(patch)
    assert named["Mistake"]
    assert all((ROOT / test.split("::")[0]).exists() for test in named["Tests"].split())
