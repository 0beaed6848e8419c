"""The exercises of the kind *build* are no finger exercises: most of them are steps that pre-training really runs."""

import ast
import inspect
import sys
import textwrap

import pytest

from electra_helpers.config import PretrainConfig
from electra_helpers.course import exercises
from electra_helpers.model.electra import Electra
from electra_helpers.model.encoder import Layer, SelfAttention
from electra_helpers.model.sharing import embeddings_beside
from electra_helpers.text.packing import pack_plain
from electra_helpers.training.pretraining import pretrain

BUILD = [exercise for exercise in exercises.every() if exercise.kind == "build"]
# What the package runs in a fused form; the tests of the exercise hold both forms equal.
FUSED = {
    "01.3": pack_plain,
    "02.1": SelfAttention.forward,
    "02.2": SelfAttention.forward,
    "02.6": Layer.forward,
    "05.1": Electra.forward,
    "06.1": Electra.forward,
    "06.3": embeddings_beside,
}


def substance(function) -> int:
    """Lines of a function's body without its docstring, as Python would print it; or its calls, where these are more."""
    body = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body
    body = body[1:] if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) else body
    calls = sum(isinstance(node, ast.Call) for part in body for node in ast.walk(part))
    return max(len(ast.unparse(ast.Module(body, [])).splitlines()), calls)


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> set:
    """The code of every function that two steps of pre-training on full rows called."""
    called, room = set(), tmp_path_factory.mktemp("run")
    text = room / "text.txt"
    text.write_text("\n\n".join(f"the chef cooked {n} meals for the guests ." for n in range(400)), "utf-8")
    config = PretrainConfig(steps=2, batch_size=4, length=16, form="plain", vocab_size=64, warmup_steps=1, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELECTRA_CACHE", str(room / "cache"))
        before = sys.getprofile()
        sys.setprofile(lambda frame, event, _: called.add(frame.f_code) if event == "call" else None)
        try:
            pretrain([str(text)], room / "out", config=config)
        finally:
            sys.setprofile(before)
    return called


@pytest.mark.parametrize("last", ["03", "07"])
def test_half_of_what_is_built_is_substantial_and_is_run_by_pre_training(ran, last):
    substantial = {}  # exercise → substance of its solution, whether pre-training runs it
    for exercise in (each for each in BUILD if each.id[:2] <= last):
        function = FUSED.get(exercise.id, exercise.fallback)
        is_run = function is not None and inspect.unwrap(function).__code__ in ran
        substantial[exercise.id] = (substance(exercise.solution), is_run)
    enough = [name for name, (n, is_run) in substantial.items() if n >= 5 and is_run]
    print(f"00 to {last}: {len(enough)} of {len(substantial)}: {', '.join(enough)}")
    assert 2 * len(enough) >= len(substantial), substantial
