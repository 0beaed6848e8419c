"""Who is timed in tests/benchmarks/speed.py: each a function that gives one optimizer step on random rows of one shape.

    python -m tests.benchmarks.contenders NAME --batch-size 16 --length 128 --dropout 0.1

waits for lines on standard input, takes as many steps as each says, and answers with seconds and memory as JSON. All have ELECTRA-Small's
shape, V = 30,522, fp32, AdamW, lambda 50 and 15 % selected. What was tuned is said in each one's docstring.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from electra_helpers.config import ModelConfig
from electra_helpers.training.speed import make_trainer, matmul_ceiling, peak_memory, settings

THEIRS = (
    Path(__file__).resolve().parents[2] / "build" / "contenders"
)  # pip install --no-deps -t build/contenders electra-pytorch==0.1.2
PAD, CLS, SEP, MASK = 0, 2, 3, 4
SHARE, WEIGHT = 0.15, 50.0
Step = Callable[[], object]


@dataclass(frozen=True)
class Shape:
    batch_size: int
    length: int
    dropout: float
    size: str = "small"

    @property
    def model(self) -> ModelConfig:
        return settings(self.size, self.batch_size, self.length, self.dropout, "cpu")[0]


def ours(shape: Shape) -> Step:
    """The package's own loop."""
    return make_trainer(*settings(shape.size, shape.batch_size, shape.length, shape.dropout, "cpu")).step


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


def random_rows(shape: Shape) -> torch.Tensor:
    return torch.randint(5, shape.model.vocab_size, (shape.batch_size, shape.length))


def expert(shape: Shape, *, gathered: bool = False) -> Step:
    """transformers' models put together as someone who knows them would.

    Tuned: SDPA attention (the default where there is no output of attention weights), fused AdamW, exactly 15 % selected by one topk,
    logits taken and Gumbel noise drawn at the selected positions only, the loss on them alone, zero_grad(set_to_none), no metrics in the
    step. With `gathered` also the generator's head runs on the selected positions only, by calling its modules one by one.
    """
    generator, discriminator = transformers_pair(shape)
    parameters = unique(generator, discriminator)
    optimizer = torch.optim.AdamW(parameters, lr=5e-4, fused=True)
    count = round(SHARE * shape.length)

    def step() -> None:
        ids = random_rows(shape)
        positions = torch.rand(ids.shape).topk(count, dim=1).indices
        targets = ids.gather(1, positions)
        shown = torch.where(torch.rand(targets.shape) < 0.85, MASK, targets)
        masked = ids.scatter(1, positions, shown)
        if gathered:
            hidden = generator.electra(masked).last_hidden_state
            chosen = hidden.gather(1, positions[..., None].expand(-1, -1, hidden.shape[-1]))
            logits = generator.generator_lm_head(generator.generator_predictions(chosen))
        else:
            logits = generator(masked).logits
            logits = logits.gather(1, positions[..., None].expand(-1, -1, logits.shape[-1]))
        mlm_loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        with torch.no_grad():
            noise = -torch.empty_like(logits).exponential_().log()
            sampled = (logits + noise).argmax(-1)
        corrupted = ids.scatter(1, positions, sampled)
        scores = discriminator(corrupted).logits
        loss = mlm_loss + WEIGHT * F.binary_cross_entropy_with_logits(scores, (corrupted != ids).float())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def expert_gathered(shape: Shape) -> Step:
    """As `expert`, and the generator's head on the selected positions only."""
    return expert(shape, gathered=True)


def usual(shape: Shape) -> Step:
    """transformers' models put together as it is usually done.

    Labels of -100, the models' own losses over all positions, torch.multinomial over the softmax, AdamW as it comes, eager attention as in
    the releases that most such code was written for, metrics in every step. Nothing tuned.
    """
    generator, discriminator = transformers_pair(shape)
    for model in (generator, discriminator):
        model.set_attn_implementation("eager")
    parameters = unique(generator, discriminator)
    optimizer = torch.optim.AdamW(parameters, lr=5e-4)

    def step() -> None:
        ids = random_rows(shape)
        selected = torch.bernoulli(torch.full(ids.shape, SHARE)).bool()
        masked = ids.clone()
        masked[selected & torch.bernoulli(torch.full(ids.shape, 0.85)).bool()] = MASK
        said = generator(input_ids=masked, labels=torch.where(selected, ids, -100))
        sampled = torch.multinomial(said.logits[selected].softmax(-1), 1).squeeze(-1)
        corrupted = ids.clone()
        corrupted[selected] = sampled
        labels = (corrupted != ids).long()
        judged = discriminator(input_ids=corrupted, attention_mask=torch.ones_like(ids), labels=labels)
        loss = said.loss + WEIGHT * judged.loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        ((judged.logits > 0) == labels).float().mean().item()

    return step


def electra_pytorch(shape: Shape) -> Step:
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
        net(random_rows(shape)).loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


CONTENDERS = {f.__name__: f for f in (ours, expert, expert_gathered, usual, electra_pytorch)}


def answer(name: str, shape: Shape) -> None:
    """Take steps as asked, or measure the machine's matrix product where the name is `ceiling`."""
    torch.manual_seed(0)
    step = CONTENDERS[name](shape) if name in CONTENDERS else None
    for _ in range(2):
        step() if step else matmul_ceiling()
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        if step is None:
            print(json.dumps({"gflops": matmul_ceiling() / 1e9}), flush=True)
            continue
        for _ in range(int(line)):
            step()
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "peak_mb": peak_memory("cpu") / 1e6}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=[*CONTENDERS, "ceiling"])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--size", default="small")
    asked = vars(parser.parse_args())
    answer(asked.pop("name"), Shape(**asked))
