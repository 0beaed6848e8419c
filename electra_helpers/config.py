"""Every number that can be chosen, once: the shape of the two networks and how they are trained.

Sizes small, base and large are the paper's (Tables 6 and 7); tiny and mini are ours, for laptops, found by measuring.
The command's flags are made from these dataclasses, so a default stands nowhere else. Nothing here imports torch.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field, replace
from typing import Any

from electra_helpers.errors import ElectraError


def option(default: Any, help: str, *, choices: tuple[str, ...] = (), at_least: float | None = None) -> Any:
    """A dataclass field with its help text, its allowed values and its lower bound."""
    return field(default=default, metadata={"help": help, "choices": choices, "at_least": at_least})


def check_options(config: Any) -> None:
    """Raise ElectraError for the first field whose value is not allowed."""
    for f in dataclasses.fields(config):
        value, choices, low = getattr(config, f.name), f.metadata.get("choices"), f.metadata.get("at_least")
        if choices and value not in choices:
            raise ElectraError(f"{f.name} is {value!r}: choose one of {', '.join(choices)}.")
        if isinstance(value, float) and not math.isfinite(value):
            raise ElectraError(f"{f.name} is {value}: give a finite number.")
        if low is not None and value is not None and value < low:
            raise ElectraError(f"{f.name} is {value}: it must be at least {low:g}.")


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the discriminator, and how the generator is cut down from it.

    Sizes are numbers of units; `generator_size` multiplies hidden size, feed-forward size and heads, never depth (paper, Section 3.2
    and Tables 6 and 7). Raises `ElectraError` for shapes that cannot be built.

    >>> from electra_helpers import ModelConfig
    >>> ModelConfig().for_generator().hidden_size
    64

    Built in notebook 02.
    """

    vocab_size: int = option(30_522, "V: pieces in the vocabulary", at_least=6)
    embedding_size: int = option(128, "E: width of the embedding tables", at_least=1)
    hidden_size: int = option(256, "H: width of the discriminator", at_least=1)
    num_layers: int = option(12, "Transformer layers, in both networks", at_least=1)
    num_heads: int = option(4, "A: attention heads of the discriminator", at_least=1)
    intermediate_size: int = option(1024, "width of the feed-forward layer", at_least=1)
    generator_size: float = option(0.25, "the generator's width as a multiple of the discriminator's")
    max_positions: int = option(512, "longest sequence that has position embeddings", at_least=4)
    type_vocab_size: int = option(2, "kinds of segment", at_least=1)
    dropout: float = option(0.1, "dropout on embeddings and layer outputs", at_least=0.0)
    attention_dropout: float = option(0.1, "dropout on attention weights", at_least=0.0)
    layer_norm_eps: float = option(1e-12, "epsilon inside LayerNorm", at_least=0.0)
    initializer_range: float = option(0.02, "standard deviation of the initial weights", at_least=0.0)
    position_init: str = option(
        "normal",
        "how the position table starts: normal (the paper), sinusoidal, from which neighbours are found sooner, or scattered, "
        "in which no two positions are alike",
        choices=("normal", "sinusoidal", "scattered"),
    )
    attention_init: str = option(
        "normal",
        "how attention starts: normal (the paper), mimetic, from which looking up earlier words is learned sooner, or neighbours: "
        "the same, and the first layer's heads look at the words beside (needs scattered positions)",
        choices=("normal", "mimetic", "neighbours"),
    )
    sharing: str = option(
        "all",
        "embeddings shared by the two nets: all (the paper), word (the word table only), none, "
        "or disentangled (as in DeBERTaV3: the RTD gradient does not reach the generator's tables)",
        choices=("all", "word", "none", "disentangled"),
    )
    pad_id: int = option(0, "id of [PAD]", at_least=0)
    cls_id: int = option(101, "id of [CLS]", at_least=0)
    sep_id: int = option(102, "id of [SEP]", at_least=0)
    mask_id: int = option(103, "id of [MASK]", at_least=0)

    def __post_init__(self) -> None:
        check_options(self)
        if self.hidden_size % self.num_heads:
            raise ElectraError(
                f"hidden_size {self.hidden_size} does not divide into {self.num_heads} heads: make it a multiple."
            )
        if not 0 < self.generator_size <= 1:
            raise ElectraError(f"generator_size is {self.generator_size}: choose a share above 0, at most 1.")
        if self.attention_init == "neighbours" and self.position_init != "scattered":
            raise ElectraError("attention_init neighbours needs position_init scattered: set both.")
        if self.dropout >= 1 or self.attention_dropout >= 1:
            raise ElectraError("dropout of 1 or more leaves nothing: choose a share below 1.")

    def for_generator(self) -> ModelConfig:
        """The generator's shape: the same depth, `generator_size` times as wide (at least one head)."""
        heads = max(1, round(self.num_heads * self.generator_size))
        hidden = round(self.hidden_size * self.generator_size)
        return replace(
            self,
            hidden_size=max(heads, hidden - hidden % heads),
            intermediate_size=max(1, round(self.intermediate_size * self.generator_size)),
            num_heads=heads,
        )

    @property
    def unselectable_ids(self) -> tuple[int, ...]:
        """Ids that are never selected for prediction: [PAD], [CLS], [SEP], and a [MASK] that is already in the text."""
        return (self.pad_id, self.cls_id, self.sep_id, self.mask_id)


OBJECTIVES = ("rtd", "rtd-selected", "mlm", "replace-mlm", "all-tokens-mlm")


@dataclass(frozen=True)
class TrainingConfig:
    """What every training run chooses, pre-training and fine-tuning alike."""

    steps: int = option(1_000, "optimizer steps", at_least=0)
    batch_size: int = option(128, "B: rows of one step, over all processes and micro-batches", at_least=1)
    accumulation: int = option(1, "micro-batches that a step is split into", at_least=1)
    learning_rate: float = option(5e-4, "peak learning rate", at_least=0.0)
    warmup_steps: int = option(10_000, "steps over which the learning rate grows", at_least=0)
    schedule: str = option(
        "reference",
        "reference: linear decay from step 0 times the warm-up (as the authors' code); linear: warm-up, then decay; constant",
        choices=("reference", "linear", "constant"),
    )
    optimizer: str = option(
        "adamw",
        "adamw (the paper), or muon: matrices inside the layers learn by orthogonalised momentum, fewer tokens to the same score",
        choices=("adamw", "muon"),
    )
    weight_decay: float = option(0.01, "weight decay (never on biases and LayerNorm)", at_least=0.0)
    adam_beta1: float = option(0.9, "Adam's beta 1", at_least=0.0)
    adam_beta2: float = option(0.999, "Adam's beta 2", at_least=0.0)
    adam_epsilon: float = option(1e-6, "Adam's epsilon", at_least=0.0)
    bias_correction: bool = option(False, "Adam's bias correction (the authors' code has none)")
    max_grad_norm: float = option(1.0, "clip the global gradient norm to this; 0 = no clipping", at_least=0.0)
    seed: int = option(0, "decides weights, data order, corruption and dropout", at_least=0)
    log_every: int = option(10, "steps between lines of the log", at_least=1)
    eval_every: int = option(0, "steps between evaluations; 0 = ten in a run", at_least=0)
    save_every: int = option(0, "steps between checkpoints; 0 = only at the end or when interrupted", at_least=0)
    keep: int = option(2, "checkpoints kept", at_least=1)
    device: str = option("auto", "auto, cpu, cuda or mps")
    precision: str = option("auto", "number format of the matrix products", choices=("auto", "fp32", "bf16", "fp16"))
    compile: bool = option(False, "torch.compile: worth it for long runs on a GPU, not on a CPU")

    def __post_init__(self) -> None:
        check_options(self)
        if self.batch_size % self.accumulation:
            raise ElectraError(f"batch_size {self.batch_size} does not split into {self.accumulation} equal parts.")


@dataclass(frozen=True)
class PretrainConfig(TrainingConfig):
    """How a generator and a discriminator are pre-trained together (paper, Table 6, and the reference code).

    Raises `ElectraError` for a value that is not allowed.

    >>> from electra_helpers import PretrainConfig
    >>> PretrainConfig(rtd_weight=50.0).mask_share
    0.15

    Built in notebook 06.
    """

    length: int = option(128, "L: tokens of a row, [CLS] and [SEP] included", at_least=5)
    form: str = option(
        "segments",
        "how text becomes rows: segments (as the reference: two segments, documents not crossed, padded), "
        "plain (full rows, no padding), documents (one a row), auto (documents for the little world, else plain)",
        choices=("segments", "plain", "documents", "auto"),
    )
    objective: str = option("rtd", "what the main network learns (paper, Table 5)", choices=OBJECTIVES)
    fakes: str = option("generator", "who makes the replacements", choices=("generator", "uniform"))
    mask_share: float = option(0.15, "share of the tokens of a row that is selected", at_least=0.0)
    keep_share: float = option(0.15, "share of the selected that the generator sees unmasked", at_least=0.0)
    random_share: float = option(0.0, "share of the selected that the generator sees as a random token", at_least=0.0)
    rtd_weight: float = option(50.0, "lambda: weight of the RTD loss", at_least=0.0)
    mlm_weight: float = option(1.0, "weight of the generator's MLM loss", at_least=0.0)
    temperature: float = option(1.0, "sampling temperature of the generator")
    eval_rows: int = option(512, "held-out rows of an evaluation", at_least=1)
    validation_share: float = option(0.02, "share of the documents held out", at_least=0.0)
    vocab_size: int = option(8_192, "pieces of a vocabulary trained on the corpus", at_least=64)
    whole_words: int = option(0, "of these, frequent words that would otherwise fall into pieces", at_least=0)
    lowercase: bool = option(True, "lower-case the text (for a vocabulary trained here)")
    stream: bool = option(
        False, "tokenise while training and keep no rows on disk: for a corpus of any size, best in many files"
    )
    shard: bool = option(
        False, "cut weights and moments into a piece for each process, where one device cannot hold them"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.mask_share < 1:
            raise ElectraError(f"mask_share is {self.mask_share}: choose a share between 0 and 1, such as 0.15.")
        if self.keep_share + self.random_share > 1:
            raise ElectraError("keep_share and random_share together exceed 1.")
        if self.fakes == "uniform" and "mlm" in self.objective:
            raise ElectraError(f"objective {self.objective} learns from a generator: leave fakes at generator.")
        if self.shard and self.optimizer == "muon":
            raise ElectraError("optimizer muon needs whole matrices: leave --shard out, or choose adamw.")
        if self.temperature <= 0:
            raise ElectraError(f"temperature is {self.temperature}: it must be above 0 (1 = the generator as it is).")
        if not 0 < self.validation_share < 1:
            raise ElectraError(f"validation_share is {self.validation_share}: choose a share between 0 and 1.")

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of each loss by its name in the step's output."""
        return {"mlm": self.mlm_weight, "rtd": self.rtd_weight, "predictor": 1.0}


@dataclass(frozen=True)
class FinetuneConfig(TrainingConfig):
    """How a pre-trained encoder learns a task (paper, Appendix B and Table 7, and the reference code).

    `steps` and `warmup_steps` of 0 follow from `epochs` and `warmup_share`. Raises `ElectraError` for a value that is not allowed.

    >>> from electra_helpers import FinetuneConfig
    >>> FinetuneConfig(learning_rate=1e-4).layer_decay
    0.8

    Built in notebook 08.
    """

    steps: int = option(0, "optimizer steps; 0 = as many as the epochs take", at_least=0)
    epochs: float = option(3.0, "how often every training row is seen", at_least=0.0)
    batch_size: int = option(32, "B: rows of one step, over all processes and micro-batches", at_least=1)
    learning_rate: float = option(3e-4, "peak learning rate of the head", at_least=0.0)
    warmup_steps: int = option(0, "steps over which the learning rate grows; 0 = warmup_share of them", at_least=0)
    warmup_share: float = option(0.1, "share of the steps over which the learning rate grows", at_least=0.0)
    weight_decay: float = option(0.0, "weight decay (never on biases and LayerNorm)", at_least=0.0)
    layer_decay: float = option(0.8, "learning rate of a layer as a multiple of the layer's above", at_least=0.0)
    decay_exponent: str = option(
        "paper",
        "paper: the top layer learns at rate x decay; reference: at rate x decay squared, as the authors' code has it",
        choices=("paper", "reference"),
    )
    head: str = option(
        "transformers",
        "transformers: the heads that transformers has, so that the model can be taken there; "
        "paper: dropout and one linear layer, and an answer's end that knows its start",
        choices=("transformers", "paper"),
    )
    freeze: bool = option(False, "leave the encoder as it is and train the head alone")
    dropout: float = option(0.1, "dropout in the encoder and before the head", at_least=0.0)
    class_weights: str = option(
        "none", "balanced: rare classes count as much as frequent ones", choices=("none", "balanced")
    )
    symmetric: bool = option(False, "pairs without an order (paraphrases): learn and judge both orders")
    patience: int = option(0, "evaluations without a better score after which to stop; 0 = never", at_least=0)
    length: int = option(
        128, "L: tokens of a row; longer texts are cut, or read in windows (tagging, answers)", at_least=8
    )
    beams: int = option(4, "texts kept at each step while one is written (translation, summarisation)", at_least=1)
    target_vocab: int = option(8_192, "pieces of the vocabulary that texts are written with", at_least=64)
    stride: int = option(0, "tokens from the start of one window to the next; 0 = half a window", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.layer_decay <= 1:
            raise ElectraError(f"layer_decay is {self.layer_decay}: choose a number above 0, at most 1 (no decay).")
        if not self.dropout < 1 or not self.warmup_share < 1:
            raise ElectraError("dropout and warmup_share are shares below 1.")


@dataclass(frozen=True)
class Recipe:
    """A named size: its networks, how it is pre-trained, and how it is fine-tuned."""

    model: ModelConfig
    pretrain: PretrainConfig
    finetune: FinetuneConfig = FinetuneConfig()


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
        FinetuneConfig(epochs=10, learning_rate=1e-3, layer_decay=0.9, dropout=0.0, bias_correction=True),
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
        FinetuneConfig(learning_rate=5e-4),
    ),
    "small": Recipe(
        ModelConfig(),
        PretrainConfig(steps=1_000_000, batch_size=128, length=128, learning_rate=5e-4, vocab_size=30_522),
        FinetuneConfig(),
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
        FinetuneConfig(learning_rate=1e-4),
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
        FinetuneConfig(learning_rate=5e-5, layer_decay=0.9),
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
