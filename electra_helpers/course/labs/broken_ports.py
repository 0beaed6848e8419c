"""Three short training steps with mistakes that published ports of ELECTRA make, written anew for notebook 17: none raises an error.

Shapes: B rows, L length, V vocabulary. `generator(ids)` gives logits (B, L, V), `discriminator(ids)` gives logits (B, L); `selected`
(B, L) says which places are to be filled in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Categorical
from torch.nn import functional as F

from electra_helpers.corruption import select_positions
from electra_helpers.course.labs.objectives import padded
from electra_helpers.course.labs.replacements import world_model
from electra_helpers.course.labs.world_run import world_texts
from electra_helpers.errors import ElectraError
from electra_helpers.language import padded as column
from electra_helpers.language import worded, wording


def port_a(generator, discriminator, ids, selected, mask_id):
    """Port A: one step of training."""
    masked = torch.where(selected, mask_id, ids)
    guesses = generator(masked)
    corrupted = torch.where(selected, Categorical(logits=guesses).sample(), ids)
    is_fake = corrupted != ids
    verdicts = discriminator(masked)
    return losses(guesses, ids, selected, verdicts, is_fake)


def port_b(generator, discriminator, ids, selected, mask_id):
    """Port B: one step of training."""
    masked = torch.where(selected, mask_id, ids)
    guesses = generator(masked)
    corrupted = torch.where(selected, guesses.argmax(-1), ids)
    is_fake = selected
    verdicts = discriminator(corrupted)
    return losses(guesses, ids, selected, verdicts, is_fake)


def port_c(generator, discriminator, ids, selected, mask_id):
    """Port C: one step of training."""
    masked = ids.clone()
    masked.masked_fill(selected, mask_id)
    guesses = generator(masked)
    corrupted = torch.where(selected, Categorical(logits=guesses).sample(), ids)
    is_fake = corrupted != ids
    verdicts = discriminator(corrupted)
    return losses(guesses, ids, selected, verdicts, is_fake)


def sound_step(generator, discriminator, ids, selected, mask_id):
    """The same step without a mistake."""
    masked = torch.where(selected, mask_id, ids)
    guesses = generator(masked)
    corrupted = torch.where(selected, Categorical(logits=guesses).sample(), ids)
    is_fake = corrupted != ids
    verdicts = discriminator(corrupted)
    return losses(guesses, ids, selected, verdicts, is_fake)


@dataclass(frozen=True, eq=False)
class Losses:
    """What a step trains with, and the labels that it gave."""

    mlm: Tensor
    rtd: Tensor
    labels: Tensor


def losses(guesses: Tensor, ids: Tensor, selected: Tensor, verdicts: Tensor, is_fake: Tensor) -> Losses:
    """The generator's and the discriminator's mean loss, the same for all steps (rows here are full: nothing is padded)."""
    mlm = F.cross_entropy(guesses[selected], ids[selected])
    return Losses(mlm, F.binary_cross_entropy_with_logits(verdicts, is_fake.float()), is_fake)


PORTS: dict[str, Callable[..., Losses]] = {"A": port_a, "B": port_b, "C": port_c}
MASKED_IS_READ = "the discriminator reads the masked ids"
BEST_GUESS = "fakes are the likeliest word, and every selected place is called a fake"
MASK_IS_DROPPED = "the mask is made and dropped"
MISTAKES = (
    "the loss of the discriminator reaches the generator through the draw",
    BEST_GUESS,
    "the labels are shifted by one",
    MASK_IS_DROPPED,
    "padding is judged",
    MASKED_IS_READ,
)
FOUND = {"A": MASKED_IS_READ, "B": BEST_GUESS, "C": MASK_IS_DROPPED}
MARK_GIVES_AWAY = "the judge learns that [MASK] is a fake, and is asked about words later"
RIGHT_IS_FAKE = "right guesses are called fakes, and no draw shows what else could stand there"
NOTHING_TO_FIND = "the generator copies: its loss is near 0, and hardly a word is replaced"
OUTCOMES = (NOTHING_TO_FIND, MARK_GIVES_AWAY, RIGHT_IS_FAKE)
FOLLOWS = {"A": MARK_GIVES_AWAY, "B": RIGHT_IS_FAKE, "C": NOTHING_TO_FIND}


def show_port(name: str) -> None:
    """Print the step of a port. Raises `ElectraError` for a name that is none."""
    if name not in PORTS:
        raise ElectraError(
            worded("There is no port {name!r}: choose one of {ports}.", name=name, ports=", ".join(PORTS))
        )
    print(inspect.getsource(PORTS[name]))


@torch.no_grad()
def symptoms(step: Callable[..., Losses], seed: int = 0, count: int = 40) -> dict[str, float]:
    """What a step does to held-out sentences, with the course's trained nets: what each net reads, what is labelled, and both losses.

    Shares are of the selected places; "draws differ" is the share of them that a second call fills otherwise.
    """
    model, read = world_model(), {}
    ids = _full_rows(count)
    random = torch.Generator().manual_seed(seed)
    selected = select_positions(ids, model.net.config.unselectable_ids, generator=random).as_mask(ids.shape[1])
    mask_id = model.net.config.mask_id

    def watched(name: str, net: torch.nn.Module) -> Callable[[Tensor], Tensor]:
        def call(ids: Tensor) -> Tensor:
            read[name] = ids
            return net(ids)

        return call

    nets = (watched("generator", model.net.generator), watched("discriminator", model.net.discriminator))
    seen = []
    for each in (seed, seed + 1):
        torch.manual_seed(each)
        found = step(*nets, ids, selected, mask_id)
        seen.append(read["discriminator"])
    unchanged = seen[1] == ids
    return {
        wording("[MASK] for the generator"): float((read["generator"] == mask_id)[selected].float().mean()),
        wording("[MASK] for the discriminator"): float((seen[1] == mask_id)[selected].float().mean()),
        wording("right word called fake"): float((found.labels & unchanged)[selected].float().mean()),
        wording("called fake"): float(found.labels[selected].float().mean()),
        wording("draws differ"): float((seen[0] != seen[1])[selected].float().mean()),
        wording("MLM loss"): float(found.mlm),
    }


def _full_rows(count: int) -> Tensor:
    """Held-out stories cut to one length, so that nothing is padded."""
    model = world_model()
    ids = padded(model.tokenizer, world_texts("stories", count, split="validation")).input_ids
    return ids[:, : int((ids != model.tokenizer.pad_id).sum(1).min())]


def symptoms_table() -> str:
    """The symptoms of the three ports and of a sound step."""
    rows = {wording("sound"): symptoms(sound_step)} | {name: symptoms(step) for name, step in PORTS.items()}
    names = list(next(iter(rows.values())))
    lines = [f"{'':<30}" + "".join(column(name, 8, right=True) for name in rows)]
    return "\n".join(
        [*lines, *(column(name, 30) + "".join(f"{found[name]:>8.2f}" for found in rows.values()) for name in names)]
    )
