"""Four learners, one of whom attacks: the rows of the other three are the same as without it, and the attacker gains nothing."""

import dataclasses
import os
import shutil
import socket

import pytest

from electra_helpers.classroom import jail
from electra_helpers.classroom.grade import grade
from electra_helpers.classroom.watch import Limits
from tests.classroom.attacks import ENDING, ENGINE, SHADOW, SHADOWS, SYSTEM, all_of
from tests.classroom.handed_in import WORD_IDS, grades, hand_in, short_original, solved, why_not, with_first

LIMITS = Limits(seconds=90, cell_seconds=20, memory_gb=1.5, disk_bytes=100_000_000, processes=60)
ATTACKER = "Mallory"
WRONG = WORD_IDS.replace('last += not token.startswith("##")', "last += 1")
EXPECTED = {
    ("Ada", "01.3"): "passed",
    ("Ada", "01.4"): "passed",
    ("Bo", "01.3"): "passed",
    ("Bo", "01.4"): "failed",
    ("Zoe", "01.3"): "not attempted",
    ("Zoe", "01.4"): "not attempted",
}
pytestmark = grades
needs_namespaces = pytest.mark.skipif(
    bool(why_not()) or jail.isolation() != jail.FULL, reason="needs user namespaces or root, and mount"
)


@pytest.fixture
def three(original, room):
    """Three learners who do their own work; the attacker's name lies between theirs."""
    hand_in(room, "Ada", solved(original))
    hand_in(room, "Bo", solved(original, pack=f"# mine\n{PACKED}", word_ids=WRONG))
    hand_in(room, "Zoe", original)
    return room


PACKED = """
def pack(documents, length, cls_id=2, sep_id=3):
    flat = list(documents[0])
    for document in documents[1:]:
        flat.append(sep_id)
        flat.extend(document)
    rows = [flat[i : i + length - 2] for i in range(0, len(flat), length - 2)]
    return [[cls_id] + row + [sep_id] for row in rows if len(row) == length - 2]
"""


def no_isolation(monkeypatch):
    """An ordinary account on a system without namespaces; here, root would be refused or become nobody."""
    monkeypatch.setattr(jail, "isolation", lambda: jail.NONE)
    monkeypatch.setattr(jail, "as_nobody", lambda: {})


def others(made):
    return {(row.learner, row.exercise): row.status for row in made.rows if row.learner != ATTACKER}


def of_attacker(made):
    return {row.exercise: row for row in made.rows if row.learner == ATTACKER}


def with_attacks(original, attacks, secret, home):
    """A right answer to 01.3, a wrong one to 01.4, and the attacks before and between."""
    book = with_first(solved(original, word_ids=""), all_of(attacks, secret, home))
    stub = next(cell for cell in book.cells if "exercise-01.4" in cell.metadata.get("tags", []))
    stub.source = "word_ids = word_ids"
    return book


@pytest.mark.slow
@needs_namespaces
def test_at_full_isolation_nothing_is_reached_and_no_check_is_fooled(original, three, tmp_path):
    secret = tmp_path / "exam.txt"
    secret.write_text("the questions")
    (three / ATTACKER).mkdir()
    for name in SHADOWS:
        (three / ATTACKER / f"{name}.py").write_text(SHADOW)
    hand_in(three, ATTACKER, with_attacks(original, SYSTEM | ENGINE, secret, tmp_path.home()))
    assert len(SYSTEM | ENGINE) >= 12
    made = grade(three, tmp_path / "originals", limits=LIMITS, jobs=2)
    assert others(made) == EXPECTED
    mine = of_attacker(made)
    assert (mine["01.3"].status, mine["01.4"].status) == ("passed", "failed"), mine
    assert mine["01.4"].message.split("It printed:\n")[1] == "WON"
    assert secret.read_text() == "the questions"


@pytest.mark.slow
def test_without_isolation_the_checks_hold_all_the_same(original, three, tmp_path, monkeypatch):
    no_isolation(monkeypatch)
    (three / ATTACKER).mkdir()
    for name in SHADOWS:
        (three / ATTACKER / f"{name}.py").write_text(SHADOW)
    hand_in(three, ATTACKER, with_attacks(original, ENGINE, "", ""))
    made = grade(three, tmp_path / "originals", limits=LIMITS, jobs=2)
    assert others(made) == EXPECTED
    mine = of_attacker(made)
    assert (mine["01.3"].status, mine["01.4"].status) == ("passed", "failed"), mine
    assert not list(tmp_path.rglob("ran_in_the_grader"))


def test_a_learners_module_does_not_stand_before_the_librarys(original, room, tmp_path, monkeypatch):
    no_isolation(monkeypatch)
    (room / ATTACKER).mkdir()
    # Nothing has imported colorsys by then: who asks for it gets the first one on the path.
    (room / ATTACKER / "colorsys.py").write_text("import os\nos._exit(1)\n")
    (room / ATTACKER / "mine.py").write_text("ONE = 1\n")
    hand_in(
        room, ATTACKER, with_first(solved(original), "import colorsys, mine\nassert mine.ONE == colorsys.ONE_THIRD * 3")
    )
    made = grade(room, tmp_path / "originals", limits=LIMITS)
    assert {key: row.status for key, row in of_attacker(made).items()} == {"01.3": "passed", "01.4": "passed"}


@pytest.mark.slow
@needs_namespaces
def test_what_ends_a_notebook_ends_only_that_one(original, three, tmp_path):
    for number, (name, source) in enumerate(ENDING.items()):
        hand_in(three, f"Mallory {number} {name}", with_first(solved(original), source))
    made = grade(three, tmp_path / "originals", limits=dataclasses.replace(LIMITS, cell_seconds=8), jobs=2)
    kept = {key: status for key, status in others(made).items() if not key[0].startswith(ATTACKER)}
    assert kept == EXPECTED
    ended = {
        row.learner.split(" ", 2)[2]: row.status
        for row in made.rows
        if row.exercise == "01.3" and row.learner.startswith(ATTACKER)
    }
    assert ended.pop("many processes") in ("too many processes", "out of memory")  # whichever is seen first
    assert ended == {
        "forged lines": "crashed",
        "a line without end": "crashed",
        "everything killed": "passed",  # it sees no process but its own
        "a full disk": "passed",  # of its own small disk
        "memory": "out of memory",
        "a daemon": "passed",
    }
    assert not _left_behind()


def _left_behind():
    import psutil

    return [p for p in psutil.process_iter() if "electra_helpers.classroom.worker" in " ".join(_line_of(p))]


def _line_of(process):
    import psutil

    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Windows")
def test_a_root_that_cannot_become_nobody_is_refused(monkeypatch):
    monkeypatch.setattr(jail, "_works", lambda *_, **__: False)
    monkeypatch.setattr(jail, "as_nobody", lambda: {"user": jail.NOBODY})
    with pytest.raises(jail.ElectraError, match="You are root"):
        jail.isolation.__wrapped__()
    monkeypatch.setattr(jail, "as_nobody", lambda: {})
    assert jail.isolation.__wrapped__() == jail.NONE
    assert "can reach each other" in jail.SAID[jail.NONE]


@needs_namespaces
@pytest.mark.parametrize("is_root", [True, False], ids=["as root", "as a user"])
def test_both_ways_into_the_jail_work(tmp_path, monkeypatch, is_root):
    """Root mounts directly and becomes nobody; a user does it in a user namespace. Root can do both."""
    if is_root and not jail.as_nobody():
        pytest.skip("not root")
    if not is_root:
        monkeypatch.setattr(jail, "as_nobody", lambda: {})
    monkeypatch.setattr(jail.tempfile, "tempdir", None)
    probe = "import os, torch, electra_helpers; print(os.getuid(), os.listdir('.'))"
    room = tmp_path / "room"
    (room / "folder").mkdir(parents=True)
    (room / "folder" / "work.txt").write_text("mine")
    command = [*jail.jail(room, room / "folder", 1_000_000), jail.sys.executable, "-P", "-c", probe]
    done = jail.subprocess.run(command, capture_output=True, text=True, env=jail.paths(), cwd="/")
    assert done.stdout == f"{jail.NOBODY if is_root else 0} ['work.txt']\n", done.stderr


def test_the_command_of_a_container_shuts_it_in(tmp_path):
    room = tmp_path / "room"
    how = jail.Container("podman", "my-image")
    settings = {"HOME": str(room / "home"), "ELECTRA_STRICT": "1"}
    words = jail.container_command(how, room, room / "folder", settings, name="electra-x", limits=LIMITS)
    line = " ".join(words)
    assert words[:2] == ["podman", "run"]
    for part in (
        "--network none",
        "--read-only",
        "--memory 1.5g",
        "--pids-limit 60",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--name electra-x",
        "size=100000000",
        f"-v {room}:/given:ro",
        "-e HOME=/tmp/room/home",
        "my-image sh -c",
    ):
        assert part in line, part
    assert words[-2:] == ["/tmp/room", "/tmp/room/folder"]
    assert "--user 0" not in line


@pytest.mark.parametrize(
    ("program", "account", "expected"),
    [("podman", 1000, True), ("podman", 0, False), ("docker", 1000, False)],
)
def test_without_root_podman_keeps_the_account_that_may_read_the_copy(
    program, account, expected, tmp_path, monkeypatch
):
    """Documented in podman-run(1), --userns: else the account is root inside, and --user another one."""
    monkeypatch.setattr(os, "geteuid", lambda: account)
    monkeypatch.setattr(os, "getuid", lambda: account)
    how, room = jail.Container(program), tmp_path / "room"
    words = jail.container_command(how, room, room, {}, name="electra-x", limits=LIMITS)
    assert ("--userns keep-id" in " ".join(words)) == expected
    assert words[words.index("--user") + 1] == str(account or jail.NOBODY)


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("podman", "docker"))), reason="no podman and no docker")
def test_a_container_grades(original, three, tmp_path):
    program = next(filter(shutil.which, ("podman", "docker")))
    has = jail.subprocess.run([program, "image", "inspect", "electra-grade"], capture_output=True)
    if has.returncode:
        pytest.skip(f"no image electra-grade for {program}: build it as the README says")
    made = grade(three, tmp_path / "originals", limits=LIMITS, container=jail.Container(program))
    assert others(made) == EXPECTED


def test_the_originals_of_these_tests_have_two_exercises(tmp_path):
    assert len(short_original(tmp_path / "o").cells) == 5
