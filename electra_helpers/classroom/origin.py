"""Whose code a submission is: the learner's own, a call of the package, or the same as another learner's.

Two functions count as the same if nothing but names, comments, types and layout tells them apart. What is short has few forms, so
it is not compared.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from hashlib import sha256

from electra_helpers.classroom.names import Reach, statements
from electra_helpers.course.engine.grading import Exercise

OWN, CALLS, SAME = "own", "calls the package", "same code as another"
FEWEST_NODES = 80  # of a function's tree: below it, two people write the same


class _Normal(ast.NodeTransformer):
    """Names that a function gives itself become numbers; types and docstrings go."""

    def __init__(self, own: list[str]) -> None:
        self.numbers = {name: f"v{i}" for i, name in enumerate(own)}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.numbers.get(node.id, node.id), ast.Load())

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self.numbers.get(node.arg, node.arg))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return self.visit(ast.Assign([node.target], node.value or ast.Constant(None), lineno=0))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns, node.decorator_list, node.name = None, [], self.numbers.get(node.name, "f")
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node


def normal_form(function: ast.FunctionDef) -> str:
    """The function without what may differ between copies: a dump of its tree."""
    own = []
    for node in ast.walk(function):
        name = getattr(node, "arg", None) if isinstance(node, ast.arg) else None
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        if name and name not in own:
            own.append(name)
    copy = ast.parse(ast.unparse(function)).body[0]
    return ast.dump(_Normal(own).visit(copy))


def functions_of(source: str) -> dict[str, ast.FunctionDef]:
    """Top-level functions of a learner's code, the last of each name."""
    return {node.name: node for node in statements(source) if isinstance(node, ast.FunctionDef)}


def size(function: ast.FunctionDef) -> int:
    """How many nodes the syntax tree of a function has."""
    return sum(1 for _ in ast.walk(function))


def fingerprint(exercise: Exercise, source: str) -> str | None:
    """A hash that copies share; None where the code is too short to tell, or missing."""
    if exercise.kind == "write":
        words = re.findall(r"\w+", source.casefold())
        return sha256(" ".join(words).encode()).hexdigest() if len(words) >= 12 else None
    function = functions_of(source).get(exercise.variable)
    if exercise.kind != "build" or function is None or size(function) < FEWEST_NODES:
        return None
    return sha256(normal_form(function).encode()).hexdigest()


def from_the_package(exercise: Exercise, source: str, given: str = "", files: dict[str, str] | None = None) -> str:
    """What of the package a [B] submission calls or contains, in words; '' where it is nothing.

    `given` are the course's own cells, `files` the modules beside the notebook. What fetches code at run time counts too.
    """
    if exercise.kind != "build":
        return ""
    try:
        return _whose(exercise, source, Reach(source, given, files))
    except RecursionError:
        return "calls what could not be read: it is nested too deeply"


def _whose(exercise: Exercise, source: str, reach: Reach) -> str:
    function = functions_of(source).get(exercise.variable)
    pasted = _pasted(exercise, function) if function is not None else ""
    if pasted:
        return pasted
    handed_in = set(re.findall(r"\w+", exercise.specification)) - {exercise.variable}
    used = reach.uses(exercise.variable) - handed_in
    calls = sorted(name for name in used if not name[:1].isupper())  # a class is a container, not an answer
    return f"calls {', '.join(calls)}" if calls else ""


def _pasted(exercise: Exercise, function: ast.FunctionDef) -> str:
    kinds = (("the course's solution", exercise.solution), ("the package's function", exercise.fallback))
    for what, ours in kinds:
        if inspect.isfunction(ours) and size(function) >= FEWEST_NODES:
            tree = ast.parse(textwrap.dedent(inspect.getsource(ours))).body[0]
            if isinstance(tree, ast.FunctionDef) and normal_form(tree) == normal_form(function):
                return f"{what}, pasted"
    return ""
