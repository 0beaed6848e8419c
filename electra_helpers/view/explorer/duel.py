"""Beat the discriminator: change one word so that it does not notice.

An attempt scores 1 − P(replaced) at the changed word. The ceiling of a position is the best score that any other word has there, so
that a low score at a hard position still counts for what it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.language import SENTENCES, joined, worded
from electra_helpers.resources import FREE_TEXT
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks import proposals
from electra_helpers.view.explorer.examples import examples_for
from electra_helpers.view.explorer.widget import CHIPS, HERE, PLAIN_WIDTH, TokenWidget, notice_of_cut
from electra_helpers.view.tokens import html_text, text_direction, tokens_to_html, tokens_to_terminal

NOTICED_FROM = 0.5
MOST_TRIED = 256  # words tried for a ceiling: all of a small vocabulary, else the generator's likeliest


@dataclass(frozen=True)
class Attempt:
    """One changed word: what it scored, and the best that the position allows."""

    position: int
    original: str
    word: str
    p_replaced: float
    score: float
    ceiling: float
    best_word: str

    @property
    def is_noticed(self) -> bool:
        return self.p_replaced >= NOTICED_FROM


class Contest:
    """A sentence, the attempts on it, and what is chosen now."""

    def __init__(self, pretrained: Pretrained, text: str) -> None:
        if pretrained.net.discriminator is None:
            raise ElectraError(
                worded("{name} has no discriminator, so there is nobody to beat: load one.", name=pretrained.name)
            )
        self.pretrained = pretrained
        self.attempts: list[Attempt] = []
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Another sentence; attempts on the old one stay in the list."""
        self.row = proposals.read_row(self.pretrained, text)
        self.position: int | None = None
        self.word_id: int | None = None
        self._ceilings: dict[int, tuple[float, str]] = {}

    def choose(self, position: int) -> None:
        """Choose the word to change; a word changed before becomes the original again."""
        ids = self.row.encoding.ids
        if not 0 <= position < len(ids) or ids[position] in self.pretrained.net.config.unselectable_ids:
            raise ElectraError(worded("There is no word to change at position {position}.", position=position))
        self.position, self.word_id = position, None

    def put(self, word: str) -> Attempt:
        """Change the chosen word; the attempt is judged and kept."""
        if self.position is None:
            raise ElectraError(worded("Choose the word that you want to change first."))
        original = self.row.encoding.tokens[self.position]
        word_id = proposals.single_token(self.pretrained.tokenizer, word, like=original)
        if word_id == self.row.encoding.ids[self.position]:
            raise ElectraError(
                worded("{original!r} is the original: an unchanged word is no replacement.", original=original)
            )
        self.word_id = word_id
        p, token = self.p_replaced[self.position], self.pretrained.tokenizer.tokens([word_id])[0]
        ceiling, best = max(self._ceiling_of(self.position), (1 - p, token))
        made = Attempt(self.position, original, token, p, 1 - p, ceiling, best)
        self.attempts.append(made)
        return made

    def _ceiling_of(self, position: int) -> tuple[float, str]:
        """The best score of any word tried at a position, and that word."""
        if position not in self._ceilings:
            tried = self._candidates(position)
            p = proposals.judge_alternatives(self.pretrained, self.row.encoding.ids, position, tried)
            lowest = min(range(len(p)), key=p.__getitem__)
            self._ceilings[position] = (1 - p[lowest], self.pretrained.tokenizer.tokens([tried[lowest]])[0])
        return self._ceilings[position]

    def _candidates(self, position: int) -> list[int]:
        """Ids to try: the generator's likeliest where the vocabulary is large, without specials and the original."""
        left_out = {*self.pretrained.tokenizer.special_ids, self.row.encoding.ids[position]}
        ids: Iterable[int] = range(self.pretrained.tokenizer.vocab_size)
        if self.pretrained.net.generator is not None:
            logits = proposals.generator_logits(self.pretrained, self.row.encoding.ids, [position], [position])[0]
            ids = logits.argsort(descending=True).tolist()
        return [i for i in ids if i not in left_out][:MOST_TRIED]

    @property
    def ids(self) -> list[int]:
        """The row as the discriminator reads it."""
        ids = list(self.row.encoding.ids)
        if self.word_id is not None and self.position is not None:
            ids[self.position] = self.word_id
        return ids

    @property
    def tokens(self) -> list[str]:
        return self.pretrained.tokenizer.tokens(self.ids)

    @property
    def p_replaced(self) -> list[float]:
        return proposals.judge_edited(self.pretrained, self.ids, {})


class Duel(TokenWidget):
    """The widget that `duel` returns; `attempts` lists what was tried."""

    _esm = CHIPS + (HERE / "duel.js").read_text("utf-8")
    _actions = frozenset({"set_text", "choose", "put"})

    def __init__(self, contest: Contest, examples: Iterable[str] = ()) -> None:
        self.contest, self.examples = contest, list(examples)
        super().__init__()

    def _act(self, name: str, *arguments: Any) -> None:
        getattr(self.contest, name)(*arguments)

    def _do(self, name: str, *arguments: Any) -> None:
        self.error = None
        self._act(name, *arguments)
        self._paint()

    def set_text(self, text: str) -> None:
        """Another sentence."""
        self._do("set_text", text)

    def choose(self, position: int) -> None:
        """Choose the token to change."""
        self._do("choose", position)

    def put(self, word: str) -> Attempt:
        """Change the chosen token to `word` and see whether it is noticed."""
        self._do("put", word)
        return self.attempts[-1]

    @property
    def attempts(self) -> list[Attempt]:
        """Everything tried so far, oldest first."""
        return list(self.contest.attempts)

    def _view(self) -> dict[str, Any]:
        contest = self.contest
        p = contest.p_replaced
        return {
            "text": contest.row.text,
            "direction": text_direction(contest.row.encoding.tokens[1:-1]),
            "chips": [self._chip(i, token, p[i]) for i, token in enumerate(contest.tokens)],
            "position": contest.position,
            "attempts": [asdict(a) | {"is_noticed": a.is_noticed} for a in reversed(contest.attempts)],
            "examples": self.examples,
            "notices": notice_of_cut(contest.row),
            "status": self._status(),
        }

    def _chip(self, i: int, token: str, p: float) -> dict[str, Any]:
        encoding, contest = self.contest.row.encoding, self.contest
        is_put = i == contest.position and contest.word_id is not None
        return {
            "token": encoding.tokens[i],
            "shown": token,
            "word": encoding.word_ids[i],
            "fixed": encoding.ids[i] in contest.pretrained.net.config.unselectable_ids,
            "mark": "replaced" if is_put else "",
            "p": p,
        }

    def _status(self) -> str:
        contest = self.contest
        if contest.position is None:
            return worded("Choose a word, then type another one for its place.")
        if contest.word_id is None:
            return worded(
                "Which word could stand for “{tokens}” without being noticed?",
                tokens=contest.row.encoding.tokens[contest.position],
            )
        last = contest.attempts[-1]
        verdict = worded("Noticed") if last.is_noticed else worded("Not noticed")
        best = (
            worded("no word tried there does better")
            if last.word == last.best_word
            else worded("the ceiling there is {ceiling:.2f}", ceiling=last.ceiling)
        )
        return worded(
            "{verdict}: P(replaced) of “{word}” is {p_replaced:.2f}. Your score is {score:.2f}; {best}.",
            verdict=verdict,
            word=last.word,
            p_replaced=last.p_replaced,
            score=last.score,
            best=best,
        )

    def _plain(self) -> str:
        contest = self.contest
        shown = tokens_to_terminal(
            contest.tokens, contest.p_replaced, word_ids=contest.row.encoding.word_ids, color=False, width=PLAIN_WIDTH
        )
        lines = [
            worded(
                "{original} → {word}: score {score:.2f}, ceiling {ceiling:.2f}",
                original=a.original,
                word=a.word,
                score=a.score,
                ceiling=a.ceiling,
            )
            for a in contest.attempts
        ]
        return "\n".join(
            [worded("Beat the discriminator: {name}", name=contest.pretrained.name), "", shown, "", *lines]
        ).rstrip()

    def _html(self) -> str:
        contest = self.contest
        picture = tokens_to_html(
            contest.tokens,
            contest.p_replaced,
            word_ids=contest.row.encoding.word_ids,
            title=worded("Beat the discriminator: change one word so that it does not notice"),
        )
        line = joined([self._status(), worded("A picture: run the cell to play.")], SENTENCES)
        return f"{picture}<p><small>{html_text(line)}</small></p>"

    def __repr__(self) -> str:
        return self._plain()


def duel(
    model: Pretrained | str | Path = FREE_TEXT, text: str | None = None, *, examples: Iterable[str] | None = None
) -> Duel:
    """Play against the discriminator: change one word of a sentence so that it does not notice.

    Your score is 1 − P(replaced) at the changed word; the ceiling is the best that any word tried at that place has (the generator's 256
    likeliest, or the whole vocabulary if it is small). Raises `ElectraError` for a model without a discriminator.

    >>> import electra_helpers as eh
    >>> game = eh.duel("electra-tiny-world-en")  # doctest: +SKIP
    >>> game.choose(3); game.put("needle").is_noticed  # doctest: +SKIP
    True

    Built in notebook 07.
    """
    pretrained = model if isinstance(model, Pretrained) else load(model)
    offered = list(examples) if examples is not None else examples_for(pretrained.tokenizer)
    if text is None and not offered:
        raise ElectraError(worded("Give a text: no example is made of this model's vocabulary."))
    return Duel(Contest(pretrained, offered[0] if text is None else text), offered)
