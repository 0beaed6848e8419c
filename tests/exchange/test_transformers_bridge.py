"""To transformers and back: equal logits, tokenizer included, and clear words where no pair can be made."""

import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoTokenizer, ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import corrupt, gather_positions, mask_positions, sample_tokens, select_positions
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.exchange.transformers_bridge import download, export, load_transformers, partner_name
from electra_helpers.model.electra import Electra
from electra_helpers.saved.files import write_model
from electra_helpers.saved.pretrained import Pretrained, save_config
from electra_helpers.text.tokenizer import SPECIAL_TOKENS, Tokenizer
from electra_helpers.training.pretraining import pretrain

WORDS = ["the", "chef", "cook", "##ed", "meal", "好", ".", *(f"w{i}" for i in range(60))]
SHAPE = ModelConfig(
    embedding_size=16,
    hidden_size=32,
    num_layers=2,
    num_heads=4,
    intermediate_size=64,
    max_positions=24,
    initializer_range=0.3,
)
SHAPES = {
    "with projection": SHAPE,
    "without": replace(SHAPE, embedding_size=32),
    "no sharing": replace(SHAPE, sharing="none"),
}
SHAPES["disentangled"] = replace(SHAPE, sharing="disentangled")
SHAPES["a generator of one layer"] = replace(SHAPE, generator_layers=1)


@pytest.fixture
def tokenizer(tmp_path):
    folder = tmp_path / "vocabulary"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL_TOKENS, *WORDS]), "utf-8")
    return Tokenizer.load(folder)


def make(shape, tokenizer):
    ids = {name: getattr(tokenizer, name) for name in ("pad_id", "cls_id", "sep_id", "mask_id")}
    torch.manual_seed(0)
    net = Electra(replace(shape, vocab_size=tokenizer.vocab_size, **ids)).eval()
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.6)
    return Pretrained(net, tokenizer, "made")


def logits(net, ids):
    with torch.no_grad():
        return net.discriminator(ids), net.generator(ids)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_export_loads_in_transformers_with_equal_logits_and_tokens(shape, tokenizer, tmp_path):
    made = make(SHAPES[shape], tokenizer)
    folders = export(made, tmp_path / "out")
    assert [f.name for f in folders] == ["discriminator", "generator"]
    pieces = AutoTokenizer.from_pretrained(tmp_path / "out/discriminator")
    ids = pieces("The chef cooked 好.", return_tensors="pt").input_ids
    assert ids[0].tolist() == tokenizer.encode("The chef cooked 好.").ids
    judge = ElectraForPreTraining.from_pretrained(tmp_path / "out/discriminator").eval()
    maker = ElectraForMaskedLM.from_pretrained(tmp_path / "out/generator").eval()
    ours = logits(made.net, ids)
    with torch.no_grad():
        theirs = judge(ids).logits, maker(ids).logits
    for a, b in zip(ours, theirs, strict=True):
        assert b.abs().max() >= 0.5
        assert (a - b).abs().max() <= 1e-4 * b.abs().max()


@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_exported_loads_here_again(shape, tokenizer, tmp_path):
    made = make(SHAPES[shape], tokenizer)
    export(made, tmp_path / "out")
    back = load(tmp_path / "out")
    ids = torch.randint(5, tokenizer.vocab_size, (2, 11))
    for a, b in zip(logits(made.net, ids), logits(back.net, ids), strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    shared = back.net.generator.encoder.embeddings is back.net.discriminator.encoder.embeddings
    assert shared == (SHAPES[shape].sharing == "all"), "nets with equal embeddings share them again"
    assert back.net.config.generator_size == 0.25


def test_our_own_folder_loads_with_everything(tokenizer, tmp_path):
    made = make(SHAPE, tokenizer)
    made.tokenizer.save(tmp_path)
    save_config(tmp_path, made.net.config, PretrainConfig())
    write_model(made.net, tmp_path / "model.safetensors")
    back = load(tmp_path)
    assert not back.net.training
    assert back.net.config == made.net.config
    ids = torch.randint(5, tokenizer.vocab_size, (2, 11))
    assert all(torch.equal(a, b) for a, b in zip(logits(made.net, ids), logits(back.net, ids), strict=True))


@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_one_net_that_transformers_saved_loads_and_its_partner_is_missing(role, tokenizer, tmp_path):
    kind = ElectraForPreTraining if role == "discriminator" else ElectraForMaskedLM
    config = ElectraConfig(
        vocab_size=tokenizer.vocab_size,
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=20,
    )
    torch.manual_seed(0)
    model = kind(config).eval()
    model.save_pretrained(tmp_path / "saved")
    tokenizer.save(tmp_path / "saved")
    back = load_transformers(tmp_path / "saved")
    other = "generator" if role == "discriminator" else "discriminator"
    assert getattr(back.net, other) is None
    ids = torch.randint(5, tokenizer.vocab_size, (2, 11))
    with torch.no_grad():
        assert torch.allclose(getattr(back.net, role)(ids), model(ids).logits, atol=1e-5)


def transformers_pair(tokenizer, folder):
    """Two nets made and saved by transformers alone, without dropout."""
    shape = {
        "vocab_size": tokenizer.vocab_size,
        "embedding_size": 16,
        "num_hidden_layers": 2,
        "max_position_embeddings": 32,
    }
    shape |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": 0.3}
    torch.manual_seed(0)
    judge = ElectraForPreTraining(ElectraConfig(**shape, hidden_size=32, num_attention_heads=4, intermediate_size=64))
    maker = ElectraForMaskedLM(ElectraConfig(**shape, hidden_size=16, num_attention_heads=2, intermediate_size=32))
    maker.electra.embeddings.load_state_dict(judge.electra.embeddings.state_dict())
    for role, model in (("discriminator", judge), ("generator", maker)):
        model.save_pretrained(folder / role)
        tokenizer.save(folder / role)
    return judge.eval(), maker.eval()


def test_pretraining_goes_on_from_a_folder_of_transformers_at_its_loss(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    judge, maker = transformers_pair(tokenizer, tmp_path / "theirs")
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(f"the chef cook w{i % 60} meal w{i * 7 % 60} ." for i in range(300)), "utf-8")
    config = PretrainConfig(
        steps=1, batch_size=16, length=12, form="plain", log_every=1, eval_rows=8, validation_share=0.2
    )
    run = pretrain([str(text)], tmp_path / "run", config=config, init_from=tmp_path / "theirs")

    work = run.task.work(0, 0, 1)
    ids, picked = work.batch.input_ids, select_positions(work.batch.input_ids, (0, 2, 3, 4), noise=work.noise.select)
    masked = mask_positions(ids, picked, mask_id=tokenizer.mask_id, noise=work.noise.mask)
    with torch.no_grad():
        logits = gather_positions(maker(masked).logits, picked.positions)
        mlm = F.cross_entropy(logits[picked.is_valid], ids.gather(1, picked.positions)[picked.is_valid])
        changed = corrupt(ids, picked, sample_tokens(logits, noise=work.noise.sample))
        rtd = F.binary_cross_entropy_with_logits(judge(changed).logits, (changed != ids).float())
    assert run.last["mlm_loss"] == pytest.approx(float(mlm), rel=1e-4)
    assert run.last["rtd_loss"] == pytest.approx(float(rtd), rel=1e-4)


def test_two_nets_that_are_no_pair_are_refused(tokenizer, tmp_path):
    export(make(SHAPE, tokenizer), tmp_path / "a")
    export(make(replace(SHAPE, intermediate_size=96), tokenizer), tmp_path / "b")
    (tmp_path / "b/generator").rename(tmp_path / "a/odd")
    (tmp_path / "a/generator").rename(tmp_path / "a/old")
    (tmp_path / "a/odd").rename(tmp_path / "a/generator")
    with pytest.raises(ElectraError, match="no pair: the generator's intermediate_size is 24, 16 would fit"):
        load(tmp_path / "a")


def test_another_kind_of_model_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(ElectraError, match="is a gpt2 model: neither an ELECTRA nor an encoder of BERT's shape"):
        load(tmp_path)


def test_an_unreachable_hub_is_one_clear_line(monkeypatch):
    import huggingface_hub

    def unreachable(*_, **__):
        raise ConnectionError("a long story about sockets")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(
        ElectraError, match=r"'google/electra-small-discriminator' is neither a folder here nor to be had"
    ) as caught:
        load("google/electra-small-discriminator")
    assert "\n" not in str(caught.value)


def test_a_hub_name_is_downloaded_and_loaded(tokenizer, tmp_path, monkeypatch):
    import huggingface_hub

    export(make(SHAPE, tokenizer), tmp_path / "hub")
    asked = []

    def local(name, allow_patterns):
        asked.append(name)
        return str(tmp_path / "hub" / name.rsplit("-", 1)[1])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", local)
    found = load("somebody/electra-small-discriminator")
    assert asked == ["somebody/electra-small-discriminator", "somebody/electra-small-generator"]
    assert found.name == "somebody/electra-small-discriminator"
    assert found.net.discriminator is not None
    assert found.net.generator is not None, "the partner of the same name comes along"
    assert download("somebody/electra-small-generator").name == "generator"


def test_the_partner_of_a_hub_name():
    assert partner_name("google/electra-small-discriminator") == "google/electra-small-generator"
    assert partner_name("google/electra-base-generator") == "google/electra-base-discriminator"
    assert partner_name("bert-base-uncased") is None
