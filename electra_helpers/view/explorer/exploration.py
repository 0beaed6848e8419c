"""What can be done in the token explorer, without any picture: moments, actions on them, undo and redo.

Every interaction is a method here; the widget (`explorer.py`) only passes messages on and paints `view()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from electra_helpers.errors import ElectraError
from electra_helpers.language import worded
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks import proposals
from electra_helpers.tasks.ceilings import ceilings_for

STAGES = ("select", "mask", "sample", "corrupt", "judge")
TEMPERATURES = (0.1, 3.0)
MOST_UNDONE = 200


@dataclass(frozen=True)
class Moment:
    """Everything that decides what is seen; undo goes back to an earlier one."""

    text: str
    selected: tuple[int, ...] = ()  # positions to be predicted, ascending
    masked: tuple[int, ...] = ()  # those of them that show [MASK] to the generator
    sampled: Mapping[int, int] = field(default_factory=dict)  # position → id that the discriminator reads there
    position: int | None = None  # whose proposals are open
    stage: str = "judge"
    temperature: float = 1.0
    draws: int = 0  # how often chance was asked: the next draw is another one


class Exploration:
    """A text under a model, and what was done to it."""

    def __init__(self, pretrained: Pretrained, text: str, *, top_k: int = 8, seed: int = 0) -> None:
        self.pretrained, self.top_k, self.seed = pretrained, top_k, seed
        self.tokenizer = pretrained.tokenizer
        # The last rows are kept: moving the temperature, undo and redo ask for no forward pass.
        self._row = lru_cache(4)(lambda text: proposals.read_row(pretrained, text))
        self._logits = lru_cache(8)(self._compute_logits)
        self._p = lru_cache(8)(lambda text, edits: proposals.judge_edited(pretrained, self._ids(text), dict(edits)))
        self._row(text)
        self.now = self.start = Moment(text)
        self._past: list[Moment] = []
        self._future: list[Moment] = []
        self._last_action = ""

    # ---- what is there -------------------------------------------------------------------------------------------

    @property
    def row(self) -> proposals.EncodedText:
        return self._row(self.now.text)

    @property
    def tokens(self) -> list[str]:
        """The original tokens, [CLS] and [SEP] included."""
        return self.row.encoding.tokens

    @property
    def current_tokens(self) -> list[str]:
        """What the discriminator reads: the original with the sampled tokens put in."""
        put = self.now.sampled
        return [self.tokenizer.tokens([put[i]])[0] if i in put else t for i, t in enumerate(self.tokens)]

    @property
    def generator_tokens(self) -> list[str]:
        """What the generator reads: the original with [MASK] at the masked positions."""
        mask = self.tokenizer.tokens([self.tokenizer.mask_id])[0]
        return [mask if i in self.now.masked else t for i, t in enumerate(self.tokens)]

    @property
    def is_replaced(self) -> list[bool]:
        """Whether another token than the original stands there; a right guess counts as original."""
        put, ids = self.now.sampled, self.row.encoding.ids
        return [i in put and put[i] != original for i, original in enumerate(ids)]

    @property
    def p_replaced(self) -> list[float] | None:
        """P(replaced) of each current token; None where the model has no discriminator. Open blanks count as original."""
        if self.pretrained.net.discriminator is None:
            return None
        return self._p(self.now.text, tuple(sorted(self.now.sampled.items())))

    @property
    def proposals(self) -> proposals.Proposals | None:
        """The generator at the open position; None where none is open or the model has no generator."""
        if self.now.position is None or self.pretrained.net.generator is None:
            return None
        return self.proposals_at(self.now.position)

    def proposals_at(self, position: int) -> proposals.Proposals:
        """The generator's likeliest tokens at a position, read with the present blanks."""
        logits = self._logits(self.now.text, self.now.masked, position)
        return proposals.propose(
            self.tokenizer,
            logits,
            self.row.encoding.ids[position],
            position=position,
            temperature=self.now.temperature,
            top_k=self.top_k,
        )

    def ceiling_at(self, position: int) -> np.ndarray | None:
        """What a perfect generator would propose there, (V,); None unless the text is a story of the little world."""
        oracle = ceilings_for(self.tokenizer)
        return None if oracle is None else oracle.generator(self.tokens, self.now.masked, position)

    @property
    def best_judgement(self) -> dict[int, float]:
        """P(replaced) of each filled position by a judge that knows every other word; empty unless the little world speaks."""
        oracle = ceilings_for(self.tokenizer)
        if oracle is None or self.pretrained.net.generator is None:
            return {}
        found = {}
        for i, token_id in self.now.sampled.items():
            logits = self._logits(self.now.text, self.now.masked, i)
            q = proposals.probabilities(logits, self.now.temperature)
            found[i] = oracle.judge(self.tokens, i, token_id, q)
        return {i: p for i, p in found.items() if p is not None}

    def _ids(self, text: str) -> list[int]:
        return self._row(text).encoding.ids

    def _compute_logits(self, text: str, masked: tuple[int, ...], position: int):
        return proposals.generator_logits(self.pretrained, self._ids(text), masked, [position])[0]

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    @cached_property
    def missing(self) -> str | None:
        """What cannot be done because a net is missing, in a sentence."""
        net, name = self.pretrained.net, self.pretrained.name
        if net.generator is None:
            return worded(
                "{name} is a discriminator only: it judges words that you type, and proposes none. "
                "Load the generator of the pair as well to see proposals.",
                name=name,
            )
        if net.discriminator is None:
            return worded(
                "{name} is a generator only: it proposes tokens, and cannot judge them. Load the discriminator as well.",
                name=name,
            )
        return None

    # ---- what can be done ----------------------------------------------------------------------------------------

    def _go(self, moment: Moment, action: str) -> None:
        """Make `moment` the present one; a slider drawn along one way is undone in one step."""
        if moment == self.now:
            return
        if not (action == "temperature" and self._last_action == action):
            self._past = [*self._past, self.now][-MOST_UNDONE:]
        self._future, self._last_action = [], action
        self.now = moment

    def _check_position(self, position: Any, text: str | None = None) -> int:
        row = self.row if text is None else self._row(text)
        ids, tokens = row.encoding.ids, row.encoding.tokens
        if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position < len(ids):
            raise ElectraError(
                worded(
                    "There is no position {position!r}: the tokens are numbered 0 to {count}.",
                    position=position,
                    count=len(ids) - 1,
                )
            )
        if ids[position] in self.pretrained.net.config.unselectable_ids:
            raise ElectraError(
                worded(
                    "{tokens} at position {position} is a special token: it is never masked.",
                    tokens=tokens[position],
                    position=position,
                )
            )
        return position

    def set_text(self, text: str) -> None:
        """Read another text; the temperature stays."""
        self._row(text)
        self._go(Moment(text, temperature=self.now.temperature, draws=self.now.draws), "text")

    def press(self, position: int) -> None:
        """A click on a token: mask it and open its proposals; open them; or, where they are open, put the original back."""
        position = self._check_position(position)
        if position not in self.now.selected:
            self.mask(position)
        elif position != self.now.position or self.now.stage != "judge":
            self._go(replace(self.now, position=position, stage="judge"), "open")
        else:
            self.restore(position)

    def mask(self, position: int) -> None:
        """Hide a token from the generator, and open its proposals."""
        position = self._check_position(position)
        put = {i: token for i, token in self.now.sampled.items() if i != position}
        selected, masked = ({*old, position} for old in (self.now.selected, self.now.masked))
        moment = replace(self.now, selected=tuple(sorted(selected)), masked=tuple(sorted(masked)), sampled=put)
        self._go(replace(moment, position=position, stage="judge"), "mask")

    def restore(self, position: int) -> None:
        """Put the original back: the position is neither selected nor masked any more."""
        position = self._check_position(position)
        selected, masked = (tuple(i for i in old if i != position) for old in (self.now.selected, self.now.masked))
        put = {i: token for i, token in self.now.sampled.items() if i != position}
        self._go(
            Moment(self.now.text, selected, masked, put, None, "judge", self.now.temperature, self.now.draws), "restore"
        )

    def _open(self) -> int:
        if self.now.position is None:
            raise ElectraError(worded("No token is open: choose a token first."))
        return self.now.position

    def choose(self, token: str) -> None:
        """Put one of the vocabulary's tokens at the open position."""
        put = dict(self.now.sampled) | {self._open(): self._id_of(token)}
        self._go(replace(self.now, sampled=put, stage="judge"), "choose")

    def type_word(self, word: str) -> None:
        """Put a typed word at the open position; it must be one token."""
        position = self._open()
        found = proposals.single_token(self.tokenizer, word, like=self.tokens[position])
        self._go(replace(self.now, sampled=dict(self.now.sampled) | {position: found}, stage="judge"), "type")

    def sample(self) -> None:
        """Draw a token at the open position from softmax(logits / temperature)."""
        drawn = self._drawn(self.now, (self._open(),))
        put = dict(self.now.sampled) | drawn
        self._go(replace(self.now, sampled=put, draws=self.now.draws + 1, stage="judge"), "sample")

    def corrupt(self) -> None:
        """Select 15 % at random, mask, sample and corrupt: a whole step of pre-training at once."""
        moment = self._selection()
        while moment.stage != STAGES[-1]:
            moment = self._following(moment)
        self._go(moment, "corrupt")

    def step(self) -> None:
        """One rung of the ladder: select → mask → sample → corrupt → judge, and from there a new selection."""
        done = self.now.stage == STAGES[-1]
        self._go(self._selection() if done else self._following(self.now), "step")

    def _selection(self) -> Moment:
        """A fresh selection by pre-training's rule; nothing is masked yet."""
        if self.pretrained.net.generator is None:
            raise ElectraError(worded("{name} has no generator, so nothing can be sampled.", name=self.pretrained.name))
        chosen = proposals.choose_at_random(
            self.pretrained, self.row.encoding.ids, seed=self.seed, number=self.now.draws
        )
        return Moment(self.now.text, tuple(chosen), (), {}, None, "select", self.now.temperature, self.now.draws + 1)

    def _following(self, moment: Moment) -> Moment:
        """The next rung: masking and sampling ask chance, corrupting and judging only reveal what follows from it."""
        stage = STAGES[STAGES.index(moment.stage) + 1]
        if stage == "mask":
            ids = self.row.encoding.ids
            masked = proposals.mask_at_random(
                self.pretrained, ids, moment.selected, seed=self.seed, number=moment.draws
            )
            return replace(moment, stage=stage, masked=tuple(masked), draws=moment.draws + 1)
        if stage == "sample":
            return replace(moment, stage=stage, sampled=self._drawn(moment, moment.selected), draws=moment.draws + 1)
        return replace(moment, stage=stage)

    def _drawn(self, moment: Moment, positions: tuple[int, ...]) -> dict[int, int]:
        """One sampled id a position; every blank is filled without knowing what fills the others."""
        if not positions:
            return {}
        logits = proposals.generator_logits(self.pretrained, self._ids(moment.text), moment.masked, positions)
        ids = proposals.draw(logits, temperature=moment.temperature, seed=self.seed, number=moment.draws)
        return dict(zip(positions, ids, strict=True))

    def set_temperature(self, temperature: float) -> None:
        """Sharpen (below 1) or flatten (above 1) the generator's distribution."""
        self._go(replace(self.now, temperature=_check_temperature(temperature)), "temperature")

    def undo(self) -> None:
        """Go back by one action."""
        if self._past:
            self._future.append(self.now)
            self.now = self._past.pop()
            self._last_action = "undo"

    def redo(self) -> None:
        """Do again what was undone."""
        if self._future:
            self._past.append(self.now)
            self.now = self._future.pop()
            self._last_action = "redo"

    def reset(self) -> None:
        """Back to the first text, untouched; this too can be undone."""
        self._go(replace(self.start, draws=self.now.draws), "reset")

    # ---- the state as plain data ---------------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, Any]:
        """The present moment as a dictionary of plain values; tokens by name."""
        plain = asdict(self.now)
        put = self.now.sampled
        names = dict(zip(put, self.tokenizer.tokens(put.values()), strict=True))
        return plain | {"selected": list(self.now.selected), "masked": list(self.now.masked), "sampled": names}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        known = {f.name for f in fields(Moment)}
        unknown = sorted(set(state) - known)
        if unknown:
            raise ElectraError(
                worded(
                    "The state has no {unknown}; it has {known}.",
                    unknown=", ".join(map(repr, unknown)),
                    known=", ".join(sorted(known)),
                )
            )
        moves_on = state.get("text", self.now.text) == self.now.text
        plain = self.state if moves_on else asdict(Moment("", temperature=self.now.temperature, draws=self.now.draws))
        self._go(self._moment(plain | dict(state)), "state")

    def _moment(self, state: Mapping[str, Any]) -> Moment:
        """A moment from plain values, each checked against the text."""
        text = str(state["text"])
        self._row(text)  # refuses a text without words

        def check(position: Any) -> int:
            return self._check_position(position, text)

        put = {check(int(i)): self._id_of(token) for i, token in dict(state["sampled"]).items()}
        selected, masked = (tuple(sorted(set(map(check, state[name])))) for name in ("selected", "masked"))
        position = None if state["position"] is None else check(state["position"])
        outside = sorted({*masked, *put, *([] if position is None else [position])} - set(selected))
        if outside:
            raise ElectraError(
                worded(
                    "Positions {outside} are masked, sampled or open, and not among those selected: {selected}.",
                    outside=outside,
                    selected=selected,
                )
            )
        if state["stage"] not in STAGES:
            raise ElectraError(
                worded(
                    "There is no stage {stage!r}: choose one of {stages}.",
                    stage=state["stage"],
                    stages=", ".join(STAGES),
                )
            )
        temperature = _check_temperature(state["temperature"])
        return Moment(text, selected, masked, put, position, state["stage"], temperature, int(state["draws"]))

    def _id_of(self, token: str) -> int:
        found = self.tokenizer.backend.token_to_id(token)
        if found is None:
            raise ElectraError(worded("{token!r} is no token of this vocabulary.", token=token))
        return found


def _check_temperature(temperature: Any) -> float:
    low, high = TEMPERATURES
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not low <= temperature <= high:
        raise ElectraError(
            worded(
                "temperature is {temperature!r}: choose a number from {low} to {high}.",
                temperature=temperature,
                low=low,
                high=high,
            )
        )
    return float(temperature)
