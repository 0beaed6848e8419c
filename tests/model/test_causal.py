"""GPT's objective as a configuration: what a causal net sees, what it is asked, and what becomes of it later."""

import math
from dataclasses import replace

import pytest
import torch

from electra_helpers.config import FinetuneConfig, ModelConfig, PretrainConfig
from electra_helpers.corruption import draw_noise
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.onnx_graph import check_packages, write_onnx
from electra_helpers.exchange.store import load
from electra_helpers.exchange.transformers_bridge import export, to_transformers
from electra_helpers.exchange.transformers_heads import finetuned_to_transformers
from electra_helpers.model.heads import FinetunedNet, TextHead, TokenHead, encoder_to_finetune
from electra_helpers.model.variants import build_network
from electra_helpers.options import check_pretrain
from electra_helpers.saved.files import write_model
from electra_helpers.saved.pretrained import Pretrained, save_config
from electra_helpers.speed import flops_per_token
from electra_helpers.tasks.finetuned import load_finetuned
from electra_helpers.tasks.finetuning import finetune
from electra_helpers.text.packing import Batch
from tests.training.seeds import SHAPE, start_with

V, SEP = 53, 3
CONFIG = ModelConfig(
    vocab_size=V,
    embedding_size=16,
    hidden_size=24,
    num_layers=2,
    num_heads=3,
    intermediate_size=40,
    max_positions=20,
    dropout=0.0,
    attention_dropout=0.0,
    initializer_range=0.3,
    cls_id=2,
    sep_id=SEP,
    mask_id=4,
)
CLM = PretrainConfig(objective="clm")
FIVE = torch.tensor([[2, 11, 7, 40, SEP]])  # [CLS], three words, [SEP]


def make():
    torch.manual_seed(0)
    return build_network(CONFIG, CLM).eval()


def loss_of(net, batch):
    noise = draw_noise(*batch.input_ids.shape, torch.Generator().manual_seed(0))
    return net(batch, noise, CLM).losses["clm"]


@torch.no_grad()
def by_prefixes(net, ids):
    """−log p of each next token by the chain rule alone: for every prefix a pass that has seen nothing else."""
    found = []
    for end in range(1, len(ids)):
        last = net.language_model(ids[None, :end])[0, -1].double()
        found.append(float(torch.logsumexp(last, 0) - last[ids[end]]))
    return found


def test_the_loss_of_five_tokens_is_the_sum_over_the_four_that_have_something_before_them():
    net = make()
    by_hand = by_prefixes(net, FIVE[0])
    loss = loss_of(net, Batch(FIVE))
    assert len(by_hand) == 4 == int(loss.count)
    assert float(loss.total.detach()) == pytest.approx(sum(by_hand), rel=1e-5)
    assert max(by_hand) > 1.2 * min(by_hand), "else a shifted target would cost the same"


def test_a_net_that_knows_nothing_pays_the_logarithm_of_the_vocabulary_for_each():
    net = make()
    with torch.no_grad():
        net.language_model.encoder.embeddings.word.weight.zero_()  # the output matrix too: all logits are alike
    assert float(loss_of(net, Batch(FIVE)).total.detach()) == pytest.approx(4 * math.log(V), rel=1e-6)


def test_padding_is_no_target_and_changes_none():
    net = make()
    ids = torch.zeros(2, 9, dtype=torch.long)
    ids[0, :5], ids[1] = FIVE[0], torch.tensor([2, 5, 6, 7, 8, 9, 10, 11, SEP])
    loss = loss_of(net, Batch(ids, None, ids != 0))
    assert int(loss.count) == 4 + 8
    alone = loss_of(net, Batch(ids[:1, :5])).total + loss_of(net, Batch(ids[1:])).total
    assert torch.allclose(loss.total, alone, rtol=1e-5)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("mode", ["eval", "train"])  # in training with dropout another path computes attention
def test_no_logit_knows_a_later_token(padded, mode):
    net = make()
    net.train(mode == "train")
    for part in net.modules():
        if hasattr(part, "num_heads"):
            part.dropout = 1e-9 if mode == "train" else 0.0
    ids = torch.randint(5, V, (3, 11), generator=torch.Generator().manual_seed(1))
    real = torch.arange(11) < torch.tensor([[11], [9], [7]]) if padded else None
    with torch.no_grad():
        before = net.language_model(ids, None, real)
        for place in range(1, 7):
            changed = ids.clone()
            changed[:, place] = ids[:, place] % 40 + 6
            moved = (net.language_model(changed, None, real) - before).abs().amax(-1) > 1e-6  # (B, L)
            assert not moved[:, :place].any(), f"token {place} shows before its turn"
            assert moved[:, place:7].all(), "what comes after it has read it"


def test_every_other_objective_looks_to_both_sides():
    for objective in ("rtd", "mlm"):
        net = build_network(replace(CONFIG, causal=True), PretrainConfig(objective=objective)).eval()
        net = net.discriminator or net.generator
        changed = FIVE.clone()
        changed[0, 3] = 9
        assert (net(FIVE) - net(changed))[0, 0].abs().max() > 1e-6


@pytest.mark.parametrize("form", ["transformers", "paper"])
def test_a_causal_classifier_reads_the_last_real_token(form):
    torch.manual_seed(0)
    head = TextHead(replace(CONFIG, causal=True), 3, form).eval()
    hidden, real = torch.randn(2, 6, 24), torch.arange(6) < torch.tensor([[6], [4]])
    for row, last in ((0, 5), (1, 3)):
        only = torch.zeros_like(hidden)
        only[row, last] = hidden[row, last]
        assert torch.allclose(head(hidden, real)[row], head(only, real)[row])
    assert torch.allclose(head(hidden), head(hidden, torch.ones(2, 6, dtype=torch.bool)))
    both = TextHead(CONFIG, 3, form).eval()
    assert torch.allclose(both(hidden, real), both(hidden[:, :1]))


@pytest.fixture(scope="module")
def start():
    pair = start_with(SHAPE)
    torch.manual_seed(0)
    return Pretrained(build_network(pair.net.config, CLM).eval(), pair.tokenizer, "made")


ROWS = [{"text": "the chef cook meal .", "label": "a"}, {"text": "the meal .", "label": "b"}] * 4


def test_fine_tuning_keeps_the_mask_and_so_does_the_saved_model(start, tmp_path):
    assert encoder_to_finetune(start.net, 0.0).config.causal
    assert encoder_to_finetune(start.net, 0.0, scratch=True).config.causal
    made = finetune("classification", start, ROWS, config=FinetuneConfig(steps=20, batch_size=4, device="cpu"))
    back = load_finetuned(made.save(tmp_path / "made"))
    for each in (made, back):
        ids = torch.tensor([each.tokenizer.encode("the chef cook meal").ids])
        changed = ids.clone()
        changed[0, 3] = each.tokenizer.encode("w7").ids[1]
        with torch.no_grad():
            moved = (each.net.encoder(ids) - each.net.encoder(changed)).abs().amax(-1)[0] > 1e-6
        assert moved.tolist() == [False] * 3 + [True] * 3
    said, again = (next(m.predict(["the meal ."]))["probabilities"] for m in (made, back))
    assert said == pytest.approx(again, abs=1e-5)


def test_it_is_stored_and_exported_with_its_mask(start, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    start.tokenizer.save(folder)
    save_config(folder, start.net.config, CLM)
    write_model(start.net, folder / "model.safetensors")
    (out,) = export(start, tmp_path / "theirs")
    theirs = __import__("transformers").AutoModelForCausalLM.from_pretrained(out).eval()
    ids = torch.randint(5, 60, (2, 9), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = start.net.language_model(ids)
        assert torch.allclose(theirs(ids).logits, ours, atol=1e-4)
        for path in (folder, out, out.parent):
            back = load(path).net
            assert back.config.causal
            assert torch.allclose(back.language_model(ids), ours, atol=1e-4)


def test_heads_on_a_causal_net_are_exported_faithfully_or_refused(start, tmp_path):
    torch.manual_seed(0)
    encoder = encoder_to_finetune(start.net, 0.0).eval()
    ids = torch.randint(5, 60, (2, 9), generator=torch.Generator().manual_seed(0))
    tagger = FinetunedNet(encoder, TokenHead(encoder.config, 3)).eval()
    with torch.no_grad():
        assert torch.allclose(finetuned_to_transformers(tagger)(ids).logits, tagger(Batch(ids)), atol=1e-4)
    classifier = FinetunedNet(encoder, TextHead(encoder.config, 3)).eval()
    with pytest.raises(ElectraError, match="reads the first: export with --onnx") as caught:
        finetuned_to_transformers(classifier)
    assert "\n" not in str(caught.value)
    try:
        check_packages()
    except ElectraError as error:
        pytest.skip(str(error))
    assert write_onnx(classifier, tmp_path).is_file()  # compared with torch when it is written, padded rows too


def test_there_is_no_generator_to_fill_blanks_with(start):
    assert start.net.generator is None
    with pytest.raises(ElectraError, match="no discriminator"):
        to_transformers(start.net, "discriminator")


def test_what_it_has_no_use_for_is_refused():
    with pytest.raises(ElectraError, match="has no fakes"):
        PretrainConfig(objective="clm", fakes="uniform")
    for option in ("mask_share", "keep_share", "rtd_weight", "generator_size"):
        with pytest.raises(ElectraError, match="does nothing with --objective clm"):
            check_pretrain({"objective": "clm", option: 0.5}, ["world"])


def test_operations_grow_by_the_vocabulary_at_every_token():
    mlm, clm = (flops_per_token(CONFIG, 20, 0.15, objective) for objective in ("mlm", "clm"))
    assert clm - mlm == pytest.approx(0.85 * 6 * (24 * 16 + 16 * V))
