"""What a learner's function can reach in the learner's own code, read from the syntax tree: no line of it is run.

A cell's statements bind names; a function uses names that are not its own. From the exercise's name on, every statement that binds or
changes a name in use is followed. What is met on the way is either the learner's, or the package, or a way to fetch code that the
syntax tree does not show (importlib, exec, getattr with a computed name …), which counts as the package too.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import re
from collections.abc import Iterator
from functools import cache

PACKAGE = "electra_helpers"
# Modules, names and attributes that fetch code by text, or from where it lies: no exercise needs them.
# fmt: off
FETCH_MODULES = frozenset({
    "__main__", "builtins", "cloudpickle", "code", "codeop", "ctypes", "dill", "gc", "imp", "importlib",
    "inspect", "linecache", "marshal", "multiprocessing", "pickle", "pkgutil", "pydoc", "runpy", "subprocess",
    "tokenize", "zipimport",
})
FETCH_NAMES = frozenset({
    "__builtins__", "__import__", "__loader__", "__spec__", "breakpoint", "compile", "eval", "exec",
    "get_ipython", "globals", "open", "vars",
})
FETCH_ATTRIBUTES = frozenset({
    "CodeType", "FunctionType", "__builtins__", "__closure__", "__code__", "__dict__", "__getattribute__",
    "__globals__", "__loader__", "__spec__", "__subclasses__", "_getframe", "f_back", "f_globals", "f_locals",
    "gi_frame", "load_module", "meta_path", "popen", "read_text", "run_cell", "system", "user_ns",
})
# fmt: on
BY_NAME = frozenset({"getattr", "attrgetter", "methodcaller"})
ANYTHING = frozenset(
    {"globals", "vars", "locals", "sys", "builtins", "__builtins__", "__main__", "get_ipython", "exec", "eval"}
)
MUTATORS = frozenset(
    ["append", "add", "extend", "insert", "update", "setdefault", "register", "__setitem__", "__setattr__"]
)
BUILTIN = frozenset(dir(builtins))
MAGIC = re.compile(r"^[ \t]*(?:%|!).*$", re.MULTILINE)
RUNS_FILES = re.compile(r"^[ \t]*%(?:run|load)\b", re.MULTILINE)
IMPORT = ast.Import | ast.ImportFrom
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def statements(source: str) -> list[ast.stmt]:
    """The top-level statements of a learner's code; magics and unfinished pieces are passed over."""
    whole = _parsed(source) or _parsed(MAGIC.sub("", source))
    if whole is not None:
        return whole
    found: list[ast.stmt] = []
    blocks = re.split(r"\n\n(?=\S)", MAGIC.sub("", source))
    at = 0
    while at < len(blocks):  # a text of several paragraphs is one block
        ends = range(at + 1, min(at + 8, len(blocks)) + 1)
        tried = ((end, _parsed("\n\n".join(blocks[at:end]))) for end in ends)
        at, piece = next(((end, piece) for end, piece in tried if piece is not None), (at + 1, []))
        found += piece
    return found


def _parsed(source: str) -> list[ast.stmt] | None:
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a null character, thousands of brackets
        return None


def bound(target: ast.AST) -> Iterator[str]:
    """Names that a statement binds at the top level, those of compound statements included."""
    if isinstance(target, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield target.name
        yield from (name for node in ast.walk(target) if isinstance(node, ast.Global) for name in node.names)
        return
    if isinstance(target, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        yield from (node.target.id for node in ast.walk(target) if isinstance(node, ast.NamedExpr))
        return
    if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
        yield target.id
    if isinstance(target, ast.alias):
        yield (target.asname or target.name).split(".")[0]
    if isinstance(target, ast.MatchAs | ast.MatchStar) and target.name:
        yield target.name
    for child in ast.iter_child_nodes(target):
        yield from bound(child)


def changed(statement: ast.AST) -> Iterator[str]:
    """Names whose value a statement may change without binding it: `f.x = …`, `d[k] = …`, `setattr(f, …)`, `d.update(…)`."""
    plain = {id(node.value) for node in ast.walk(statement) if isinstance(node, ast.Expr)}
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            yield from _base(node)
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            if isinstance(node.func, ast.Attribute) and (id(node) in plain or node.func.attr in MUTATORS):
                yield from _base(node.func)
            elif name == "setattr" and node.args:
                yield from _base(node.args[0])
            elif name in ("exec", "eval", "get_ipython"):
                yield name


def _base(node: ast.AST) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def free(node: ast.AST, hidden: frozenset[str] = frozenset()) -> Iterator[ast.Name]:
    """Names that a piece of code reads and does not itself define: of a function those of its surroundings."""
    if isinstance(node, ast.Name):
        if node.id not in hidden and isinstance(node.ctx, ast.Load):
            yield node
        return
    if isinstance(node, FUNCTION):
        for each in (*getattr(node, "decorator_list", []), *node.args.defaults, *filter(None, node.args.kw_defaults)):
            yield from free(each, hidden)
        own = hidden | _own_names(node)
        for each in _body(node):
            yield from free(each, own)
        return
    if isinstance(node, COMPREHENSION):
        hidden = hidden | {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
    for name, child in ast.iter_fields(node):
        for each in child if isinstance(child, list) else [child]:
            if isinstance(each, ast.AST) and name != "annotation":
                yield from free(each, hidden)


def _body(function: ast.AST) -> list[ast.AST]:
    return function.body if isinstance(function.body, list) else [function.body]


def _own_names(function: ast.AST) -> frozenset[str]:
    """Parameters and what is assigned inside; what is imported inside is looked up like an import at the top."""
    every = [
        *function.args.posonlyargs,
        *function.args.args,
        *function.args.kwonlyargs,
        function.args.vararg,
        function.args.kwarg,
    ]
    own = {each.arg for each in every if each}
    own |= {name for each in _body(function) for name in bound(each)}
    nodes = [node for each in _body(function) for node in ast.walk(each)]
    own -= {name for node in nodes if isinstance(node, IMPORT) for name in bound(node)}
    return frozenset(own - {name for node in nodes if isinstance(node, ast.Global) for name in node.names})


class Reach:
    """The package's names in a learner's code, and all that the exercise's name leads to.

    `given` are the course's own cells before it; `files` the texts of modules that lie beside the notebook, by name.
    """

    def __init__(self, source: str, given: str = "", files: dict[str, str] | None = None) -> None:
        self.own, self.files = statements(source), files or {}
        self.binds = [set(bound(each)) for each in self.own]
        self.changes = [set(changed(each)) for each in self.own]
        self.modules: dict[str, str] = {"eh": PACKAGE, PACKAGE: PACKAGE}  # alias → module of the package
        self.imported: dict[str, str] = {}  # name → what it is called in the package
        self.others: dict[str, str] = {}  # name → module of somebody else
        self.starred: set[str] = set()
        self.unknown = (
            {f"{name}.py" for name, text in self.files.items() if _is_odd(text)} if RUNS_FILES.search(source) else set()
        )
        for statement in [*statements(given), *self.own]:
            for node in ast.walk(statement):
                if isinstance(node, IMPORT):
                    self._take_import(node)

    def _take_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            module = alias.name if isinstance(node, ast.Import) else node.module or ""
            root = module.split(".")[0]
            name = (alias.asname or alias.name).split(".")[0]
            if root == PACKAGE and isinstance(node, ast.Import):
                self.modules[alias.asname or PACKAGE] = module
            elif root == PACKAGE and alias.name == "*":
                self.starred |= exported(module)
            elif root == PACKAGE and _is_module(f"{module}.{alias.name}"):
                self.modules[name] = f"{module}.{alias.name}"
            elif root == PACKAGE:
                self.imported[name] = alias.name
            elif alias.name == "*" and _is_odd(self.files.get(root, "")):
                self.unknown.add(f"{root}.py")
            else:
                self.others[name] = root

    def uses(self, start: str) -> set[str]:
        """What of the package, or of what fetches code, the name leads to."""
        place = {id(statement): at for at, statement in enumerate(self.own)}
        waiting, seen, found = [(start, len(self.own))], set(), set()
        while waiting:
            name, before = waiting.pop()
            if (name, before) in seen:
                continue
            seen.add((name, before))
            own = self._statements_of(name, before, first=name == start)
            found |= self._foreign(name, own)
            for statement in own:
                found |= self._met(statement)
                waiting += [(node.id, len(self.own)) for node in free(statement)]  # as a function finds it
                waiting += [(node.id, place[id(statement)]) for node in _at_once(statement)]
        return found

    def _statements_of(self, name: str, before: int, *, first: bool) -> list[ast.stmt]:
        """The statements that decide what a name is: from its last definition on, and all that may change what it holds."""
        binding = [at for at in range(before) if name in self.binds[at]]
        if binding and isinstance(self.own[binding[-1]], ast.FunctionDef | ast.ClassDef):
            binding = binding[-1:]
        wanted = ANYTHING | {name} if first else {name}
        changing = [at for at, names in enumerate(self.changes) if names & wanted and at not in binding]
        return [self.own[at] for at in (*binding, *changing)]

    def _foreign(self, name: str, own: list[ast.stmt]) -> set[str]:
        """What a name is that nothing but an import binds."""
        if any(name in set(bound(each)) and not _imports(each, name) for each in own):
            return set()
        if name in self.imported:
            return {self.imported[name]}
        if name in self.starred:
            return {name}
        root = self.others.get(name, "")
        if root in FETCH_MODULES:
            return {root}
        if _is_odd(self.files.get(root, "")):
            return {f"{root}.py"}
        return self.unknown if not root and name not in BUILTIN and name not in self.modules else set()

    def _met(self, statement: ast.stmt) -> set[str]:
        """Names of the package in a statement, and ways to fetch code."""
        names = {id(node) for node in free(statement)}
        inner = {id(node.value) for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
        texts = {id(node.value) for node in ast.walk(statement) if isinstance(node, ast.Expr)}  # docstrings
        found: set[str] = set()
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute | ast.Name) and id(node) not in inner:
                found |= self._chain(node, names)
            if id(node) not in texts:
                found |= self._fetches(node, names)
        return found

    def _chain(self, node: ast.AST, names: set[int]) -> set[str]:
        """What of the package `eh.corruption.corrupt.__call__` is: corrupt."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or id(node) not in names:
            return set()
        if node.id in self.modules:
            return {next((part for part in reversed(parts) if not part.startswith("__")), PACKAGE)}
        if node.id in self.imported and parts:
            return {self.imported[node.id], *(part for part in parts if not part.startswith("__"))}
        return {"sys.modules"} if self.others.get(node.id) == "sys" and "modules" in parts else set()

    def _fetches(self, node: ast.AST, names: set[int]) -> set[str]:
        if isinstance(node, IMPORT):
            roots = {(getattr(node, "module", None) or alias.name).split(".")[0] for alias in node.names}
            from_sys = "sys" in roots and any(alias.name == "modules" for alias in node.names)
            return roots & FETCH_MODULES | ({"sys.modules"} if from_sys else set())
        if isinstance(node, ast.Name) and id(node) in names and node.id in FETCH_NAMES:
            return {node.id}
        if isinstance(node, ast.Attribute) and node.attr in FETCH_ATTRIBUTES:
            return {node.attr}
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            constant = all(isinstance(each, ast.Constant) for each in node.args[1:2] if called == "getattr")
            return {called} if called in BY_NAME and not (called == "getattr" and constant) else set()
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        return {PACKAGE} if is_text and PACKAGE in node.value else set()


def _at_once(statement: ast.stmt) -> Iterator[ast.Name]:
    """Names that are read while the statement itself is run: of a function its decorators and defaults."""
    if isinstance(statement, ast.FunctionDef):
        parts = [*statement.decorator_list, *statement.args.defaults, *filter(None, statement.args.kw_defaults)]
        for each in parts:
            yield from free(each)
    else:
        yield from free(statement)


def _imports(statement: ast.AST, name: str) -> bool:
    return any(isinstance(node, IMPORT) and name in set(bound(node)) for node in ast.walk(statement))


def _is_odd(text: str) -> bool:
    """Whether a file of the learner's own leads to the package, or fetches code."""
    words = set(re.findall(r"\w+", text))
    return bool(words & {PACKAGE, "eh", "importlib", "exec", "eval", "__import__", "runpy"})


@cache
def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


@cache
def exported(module: str) -> frozenset[str]:
    """What `from module import *` binds; nothing for a module that is none of the package's."""
    try:
        names = vars(importlib.import_module(module))
    except Exception:
        return frozenset()
    return frozenset(names.get("__all__", [name for name in names if not name.startswith("_")]))
