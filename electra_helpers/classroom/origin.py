"""Whose code a submission is: the learner's own, a call of the package, or the same as another learner's.

Two functions count as the same if nothing but names, comments, types and layout tells them apart. What is short has few forms, so
it is not compared.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from hashlib import sha256

from electra_helpers.course.grading import Exercise

OWN, CALLS, SAME = "own", "calls the package", "same code as another"
FEWEST_NODES = 80  # of a function's tree: below it, two people write the same
PACKAGE = "electra_helpers"


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
    """Top-level functions of a learner's code, the last of each name; magics and unfinished lines are passed over."""
    found = {}
    for block in re.split(r"\n\n(?=\S)", re.sub(r"^[ \t]*[%!].*$", "", source, flags=re.MULTILINE)):
        try:
            tree = ast.parse(block)
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # a null character, thousands of brackets
            continue
        found |= {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    return found


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


def from_the_package(exercise: Exercise, source: str) -> str:
    """What of the package a [B] submission calls or contains, in words; '' where it is nothing."""
    if exercise.kind != "build":
        return ""
    functions = functions_of(source)
    function = functions.get(exercise.variable)
    if function is not None:
        pasted = _pasted(exercise, function)
        if pasted:
            return pasted
    reached = _reached(exercise.variable, functions)
    named = set(re.findall(r"\w+", exercise.specification)) - {exercise.variable}
    calls = sorted(_calls(source, reached) - named)
    if function is None:  # select_positions = eh.select_positions
        alias = rf"^{exercise.variable}\s*=\s*(?:\w+\.)*({exercise.variable})\b"
        calls += re.findall(alias, source, re.MULTILINE)
    return f"calls {', '.join(calls)}" if calls else ""


def _pasted(exercise: Exercise, function: ast.FunctionDef) -> str:
    kinds = (("the course's solution", exercise.solution), ("the package's function", exercise.fallback))
    for what, ours in kinds:
        if inspect.isfunction(ours) and size(function) >= FEWEST_NODES:
            tree = ast.parse(textwrap.dedent(inspect.getsource(ours))).body[0]
            if isinstance(tree, ast.FunctionDef) and normal_form(tree) == normal_form(function):
                return f"{what}, pasted"
    return ""


def _reached(start: str, functions: dict[str, ast.FunctionDef]) -> list[ast.FunctionDef]:
    """A function and the learner's functions that it calls."""
    waiting, seen = [start], []
    while waiting:
        name = waiting.pop()
        if name in functions and functions[name] not in seen:
            seen.append(functions[name])
            waiting += [node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)]
    return seen


def _calls(source: str, functions: Iterable[ast.FunctionDef]) -> set[str]:
    """Functions of the package that the bodies call: `eh.corrupt(…)`, or a name imported from it."""
    aliases = {"eh", PACKAGE, *re.findall(rf"import {PACKAGE}[\w.]* as (\w+)", source)}
    imported: dict[str, str] = {}
    for names in re.findall(rf"from {PACKAGE}[\w.]* import ([^\n()]+)", source):
        for name in names.split(","):
            original, _, renamed = (part.strip() for part in name.partition(" as "))
            imported[renamed or original] = original
    found = set()
    for call in (node for function in functions for node in ast.walk(function) if isinstance(node, ast.Call)):
        parts = ast.unparse(call.func).split(".")
        if parts[0] in imported:
            found.add(imported[parts[0]] if len(parts) == 1 else parts[-1])
        elif parts[0] in aliases and len(parts) > 1:
            found.add(parts[-1])
    return {name for name in found if name[:1].islower()}  # a class is a container, not an answer
