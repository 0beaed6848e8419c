"""JupyterLab on a free port, and a real browser that opens a notebook in it, runs it, and tells what it saw.

Nothing is downloaded: the browser is the system's Chromium; a request to any other machine is refused and written down.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route, TimeoutError, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "browser"

LOCAL = {"localhost", "127.0.0.1"}
# In ms; nothing takes 300 s but on a machine that is very busy.
PATIENCE = 1_000 * int(os.environ.get("BROWSER_PATIENCE", 300))
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-default-apps",
    # What no page asked for (a background service of the browser, a worker) finds no other machine either.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
SERVER_FLAGS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port_retries=0",
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
    "--LabApp.extension_manager=readonly",
    "--LabApp.news_url=None",
]
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, also below the fold
}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

IS_READY = """() => {
    const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
    return session?.isReady && session.session?.kernel?.status === 'idle';
}"""
RUN_ALL = """() => {
    window.allDone = false;
    jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.allDone = true; });
}"""
# A message may still be under way when the last cell is done: the model is read when the kernel says idle.
ALL_DONE = f"() => window.allDone && ({IS_READY})()"
READ = "() => jupyterapp.shell.currentWidget.context.model.toJSON()"
GROW = "() => Math.max(...[...document.querySelectorAll('.jp-WindowedPanel-outer')].map(e => e.scrollHeight))"


def find_chromium() -> str | None:
    """The system's Chromium or Chrome."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def private_folders(room: Path, theme: str) -> dict[str, str]:
    """Environment variables that keep the user's own Jupyter settings out, with ours written in their place."""
    settings = SETTINGS | {"apputils-extension/themes": {"theme": THEMES[theme]}}
    for name, values in settings.items():
        path = room / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    folders = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    for folder in folders.values():
        (room / folder).mkdir(parents=True, exist_ok=True)
    return {name: str(room / folder) for name, folder in folders.items()}


def wait_until_it_answers(url: str, process: subprocess.Popen, log: Path, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not answer within {seconds:.0f} s. Its last words:\n{log.read_text()[-2000:]}")


def stop_group(process: subprocess.Popen, patience: float = 15) -> None:
    """End the server and all that it started: asked kindly first, so that it ends its kernels."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, sign)
        try:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: where it answers, with which token, and its process (the leader of its group)."""

    url: str
    token: str
    process: subprocess.Popen


@contextmanager
def jupyterlab(folder: Path, room: Path, *, theme: str = "light") -> Iterator[Server]:
    """Serve `folder`; `room` takes settings and logs. Kernels run in the smoke profile, offline, on this checkout."""
    port, token = free_port(), secrets.token_hex(16)
    environment = os.environ | private_folders(room, theme)
    environment |= {"PYTHONPATH": str(ROOT), "ELECTRA_PROFILE": "smoke", "HF_HUB_OFFLINE": "1"}
    flags = [f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    command = [sys.executable, "-m", "jupyterlab", *SERVER_FLAGS, *flags]
    log = room / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
    url = f"http://localhost:{port}"
    try:
        wait_until_it_answers(f"{url}/api/status?token={token}", process, log)
        yield Server(url, token, process)
    finally:
        stop_group(process)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=BROWSER_FLAGS, timeout=PATIENCE)
        open_page = browser.new_page

        def new_page(**options) -> Page:
            page = open_page(**options)
            page.set_default_timeout(PATIENCE)
            return page

        browser.new_page = new_page
        yield browser
        browser.close()


def is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"data", "blob", "about"} or parts.hostname in LOCAL


class Lab:
    """One notebook, open in JupyterLab in a browser without a past."""

    def __init__(self, server: Server, browser: Browser, scale: float = 1):
        self.server = server
        self.foreign: list[str] = []  # addresses outside this machine that something in the page asked for
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=scale)
        self.page.route("**/*", self._guard)
        self.page.on("websocket", lambda socket: self._note(socket.url))

    def _note(self, url: str) -> bool:
        if not is_local(url):
            self.foreign.append(url)
        return is_local(url)

    def _guard(self, route: Route) -> None:
        if self._note(route.request.url):
            route.continue_()
        else:
            route.abort()

    def open(self, name: str, timeout: float = 300) -> None:
        """Open the notebook `name` (a path below the served folder) and wait until its kernel is ready."""
        self.page.goto(f"{self.server.url}/lab/tree/{name}?reset&token={self.server.token}")
        self.page.wait_for_function(IS_READY, timeout=timeout * 1000)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")

    def run_all(self, timeout: float = 900) -> list[dict]:
        """Run every cell as the menu does; returns the code cells with what they put out (nbformat's JSON)."""
        self.page.evaluate(RUN_ALL)
        try:
            self.page.wait_for_function(ALL_DONE, timeout=timeout * 1000)
        except TimeoutError as late:
            raise AssertionError(f"still running after {timeout:.0f} s: {complaints(self.code_cells(), [])}") from late
        return self.code_cells()

    def code_cells(self) -> list[dict]:
        return [cell for cell in self.page.evaluate(READ)["cells"] if cell["cell_type"] == "code"]

    def screenshot(self, name: str, tallest: int = 12_000) -> Path:
        """A picture of the whole notebook under build/browser/."""
        height = min(self.page.evaluate(GROW) + 150, tallest)
        self.page.set_viewport_size({"width": 1280, "height": height})
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path)
        return path


def text_of(cell: dict) -> str:
    """What a code cell left to read: its streams and its results as plain text, in order."""
    texts = []
    for output in cell["outputs"]:
        text = output.get("text", output.get("data", {}).get("text/plain", ""))
        texts.append(text if isinstance(text, str) else "".join(text))
    return "".join(texts).strip()


def complaints(cells: list[dict], foreign: list[str]) -> list[str]:
    """What should not be: cells that failed, cells that never ran, requests that wanted to leave this machine."""
    found = [f"asked for {url}" for url in foreign]
    for number, cell in enumerate(cells):
        source = "".join(cell["source"]).strip()
        found += [
            f"cell {number} ({source[:40]!r}) failed: {output['ename']}: {output['evalue']}"
            for output in cell["outputs"]
            if output["output_type"] == "error"
        ]
        if source and cell["execution_count"] is None:
            found.append(f"cell {number} ({source[:40]!r}) did not run")
    return found
