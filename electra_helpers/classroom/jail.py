"""The command that runs a learner's process: cut off from the grader and from every other learner as far as this system can.

Fully cut off means a root of its own, made of what Python needs to run (read-only) and of the learner's copy (in memory, of limited
size); no network, no sight of other processes, no capability that could undo it. Where namespaces are refused, a container for each
notebook does the same (`Container`). Without either, learners' processes share an account and can reach each other: `SAID` says so.
"""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError

PACKAGE_HOME = Path(__file__).resolve().parents[2]
FULL, NONE = "full", "none"
SAID = {
    FULL: "each notebook alone: no network, no files but its own copy, no other processes",
    NONE: "there are no namespaces here, so learners can reach each other's copies and this account's files; --container separates them",
    "container": "each notebook in a container of its own",
}
NOBODY = 65534  # who a submission runs as, where the grader is root
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
SETTINGS = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "fonts",
    "localtime",
    "passwd",
    "group",
    "nsswitch.conf",
)
DROP = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
NAMESPACES = ("-m", "-n", "-p", "-i", "-f", "--kill-child")
# Arguments: a mount point, the room, where to begin, the room's size and owner, what to show read-only, --, setpriv's options and
# the command. The root lies one folder down and is entered by chroot: the kernel refuses new user namespaces to whoever sits in one.
SCRIPT = """
set -eu
base=$1 new=$1/in room=$2 folder=$3 size=$4 owner=$5; shift 5
mount --make-rprivate /
mount -t tmpfs -o mode=755 jail "$base"
mkdir -p "$new/proc" "$new/dev/shm" "$new/tmp"
while [ "$1" != -- ]; do
  mkdir -p "$new${1%/*}"
  if [ -L "$1" ]; then cp -P "$1" "$new$1"
  elif [ -d "$1" ]; then mkdir -p "$new$1"; mount --rbind "$1" "$new$1"
  else : > "$new$1"; mount --bind "$1" "$new$1"; fi
  shift
done; shift
mount -t proc proc "$new/proc"
for name in null zero full random urandom; do : > "$new/dev/$name"; mount --bind "/dev/$name" "$new/dev/$name"; done
ln -s /proc/self/fd "$new/dev/fd"
for place in /dev/shm /tmp; do mount -t tmpfs -o "mode=1777,size=$size,nr_inodes=50k" room "$new$place"; done
mkdir -p "$new$room"
mount -t tmpfs -o "mode=700,size=$size,nr_inodes=50k" room "$new$room"
cp -r "$room/." "$new$room"
chown -R "$owner:$owner" "$new$room"
for name in usr bin sbin lib lib64 nix gnu proc; do ln -s "in/$name" "$base/$name"; done
cd "$base"
pivot_root . .
umount -l .
cd /
while read -r _ _ _ _ place _; do
  place=$(printf '%b' "$place")
  case "$place" in /in/proc|/in/tmp|/in/dev/shm|"/in$room") continue ;;
    /in/dev/*) mount -o remount,bind,ro,nosuid "$place"; continue ;; esac
  mount -o remount,bind,ro,nosuid,nodev "$place" || mount -o remount,bind,ro,nosuid,nodev,noexec "$place"
done < /proc/self/mountinfo
exec chroot /in sh -c 'cd "$0"; exec setpriv "$@"' "$folder" "$@"
"""


@dataclass(frozen=True)
class Container:
    """One container a notebook: `podman` or `docker`, and an image that holds this version of the course."""

    program: str
    image: str = "electra-grade"


@cache
def isolation() -> str:
    """How far this system lets a submission be cut off: FULL or NONE. Raises `ElectraError` for a root that cannot drop to nobody."""
    with tempfile.TemporaryDirectory(prefix="electra-probe-", ignore_cleanup_errors=True) as made:
        room = Path(made) / "room"
        room.mkdir()
        if all(map(shutil.which, ("unshare", "setpriv", "mount"))):
            begin = [sys.executable, "-P", "-c", "import IPython, electra_helpers, os; open(os.devnull)"]
            if _works([*jail(room, room, 1_000_000), *begin]):
                return FULL
    if as_nobody() and not _works([sys.executable, "-P", "-c", "import IPython, electra_helpers"], **as_nobody()):
        raise ElectraError(
            f"You are root, and submissions would run as nobody, who cannot read {sys.prefix} or {PACKAGE_HOME}."
            " Grade as an ordinary user, or with --container."
        )
    return NONE


def _works(command: list[str], **options: Any) -> bool:
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, timeout=60, cwd="/", env=paths(), **options)
        return done.returncode == 0
    return False


def as_nobody() -> dict:
    """What `subprocess` needs to leave root behind; nothing where the grader is not root."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if is_root else {}


def hand_over(room: Path) -> None:
    """Give a learner's copy to nobody, where the grader is root; it is closed to everybody else."""
    room.chmod(0o700)
    if as_nobody():
        for path in [room, *room.rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def command_for(room: Path, folder: Path, *, disk_bytes: int, level: str) -> list[str]:
    """The command that runs a learner's process in `folder` of `room`."""
    worker = [sys.executable, "-P", "-m", "electra_helpers.classroom.worker"]
    if level == FULL:
        return [*jail(room, folder, disk_bytes), *worker]
    return ["setpriv", *DROP, *worker] if as_nobody() and shutil.which("setpriv") else worker


def jail(room: Path, folder: Path, disk_bytes: int) -> list[str]:
    """A root of its own around a command: what goes before that command."""
    base = room.with_name(f"{room.name}.root")
    base.mkdir(exist_ok=True)
    is_root = bool(as_nobody())
    owner = NOBODY if is_root else 0  # 0 is the grader's own account, in a user namespace
    leave = [f"--reuid={owner}", f"--regid={owner}", "--clear-groups"] if is_root else []
    namespaces = ["unshare", *([] if is_root else ["-r"]), *NAMESPACES]
    given = [str(base), str(room), str(folder), str(disk_bytes), str(owner), *map(str, readable()), "--", *leave, *DROP]
    return ["setpriv", "--pdeathsig", "KILL", *namespaces, "sh", "-c", SCRIPT, "jail", *given]


@cache
def readable() -> tuple[Path, ...]:
    """What a notebook needs to run, and nothing of the teacher's: Python, the package, its data, the system's libraries."""
    places = [*map(Path, SYSTEM), *(Path("/etc") / name for name in SETTINGS)]
    places += [PACKAGE_HOME / "electra_helpers", PACKAGE_HOME / "data", *_own_data()]
    homes = [sys.prefix, sys.base_prefix, sys.exec_prefix, *_site_folders(), Path(sys.executable).resolve().parents[1]]
    places += [*map(Path, homes), *(Path(home).resolve() for home in homes)]
    kept: list[Path] = []
    for place in sorted({path for path in places if path.exists() and path != Path("/")}):
        if not any(outer in place.parents and not outer.is_symlink() for outer in kept):
            kept.append(place)
    return tuple(kept)


def _own_data() -> list[Path]:
    return [Path(os.environ["ELECTRA_DATA"]).resolve()] if os.environ.get("ELECTRA_DATA") else []


def _site_folders() -> list[str]:
    named = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages()]
    return [folder for folder in named if folder in sys.path]


def paths() -> dict[str, str]:
    """The environment in which a program finds Python and this package, and nothing else of the grader's."""
    kept = ("LANG", "LC_ALL", "OMP_NUM_THREADS", "SYSTEMROOT", "LD_LIBRARY_PATH", "ELECTRA_DATA")
    system = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    found = {name: os.environ[name] for name in kept if name in os.environ} | {"PATH": system}
    return found | {"PYTHONPATH": os.pathsep.join([str(PACKAGE_HOME), *_site_folders()])}


def container_command(
    container: Container, room: Path, folder: Path, settings: dict[str, str], *, name: str, limits
) -> list[str]:
    """The command that runs a learner's process in a container of its own, with its copy in memory and nothing to write to."""
    inside = Path("/tmp/room")
    user = NOBODY if as_nobody() or not hasattr(os, "getuid") else os.getuid()
    where = inside / folder.relative_to(room)
    # Without root, podman makes the grader's account root inside, and every other number a stranger who cannot read the copy.
    is_mapped = container.program == "podman" and not as_nobody() and hasattr(os, "getuid")
    shown = {key: value.replace(str(room), str(inside)) for key, value in settings.items()}
    return [
        *(container.program, "run", "--rm", "-i", "--name", name, "--network", "none", "--read-only"),
        *("--memory", f"{limits.memory_gb:g}g", "--pids-limit", str(limits.processes), "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--user", str(user)),
        *(("--userns", "keep-id") if is_mapped else ()),
        *("--tmpfs", f"/tmp:exec,mode=1777,size={limits.disk_bytes}", "-v", f"{room}:/given:ro"),
        *(part for key, value in shown.items() for part in ("-e", f"{key}={value}")),
        *(
            container.image,
            "sh",
            "-c",
            'cp -r /given "$0" && cd "$1" && exec python -P -m electra_helpers.classroom.worker',
        ),
        *(str(inside), str(where)),
    ]
