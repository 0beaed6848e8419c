"""The peers that the package is timed beside take the same step on the same rows, and only real tokens count."""

import json

import pytest
import torch

from electra_helpers.model.variants import build_network
from electra_helpers.text.packing import Batch
from tests.benchmarks import contenders, paragraphs, sources, speed

ARTICLES = [
    "A boat lay in the harbour. Nobody knew whose it was.\n\nIt had no name and no sail, and it had been there for years.",
    "The baker opened at six.\nBread was gone by eight.\nOn Sundays he slept.",
] * 150
NAMES = ("ours", "expert", "expert_gathered", "usual")


@pytest.fixture
def text(tmp_path):
    """A folder with articles and a vocabulary, as paragraphs.py makes it."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"text": f"{a} {i}"}) + "\n" for i, a in enumerate(ARTICLES)))
    sources.prepare(tmp_path / "prepared", str(corpus), 1.0, 120)
    return tmp_path / "prepared"


def test_padding_counts_nothing():
    tally = sources.Tally()
    ids, mask = torch.tensor([[2, 7, 8, 3], [2, 9, 3, 0], [0, 0, 0, 0]]), torch.ones(3, 4, dtype=torch.bool)
    mask[1, 3:] = mask[2] = False
    tally.see(Batch(ids, attention_mask=mask))
    assert (tally.real, tally.places) == (7, 12)
    tally.see(Batch(ids[:1]))
    assert (tally.real, tally.places) == (11, 16)


def test_paragraphs_are_cut_and_padded_to_the_longest_of_their_batch(text):
    source = sources.padded_paragraphs(text, 8, 10)
    widths = set()
    for _ in range(12):
        batch = source()
        widths.add(batch.input_ids.shape[1])
        real = batch.attention_mask.sum(1)
        assert real.max() == batch.input_ids.shape[1] <= 10
        assert torch.equal(batch.attention_mask, batch.input_ids != contenders.PAD)
        assert (batch.input_ids[:, 0] == contenders.CLS).all()
        assert (batch.input_ids.gather(1, real[:, None] - 1) == contenders.SEP).all()
    assert 10 in widths


def test_a_prepared_folder_is_kept_until_something_else_is_asked_for(text, tmp_path):
    vocabulary = text / "tokenizer" / "tokenizer.json"
    written = vocabulary.stat().st_mtime_ns
    sources.prepare(text, str(tmp_path / "corpus.jsonl"), 1.0, 120)
    assert vocabulary.stat().st_mtime_ns == written
    assert sources.prepare(text, str(tmp_path / "corpus.jsonl"), 0.0005, 100).vocab_size == 100
    assert len((text / "articles.jsonl").read_text().splitlines()) < len(ARTICLES)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", NAMES)
def test_every_contender_steps_on_padded_paragraphs(text, name, precision):
    shape = contenders.Shape(2, 16, 0.1, "tiny", precision, text)
    tally = sources.Tally()
    step = contenders.CONTENDERS[name](shape, tally.counting(shape.source()))
    tally.real = 0
    step()
    assert 0 < tally.real <= 32


def test_the_packed_path_fills_every_place(text, own_cache):
    tally = sources.Tally()
    step = contenders.packed(contenders.Shape(2, 16, 0.0, "tiny", text=text), tally)
    step()
    step()
    assert (tally.real, tally.places) == (64, 64)


@pytest.mark.slow
def test_padding_does_not_change_the_experts_loss(text, monkeypatch):
    """Selection draws for every place, so the same rows are given with and without a column of padding at the end."""
    shape = contenders.Shape(2, 8, 0.0, "tiny", text=text)
    ids = torch.tensor([[2, 7, 8, 9, 10, 11, 12, 3], [2, 13, 14, 15, 16, 17, 18, 3]])
    wide = torch.cat([ids, torch.zeros(2, 5, dtype=torch.long)], 1)
    monkeypatch.setattr(torch, "rand", lambda shape: torch.arange(shape[1]).flip(0).expand(shape) / shape[1] / 2)
    monkeypatch.setattr(torch.Tensor, "exponential_", lambda self: self.fill_(1.0))
    norms = []
    monkeypatch.setattr(
        torch.nn.utils, "clip_grad_norm_", lambda p, most: norms.append(float(sum(x.grad.norm() for x in p)))
    )
    for batch in (Batch(ids), Batch(wide, attention_mask=wide != 0)):
        torch.manual_seed(0)
        contenders.expert_gathered(shape, lambda batch=batch: batch)()
    # 13 places would have 2 selected of them, 8 real tokens have 1.
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)


def test_the_pair_of_models_has_the_size_of_ours():
    shape = contenders.Shape(2, 16, 0.0, "small")
    generator, discriminator = contenders.transformers_pair(shape)
    assert generator.electra.embeddings is discriminator.electra.embeddings
    theirs = sum(p.numel() for p in contenders.unique(generator, discriminator))
    ours = sum(p.numel() for p in build_network(*shape.settings).parameters())
    assert theirs == pytest.approx(ours, rel=0.001)


class Answered:
    def __init__(self, *answers):
        self.answers = list(answers)


def test_ratios_are_of_real_tokens_and_taken_round_by_round():
    def took(seconds, tokens):
        return {"seconds": seconds, "tokens": tokens, "places": 100, "peak_mb": 5.0}

    found = {
        "ours": Answered(took(1.0, 100), took(4.0, 100), took(2.0, 100)),
        "usual": Answered(took(2.0, 80), took(8.0, 80), took(4.0, 80)),
        "ceiling": Answered(*[{"gflops": 1e-7}] * 3),  # 100 operations a second
    }
    ours, usual = speed.table(found, flops=0.5)
    assert usual["ours_is_faster_by"] == pytest.approx(2.5)
    assert usual["fill"] == pytest.approx(0.8)
    assert usual["share_of_ceiling"] == pytest.approx(0.125)  # padding is multiplied like all else
    assert ours["tokens_per_second"] == pytest.approx(50)
    assert "| usual | 20 |" in paragraphs.in_markdown([usual], "ours")
