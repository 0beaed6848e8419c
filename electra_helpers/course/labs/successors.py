"""ELECTRA's successors as small changes of its step: each a network that the one loop trains, with losses by name (notebook 17).

The formulas are in successor_losses.py; which run is which, and what was recorded, in successor_runs.py. Shapes as there. What differs from
the papers is said where it does; none of them trains a second loop, and none is known to the package's own formats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from electra_helpers.config import ModelConfig, PretrainConfig
from electra_helpers.corruption import Corruption, Noise, at_least_fp32, candidates, gather_positions
from electra_helpers.course.labs import successor_losses as formulas
from electra_helpers.language import worded, wording
from electra_helpers.model import init
from electra_helpers.model.electra import (
    Discriminator,
    Electra,
    LossSum,
    MLMHead,
    StepOutput,
    Steps,
    mlm_loss_sum,
    real_tokens,
)
from electra_helpers.model.encoder import Embeddings, Encoder
from electra_helpers.model.sharing import embeddings_beside
from electra_helpers.text.packing import Batch
from electra_helpers.training.loop import Callback, Run

CANDIDATES = 5  # TEAMS: the original among them (Model Garden's default)
CROP = 0.9  # COCO-LM: share of a text's tokens in its second view
NO_EXPORT = wording(
    "is a successor of ELECTRA, for whose heads transformers has no class: fine-tune it, which takes the discriminator's encoder alone,"
    " and export that."
)


class TwoTowers(nn.Module):
    """Electric's noise distribution: logits for every token from all the others, nothing masked: ids (B, L) → (B, L, V).

    One encoder reads from the left, one from the right; the word at t is asked of what the first knows at t − 1 and the second at t + 1.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        shape = replace(config, causal=True)
        self.embeddings = Embeddings(shape)
        self.from_left, self.from_right = Encoder(shape, self.embeddings), Encoder(shape, self.embeddings)
        self.head = MLMHead(replace(shape, hidden_size=2 * shape.hidden_size))

    def forward(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        real = torch.ones_like(ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        place, count = torch.arange(ids.shape[1], device=ids.device), real.sum(1, keepdim=True)
        order = torch.where(place < count, count - 1 - place, place)  # (B, L): backwards, padding stays at the end
        left = self.from_left(ids, None, attention_mask)  # (B, L, H): has read 0 … t
        right = self.from_right(ids.gather(1, order), None, attention_mask)
        right = right.gather(1, order[..., None].expand_as(right))  # has read t … n − 1
        right = right * real[..., None]  # a vector at padding has read the whole text
        around = torch.cat([F.pad(left[:, :-1], (0, 0, 1, 0)), F.pad(right[:, 1:], (0, 0, 0, 1))], -1)  # (B, L, 2H)
        return self.head(around, self.embeddings.tables()[0])


class Electric(Electra):
    """The discriminator's logit as an energy: low where a token fits. One pass gives −E = log p of every token, up to a constant."""

    no_export = property(lambda self: worded(NO_EXPORT))

    def __init__(self, config: ModelConfig, loss: Callable = formulas.nce_loss_sum) -> None:
        super().__init__(config, generator=False, discriminator=False)
        self.towers, self.loss = TwoTowers(config.for_generator()), loss
        self.discriminator = Discriminator(config, embeddings_beside(self.towers.embeddings, config))

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        steps, ids, real = steps or Steps(), batch.input_ids, real_tokens(batch)
        picked = steps.select(ids, self.config.unselectable_ids, share=config.mask_share, noise=noise.select)
        logits = self.towers(ids, batch.attention_mask)  # (B, L, V)
        log_q = at_least_fp32(logits).log_softmax(-1)
        asked = candidates(ids, self.config.unselectable_ids)  # the towers learn from every word
        cloze = LossSum(-log_q.gather(-1, ids[..., None])[..., 0][asked].sum(), asked.sum())
        at_picked = gather_positions(logits, picked.positions)
        drawn = steps.sample(at_picked, temperature=config.temperature, noise=noise.sample)  # (B, M)
        noised = steps.corrupt(ids, picked, drawn)  # (B, L)
        energy = self.discriminator(noised, batch.token_type_ids, batch.attention_mask)
        # q of what stands there, given the *original* words around it.
        q_seen = log_q.gather(-1, noised[..., None])[..., 0]
        nce = self.loss(energy, q_seen, picked.as_mask(ids.shape[1]), real, config.mask_share)
        made = Corruption(ids, ids, picked, drawn, noised, noised != ids)
        return StepOutput({"cloze": cloze, "nce": nce}, made, None, energy)

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        asked = candidates(batch.input_ids, self.config.unselectable_ids)
        return {"cloze": asked.sum(), "nce": real_tokens(batch).sum()}


class CorrectiveLM(Electra):
    """COCO-LM: the judge also says which word was there, at the selected places; what it judges original it may copy.

    The word head is the generator's kind (dense, GELU, LayerNorm); the authors multiply the encoder's vector with the table directly.
    """

    no_export = property(lambda self: worded(NO_EXPORT))

    def __init__(self, config: ModelConfig, loss: Callable = formulas.corrective_loss_sum) -> None:
        super().__init__(config)
        self.corrector, self.loss = MLMHead(config), loss

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        steps = steps or Steps()
        fakes, mlm_logits, losses = self.make_fakes(batch, noise, config, steps)
        hidden = self.discriminator.encoder(fakes.input_ids, batch.token_type_ids, batch.attention_mask)
        judged, places = self.discriminator.head(hidden), fakes.selection.positions  # (B, L), (B, M)
        losses["rtd"] = steps.rtd_loss(judged, fakes.is_replaced, self.judged(batch, fakes))
        table = self.discriminator.encoder.embeddings.tables()[0]
        words = self.corrector(gather_positions(hidden, places), table)  # (B, M, V)
        original, seen = batch.input_ids.gather(1, places), fakes.input_ids.gather(1, places)
        losses["corrective"] = self.loss(words, judged.gather(1, places), original, seen, fakes.selection.is_valid)
        return StepOutput(losses | self.more_losses(hidden, batch, noise), fakes, mlm_logits, judged)

    def more_losses(self, hidden: Tensor, batch: Batch, noise: Noise) -> dict[str, LossSum]:
        """What a subclass adds."""
        return {}

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        return super().target_counts(batch, config) | {"corrective": self.count_selected(batch, config)}


class SequenceContrast(CorrectiveLM):
    """COCO-LM in full: the corrupted text and a crop of the original are two views of one text, among those of the batch.

    The [CLS] vectors are compared as they are; the authors' code puts a dense layer between.
    """

    def more_losses(self, hidden: Tensor, batch: Batch, noise: Noise) -> dict[str, LossSum]:
        ids, real = cropped(batch, formulas.further(noise.sample[:, 0], 1)[:, 0], self.config.pad_id)
        other = self.discriminator.encoder(ids, None, real)
        return {"contrast": formulas.contrast_loss_sum(hidden[:, 0], other[:, 0])}

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        return super().target_counts(batch, config) | {"contrast": torch.tensor(2 * len(batch.input_ids))}


def cropped(batch: Batch, u: Tensor, pad_id: int) -> tuple[Tensor, Tensor]:
    """[CLS] and `CROP` of each row's other tokens, one stretch that begins where `u` (B,) says; padded to (B, L), and what is real."""
    ids, real = batch.input_ids, real_tokens(batch)
    others = real.sum(1) - 1  # (B,): all but [CLS]
    kept = (CROP * others).long().clamp(min=1)
    start = (u.to(ids.device) * (others - kept + 1)).long()  # (B,)
    place = torch.arange(ids.shape[1], device=ids.device)
    source = torch.where(place == 0, 0, place + start[:, None]).clamp(max=ids.shape[1] - 1)  # (B, L)
    is_kept = place <= kept[:, None]
    return torch.where(is_kept, ids.gather(1, source), pad_id), is_kept


class MultiWordSelection(Electra):
    """TEAMS: at every selected place the judge also chooses the original among `CANDIDATES` words that the generator offers.

    The authors judge from the last layer but one, and share layers of the two nets; here both heads read the last layer.
    """

    no_export = property(lambda self: worded(NO_EXPORT))

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.chooser = nn.Linear(config.hidden_size, config.embedding_size)  # H → E
        self.chooser_norm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        init.initialize(self.chooser, config.initializer_range)

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        steps = steps or Steps()
        fakes, mlm_logits, losses = self.make_fakes(batch, noise, config, steps)
        hidden = self.discriminator.encoder(fakes.input_ids, batch.token_type_ids, batch.attention_mask)
        judged, places = self.discriminator.head(hidden), fakes.selection.positions
        losses["rtd"] = steps.rtd_loss(judged, fakes.is_replaced, self.judged(batch, fakes))
        more = formulas.further(noise.sample[:, : places.shape[1]].to(places.device), CANDIDATES - 1)  # (B, M, K − 1)
        offered = formulas.draw_candidates(mlm_logits, batch.input_ids.gather(1, places), more)  # (B, M, K)
        rows = F.embedding(offered, self.discriminator.encoder.embeddings.tables()[0])  # (B, M, K, E)
        asked = self.chooser_norm(F.gelu(self.chooser(gather_positions(hidden, places))))  # (B, M, E)
        scores = (rows * asked[:, :, None]).sum(-1)  # (B, M, K)
        losses["selection"] = formulas.selection_loss_sum(scores, fakes.selection.is_valid)
        return StepOutput(losses, fakes, mlm_logits, judged)

    def target_counts(self, batch: Batch, config: PretrainConfig) -> dict[str, Tensor]:
        return super().target_counts(batch, config) | {"selection": self.count_selected(batch, config)}


class MixtureOfGenerators(Electra):
    """AMOS: every layer of the generator fills the blanks, and a mixture that learns to fool the judge decides who is heard where.

    Each layer learns to be right, as in ELECTRA; gradients stop between layers (authors' code). Only the mixture, and through its votes
    the layers below it, get the judge's gradient, with its sign turned round.
    """

    no_export = property(lambda self: worded(NO_EXPORT))

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.mixture = nn.Linear(config.for_generator().hidden_size, 1, bias=False)
        nn.init.normal_(self.mixture.weight, std=config.initializer_range)

    def forward(self, batch: Batch, noise: Noise, config: PretrainConfig, steps: Steps | None = None) -> StepOutput:
        steps, ids, net = steps or Steps(), batch.input_ids, self.config
        picked = steps.select(ids, net.unselectable_ids, share=config.mask_share, noise=noise.select)
        shown = {"mask_id": net.mask_id, "keep_share": config.keep_share, "noise": noise.mask}
        masked = steps.mask(ids, picked, random_share=config.random_share, vocab_size=net.vocab_size, **shown)
        logits, votes = self.all_layers(masked, batch, picked.positions)  # (B, M, K, V), (B, M, K)
        mlm = sum(mlm_loss_sum(each, ids, picked) for each in logits.unbind(2))
        mixed = formulas.mixed_logits(logits, votes)  # (B, M, V)
        drawn = steps.sample(mixed, temperature=config.temperature, noise=noise.sample)
        fakes = steps.corrupt(ids, picked, drawn)
        made = Corruption(ids, masked, picked, drawn, fakes, steps.label(ids, fakes))
        judged = self.judge(made, mixed, batch)  # (B, L)
        rtd = steps.rtd_loss(judged, made.is_replaced, real_tokens(batch))
        return StepOutput({"mlm": LossSum(mlm, picked.is_valid.sum()), "rtd": rtd}, made, mixed, judged)

    def all_layers(self, masked: Tensor, batch: Batch, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The logits of each of the generator's layers at the selected places, and how loudly each asks to be heard."""
        encoder, logits, votes = self.generator.encoder, [], []
        x, mask = encoder.embed(masked, batch.token_type_ids, batch.attention_mask)
        for layer in encoder.layers:
            x = layer(x, mask)
            read = gather_positions(x, positions)  # (B, M, H)
            logits.append(self.generator.head(read, encoder.embeddings.tables()[0]))
            votes.append(self.mixture(read))
            x = x.detach()
        return torch.stack(logits, 2), torch.cat(votes, -1)

    def judge(self, made: Corruption, mixed: Tensor, batch: Batch) -> Tensor:
        """The discriminator's logits of the corrupted text, whose drawn words pass their gradient on to the mixture."""
        encoder, length = self.discriminator.encoder, made.input_ids.shape[1]
        word, position, token_type = encoder.embeddings.tables()
        vectors = F.embedding(made.input_ids, word)  # (B, L, E)
        drawn = formulas.fooling_vectors(made.sampled_ids, mixed, word).to(vectors.dtype)  # (B, M, E)
        # Unused slots go to an extra place, which is cut off.
        at = torch.where(made.selection.is_valid, made.selection.positions, length)[..., None].expand_as(drawn)
        vectors = F.pad(vectors, (0, 0, 0, 1)).scatter(1, at, drawn)[:, :length]
        kinds = token_type[0] if batch.token_type_ids is None else F.embedding(batch.token_type_ids, token_type)
        x = encoder.embeddings.dropout(encoder.embeddings.layer_norm(vectors + position[:length] + kinds))
        x = x if encoder.project is None else encoder.project(x)
        seen = None if batch.attention_mask is None else batch.attention_mask[:, None, None, :].bool()
        for layer in encoder.layers:
            x = layer(x, seen)
        return self.discriminator.head(x)


class Cooling(Callback):
    """Fast-ELECTRA: lowers the generator's temperature while the run goes on, by the step alone."""

    def __init__(self, start: float = 2.0, end: float = 1.0) -> None:
        self.start, self.end = start, end

    def on_start(self, run: Run) -> None:
        share = run.step / max(1, run.config.steps)
        heat = formulas.falling_temperature(share, self.start, self.end)
        run.task.config = replace(run.task.config, temperature=heat)

    on_step = on_start
