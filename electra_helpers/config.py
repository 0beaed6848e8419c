"""Every number that can be chosen, once: the shape of the two networks and how they are trained.

The named sizes stand in recipes.py. The command's flags are made from these dataclasses, so a default stands nowhere else. Nothing
here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from electra_helpers.device import DTYPES
from electra_helpers.errors import ElectraError
from electra_helpers.fields import LONGEST, WIDEST, check_options, option

# What `generator_shape` spells out, in this order.
GENERATOR_SHAPE = ("embedding_size", "hidden_size", "num_heads", "intermediate_size")


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

    vocab_size: int = option(30_522, "V: pieces in the vocabulary", at_least=6, at_most=10_000_000)
    embedding_size: int = option(128, "E: width of the embedding tables", at_least=1, at_most=WIDEST)
    hidden_size: int = option(256, "H: width of the discriminator", at_least=1, at_most=WIDEST)
    num_layers: int = option(12, "Transformer layers, in both networks", at_least=1, at_most=10_000)
    num_heads: int = option(4, "A: attention heads of the discriminator", at_least=1, at_most=10_000)
    intermediate_size: int = option(1024, "width of the feed-forward layer", at_least=1, at_most=WIDEST)
    generator_size: float = option(0.25, "the generator's width as a multiple of the discriminator's")
    generator_layers: int = option(
        0,
        "layers of the generator; 0 = as many as the discriminator (the paper), half in DeBERTaV3",
        at_least=0,
        at_most=10_000,
    )
    hidden_act: str = option(
        "gelu",
        "function inside the feed-forward layers: gelu (the paper), gelu_new (its tanh form), relu or silu",
        choices=("gelu", "gelu_new", "relu", "silu"),
    )
    generator_shape: tuple[int, ...] = option(
        (), "the generator's sizes one by one (GENERATOR_SHAPE), for an imported pair that is not in proportion"
    )
    max_positions: int = option(512, "longest sequence that has position embeddings", at_least=4, at_most=LONGEST)
    type_vocab_size: int = option(2, "kinds of segment", at_least=1, at_most=10_000)
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
    causal: bool = option(False, "every token sees itself and those before it alone; the objective decides it (clm)")
    pad_id: int = option(0, "id of [PAD]", at_least=0)
    cls_id: int = option(101, "id of [CLS]", at_least=0)
    sep_id: int = option(102, "id of [SEP]", at_least=0)
    mask_id: int = option(103, "id of [MASK]", at_least=0)

    def __post_init__(self) -> None:
        check_options(self)
        object.__setattr__(self, "generator_shape", tuple(self.generator_shape))  # JSON makes a list of it
        if self.hidden_size % self.num_heads:
            raise ElectraError(
                f"hidden_size {self.hidden_size} does not divide into {self.num_heads} heads: make it a multiple."
            )
        if len(self.generator_shape) not in (0, len(GENERATOR_SHAPE)):
            raise ElectraError(f"generator_shape is {self.generator_shape}: it has {len(GENERATOR_SHAPE)} sizes.")
        if self.generator_shape and self.sharing != "none" and self.generator_shape[0] != self.embedding_size:
            raise ElectraError(
                f"embedding_size is {self.embedding_size}, the generator's {self.generator_shape[0]}: such tables "
                "cannot be shared, sharing has to be none."
            )
        if not 0 < self.generator_size <= 1:
            raise ElectraError(f"generator_size is {self.generator_size}: choose a share above 0, at most 1.")
        if self.generator_layers > self.num_layers:
            raise ElectraError(
                f"generator_layers is {self.generator_layers}, the discriminator has {self.num_layers}: choose as many at most."
            )
        if self.attention_init == "neighbours" and self.position_init != "scattered":
            raise ElectraError("attention_init neighbours needs position_init scattered: set both.")
        if self.dropout >= 1 or self.attention_dropout >= 1:
            raise ElectraError("dropout of 1 or more leaves nothing: choose a share below 1.")

    def for_generator(self) -> ModelConfig:
        """The generator's shape: `generator_size` times as wide (at least one head), as deep unless `generator_layers` says otherwise.

        `generator_shape` overrides the width.
        """
        if self.generator_shape:
            sizes = dict(zip(GENERATOR_SHAPE, self.generator_shape, strict=True))
            depth = self.generator_layers or self.num_layers
            # Its own tables may be of another width: what is shared is the whole configuration's business.
            return replace(self, **sizes, num_layers=depth, sharing="none", generator_shape=(), generator_layers=0)
        heads = max(1, round(self.num_heads * self.generator_size))
        hidden = round(self.hidden_size * self.generator_size)
        return replace(
            self,
            num_layers=self.generator_layers or self.num_layers,
            generator_layers=0,
            hidden_size=max(heads, hidden - hidden % heads),
            intermediate_size=max(1, round(self.intermediate_size * self.generator_size)),
            num_heads=heads,
        )

    @property
    def unselectable_ids(self) -> tuple[int, ...]:
        """Ids that are never selected for prediction: [PAD], [CLS], [SEP], and a [MASK] that is already in the text."""
        return (self.pad_id, self.cls_id, self.sep_id, self.mask_id)


WARMUP_CAP = 0.1  # of the steps: so long is a warm-up that would be longer than its run
OBJECTIVES = ("rtd", "rtd-selected", "mlm", "replace-mlm", "all-tokens-mlm", "clm")
ONE_NET = ("mlm", "clm")  # objectives of one net of full size, without a pair


@dataclass(frozen=True)
class TrainingConfig:
    """What every training run chooses, pre-training and fine-tuning alike."""

    steps: int = option(1_000, "optimizer steps", at_least=0)
    batch_size: int = option(128, "B: rows of one step, over all processes and micro-batches", at_least=1)
    accumulation: int = option(1, "micro-batches that a step is split into", at_least=1)
    learning_rate: float = option(5e-4, "peak learning rate", at_least=0.0)
    warmup_steps: int = option(
        10_000, "steps over which the learning rate grows; in a run that is shorter, a tenth of its steps", at_least=0
    )
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
    precision: str = option("auto", "number format of the matrix products", choices=("auto", *DTYPES))
    compile: bool = option(False, "torch.compile: worth it for long runs on a GPU, not on a CPU")

    def __post_init__(self) -> None:
        check_options(self)
        if self.batch_size % self.accumulation:
            raise ElectraError(f"batch_size {self.batch_size} does not split into {self.accumulation} equal parts.")
        for name in ("adam_beta1", "adam_beta2"):
            if getattr(self, name) >= 1:
                raise ElectraError(f"{name} is {getattr(self, name)}: choose a share below 1.")

    @property
    def warmup(self) -> int:
        """Steps of the warm-up as it is taken: WARMUP_CAP of the run's where `warmup_steps` is longer than the run."""
        return self.warmup_steps if self.warmup_steps <= self.steps else max(1, round(WARMUP_CAP * self.steps))


@dataclass(frozen=True)
class PretrainConfig(TrainingConfig):
    """How a generator and a discriminator are pre-trained together (paper, Table 6, and the reference code).

    Raises `ElectraError` for a value that is not allowed.

    >>> from electra_helpers import PretrainConfig
    >>> PretrainConfig(rtd_weight=50.0).mask_share
    0.15

    Built in notebook 06.
    """

    epochs: float = option(0.0, "in place of steps: how often every row is read; 0 = as steps say", at_least=0.0)
    minutes: float = option(0.0, "in place of steps: how long it takes here, by a trial; 0 = steps say", at_least=0.0)
    length: int = option(128, "L: tokens of a row, [CLS] and [SEP] included", at_least=5, at_most=LONGEST)
    form: str = option(
        "segments",
        "how text becomes rows: segments (as the reference: two segments, documents not crossed, padded), "
        "plain (full rows, no padding), sentences (half of the rows one sentence, the others as many as fit, padded), documents (one a "
        "row), auto (documents for the little world, else plain)",
        choices=("segments", "plain", "sentences", "documents", "auto"),
    )
    objective: str = option(
        "rtd", "what the main network learns (paper, Table 5; clm: every next token, as GPT)", choices=OBJECTIVES
    )
    fakes: str = option("generator", "who makes the replacements", choices=("generator", "uniform"))
    mask_share: float = option(0.15, "share of the tokens of a row that is selected", at_least=0.0)
    keep_share: float = option(0.15, "share of the selected that the generator sees unmasked", at_least=0.0)
    random_share: float = option(0.0, "share of the selected that the generator sees as a random token", at_least=0.0)
    rtd_weight: float = option(50.0, "lambda: weight of the RTD loss", at_least=0.0)
    mlm_weight: float = option(1.0, "weight of the generator's MLM loss", at_least=0.0)
    temperature: float = option(1.0, "sampling temperature of the generator")
    unigram_share: float = option(
        0.0, "share of the fakes drawn from the words of the corpus by frequency, whatever the place", at_least=0.0
    )
    unigram_power: float = option(1.0, "the power of a word's frequency by which these are drawn", at_least=0.0)
    eval_rows: int = option(512, "held-out rows of an evaluation", at_least=1)
    validation_share: float = option(0.02, "share of the documents held out", at_least=0.0)
    vocab_size: int = option(8_192, "pieces of a vocabulary trained on the corpus", at_least=64, at_most=1_000_000)
    whole_words: int = option(0, "of these, frequent words that would otherwise fall into pieces", at_least=0)
    lowercase: bool = option(True, "lower-case the text (for a vocabulary trained here)")
    strip_accents: bool | None = option(
        None, "take accents and vowel signs off the text (for a vocabulary trained here; None: where it is lower-cased)"
    )
    keep_vocabulary: int = option(
        0,
        "with --init-from: cut the vocabulary to so many pieces, all single characters and the most frequent of the corpus; 0 = all",
        at_least=0,
    )
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
        if self.fakes == "uniform" and not self.objective.startswith("rtd"):
            why = "has no fakes" if self.objective == "clm" else "learns from a generator"
            raise ElectraError(f"objective {self.objective} {why}: leave fakes at generator.")
        if self.unigram_share > 1:
            raise ElectraError(f"unigram_share is {self.unigram_share}: choose a share from 0 to 1.")
        if self.unigram_share and (self.fakes == "uniform" or self.objective in ONE_NET):
            made = f"fakes {self.fakes}" if self.fakes == "uniform" else f"objective {self.objective}"
            raise ElectraError(f"unigram_share {self.unigram_share} mixes with the generator's fakes: {made} has none.")
        if self.shard and self.optimizer == "muon":
            raise ElectraError("optimizer muon needs whole matrices: leave --shard out, or choose adamw.")
        if self.temperature <= 0:
            raise ElectraError(f"temperature is {self.temperature}: it must be above 0 (1 = the generator as it is).")
        if not 0 < self.validation_share < 1:
            raise ElectraError(f"validation_share is {self.validation_share}: choose a share between 0 and 1.")

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of each loss by its name in the step's output."""
        return {"mlm": self.mlm_weight, "rtd": self.rtd_weight, "predictor": 1.0, "clm": 1.0}


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
    min_steps: int = option(
        0,
        "steps that are taken at least where neither epochs nor steps are given: small sets need more epochs",
        at_least=0,
    )
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
        "paper: those of the authors' code, with its inputs and its summed losses (one linear layer; an answer's end knows its start)",
        choices=("transformers", "paper"),
    )
    freeze: bool = option(False, "leave the encoder as it is and train the head alone")
    dropout: float = option(0.1, "dropout in the encoder and before the head", at_least=0.0)
    class_weights: str = option(
        "none", "balanced: rare classes count as much as frequent ones", choices=("none", "balanced")
    )
    restarts: int = option(
        0,
        "times that a run which gives all held-out rows one class is trained again, from other random weights",
        at_least=0,
    )
    best_by: str = option(
        "", "metric of the held-out rows by which the best step is kept; empty = the task's own, such as accuracy"
    )
    symmetric: bool = option(False, "pairs without an order (paraphrases): learn and judge both orders")
    patience: int = option(0, "evaluations without a better score after which to stop; 0 = never", at_least=0)
    length: int = option(
        128,
        "L: tokens of a row; longer texts are cut, or read in windows (tagging, answers)",
        at_least=8,
        at_most=LONGEST,
    )
    beams: int = option(4, "texts kept at each step while one is written (translation, summarisation)", at_least=1)
    target_vocab: int = option(
        8_192, "pieces of the vocabulary that texts are written with", at_least=64, at_most=1_000_000
    )
    stride: int = option(0, "tokens from the start of one window to the next; 0 = half a window", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.layer_decay <= 1:
            raise ElectraError(f"layer_decay is {self.layer_decay}: choose a number above 0, at most 1 (no decay).")
        if not self.dropout < 1 or not self.warmup_share < 1:
            raise ElectraError("dropout and warmup_share are shares below 1.")
