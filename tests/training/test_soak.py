"""Memory stays flat: over many steps, over a streamed corpus of any size, over many clicks in the explorer.

The quick forms run with every test; `pytest -m slow -s tests/training/test_soak.py` runs the long ones and prints what they measured.
"""

import gc
import json
import random
import sys
from pathlib import Path

import pytest

import electra_helpers as eh
from electra_helpers.reading.corpora import open_corpus
from electra_helpers.text.streaming import StreamedRun
from electra_helpers.text.vocabulary import train_tokenizer
from electra_helpers.training.callbacks import JsonLog
from electra_helpers.training.checkpoint import Checkpoints
from electra_helpers.training.loop import Callback, train
from tests.view.models import small_pair

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads anonymous memory from /proc")
MB = 1e6
STREAMS = 400 * MB  # the most that a tokenizer and what is read ahead in 16 streams may take
SLACK = 12 * MB  # what the allocator moves about in runs of any length
BLOCKS = 20 * MB  # by how much what is read ahead in 16 streams comes and goes


def anonymous() -> float:
    """Bytes of this process that belong to no file."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def told(what: str, begun: float, ended: float, slack: float = SLACK) -> None:
    print(f"\n{what}: {begun / MB:.1f} MB → {ended / MB:.1f} MB ({(ended - begun) / MB:+.2f} MB)")
    assert ended - begun < slack, what


class Watch(Callback):
    """Notes the memory after a tenth of the steps and at the end."""

    def __init__(self, steps):
        self.at, self.found = {steps // 10, steps}, []

    def on_step(self, run):
        if run.step in self.at:
            self.found.append(anonymous())


@pytest.mark.parametrize("steps", [300, pytest.param(20_000, marks=pytest.mark.slow)])
def test_memory_is_flat_over_many_steps(make_task, tmp_path, steps):
    task, config = make_task(steps=steps, batch_size=4, save_every=max(steps // 40, 1), eval_every=max(steps // 20, 1))
    watch = Watch(steps)
    store = Checkpoints(tmp_path / "checkpoints", keep=2, publish=tmp_path / "model.safetensors")
    train(task, config, callbacks=[watch, JsonLog(tmp_path / "log.jsonl")], checkpoints=store)
    told(f"{steps:,} steps", *watch.found)


@pytest.fixture
def shards(tmp_path):
    """Write shards of so many megabytes together; the same words again and again in another order."""

    def write(megabytes, number=16):
        draw = random.Random(0)
        words = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 9))) for _ in range(3_000)]
        folder = tmp_path / "shards"
        folder.mkdir()
        for shard in range(number):
            with (folder / f"{shard:02}.jsonl").open("w") as file:
                for _ in range(int(megabytes * MB / number / 3_000)):
                    file.write(json.dumps({"text": " ".join(draw.choices(words, k=470))}) + "\n")
        return folder

    return write


@pytest.mark.parametrize("megabytes", [6, pytest.param(400, marks=pytest.mark.slow)])
def test_a_stream_of_any_size_takes_the_same_memory(shards, tmp_path, monkeypatch, megabytes):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    corpus = open_corpus(shards(megabytes))
    before = anonymous()  # other tests have left much in this process
    run = StreamedRun(corpus, train_tokenizer(list(first(corpus, 300)), 2_000), 128, batch_size=128)
    # Bytes → rows: about three bytes a token here. The tenth is behind the first blocks of all streams.
    steps = int(megabytes * MB / 3 / 128 / 128 * 0.9)
    # What is read ahead comes and goes: the most that was held in the second third of the steps, and in the last.
    found = [0.0, 0.0, 0.0]
    for step in range(steps):
        run.of_step(step, slice(0, 128), size=128, seed=0)
        third = 3 * step // steps
        if step % 10 == 0:
            found[third] = max(found[third], anonymous())
    print(f"{(found[-1] - before) / MB:.0f} MB for the streams")
    told(f"{megabytes} MB streamed, {len(run.streams)} streams", *found[1:], slack=BLOCKS)
    assert found[-1] - before < STREAMS


def first(items, number):
    return [item for item, _ in zip(items, range(number), strict=False)]


@pytest.mark.parametrize("clicks", [200, pytest.param(2_000, marks=pytest.mark.slow)])
def test_memory_is_flat_over_many_clicks(clicks):
    draw = random.Random(0)
    explorer = eh.explore(small_pair(), "The chef cooked the unlikely meal today .")
    texts = [f"The chef cooked meal {n} ." for n in range(clicks)]  # each read once: nothing of them may stay
    acts = {
        "press": lambda: [draw.randrange(1, 6)],
        "sample": list,
        "corrupt": list,
        "step": list,
        "set_temperature": lambda: [draw.uniform(0.2, 2)],
        "undo": list,
        "redo": list,
        "set_text": lambda: [draw.choice(texts)],
    }
    found = []
    for click in range(clicks):
        name = draw.choice([*acts])
        explorer._receive(None, {"do": name, "with": acts[name]()}, [])
        assert explorer.view["answer"] == click + 2
        if click in (clicks // 4, clicks - 1):
            found.append(anonymous())
    told(f"{clicks:,} clicks in the explorer", *found)
