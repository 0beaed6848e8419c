"""An encoder of BERT's shape becomes an ELECTRA: all layers judge, the first ones propose, and a smaller vocabulary reads the same."""

import json
from dataclasses import replace

import pytest
import torch
import transformers
from transformers import ElectraForMaskedLM, ElectraForPreTraining

from electra_helpers.config import PretrainConfig
from electra_helpers.exchange.store import load
from electra_helpers.exchange.transformers_bridge import export
from electra_helpers.model.electra import Electra
from electra_helpers.model.fewer_pieces import keep_rows
from electra_helpers.model.reshape import begin
from electra_helpers.text.smaller_vocabulary import cut_vocabulary
from electra_helpers.text.tokenizer import tokenizer_from_words

WORDS = ["never", "the", "chef", "cook", "meal", ".", "a", "b", *(f"w{i}" for i in range(60))]
TEXT = [f"the chef cook w{i % 20} meal w{i * 7 % 20} ." for i in range(120)]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """The folder of a small BERT as transformers leaves it, with an MLM head that is not used."""
    folder, pieces = tmp_path_factory.mktemp("encoder") / "bert", tokenizer_from_words(WORDS)
    shape = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
    config = transformers.BertConfig(
        vocab_size=pieces.vocab_size, max_position_embeddings=24, initializer_range=0.3, **shape
    )
    torch.manual_seed(0)
    transformers.BertForMaskedLM(config).save_pretrained(folder)
    pieces.save(folder)
    return folder


@pytest.fixture
def text(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "text.txt").write_text("\n".join(TEXT), "utf-8")
    return tmp_path / "text.txt"


def outputs(folder, ids):
    with torch.no_grad():
        return transformers.BertModel.from_pretrained(folder).eval()(ids, output_hidden_states=True).hidden_states


def test_all_layers_judge_and_the_first_ones_propose(bert):
    start = load(bert)
    assert (start.net.config.generator_size, start.net.config.generator_layers) == (1.0, 1)  # a third of three
    net = begin(start.net, replace(start.net.config, generator_layers=2), PretrainConfig()).eval()
    ids = torch.randint(5, 60, (2, 9), generator=torch.Generator().manual_seed(0))
    wanted = outputs(bert, ids)
    with torch.no_grad():
        assert torch.allclose(net.discriminator.encoder(ids), wanted[3], atol=1e-5)
        assert torch.allclose(net.generator.encoder(ids), wanted[2], atol=1e-5)
    assert net.generator.encoder.embeddings is net.discriminator.encoder.embeddings
    assert net.generator.head.dense.weight.equal(torch.eye(32))


def test_a_smaller_vocabulary_reads_its_own_pieces_as_before(bert):
    start = load(bert)
    cut = cut_vocabulary(start.tokenizer, TEXT, 32)
    net = keep_rows(start.net, cut).eval()
    old, new = (pieces.encode(TEXT[3]).ids for pieces in (start.tokenizer, cut.tokenizer))
    assert old != new
    with torch.no_grad():
        assert torch.equal(net.encoder(torch.tensor([new])), start.net.encoder(torch.tensor([old])))
    assert net.config.mask_id == cut.tokenizer.mask_id


def test_the_rows_of_a_pair_are_cut_in_table_and_bias():
    pieces = tokenizer_from_words(WORDS)
    torch.manual_seed(0)
    net = Electra(load("electra-tiny-world-en").net.config)
    net = Electra(replace(net.config, vocab_size=pieces.vocab_size, sharing="none"))
    torch.nn.init.normal_(net.generator.head.bias)
    cut = cut_vocabulary(pieces, TEXT, 32)
    made = keep_rows(net, cut)
    for name, value in made.state_dict().items():
        of = ("generator.head.bias", "generator.encoder.embeddings.word.weight")
        by_piece = name in (*of, "discriminator.encoder.embeddings.word.weight")
        assert value.equal(net.state_dict()[name][cut.kept] if by_piece else net.state_dict()[name]), name


def test_the_command_makes_an_electra_of_it_that_transformers_loads_and_that_comes_back(bert, text, electra, tmp_path):
    run = tmp_path / "run"
    options = (
        "--steps",
        1,
        "--learning-rate",
        0,
        "--batch-size",
        4,
        "--length",
        12,
        "--form",
        "plain",
        "--eval-rows",
        4,
    )
    more = ("--generator-layers", 2, "--keep-vocabulary", 32, "--unigram-share", 0.3, "--validation-share", 0.2)
    code, _, said = electra("pretrain", "--corpus", text, "--init-from", bert, "--out", run, *options, *more)
    assert code == 0, said
    assert "32 of 73 pieces kept; they are 100.0% of the tokens" in said
    made = load(run)
    assert made.tokenizer.vocab_size == made.net.config.vocab_size == 32
    # At rate 0 the new head is as it started: the pieces' frequencies in the rows, each counted once more.
    bias, ids = made.net.generator.head.bias, made.tokenizer.encode("w1 b [MASK]").ids
    assert bias.exp().sum().item() == pytest.approx(1.0, abs=1e-4)
    assert bias[ids[1]] > bias[ids[2]] == bias[ids[3]] == bias.min()
    export(made, tmp_path / "out")
    judge = ElectraForPreTraining.from_pretrained(tmp_path / "out/discriminator").eval()
    maker = ElectraForMaskedLM.from_pretrained(tmp_path / "out/generator").eval()
    assert (judge.config.num_hidden_layers, maker.config.num_hidden_layers) == (3, 2)
    back, ids = load(tmp_path / "out"), torch.tensor([ids])
    with torch.no_grad():
        for net in (made.net, back.net):
            assert torch.allclose(net.discriminator(ids), judge(ids).logits, atol=1e-5)
            assert torch.allclose(net.generator(ids), maker(ids).logits, atol=1e-4)
    assert electra("pretrain", "--resume", "--out", run, "--length", 16)[0] == 2, "another length is another run"
    assert electra("pretrain", "--resume", "--out", run)[0] == 0


def test_what_cannot_be_is_said(bert, text, electra, tmp_path):
    for more, wanted in {
        ("--keep-vocabulary", 32): "keep_vocabulary 32 cuts the vocabulary of a model: name it by --init-from",
        ("--init-from", bert, "--keep-vocabulary", 7): "specials and single characters alone are 8",
        ("--init-from", bert, "--generator-layers", 4): "generator_layers is 4, the discriminator has 3",
    }.items():
        code, _, said = electra("pretrain", "--corpus", text, "--out", tmp_path / "run", "--length", 12, *more)
        assert (code, wanted in said) == (2, True), said
    config = json.loads((bert / "config.json").read_text())
    (tmp_path / "gpt2").mkdir()
    (tmp_path / "gpt2" / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}))
    code, _, said = electra("inspect", "The chef.", "--model", tmp_path / "gpt2")
    assert "is a gpt2 model: neither an ELECTRA nor an encoder of BERT's shape" in said
