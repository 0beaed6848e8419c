"""The named sizes: the shape of both networks, how they are pre-trained, how they are fine-tuned.

Small, base and large are the paper's (Tables 6 and 7); tiny and mini are ours, for laptops, found by measuring. Nothing here imports torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from electra_helpers.config import FinetuneConfig, ModelConfig, PretrainConfig
from electra_helpers.errors import ElectraError


@dataclass(frozen=True)
class Recipe:
    """A named size: its networks, how it is pre-trained, and how it is fine-tuned."""

    model: ModelConfig
    pretrain: PretrainConfig
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)


# Not the reference's, which corrects no bias and takes 3 epochs of any set: on some hundred rows a run then often ends with one class for
# all. Source: Mosbach et al. (2021) and Zhang et al. (2021), on the stability of fine-tuning.
LEAST_STEPS = 200
STEADY = {"bias_correction": True, "min_steps": LEAST_STEPS}

# Small, base and large: paper, Tables 6 and 7. How tiny and mini were found: tests/benchmarks/README.md.
RECIPES: dict[str, Recipe] = {
    "tiny": Recipe(
        ModelConfig(
            vocab_size=8_192,
            embedding_size=96,
            hidden_size=96,
            num_layers=2,
            num_heads=4,
            intermediate_size=96,
            generator_size=0.375,
            max_positions=192,
            dropout=0.0,
            attention_dropout=0.0,
            initializer_range=0.07,
            position_init="sinusoidal",
            attention_init="mimetic",
            sharing="disentangled",
        ),
        PretrainConfig(
            steps=4_700,
            batch_size=16,
            length=176,
            learning_rate=3e-3,
            warmup_steps=150,
            schedule="linear",
            weight_decay=0.1,
            adam_beta2=0.99,
            mask_share=0.25,
            rtd_weight=20.0,
            max_grad_norm=0.0,
            bias_correction=True,
            form="auto",
            eval_every=2_350,
            eval_rows=256,
        ),
        FinetuneConfig(
            epochs=10, learning_rate=1e-3, layer_decay=0.9, dropout=0.0, bias_correction=True, min_steps=LEAST_STEPS
        ),
    ),
    "mini": Recipe(
        ModelConfig(
            vocab_size=16_384,
            hidden_size=256,
            num_layers=4,
            num_heads=4,
            intermediate_size=768,
            generator_size=0.5,
            dropout=0.0,
            attention_dropout=0.0,
            initializer_range=0.05,
            position_init="scattered",
            attention_init="neighbours",
            sharing="disentangled",
        ),
        PretrainConfig(
            steps=10_000,
            batch_size=32,
            learning_rate=7.5e-4,
            warmup_steps=100,
            schedule="linear",
            weight_decay=0.1,
            adam_beta2=0.98,
            mask_share=0.2,
            rtd_weight=20.0,
            temperature=1.5,
            bias_correction=True,
            form="plain",
            vocab_size=16_384,
            whole_words=8_000,
        ),
        FinetuneConfig(learning_rate=5e-4, **STEADY),
    ),
    "small": Recipe(
        ModelConfig(),
        PretrainConfig(steps=1_000_000, batch_size=128, length=128, learning_rate=5e-4, vocab_size=30_522),
        FinetuneConfig(**STEADY),
    ),
    "base": Recipe(
        ModelConfig(
            embedding_size=768,
            hidden_size=768,
            num_heads=12,
            intermediate_size=3072,
            generator_size=1 / 3,
        ),
        PretrainConfig(steps=766_000, batch_size=256, length=512, learning_rate=2e-4, vocab_size=30_522),
        FinetuneConfig(learning_rate=1e-4, **STEADY),
    ),
    "large": Recipe(
        ModelConfig(
            embedding_size=1024,
            hidden_size=1024,
            num_layers=24,
            num_heads=16,
            intermediate_size=4096,
            generator_size=0.25,
        ),
        PretrainConfig(
            steps=400_000, batch_size=2048, length=512, learning_rate=2e-4, mask_share=0.25, vocab_size=30_522
        ),
        FinetuneConfig(learning_rate=5e-5, layer_decay=0.9, **STEADY),
    ),
}


def recipe(size: str) -> Recipe:
    """The networks and the training of a named size: tiny, mini, small, base or large.

    Raises `ElectraError` for another name. Source: paper, Tables 6 and 7 (small, base, large); tiny and mini are measured here.

    >>> from electra_helpers import recipe
    >>> recipe("base").model.for_generator().num_heads
    4

    Built in notebook 06.
    """
    if size not in RECIPES:
        raise ElectraError(f"There is no size {size!r}: choose one of {', '.join(RECIPES)}.")
    return RECIPES[size]


def nearest_recipe(model: ModelConfig) -> Recipe:
    """The recipe of the named size whose width is nearest, by ratio, and of those the depth: how to fine-tune a net of any shape."""

    def distance(known: Recipe) -> tuple[float, float]:
        of, to = known.model, model
        return abs(math.log(of.hidden_size / to.hidden_size)), abs(math.log(of.num_layers / to.num_layers))

    return min(RECIPES.values(), key=distance)
