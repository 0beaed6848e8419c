"""The learner's process: runs cells, and calls the learner's functions with values that the grader sends.

    python -P -m electra_helpers.classroom.worker

It is started in the learner's folder and spoken to through its standard input and output, in lines of JSON. Everything in here is in
the learner's hands: whatever it says is data to the grader and no verdict. Only what cannot travel (the joint step's gradients, the
list of a net's parameters) is judged here, behind a seal.
"""

from __future__ import annotations

import inspect
import io
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Any

LOCAL = ("localhost", "127.0.0.1", "::1", "", "0.0.0.0", "::")
MOST_FILE = 2**30
SEAL = (
    "electra_helpers.course.exercises",
    "electra_helpers.course.engine.grading",
    "electra_helpers.course.engine.sandbox",
)


class Worker:
    """One learner's process: an IPython shell without a kernel, and the functions in it."""

    def __init__(self, line: Any, shell: Any) -> None:
        self.line, self.shell, self.space = line, shell, shell.user_ns
        self.hosts: set[str] = set()
        self.graphs: dict[int, tuple[list, list]] = {}
        self.calls = 0

    def serve(self) -> None:
        """Answer until the grader closes the line."""
        while True:
            with suppress(KeyboardInterrupt):  # one that came late
                message = self.line.receive()
                answer = {"stopped": True}
                with suppress(KeyboardInterrupt):
                    answer = self.answer(message)
                self.line.send(answer | {"number": message["number"]})

    def answer(self, message: dict) -> dict:
        """One message's answer; what the learner's code raises is part of it."""
        begun = time.process_time()
        try:
            with _interrupted_after(message.get("seconds", 60)):
                answer = getattr(self, f"do_{message['do']}")(message)
        except KeyboardInterrupt:
            answer = {"stopped": True}
        except BaseException as error:  # SystemExit too
            answer = {"error": _told(error)}
        return answer | {"hosts": sorted(self.hosts), "used": time.process_time() - begun}

    def do_cell(self, message: dict) -> dict:
        """Run a cell as Jupyter would."""
        result = self.shell.run_cell(message["source"], store_history=True)
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, KeyboardInterrupt):
            return {"stopped": True}
        return {"error": _told(error)} if error is not None else {}

    def do_describe(self, message: dict) -> dict:
        """What stands under a name: a function, or a value."""
        from electra_helpers.classroom import wire
        from electra_helpers.course.engine.grading import is_ours

        value = self.space.get(message["name"])
        described = {"ours": bool(is_ours(value)), "callable": callable(value)}
        if callable(value):
            return described | {"parameters": _parameters(value)}
        return described | {"value": wire.encode(value)}

    def do_call(self, message: dict) -> dict:
        """Call the function of a name. What it did to its arguments goes back too."""
        from electra_helpers.classroom import wire

        function = self.space[message["name"]]
        known: dict[int, Any] = {}
        given = [wire.decode(each, lambda data: self._theirs(data, known)) for each in message["args"]]
        named = {
            key: wire.decode(each, lambda data: self._theirs(data, known)) for key, each in message["named"].items()
        }
        leaves = [_leaf(value, data) for value, data in zip(given, message["args"], strict=True)]
        printed = _Capped()
        try:
            with redirect_stdout(printed), redirect_stderr(printed):
                found = function(*given, **named)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return {"error": _told(error), "printed": printed.getvalue()}
        value = wire.encode(found)
        sent = [*message["args"], *message["named"].values()]
        after = [wire.encode(each, lambda _: None) for each in (*given, *named.values())]
        after = [None if now == before else now for now, before in zip(after, sent, strict=True)]
        self._keep_graph(message["call"], leaves, found)
        return {"value": value, "after": after, "printed": printed.getvalue()}

    def _theirs(self, data: dict, known: dict[int, Any]) -> Callable:
        """A function of the check's: calling it asks the grader."""
        number = data["number"]
        if number not in known:
            known[number] = lambda *args, **named: self._ask(number, args, named)
        return known[number]

    def _ask(self, number: int, args: tuple, named: dict) -> Any:
        from electra_helpers.classroom import wire

        encoded = {
            "args": [wire.encode(each) for each in args],
            "named": {key: wire.encode(v) for key, v in named.items()},
        }
        self.line.send({"ask": number} | encoded)
        answer = self.line.receive()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return wire.decode(answer["value"])

    def _keep_graph(self, call: int, leaves: list, found: Any) -> None:
        import torch

        if isinstance(found, torch.Tensor) and found.requires_grad:
            self.graphs = {call: (leaves, found)}

    def do_backward(self, message: dict) -> dict:
        """The gradient of a call's result for its arguments."""
        import torch

        from electra_helpers.classroom import wire

        leaves, found = self.graphs[message["call"]]
        wanted = [leaf for leaf in leaves if leaf is not None]
        gradients = torch.autograd.grad(
            found, wanted, wire.decode(message["gradient"]), retain_graph=True, allow_unused=True
        )
        return {"gradients": [wire.encode(each) for each in gradients]}

    def do_fallback(self, message: dict) -> dict:
        """An exercise that is not passed: later cells get the course's function, as in the notebook."""
        from electra_helpers.course.engine import grading
        from electra_helpers.course.exercises import find

        self.space[message["name"]] = grading._stand_in(find(message["exercise"]), self.space.get(message["name"]))
        return {}

    def do_passed(self, message: dict) -> dict:
        """An exercise that is passed is kept in the learner's portfolio, for `eh.mine`."""
        from electra_helpers.course.engine import portfolio

        portfolio.record(message["exercise"], "passed", self.space.get(message["name"]))
        return {}

    def do_seal(self, message: dict) -> dict:
        """A hash over every check that is in this process; all are loaded first."""
        from electra_helpers.course import exercises

        exercises.every()
        exercises.find("v0.1")
        return {"seal": seal()}

    def do_judge(self, message: dict) -> dict:
        """Judge an exercise that cannot travel."""
        from electra_helpers.course.engine import grading
        from electra_helpers.course.exercises import find

        verdict = grading.judge(find(message["exercise"]), self.space.get(message["name"]), message["within"])
        return {"status": verdict.status, "message": verdict.message}


def seal() -> str:
    """A hash over the checks as they are now: which objects they are, and their defaults."""
    from hashlib import sha256

    found = []
    for name in sorted(sys.modules):
        if name.startswith(SEAL):
            for key, value in sorted(vars(sys.modules[name]).items()):
                if not key.startswith("__"):
                    defaults = repr(getattr(value, "__defaults__", None))[:80]
                    found.append((name, key, id(value), id(getattr(value, "__code__", None)), defaults))
    return sha256(repr(found).encode()).hexdigest()


class _Capped(io.StringIO):
    """Keeps the first characters."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, 3_000 - self.tell())])
        return len(text)


def _leaf(value: Any, data: Any) -> Any:
    wants = isinstance(data, dict) and data.get("is") == "tensor" and data.get("grad")
    return value.requires_grad_() if wants else None


def _parameters(function: Callable) -> list[list] | None:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[each.name, int(each.kind), each.default is not each.empty] for each in found]


def _told(error: BaseException) -> dict:
    """An exception in data: its type's names, what it says, and the learner's lines of its traceback."""
    from electra_helpers.course.engine.sandbox import own_frames

    frames = [[f.filename, f.lineno, f.name, f.line] for f in own_frames(error)[-3:]]
    return {"types": [kind.__name__ for kind in type(error).__mro__][:20], "text": _text_of(error), "frames": frames}


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:2_000]
    except Exception:
        return traceback.format_exception_only(type(error), None)[0][:200]


class _interrupted_after:
    """Raises KeyboardInterrupt in the main thread when the time is up: a real signal where there is one, so that `sleep` ends too.

    The time is the processor's, or the clock's for who only waits: a busy machine costs nobody an answer.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.done = seconds, threading.Event()

    def __enter__(self) -> None:
        threading.Thread(target=self._watch, args=(time.process_time(),), daemon=True).start()

    def __exit__(self, *_: Any) -> None:
        self.done.set()

    def _watch(self, before: float) -> None:
        from electra_helpers.course.engine.sandbox import Waited, is_over

        waited = Waited(min(0.1, self.seconds))
        while not self.done.wait(waited.pause):
            if is_over(time.process_time() - before, waited.so_far(), self.seconds):
                self._interrupt()
                return

    @staticmethod
    def _interrupt() -> None:
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        else:
            import _thread

            _thread.interrupt_main()


def no_network(hosts: set[str]) -> Callable[[str, tuple], None]:
    """An audit hook that remembers the hosts that Python code asked for, and refuses. Other programs do not hear of it."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            host = arguments[0]
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        else:
            return
        name = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
        if name not in LOCAL:
            hosts.add(re.sub(r"[^\w.:-]", "?", name)[:80])
            raise OSError(f"There is no network while a notebook is graded ({name}).")

    return hook


def die_with_parent() -> None:
    """On Linux the kernel ends this process with the one that started it; elsewhere the end of the line does."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def limit_files() -> None:
    """No file larger than that, and no core dumps. (Windows has no such limits.)"""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def private_line() -> Any:
    """The line to the grader, moved away from 0 and 1, which the learner's own code and its children get anew, empty."""
    from electra_helpers.classroom.wire import Line

    class UntilTheEnd(Line):
        def ended(self) -> None:
            os._exit(0)

    ours = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", encoding="utf-8"), open(2, "w", encoding="utf-8")  # noqa: SIM115
    return UntilTheEnd(*ours)


def main() -> None:
    """Serve the grader. The learner's folder is the last place where modules are looked for."""
    die_with_parent()
    line = private_line()
    limit_files()
    for name in ("HOME", "TMPDIR"):
        os.makedirs(os.environ.get(name, "."), exist_ok=True)
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    quiet = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    worker = Worker(line, InteractiveShell.instance(config=quiet))
    sys.addaudithook(no_network(worker.hosts))
    sys.path.append(os.getcwd())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    line.send({"ready": True})
    worker.serve()


if __name__ == "__main__":
    main()
