"""One folder for a room without network: wheels for this platform, notebooks, data, models, the site, an installer: `make offline-kit`.

python -m tests.kits.offline_kit build/offline-kit
"""

import json
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from electra_helpers.classroom.own_folder import begin_own_folder
from electra_helpers.errors import ElectraError
from tests.house import lock

ROOT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
ALONGSIDE = ("notebooks", "data")
INSTALL = '''"""Installs the course from this folder, without network: python install.py"""

import json
import pathlib
import subprocess
import sys
import sysconfig

here = pathlib.Path(__file__).resolve().parent
kit = json.loads((here / "kit.json").read_text("utf-8"))
mine = {"python": "%d.%d" % sys.version_info[:2], "platform": sysconfig.get_platform()}
if {name: kit[name] for name in mine} != mine:
    sys.exit(
        f"This kit is for Python {kit['python']} on {kit['platform']}; this is Python {mine['python']} on {mine['platform']}. "
        "Make one on such a machine: make offline-kit"
    )
folder = here / ".venv"
subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
wanted = [f"electra_helpers[lab]=={kit['version']}", "--no-index", "--find-links", str(here / "wheels")]
subprocess.run([str(programs / "python"), "-m", "pip", "--isolated", "install", "-q", *wanted], check=True)
print(f"Done. Start: {programs / 'jupyter'} lab {here / 'notebooks' / '00_welcome.ipynb'}")
'''


def build(out: Path) -> Path:
    """Make the kit anew in `out`: a new or empty folder, or an earlier kit, apart from the course.

    Raises `ElectraError` for any other folder, and `subprocess.CalledProcessError` where a wheel or the website cannot be had.
    """
    out = out.resolve()
    for folder in ("notebooks", "data", "electra_helpers", "tests"):
        begin_own_folder(out, "offline-kit", apart_from=ROOT / folder)
    wheels = out / "wheels"
    wheels.mkdir(parents=True)
    subprocess.run([*PIP, "wheel", "-q", "--no-deps", "-w", str(wheels), str(ROOT)], check=True)
    ours = next(wheels.glob("electra_helpers-*.whl"))
    pins = lock.read() | lock.read(lock.CUDA_LOCK)
    versions = out / "versions.txt"  # without hashes: pip would ask for that of our own wheel too
    versions.write_text("".join(f"{pin.requirement}\n" for pin in pins.values()), "utf-8")
    wanted = ["-c", str(versions), f"electra_helpers[lab] @ {ours.as_uri()}"]
    subprocess.run([*PIP, "wheel", "-q", "-w", str(wheels), *wanted], check=True)
    versions.unlink()
    for name in ALONGSIDE:
        shutil.copytree(ROOT / name, out / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in ("README.md", "LICENSE", "LICENSE-CONTENT"):
        shutil.copy(ROOT / name, out)
    subprocess.run([sys.executable, "-m", "electra_helpers.site", str(out / "site")], cwd=ROOT, check=True)
    kit = {
        "version": ours.name.split("-")[1],
        "python": ".".join(platform.python_version_tuple()[:2]),
        "platform": sysconfig.get_platform(),
    }
    (out / "kit.json").write_text(json.dumps(kit, indent=1) + "\n", "utf-8")
    (out / "install.py").write_text(INSTALL, "utf-8")
    return out


def main() -> None:
    try:
        out = build(Path(sys.argv[1] if len(sys.argv) > 1 else "build/offline-kit"))
    except ElectraError as error:
        sys.exit(f"error: {error}")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    print(f"{out}: {size:.0f} MB, {len(list(out.glob('wheels/*.whl')))} wheels. There: python install.py")


if __name__ == "__main__":
    main()
