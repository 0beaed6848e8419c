"""Who is timed in speed.py and paragraphs.py: each a function that gives one optimizer step on the rows of a source.

    python -m tests.benchmarks.contenders NAME --batch-size 16 --length 128 --dropout 0.1 [--text FOLDER]

waits for lines on standard input, takes as many steps as each says, and answers with seconds, tokens and memory as JSON. Rows are random
words, or with `--text` the padded paragraphs of a folder that paragraphs.py made. All have ELECTRA-Small's shape, V = 30,522, AdamW,
lambda 50 and 15 % selected; with `--precision bf16` all compute under autocast. What was tuned is said in each one's docstring.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.model.variants import build_network
from electra_helpers.reading.corpora import open_corpus
from electra_helpers.speed import make_trainer, matmul_ceiling, peak_memory, settings
from electra_helpers.text.tokenizer import Tokenizer
from electra_helpers.training.loop import Trainer
from electra_helpers.training.pretraining import Pretraining, build_data
from tests.benchmarks.sources import Counted, RowsOf, Source, Tally, padded_paragraphs, random_rows

THEIRS = (
    Path(__file__).resolve().parents[2] / "build" / "contenders"
)  # pip install --no-deps -t build/contenders electra-pytorch==0.1.2
PAD, UNK, CLS, SEP, MASK = range(5)
SHARE, WEIGHT = 0.15, 50.0
Step = Callable[[], object]


@dataclass(frozen=True)
class Shape:
    batch_size: int
    length: int
    dropout: float
    size: str = "small"
    precision: str = "fp32"
    text: Path | None = None

    @property
    def settings(self) -> tuple[ModelConfig, PretrainConfig]:
        model, config = settings(self.size, self.batch_size, self.length, self.dropout, "cpu", self.precision)
        vocab = Tokenizer.load(self.text / "tokenizer").vocab_size if self.text else model.vocab_size
        return replace(model, vocab_size=vocab, pad_id=PAD, cls_id=CLS, sep_id=SEP, mask_id=MASK), config

    @property
    def model(self) -> ModelConfig:
        return self.settings[0]

    def source(self) -> Source:
        if self.text:
            return padded_paragraphs(self.text, self.batch_size, self.length)
        return random_rows(self.batch_size, self.length, self.model.vocab_size)

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16")


def ours(shape: Shape, source: Source) -> Step:
    """The package's own loop."""
    return make_trainer(*shape.settings, RowsOf(source)).step


def packed(shape: Shape, tally: Tally) -> Step:
    """The package's own path from text, as `electra pretrain` goes it: articles in rows without padding, built once, then the loop."""
    model, config = shape.settings
    corpus = open_corpus(str(shape.text / "articles.jsonl"))
    rows, held_out = build_data(corpus, Tokenizer.load(shape.text / "tokenizer"), config)
    torch.manual_seed(0)
    return Trainer(Pretraining(build_network(model, config), Counted(rows, tally), held_out, config), config).step


def transformers_pair(shape: Shape) -> tuple[torch.nn.Module, torch.nn.Module]:
    """transformers' models in the shape of the size, with shared embeddings, as the paper has them."""
    from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

    def config(net) -> ElectraConfig:
        return ElectraConfig(
            vocab_size=net.vocab_size,
            embedding_size=net.embedding_size,
            hidden_size=net.hidden_size,
            num_hidden_layers=net.num_layers,
            num_attention_heads=net.num_heads,
            intermediate_size=net.intermediate_size,
            hidden_dropout_prob=shape.dropout,
            attention_probs_dropout_prob=shape.dropout,
            max_position_embeddings=max(512, shape.length),
        )

    discriminator = ElectraForPreTraining(config(shape.model))
    generator = ElectraForMaskedLM(config(shape.model.for_generator()))
    generator.electra.embeddings = discriminator.electra.embeddings
    generator.tie_weights()
    return generator.train(), discriminator.train()


def unique(*modules: torch.nn.Module) -> list[torch.nn.Parameter]:
    return list({id(p): p for module in modules for p in module.parameters()}.values())


def expert(shape: Shape, source: Source, *, gathered: bool = False) -> Step:
    """transformers' models put together as someone who knows them would.

    Tuned: SDPA attention (in bf16 eager attention, whose backward pass on a CPU is faster), fused AdamW, exactly 15 % of the real tokens
    selected by one topk, logits taken and Gumbel noise drawn at the selected positions only, the loss on them alone, no mask where nothing
    is padded, zero_grad(set_to_none), no metrics in the step. With `gathered` also the generator's head runs on the selected positions
    only, by calling its modules one by one.
    """
    generator, discriminator = transformers_pair(shape)
    for model in (generator, discriminator):
        model.set_attn_implementation("eager" if shape.precision == "bf16" else "sdpa")
    parameters = unique(generator, discriminator)
    optimizer = torch.optim.AdamW(parameters, lr=5e-4, fused=True)

    def losses(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        free = (ids != PAD) & (ids != CLS) & (ids != SEP)
        count = max(1, round(SHARE * ids.shape[1]))
        positions = torch.rand(ids.shape).masked_fill(~free, -1).topk(count, dim=1).indices
        wanted = (SHARE * (ids != PAD).sum(1, keepdim=True)).round().clamp(min=1)
        is_target = (torch.arange(count) < wanted) & free.gather(1, positions)
        originals = ids.gather(1, positions)
        masked = ids.scatter(
            1, positions, torch.where(is_target & (torch.rand(is_target.shape) < 0.85), MASK, originals)
        )
        if gathered:
            hidden = generator.electra(masked, attention_mask=mask).last_hidden_state
            chosen = hidden.gather(1, positions[..., None].expand(-1, -1, hidden.shape[-1]))
            logits = generator.generator_lm_head(generator.generator_predictions(chosen))
        else:
            logits = generator(masked, attention_mask=mask).logits
            logits = logits.gather(1, positions[..., None].expand(-1, -1, logits.shape[-1]))
        targets = torch.where(is_target, originals, -100)
        mlm_loss = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
        with torch.no_grad():
            noise = -torch.empty_like(logits).exponential_().log()
            sampled = (logits + noise).argmax(-1)
        corrupted = ids.scatter(1, positions, torch.where(is_target, sampled, originals))
        scores, replaced = discriminator(corrupted, attention_mask=mask).logits.float(), (corrupted != ids).float()
        weight = None if mask is None else mask.float() * (mask.numel() / mask.sum())
        return mlm_loss + WEIGHT * F.binary_cross_entropy_with_logits(scores, replaced, weight=weight)

    def step() -> None:
        batch = source()
        with shape.autocast():
            loss = losses(batch.input_ids, batch.attention_mask)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def expert_gathered(shape: Shape, source: Source) -> Step:
    """As `expert`, and the generator's head on the selected positions only."""
    return expert(shape, source, gathered=True)


def usual(shape: Shape, source: Source) -> Step:
    """transformers' models put together as it is usually done.

    Labels of -100, the models' own losses over all positions, torch.multinomial over the softmax, AdamW as it comes, eager attention as in
    the releases that most such code was written for, an attention mask in any case, metrics in every step. Nothing tuned.
    """
    generator, discriminator = transformers_pair(shape)
    for model in (generator, discriminator):
        model.set_attn_implementation("eager")
    parameters = unique(generator, discriminator)
    optimizer = torch.optim.AdamW(parameters, lr=5e-4)

    def step() -> None:
        batch = source()
        ids, real = batch.input_ids, batch.attention_mask
        real = torch.ones_like(ids) if real is None else real.long()
        chance = torch.full(ids.shape, SHARE).masked_fill((ids == PAD) | (ids == CLS) | (ids == SEP), 0.0)
        selected = torch.bernoulli(chance).bool()
        masked = ids.clone()
        masked[selected & torch.bernoulli(torch.full(ids.shape, 0.85)).bool()] = MASK
        with shape.autocast():
            said = generator(input_ids=masked, attention_mask=real, labels=torch.where(selected, ids, -100))
            sampled = torch.multinomial(said.logits[selected].float().softmax(-1), 1).squeeze(-1)
            corrupted = ids.clone()
            corrupted[selected] = sampled
            labels = (corrupted != ids).long()
            judged = discriminator(input_ids=corrupted, attention_mask=real, labels=labels)
            loss = said.loss + WEIGHT * judged.loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        ((judged.logits > 0) == labels)[real.bool()].float().mean().item()

    return step


def electra_pytorch(shape: Shape, source: Source) -> Step:
    """The PyPI package electra-pytorch 0.1.2 around transformers' models, as its own pre-training script puts them together."""
    sys.path.insert(0, str(THEIRS))
    from electra_pytorch import Electra

    class Logits(torch.nn.Module):
        def __init__(self, net: torch.nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.net(ids, attention_mask=(ids != PAD)).logits

    generator, discriminator = transformers_pair(shape)
    net = Electra(
        Logits(generator),
        Logits(discriminator),
        num_tokens=shape.model.vocab_size,
        mask_token_id=MASK,
        pad_token_id=PAD,
        mask_prob=SHARE,
        mask_ignore_token_ids=[CLS, SEP],
        random_token_prob=0.0,
    ).train()
    parameters = unique(net)
    optimizer = torch.optim.AdamW(parameters, lr=5e-4)

    def step() -> None:
        with shape.autocast():
            loss = net(source().input_ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


CONTENDERS = {f.__name__: f for f in (ours, expert, expert_gathered, usual, electra_pytorch)}


def answer(name: str, shape: Shape) -> None:
    """Take steps as asked, or measure the machine's matrix product where the name is `ceiling`."""
    torch.manual_seed(0)
    began, tally = time.perf_counter(), Tally()
    if name in CONTENDERS:
        step = CONTENDERS[name](shape, tally.counting(shape.source()))
    else:
        step = packed(shape, tally) if name == "packed" else None
    ready_after = time.perf_counter() - began
    for _ in range(2):
        step() if step else matmul_ceiling("cpu", shape.precision)
    print(json.dumps({"ready": name, "seconds": ready_after}), flush=True)
    for line in sys.stdin:
        if step is None:
            print(json.dumps({"gflops": matmul_ceiling("cpu", shape.precision) / 1e9}), flush=True)
            continue
        real, places, began = tally.real, tally.places, time.perf_counter()
        for _ in range(int(line)):
            step()
        took = {"seconds": time.perf_counter() - began, "tokens": tally.real - real, "places": tally.places - places}
        print(json.dumps(took | {"peak_mb": peak_memory("cpu") / 1e6}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=[*CONTENDERS, "packed", "ceiling"])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--size", default="small")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--text", type=Path)
    asked = vars(parser.parse_args())
    answer(asked.pop("name"), Shape(**asked))
