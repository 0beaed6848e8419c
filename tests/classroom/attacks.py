"""What a submission tries on the grader and on other learners. An attack says by `won("…")` what it achieved, and nothing where it failed.

A notebook with attacks prints what was won from inside a wrong function, so that it stands in the message of the failed check.
"""

from __future__ import annotations

BEGIN = """
import ctypes, gc, glob, os, pathlib, signal, socket, subprocess, sys
WON = []
def won(what):
    WON.append(what)
def attack(function):
    try:
        function()
    except BaseException as error:
        pass
def word_ids(tokens):
    print("WON", *WON)
    return [0] * len(tokens)
"""

# On the system: these need the root of its own.
SYSTEM = {
    "remount": """
@attack
def _():
    for place in ("/", "/usr", "/tmp"):
        if subprocess.run(["mount", "-o", "remount,bind,rw", place], capture_output=True).returncode == 0:
            won("remount")
""",
    "nested namespaces": """
@attack
def _():
    for flags in ("-rm", "-U", "-m"):
        if subprocess.run(["unshare", flags, "true"], capture_output=True).returncode == 0:
            won("unshare")
""",
    "capabilities": """
@attack
def _():
    status = pathlib.Path("/proc/self/status").read_text()
    if int(status.split("CapEff:")[1].split()[0], 16) or int(status.split("CapBnd:")[1].split()[0], 16):
        won("capabilities")
""",
    "copies of others": """
@attack
def _():
    mine = pathlib.Path.cwd().resolve()
    for top in {"/tmp", str(mine.parents[2])}:
        for path in glob.glob(top + "/electra-grade-*/**/*.ipynb", recursive=True):
            if mine not in pathlib.Path(path).resolve().parents:
                won("others_copy")
                pathlib.Path(path).write_text("{}")
""",
    "a file of the teacher": """
@attack
def _():
    path = pathlib.Path(SECRET)
    if path.read_text():
        won("read_teacher")
@attack
def _():
    pathlib.Path(SECRET).write_text("changed")
    won("wrote_teacher")
""",
    "the package's files": """
@attack
def _():
    import electra_helpers
    path = pathlib.Path(electra_helpers.__file__).with_name("_changed_by_a_submission")
    path.write_text("")
    won("wrote_package")
    path.unlink()
""",
    "the teacher's home": """
@attack
def _():
    for name in (".ssh", ".bashrc", ".config", ".netrc", ".profile"):
        if os.path.exists(os.path.join(TEACHER_HOME, name)):
            won("teacher_home")
""",
    "other processes": """
@attack
def _():
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]
    if len(others) > 3:
        won("sees_processes")
@attack
def _():
    for process in (os.getppid(),):
        if process > 0:
            os.kill(process, 0)
            won("signals_parent")
""",
    "pipes of others": """
@attack
def _():
    for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
        line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        if int(pid) == os.getpid() or b"electra_helpers.classroom" not in line:
            continue
        for number in os.listdir(f"/proc/{pid}/fd"):
            try:
                pipe = os.open(f"/proc/{pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK)
                os.write(pipe, b'{"event": "result", "exercise": "01.4", "status": "passed", "message": ""}\\n')
                won("wrote_events")
            except OSError:
                pass
""",
    "shared memory": """
@attack
def _():
    if os.path.exists("/dev/shm/electra-attack"):
        won("shared_memory")
    pathlib.Path("/dev/shm/electra-attack").write_text("x")
""",
    "sockets in /run": """
@attack
def _():
    if os.path.isdir("/run") and os.listdir("/run"):
        won("run")
@attack
def _():
    for path in ("/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket"):
        line = socket.socket(socket.AF_UNIX)
        line.connect(path)
        won("socket")
""",
    "the network of other programs": """
@attack
def _():
    lines = pathlib.Path("/proc/net/dev").read_text().splitlines()
    if [line for line in lines[2:] if line.split(":")[0].strip() != "lo"]:
        won("network")
""",
    "becoming root": """
@attack
def _():
    os.setuid(0) if os.getuid() else None
    os.chown("/usr", 0, 0)
    won("root")
""",
    "a device": """
@attack
def _():
    for path in glob.glob("/dev/*"):
        if path not in {f"/dev/{n}" for n in ("null", "zero", "full", "random", "urandom", "shm", "fd")}:
            won("device")
""",
}

# On the checks, from inside of the learner's own process: these fail at every level.
ENGINE = {
    "another judge": """
import electra_helpers as eh
from electra_helpers.course import exercises
from electra_helpers.course.engine import grading
passed = lambda *a, **k: grading.Verdict("passed", "")
grading.judge = grading._verdict = grading._judge_function = passed
eh.check = grading.check = lambda number, value, **k: print(f"{number} · passed.") or value
""",
    "checks taken out": """
from electra_helpers.course import exercises
for exercise in exercises.every():
    object.__setattr__(exercise, "checks", ())
""",
    "other expectations": """
from electra_helpers.course.exercises import n01_text_to_batches
for tokens, right in n01_text_to_batches.WORD_CASES:
    right[:] = [0] * len(tokens)
""",
    "another torch": """
import torch
torch.equal = torch.allclose = lambda *a, **k: True
""",
    "strictness off": """
import os
os.environ["ELECTRA_STRICT"] = "0"
os.environ["NBGRADER_EXECUTION"] = ""
""",
    "forged answers": """
for each in gc.get_objects():
    if type(each).__name__ == "Worker":
        type(each).do_judge = lambda self, message: {"status": "passed", "message": ""}
        type(each).do_seal = lambda self, message: {"seal": "x"}
""",
    "a forged portfolio": """
import json, pathlib
entry = {"status": "passed", "attempts": 1, "name": "word_ids", "code": "def word_ids(tokens):\\n    return tokens"}
pathlib.Path("electra_portfolio.json").write_text(json.dumps({"version": 1, "exercises": {"01.4": entry}, "predictions": {}}))
""",
}
# Each ends its own notebook, one way or another: they need notebooks of their own.
ENDING = {
    "forged lines": """
import gc
for each in gc.get_objects():
    if type(each).__name__ == "Worker":
        each.line.outgoing.write(b'{"status": "passed", "message": ""}\\n' * 9)
        each.line.outgoing.flush()
""",
    "a line without end": """
import gc
for each in gc.get_objects():
    if type(each).__name__ == "Worker":
        each.line.outgoing.write(b'[' * 120_000_000)
        each.line.outgoing.flush()
""",
    "everything killed": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "many processes": "import os, time\nfor _ in range(400):\n    if os.fork() == 0:\n        time.sleep(60)",
    "a full disk": """
import os
for place in (".", "/tmp", "/dev/shm", os.environ["HOME"]):
    try:
        for number in range(100):
            with open(f"{place}/fill-{number}", "wb") as file:
                for _ in range(40):
                    file.write(b"x" * 2**22)
    except OSError:
        pass
""",
    "memory": "big = b'x' * (10 * 2**30)",
    "a daemon": """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.environ.clear()
        while True:
            time.sleep(1)
    os._exit(0)
""",
}
SHADOWS = (
    "nbformat",
    "nbclient",
    "random",
    "json",
    "electra_helpers",
    "IPython",
    "torch",
    "sitecustomize",
    "usercustomize",
)
SHADOW = """
import os, pathlib
print("01.3 · passed.\\n01.4 · passed.")
if "ELECTRA_GRADED" not in os.environ:
    pathlib.Path(__file__).with_name("ran_in_the_grader").touch()
"""


def all_of(attacks: dict[str, str], secret: object = "/etc/hostname", home: object = "/root") -> str:
    """One cell that carries out many attacks, one after the other."""
    return "\n".join([f"SECRET, TEACHER_HOME = {str(secret)!r}, {str(home)!r}", BEGIN, *attacks.values()])
