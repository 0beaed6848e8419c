"""What a pre-training run is judged by: its two losses on held-out rows, and a fixed exam.

AUC against a net's own generator may stay flat or fall while both improve, because the fakes get harder. The exam does not move: the
same held-out rows, corrupted once, by uniform fakes and by a frozen reference (a bigram model counted on training rows).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Noise, corrupt, draw_noise, label_replaced, select_positions
from electra_helpers.model.electra import Discriminator, Electra, real_tokens
from electra_helpers.text.packing import Batch
from electra_helpers.training.metrics import detection_metrics

EVALUATION_SEED = 20_200_323  # the same for every run, so that runs with different seeds sit the same exam


class BigramSampler:
    """Draws a token that followed the same left neighbour somewhere in the training text: plausible nearby, wrong further off."""

    def __init__(self, ids: np.ndarray) -> None:
        previous, self.following = ids[:-1], ids[1:]
        self.order = np.argsort(previous, kind="stable")
        self.sorted_previous = previous[self.order]

    def sample(self, left: np.ndarray, u: np.ndarray) -> np.ndarray:
        """One token for each left neighbour, chosen by uniform numbers `u`; any token of the text where the neighbour is new."""
        low = np.searchsorted(self.sorted_previous, left, side="left")
        high = np.searchsorted(self.sorted_previous, left, side="right")
        low, high = np.where(high > low, low, 0), np.where(high > low, high, len(self.order))
        return self.following[self.order[low + (u * (high - low)).astype(np.int64)]]


@dataclass(frozen=True, eq=False)
class Exam:
    """Held-out rows corrupted once and for all: `batch` holds the corrupted ids, `is_replaced` (B, L) the answers."""

    name: str
    batch: Batch
    is_replaced: Tensor

    def auc(self, discriminator: Discriminator, device: torch.device, rows: int = 64) -> float:
        """Area under the ROC curve of P(replaced) over all real tokens."""
        judged = [
            (replaced_probabilities(discriminator, part, device), real_tokens(part))
            for part in chunks(self.batch, rows)
        ]
        p, real = (torch.cat(x) for x in zip(*judged, strict=True))
        return detection_metrics(p[real].numpy(), self.is_replaced[real].numpy())["auc"]


def make_exams(held_out: Batch, training_ids: Tensor, model: ModelConfig, share: float) -> list[Exam]:
    """The uniform and the bigram exam on the same held-out rows and positions."""
    ids = held_out.input_ids
    count, length = ids.shape
    noise = draw_noise(count, length, torch.Generator().manual_seed(EVALUATION_SEED), share)
    selection = select_positions(ids, model.unselectable_ids, share=share, noise=noise.select)
    u = noise.sample.numpy().astype(np.float64)[:, : selection.positions.shape[1]]
    left = ids.gather(1, (selection.positions - 1).clamp(min=0)).numpy()
    fakes = {
        "uniform": torch.from_numpy((u * model.vocab_size).astype(np.int64)),
        "bigram": torch.from_numpy(BigramSampler(training_ids.flatten().numpy()).sample(left, u)),
    }
    exams = []
    for name, sampled in fakes.items():
        changed = corrupt(ids, selection, sampled)
        batch = Batch(changed, held_out.token_type_ids, held_out.attention_mask)
        exams.append(Exam(name, batch, label_replaced(ids, changed)))
    return exams


def replaced_probabilities(discriminator: Discriminator, batch: Batch, device: torch.device) -> Tensor:
    """P(replaced) of every token, (B, L), on the CPU in fp32."""
    on = batch.to(device)
    return torch.sigmoid(discriminator(on.input_ids, on.token_type_ids, on.attention_mask).float()).cpu()


def chunks(batch: Batch, rows: int) -> list[Batch]:
    """The batch in pieces of at most `rows` rows."""
    return [batch.rows(i, i + rows) for i in range(0, batch.input_ids.shape[0], rows)]


def evaluate_step(
    net: Electra, held_out: Batch, config: PretrainConfig, device: torch.device, rows: int = 64
) -> dict[str, float]:
    """The joint step on held-out rows, always with the same randomness: losses, accuracies, and detection of its own fakes.

    mlm_loss in nats; mlm_accuracy over all selected, masked_accuracy over those that show [MASK].
    """
    count, length = held_out.input_ids.shape
    noise = draw_noise(count, length, torch.Generator().manual_seed(EVALUATION_SEED + 1), config.mask_share)
    tally = _Tally()
    for i, part in enumerate(chunks(held_out, rows)):
        tally.add(net, part.to(device), noise.rows(i * rows, (i + 1) * rows).to(device), config)
    return tally.metrics()


class _Tally:
    """Collects what the chunks of an evaluation found."""

    def __init__(self) -> None:
        self.losses: dict[str, list[float]] = {}
        self.right: list[Tensor] = []
        self.masked: list[Tensor] = []
        self.p: list[Tensor] = []
        self.replaced: list[Tensor] = []

    def add(self, net: Electra, batch: Batch, noise: Noise, config: PretrainConfig) -> None:
        out = net(batch, noise, config)
        for name, part in out.losses.items():
            total, count = self.losses.setdefault(name, [0.0, 0.0])
            self.losses[name] = [total + float(part.total), count + float(part.count)]
        made = out.corruption
        if out.mlm_logits is not None:
            valid, positions = made.selection.is_valid, made.selection.positions
            original = made.original_ids.gather(1, positions)
            self.right.append((out.mlm_logits.argmax(-1) == original)[valid].cpu())
            self.masked.append((made.masked_ids.gather(1, positions) == net.config.mask_id)[valid].cpu())
        if out.rtd_logits is not None:
            real = real_tokens(batch)
            self.p.append(torch.sigmoid(out.rtd_logits.float())[real].cpu())
            self.replaced.append(made.is_replaced[real].cpu())

    def metrics(self) -> dict[str, float]:
        found = {f"{name}_loss": total / max(count, 1.0) for name, (total, count) in self.losses.items()}
        if self.right:
            right, masked = torch.cat(self.right), torch.cat(self.masked)
            found |= {
                "mlm_accuracy": float(right.float().mean()),
                "masked_accuracy": float(right[masked].float().mean()),
            }
        if self.p:
            detected = detection_metrics(torch.cat(self.p).numpy(), torch.cat(self.replaced).numpy())
            found |= {f"rtd_{name}": value for name, value in detected.items() if name != "replaced"}
            found["replaced_share"] = detected["replaced"]
        return found
