"""ONNX: the nets as graphs that run without torch, in onnxruntime or a browser; each is compared with torch when it is written.

Inputs are those of every BERT in ONNX, `input_ids`, `attention_mask` and `token_type_ids`, each (B, L) int64; B and L are free.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from electra_helpers.config import ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.onnx_int8 import INT8_TOLERANCE, forget_where_it_was_made, in_eight_bits, quiet
from electra_helpers.exchange.transformers_decoder import TextDecoder
from electra_helpers.model.electra import Discriminator, Generator
from electra_helpers.model.heads import ConditionedSpanHead, FinetunedNet, SpanHead, TextHead, TokenHead
from electra_helpers.paths import draft_folder

FILE = "model.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OPSET = 18
TOLERANCE = 1e-4  # how far a probability may be off: fp32 adds up in another order
SHAPES = ((1, 5), (3, 17), (2, 9))  # rows and tokens of the batches that are compared: other than those that are traced
INT8_ROUNDS = 4  # so many times as many batches in eight bits: among several graphs one is near enough by luck
PACKAGES = "three packages: pip install onnx onnxscript onnxruntime"


class Graph(nn.Module):
    """A net with the inputs and outputs of a BERT in ONNX: ids, mask and segments, each (B, L) → logits, or start and end logits."""

    def __init__(self, net: Generator | Discriminator | FinetunedNet) -> None:
        super().__init__()
        self.encoder, self.net = net.encoder, net
        self.is_finetuned = isinstance(net, FinetunedNet)
        # In the paper's form tagged text is all segment 1, which nobody who calls a graph would know.
        self.in_segment_1 = self.is_finetuned and getattr(net.head, "form", None) == "paper"

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what comes out."""
        return ("start_logits", "end_logits") if self.has_spans else ("logits",)

    @property
    def has_spans(self) -> bool:
        """Whether it answers questions."""
        return self.is_finetuned and isinstance(self.net.head, SpanHead)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor | tuple[Tensor, ...]:
        if not self.is_finetuned:
            return self.net(input_ids, token_type_ids, attention_mask)  # (B, L), or (B, L, V) of a generator
        types = torch.ones_like(token_type_ids) if self.in_segment_1 else token_type_ids
        told = {"attention_mask": attention_mask} if isinstance(self.net.head, TextHead) else {}
        logits = self.net.head(self.encoder(input_ids, types, attention_mask), **told)
        return tuple(logits.unbind(-1)) if self.has_spans else logits


def write_onnx(net: Generator | Discriminator | FinetunedNet, folder: Path, *, int8: bool = False) -> Path:
    """Write FOLDER/model.onnx, with weights in eight bits where `int8` says so, and compare what it computes with torch.

    In eight bits its products are made in eight bits too, which is faster. Where a probability would differ by more than 0.03, those that
    harm most stay in fp32, or else only the weights are in eight bits; an `ElectraWarning` says which.

    Raises `ElectraError` where packages are missing, for a head that has no graph, and where a probability differs from torch's by more
    than 1e-4 (int8: 0.03); then nothing is written. Compared are random tokens: in eight bits a text may differ by more.
    """
    check_packages()
    if isinstance(net, FinetunedNet) and isinstance(net.head, TextDecoder | ConditionedSpanHead):
        raise ElectraError(
            f"A {type(net.head).__name__} is no single graph: ONNX takes classification, tagging, cleaning, and "
            "question-answering with --head transformers."
        )
    graph = Graph(net.float()).eval()
    draft = draft_folder(folder / FILE)
    try:
        made = traced(graph, draft / "fp32.onnx")
        if int8:
            made = in_eight_bits(made, draft / "int8.onnx", partial(distance, graph), feeds(graph))
        check_graph(graph, made, INT8_TOLERANCE if int8 else TOLERANCE, rounds=INT8_ROUNDS if int8 else 1)
        forget_where_it_was_made(made)
        return made.replace(folder / FILE)
    finally:
        for file in draft.iterdir():
            file.unlink()
        draft.rmdir()


def check_packages() -> None:
    """Raise `ElectraError` where a package that ONNX needs is not installed."""
    from importlib.util import find_spec

    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise ElectraError(f"{missing[0]} is not installed. ONNX needs {PACKAGES}.")


def random_inputs(config: ModelConfig, rows: int, length: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and segments, each (rows, length) int64: random tokens, padding at the end of every row but the first."""
    random = torch.Generator().manual_seed(seed)
    length = min(length, config.max_positions)
    ids = torch.randint(config.vocab_size, (rows, length), generator=random)
    mask = torch.ones_like(ids)
    mask[1:, length - 2 :] = 0
    types = (torch.arange(length) >= length // 2).long().expand(rows, length) * (config.type_vocab_size > 1)
    return ids.masked_fill(mask == 0, config.pad_id), mask, types.contiguous()


def check_graph(graph: Graph, path: Path, tolerance: float, *, rounds: int = 1) -> float:
    """The largest difference of a probability from torch's, on real tokens of `rounds` × 3 batches.

    Raises `ElectraError` where it exceeds the tolerance, and where a number is not finite.
    """
    session = open_session(path)
    worst = 0.0
    for seed, (rows, length) in enumerate(SHAPES * rounds):
        inputs = random_inputs(graph.encoder.config, rows, length, seed)
        with torch.no_grad():
            said = graph(*inputs)
        wanted = said if isinstance(said, tuple) else (said,)
        found = session.run(None, {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)})
        for one, other in zip(wanted, found, strict=True):
            if not (np.isfinite(one.numpy()).all() and np.isfinite(other).all()):
                raise ElectraError(
                    "The net gives numbers that are not finite, in torch or as an ONNX graph: it is not exported."
                )
            real = inputs[1].numpy() > 0
            off = np.abs(probabilities(one.numpy(), graph) - probabilities(other, graph))
            worst = max(worst, float(off[real].max() if off.shape[:2] == real.shape else off.max()))
    if not worst <= tolerance:
        advice = " Leave --int8 out." if tolerance == INT8_TOLERANCE else ""
        raise ElectraError(
            f"The ONNX graph differs from torch by {worst:.2g} in a probability, over {tolerance:g}.{advice}"
        )
    return worst


def distance(graph: Graph, path: Path) -> float:
    """How far a graph in eight bits is from torch, which no tolerance limits yet."""
    return check_graph(graph, path, math.inf, rounds=INT8_ROUNDS)


def feeds(graph: Graph) -> list[dict[str, np.ndarray]]:
    """The batches that every graph is compared on, as a session takes them."""
    made = [random_inputs(graph.encoder.config, rows, length, seed) for seed, (rows, length) in enumerate(SHAPES)]
    return [{name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)} for inputs in made]


def probabilities(logits: np.ndarray, graph: Graph) -> np.ndarray:
    """What logits mean: P(replaced) of each token, of a discriminator; otherwise a softmax over the last axis."""
    if isinstance(graph.net, Discriminator):
        return 1 / (1 + np.exp(-logits))
    if graph.is_finetuned and isinstance(graph.net.head, TextHead | TokenHead) and logits.shape[-1] == 1:
        return logits  # a number on a scale
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def open_session(path: str | Path):
    """An onnxruntime session on the CPU."""
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def traced(graph: Graph, path: Path) -> Path:
    """The graph as torch exports it, with B and L left free."""
    rows = torch.export.Dim("rows", min=1)
    length = torch.export.Dim("length", min=2, max=graph.encoder.config.max_positions)
    example = random_inputs(graph.encoder.config, 2, 7)
    with quiet():
        program = torch.onnx.export(
            graph,
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=list(graph.outputs),
            dynamic_shapes={name: {0: rows, 1: length} for name in INPUTS},
            verbose=False,
        )
        program.save(str(path), external_data=False)  # one file, up to protobuf's 2 GB
    return path
