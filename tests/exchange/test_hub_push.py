"""`electra push` against a local stand-in for the hub: one commit with the model, its card, and nothing that is private to the run."""

import base64
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.averaging import average
from electra_helpers.exchange.hub_push import card_for, check_push, what_goes
from electra_helpers.exchange.store import load, write_bundle
from electra_helpers.resources import bundled_models
from electra_helpers.saved.card import MARK
from electra_helpers.tasks.finetuned import load_finetuned
from electra_helpers.tasks.finetuning import finetune

MODEL = "electra-tiny-world-en"
ROWS = [{"text": f"the {who} ate .", "label": who} for who in ("chef", "tailor")] * 4


class Hub(BaseHTTPRequestHandler):
    """The few addresses of the hub that an upload asks for; what was committed is kept in `server.committed`."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        if self.path == "/api/repos/create":
            self.server.made = json.loads(body)
            return self.answer({"url": f"{self.server.address}/ada/topic", "name": "ada/topic", "id": "ada/topic"})
        if self.path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            if self.server.refuses:
                return self.answer({"error": "You have read-only access."}, 403)
            files = json.loads(body)["files"]
            plain = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]
            return self.answer({"files": plain})
        lines = [json.loads(line) for line in body.splitlines()]
        self.server.messages += [line["value"]["summary"] for line in lines if line["key"] == "header"]
        files = [line["value"] for line in lines if line["key"] == "file"]
        self.server.committed |= {f["path"]: base64.b64decode(f["content"]) for f in files}
        return self.answer(
            {"commitUrl": f"{self.server.address}/ada/topic/commit/1", "commitOid": "1" * 40, "success": True}
        )

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.address, server.refuses = f"http://127.0.0.1:{server.server_address[1]}", False
    server.asked, server.committed, server.messages, server.made = [], {}, [], {}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def push(hub, *arguments):
    offline = {
        "HF_ENDPOINT": hub.address,
        "HF_TOKEN": "hf_secret",
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-m", "electra_helpers", "push", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | offline, timeout=120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    finetune("classification", MODEL, ROWS, folder=folder, steps=1, batch_size=8, device="cpu")
    (folder / "run.json").write_text('{"train": {"source": "/home/ada/secret/reviews.csv"}}')
    (folder / ".partial-x").write_text("half")
    return folder


def test_the_model_arrives_whole_with_its_card_in_one_commit(hub, folder, tmp_path):
    done = push(hub, folder, "--to", "ada/topic", "--message", "First try", "--private")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == f"{hub.address}/ada/topic"
    wanted = {
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "log.jsonl",
    }
    assert set(hub.committed) == wanted
    assert hub.messages == ["First try"]
    assert (hub.made["name"], hub.made["organization"], hub.made["visibility"]) == ("topic", "ada", "private")
    assert all(token == "Bearer hf_secret" for path, token in hub.asked if "validate" not in path)
    card = hub.committed["README.md"].decode()
    assert 'eh.load_finetuned("ada/topic")' in card
    assert "# topic" in card
    (tmp_path / "there").mkdir()
    for name, content in hub.committed.items():
        (tmp_path / "there" / name).write_bytes(content)
    said = [
        next(load_finetuned(each).predict(["the chef ate ."]))["probability"] for each in (folder, tmp_path / "there")
    ]
    assert said[0] == said[1]


def test_a_refusal_of_the_hub_is_one_line_and_says_what_to_check(hub, folder):
    hub.refuses = True
    done = push(hub, folder, "--to", "ada/topic")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "did not take" in done.stderr
    assert "hf auth login" in done.stderr
    assert hub.committed == {}


@pytest.mark.parametrize("name", ["topic", "ada/topic/v2", "ada topic", "/topic", "ada/"])
def test_a_name_that_no_repository_can_have_is_refused(folder, name):
    with pytest.raises(ElectraError, match="write OWNER/NAME"):
        check_push(folder, name)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ElectraError, match="is no model"):
        check_push(tmp_path, "ada/topic")
    with pytest.raises(ElectraError, match="There is no folder"):
        check_push(tmp_path / "gone", "ada/topic")


GOES = [
    "config.json",
    "dictionary.json",
    "log.jsonl",
    "model.onnx",
    "model.safetensors",
    "results.json",
    "target/vocab.txt",
]
GOES += ["tokenizer.json", "tokenizer_config.json", "vocab.txt"]
STAYS = [
    "run.json",
    "best.safetensors",
    "restarts.json",
    "checkpoints/3/model.safetensors",
    "seeds/0/log.jsonl",
    ".partial-a/b",
]
STAYS += [
    "tensorboard/first/events.out.tfevents.1.host.2.0",
    "wandb/run-1/files/config.yaml",
    "wandb/debug.log",
    "reviews.csv",
]
STAYS += ["target/notes.txt"]


def test_the_model_goes_and_nothing_that_tells_of_this_machine(tmp_path):
    for name in [*GOES, *STAYS]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert what_goes(tmp_path) == GOES


def test_a_folder_that_is_named_by_a_dot_has_its_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = check_push(".", "ada/topic")
    assert found.name == "first"
    assert 'eh.load_finetuned("ada/topic")' in card_for(found, "ada/topic")
    assert "# topic" in card_for(found, "ada/topic")
    assert load_finetuned(".").name == "first"
    monkeypatch.chdir(bundled_models()[MODEL])
    assert load(".").name == MODEL
    monkeypatch.chdir(bundled_models()[MODEL].parent)
    assert load(f"{MODEL}/../{MODEL}").name == MODEL


def test_a_persons_own_card_goes_as_it_is(tmp_path):
    (tmp_path / "README.md").write_text('# mine\n\neh.load("mine")\n')
    assert card_for(tmp_path, "ada/topic") == '# mine\n\neh.load("mine")\n'


def test_every_folder_that_is_written_has_a_card(tmp_path):
    run = bundled_models()[MODEL]
    for made in (write_bundle(run, tmp_path / "bundle"), average([run, run], tmp_path / "mean")):
        card = (made / "README.md").read_text("utf-8")
        assert MARK in card
        assert f"| width | {load(MODEL).net.config.hidden_size} |" in card
        assert "| read | world" in card
    assert "the mean of the weights of" in card
