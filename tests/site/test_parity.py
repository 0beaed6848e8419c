"""The page's tokenizer and networks give Python's ids and numbers: equal ids, probabilities within 1e-4."""

import base64

import pytest
import torch

from electra_helpers.exchange.store import load
from electra_helpers.site import engine
from electra_helpers.site.models import models_for_pages
from electra_helpers.tasks.proposals import generator_logits, judge_edited
from tests.site.javascript import IN_NODE, NODE, in_node, model_data, source
from tests.site.texts import texts

pytestmark = pytest.mark.skipif(NODE is None, reason="no node on this machine")
CLOSE = 1e-4  # of a probability


EVERY = [pytest.param(6, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)]  # which texts the networks read


@pytest.fixture(scope="module", params=models_for_pages())
def model(request):
    return load(request.param)


@pytest.fixture(scope="module", params=EVERY)
def found(request, model, tmp_path_factory):
    """What JavaScript says of each of 300 texts."""
    given = model_data(model.name) | {"texts": texts(), "every": request.param}
    return in_node(source() + IN_NODE, given, tmp_path_factory.mktemp("node"))


def test_every_text_has_pythons_ids_and_words(model, found):
    most = min(512, model.net.config.max_positions)
    for text, here in zip(texts(), found, strict=True):
        whole = model.tokenizer.encode(text)
        there = model.tokenizer.encode(text, max_length=most)
        assert here["ids"] == there.ids, text
        assert here["words"] == there.word_ids, text
        assert here["cut"] == len(whole.ids) - len(there.ids), text


def test_probabilities_are_pythons(model, found):
    worst = 0.0
    for here in judged(found):
        p = judge_edited(model, here["ids"], {})
        worst = max(worst, max(abs(a - b) for a, b in zip(p, here["p"], strict=True)))
    assert worst < CLOSE


def test_the_generators_proposals_are_pythons(model, found):
    for here in judged(found):
        logits = generator_logits(model, here["ids"], [here["position"]], [here["position"]])[0]
        p = torch.softmax(logits, -1)
        for token_id, probability in here["best"]:
            assert abs(float(p[token_id]) - probability) < CLOSE
        assert abs(float(p.topk(8).values.sum()) - sum(pair[1] for pair in here["best"])) < CLOSE


def judged(found):
    return [here for here in found if "p" in here]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 257])
def test_the_page_reads_base_85_as_python_writes_it(count, tmp_path):
    wanted = bytes(range(256)) + b"\xff\xff\xff\xff"
    given = base64.b85encode(wanted[-count:] if count else b"").decode("ascii")
    read = 'console.log(JSON.stringify([...fromBase85(require("fs").readFileSync(0, "utf-8").slice(1, -1))]));'
    network = (engine.HERE / "network.js").read_text("utf-8")
    assert bytes(in_node(network + read, given, tmp_path)) == (wanted[-count:] if count else b"")
