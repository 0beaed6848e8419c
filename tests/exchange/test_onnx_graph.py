"""ONNX graphs give torch's probabilities, for every number of rows and tokens; what differs is not written."""

import copy
import hashlib
import json
import re

import numpy as np
import pytest
import torch

from electra_helpers.errors import ElectraError, ElectraWarning
from electra_helpers.exchange import onnx_graph, onnx_int8
from electra_helpers.exchange.onnx_graph import (
    Graph,
    check_graph,
    open_session,
    probabilities,
    random_inputs,
    write_onnx,
)
from electra_helpers.exchange.store import load
from electra_helpers.tasks.exporting import export
from electra_helpers.tasks.finetuning import finetune

MODEL = "electra-tiny-world-en"
TEXTS = ["the chef cooked a meal in the kitchen .", "the tailor ate ."]
QUICK = {"steps": 2, "batch_size": 8, "device": "cpu", "length": 32}
ROWS = [{"text": f"the {who} ate .", "label": who} for who in ("chef", "tailor", "guest")] * 4

needs_onnx = pytest.mark.skipif(
    any(__import__("importlib").util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="the extra onnx is not installed",
)


TRACED: dict[tuple[str, str], bytes] = {}


@pytest.fixture(autouse=True)
def traced_once(monkeypatch):
    """A net with the same weights is traced once in this file: that takes seconds, and many tests begin with it."""
    trace = onnx_graph.traced

    def traced_before(graph, path):
        weights = hashlib.sha256()
        for name, value in graph.state_dict().items():
            weights.update(name.encode() + value.numpy().tobytes())
        net = (f"{graph} {graph.in_segment_1}", weights.hexdigest())
        if net not in TRACED:
            TRACED[net] = trace(graph, path).read_bytes()
        path.write_bytes(TRACED[net])
        return path

    monkeypatch.setattr(onnx_graph, "traced", traced_before)


def run(folder, inputs):
    names = [i.name for i in open_session(folder / "model.onnx").get_inputs()]
    feed = {name: value.numpy() for name, value in zip(onnx_graph.INPUTS, inputs, strict=True) if name in names}
    return open_session(folder / "model.onnx").run(None, feed)


@needs_onnx
@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_a_net_of_pre_training_is_the_same_for_every_batch_and_length(tmp_path, role):
    net = getattr(load(MODEL).net, role)
    write_onnx(net, tmp_path)
    graph = Graph(net).eval()
    for rows, length in ((1, 2), (4, 31), (2, 192)):
        inputs = random_inputs(net.encoder.config, rows, length, seed=rows)
        with torch.no_grad():
            wanted = graph(*inputs).numpy()
        (found,) = run(tmp_path, inputs)
        real = inputs[1].numpy() > 0
        assert np.abs(probabilities(wanted, graph) - probabilities(found, graph))[real].max() < 1e-4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx"]
    assert b".py" not in (tmp_path / "model.onnx").read_bytes(), (
        "torch notes the files and lines that each operation came from"
    )


@needs_onnx
def test_a_fine_tuned_model_says_the_same_in_onnx_in_transformers_and_here(tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    made = finetune("classification", MODEL, ROWS, **QUICK)
    ours = np.array([list(said["probabilities"].values()) for said in made.predict(TEXTS)])
    for name, how, off in (("fp32", {}, 1e-4), ("int8", {"int8": True}, 0.03)):
        (folder,) = export(made, tmp_path / name, onnx=True, **how)
        tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
        (logits,) = run(folder, [tokens[each] for each in onnx_graph.INPUTS])
        assert np.abs(torch.tensor(logits).softmax(-1).numpy() - ours).max() < off
        assert json.loads((folder / "config.json").read_text("utf-8"))["id2label"]["0"] == "chef"
        assert "onnxruntime.InferenceSession" in (folder / "README.md").read_text("utf-8")
    sizes = [(tmp_path / name / "model.onnx").stat().st_size for name in ("fp32", "int8")]
    assert sizes[1] < 0.6 * sizes[0]
    (folder,) = export(made, tmp_path / "theirs")
    with torch.no_grad():
        theirs = AutoModelForSequenceClassification.from_pretrained(folder).eval()(**tokens).logits.softmax(-1)
    assert np.abs(theirs.numpy() - ours).max() < 1e-4


@pytest.fixture(scope="module")
def sure():
    """A classifier whose last layer makes every rounding error move its probabilities further."""
    made = finetune("classification", MODEL, ROWS, **QUICK)
    with torch.no_grad():
        made.net.head.out.weight.mul_(6)
    return made


@pytest.fixture(scope="module")
def with_outliers(sure):
    """The same with a neuron in every layer that is 50 for all tokens, which one scale for all neurons rounds the others by."""
    made = copy.deepcopy(sure)
    with torch.no_grad():
        for layer in made.net.encoder.layers:
            layer.up.weight[3], layer.up.bias[3] = 0, 50
            layer.down.weight[:, 3] = 0  # nothing reads it: what fp32 computes stays as it is
    return made


def traced(net, folder):
    return onnx_graph.traced(Graph(net).eval(), folder / "fp32.onnx")


def loaded(path):
    import onnx

    return onnx.load(path)


def exact_products(path):
    """The products of a graph that are in fp32, by part, and the number of those in eight bits."""
    model = loaded(path)
    exact = sorted(map(onnx_int8.part_of, onnx_int8.products_of(model)))
    return exact, sum(node.op_type == "MatMulInteger" for node in model.graph.node)


@needs_onnx
def test_products_that_eight_bits_harm_most_stay_in_fp32_until_the_graph_is_near_enough(tmp_path, with_outliers):
    with pytest.warns(ElectraWarning) as warned:
        (folder,) = export(with_outliers, tmp_path / "int8", onnx=True, int8=True)
    (said,) = {str(each.message) for each in warned if each.category is ElectraWarning}
    found = re.match(
        r"With all 10 products in eight bits a probability differs from torch's by (0\.\d+), over 0\.03: the 2 that change "
        r"the outputs most stay in fp32 \(2 down\), which leaves (0\.\d+)\. The file has (\S+) MB instead of (\S+)\.$",
        said,
    )
    assert found, said
    before, after, size, all_in_eight = map(float, found.groups())
    path = folder / "model.onnx"
    assert after <= 0.03 < before
    assert size == pytest.approx(path.stat().st_size / 1e6, rel=0.01)
    assert size > all_in_eight
    assert exact_products(path) == (["down", "down"], 8)
    graph = Graph(with_outliers.net).eval()
    assert check_graph(graph, path, 0.03, rounds=12) > 1e-3, "it is rounded, and near enough"
    assert check_graph(graph, onnx_int8.quantised(traced(with_outliers.net, tmp_path), tmp_path / "all"), 1) > 0.03
    assert "weights in eight bits, but for 2 of 10 products in fp32." in (folder / "README.md").read_text("utf-8")


@needs_onnx
def test_eight_bits_are_compared_on_more_batches_than_fp32(tmp_path, sure, monkeypatch):
    asked = []

    def recorded(config, rows, length, seed=0):
        asked.append((rows, length, seed))
        return random_inputs(config, rows, length, seed)

    monkeypatch.setattr(onnx_graph, "random_inputs", recorded)
    path, counts = traced(sure.net, tmp_path), []
    for rounds in (1, onnx_graph.INT8_ROUNDS):
        asked.clear()
        check_graph(Graph(sure.net).eval(), path, 1e-4, rounds=rounds)
        counts.append(len(set(asked)))
    assert counts == [3, 12], "each round has batches of its own"


@needs_onnx
def test_products_are_ranked_by_what_each_alone_changes_in_the_outputs(tmp_path, with_outliers):
    graph = Graph(with_outliers.net).eval()
    made, path = traced(with_outliers.net, tmp_path), tmp_path / "int8.onnx"
    ranked = onnx_int8.by_harm(made, onnx_graph.feeds(graph))
    names = [node.name for node in ranked]
    alone = [check_graph(graph, onnx_int8.quantised(made, path, [n for n in names if n != name]), 1) for name in names]
    assert [onnx_int8.part_of(node) for node in ranked[:2]] == ["down", "down"]
    assert min(alone[:2]) > max(alone[2:])


@needs_onnx
def test_a_product_of_every_form_stays_in_fp32_where_it_is_named(tmp_path, sure):
    made = traced(sure.net, tmp_path)
    products = onnx_int8.products_of(loaded(made))
    assert {node.op_type for node in products} == {"MatMul", "Gemm"}, "the head's are Gemm, which become others"
    path = onnx_int8.quantised(made, tmp_path / "int8.onnx", [node.name for node in products])
    assert len(exact_products(path)[0]) == len(products) == 10
    assert exact_products(path)[1] == 0
    assert "10 of 10 products in fp32" in onnx_int8.precision_of(path)


@needs_onnx
def test_where_no_product_in_eight_bits_is_near_enough_only_the_weights_are_in_them(tmp_path, sure, monkeypatch):
    monkeypatch.setattr(onnx_graph, "distance", lambda graph, path: 0.5)
    for name in ("fp32", "int8"):
        (tmp_path / name).mkdir()
    write_onnx(sure.net, tmp_path / "fp32")
    with pytest.warns(
        ElectraWarning,
        match=r"With all 10 products in eight bits a probability differs from torch's by 0\.5, over 0\.03, "
        r"and by 0\.5 with the 8 in fp32 that change the outputs most: only the weights are in eight bits",
    ):
        write_onnx(sure.net, tmp_path / "int8", int8=True)
    large, small = ((tmp_path / name / "model.onnx") for name in ("fp32", "int8"))
    assert small.stat().st_size < large.stat().st_size / 2
    kinds = {node.op_type for node in loaded(small).graph.node}
    assert "DequantizeLinear" in kinds
    assert "MatMulInteger" not in kinds
    assert onnx_int8.precision_of(small) == "weights in eight bits"
    assert check_graph(Graph(sure.net).eval(), small, 0.03) > 1e-4, "it is rounded, and near enough"


@needs_onnx
def test_the_command_writes_graphs_and_says_how_far_they_are_from_torch(tmp_path, electra):
    made = finetune("classification", MODEL, ROWS, **QUICK)
    made.save(tmp_path / "made")
    nets = {
        MODEL: {role: getattr(load(MODEL).net, role) for role in ("discriminator", "generator")},
        tmp_path / "made": {"out": made.net},
    }
    sizes = []
    for number, (model, more, least) in enumerate(
        ((MODEL, (), 1e-4), (tmp_path / "made", (), 1e-4), (tmp_path / "made", ("--int8",), 0.03))
    ):
        out = tmp_path / str(number) / "out"
        code, said, errors = electra("export", model, out, "--onnx", *more)
        assert code == 0, errors
        files = {file.parent.name: file for file in out.rglob("model.onnx")}
        assert files.keys() == nets[model].keys()
        for name, file in files.items():
            near = "within 0.03 of torch's probabilities on random tokens; compare texts of your own"
            near = near if more else "the same as torch, to 0.0001 of each probability"
            assert f"{file}: {near}" in " ".join(said.split())
            assert check_graph(Graph(nets[model][name]).eval(), file, least) >= 0
        sizes.append(sum(file.stat().st_size for file in files.values()))
    assert sizes[2] < sizes[1] / 2


@needs_onnx
def test_a_net_that_eight_bits_change_too_much_is_refused_in_one_line_and_nothing_is_left(tmp_path, electra):
    code, _, errors = electra("export", MODEL, tmp_path / "out", "--onnx", "--int8")
    assert code == 2
    assert "only the weights are in eight bits" in errors
    assert "differs from torch by 0.0" in errors
    assert "Leave --int8 out." in errors
    assert not list(tmp_path.rglob("*.onnx"))


@needs_onnx
def test_answers_have_a_graph_with_starts_and_ends(tmp_path):
    answers = {"text": ["the chef"], "answer_start": [0]}
    rows = [{"id": "1", "context": "the chef ate .", "question": "who ate ?", "answers": answers}] * 8
    made = finetune("question-answering", MODEL, rows, **QUICK)
    (folder,) = export(made, tmp_path / "out", onnx=True)
    names = [output.name for output in open_session(folder / "model.onnx").get_outputs()]
    assert names == ["start_logits", "end_logits"]


@needs_onnx
def test_tags_in_the_papers_form_are_read_as_segment_1(tmp_path):
    rows = [
        {"tokens": ["the", "chef", "ate"], "tags": ["O", "B-PER", "O"]},
        {"tokens": ["it", "ate"], "tags": ["O", "O"]},
    ] * 4
    made = finetune("tagging", MODEL, rows, head="paper", **QUICK)
    (folder,) = export(made, tmp_path / "out", onnx=True)
    inputs = random_inputs(made.net.encoder.config, 2, 9)
    one, other = (run(folder, [*inputs[:2], torch.full_like(inputs[2], kind)])[0] for kind in (0, 1))
    assert np.array_equal(one, other)


@needs_onnx
def test_a_graph_that_says_something_else_is_not_written(tmp_path, monkeypatch):
    net = load(MODEL).net.discriminator
    monkeypatch.setattr(onnx_graph, "check_graph", lambda graph, path, *_, **__: check_graph(graph, path, -1.0))
    with pytest.raises(ElectraError, match="differs from torch"):
        write_onnx(net, tmp_path)
    assert list(tmp_path.iterdir()) == []


@needs_onnx
@pytest.mark.parametrize("which", ["the graph", "torch"])
def test_a_graph_that_gives_nan_is_not_written(which, tmp_path, monkeypatch):
    net = load(MODEL).net.discriminator
    if which == "torch":
        with torch.no_grad():
            net.head.dense.bias[3] = float("nan")
    else:
        opened = onnx_graph.open_session

        class Session:
            def __init__(self, path):
                self.inside = opened(path)

            def run(self, names, feed):
                return [np.full_like(found, np.nan) for found in self.inside.run(names, feed)]

        monkeypatch.setattr(onnx_graph, "open_session", Session)
    with pytest.raises(ElectraError, match="not finite"):
        write_onnx(net, tmp_path)
    assert list(tmp_path.iterdir()) == []


@needs_onnx
def test_what_writes_texts_is_refused(tmp_path):
    pairs = [{"source": "the chef ate", "target": "le chef"}, {"source": "it ate", "target": "il"}] * 4
    made = finetune("translation", MODEL, pairs, target_vocab=64, **QUICK)
    with pytest.raises(ElectraError, match="TextDecoder is no single graph"):
        export(made, tmp_path / "out", onnx=True)
    assert not (tmp_path / "out").exists()


def test_missing_packages_are_named_with_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ElectraError, match=r"onnx is not installed. .* pip install onnx onnxscript onnxruntime"):
        write_onnx(load(MODEL).net.discriminator, tmp_path)


def test_int8_without_onnx_is_refused(tmp_path):
    with pytest.raises(ElectraError, match="int8 is for ONNX"):
        export(MODEL, tmp_path / "out", int8=True)
