"""The token explorer in the notebook: paints an `Exploration` and passes on what the reader does.

All model logic stays in Python; the front end (`chips.js`, `explorer.js`) paints the dictionary `view` and sends the name of an action.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.language import SENTENCES, joined, worded
from electra_helpers.resources import FREE_TEXT
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.proposals import EncodedText
from electra_helpers.view.explorer.examples import examples_for
from electra_helpers.view.explorer.exploration import STAGES, Exploration
from electra_helpers.view.explorer.words import front_words
from electra_helpers.view.painted import WIDGET_VIEW
from electra_helpers.view.tokens import html_text, text_direction, tokens_to_html, tokens_to_terminal

HERE = Path(__file__).parent
CHIPS = (HERE / "chips.js").read_text("utf-8")
STYLE = (HERE / "explorer.css").read_text("utf-8")
PLAIN_WIDTH = 100  # columns: fixed, so that the plain text does not depend on the terminal

# Where nothing runs, the saved picture stands in for the widget, and the front end's complaint about a lost model is not shown.
SAVED_STYLE = """
.jp-OutputArea-child:has(.eh-saved) + .jp-OutputArea-child:has(> .lm-Panel.jp-OutputArea-output):not(:has(.eh-widget)),
.jp-OutputArea-child:has(.eh-saved):has(+ .jp-OutputArea-child .eh-widget) { display: none; }
""".strip()


class TokenWidget(anywidget.AnyWidget):
    """What explorer and duel share: messages in, one dictionary out, errors shown, a picture left where nothing runs.

    A subclass gives `_actions` (names that the front end may call), `_view`, `_html` and `_plain`.
    """

    _css = STYLE
    _actions: frozenset[str] = frozenset()
    view = traitlets.Dict().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.words = front_words(str(self._esm))
        self.error: Exception | None = None
        self._answers = 0
        self.on_msg(self._receive)
        self._paint()

    def _view(self) -> dict[str, Any]:
        raise NotImplementedError

    def _html(self) -> str:
        raise NotImplementedError

    def _plain(self) -> str:
        raise NotImplementedError

    def _paint(self) -> None:
        """Send what is to be seen now."""
        self._answers += 1
        error = None if self.error is None else readable_error(self.error)
        self.view = self._view() | {"error": error, "answer": self._answers}

    def _receive(self, _widget: Any, message: Any, _buffers: Any) -> None:
        """An action of the reader. Whatever goes wrong is shown in the widget and kept in `error`."""
        self.error = None
        try:
            name, arguments = message["do"], message.get("with", [])
            if name not in self._actions:
                raise ElectraError(worded("There is no action {name!r}.", name=name))
            self._act(name, *arguments)
        except Exception as error:  # shown in the widget: a traceback from a message would be seen nowhere
            self.error = error
        self._paint()

    def _act(self, name: str, *arguments: Any) -> None:
        raise NotImplementedError

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_()
        return data | self._saved(), metadata

    def _saved(self) -> dict[str, str]:
        style = f"<style>{SAVED_STYLE}</style>"
        return {
            "text/html": f'<div class="eh-saved" data-eh-model="{self.model_id}">{style}{self._html()}</div>',
            "text/plain": self._plain(),
        }

    def _ipython_display_(self, **_: Any) -> None:
        """Two outputs: a picture that stays with the file, and the living widget, which hides it.

        JupyterLab prefers a widget to the HTML of the same output even where the widget is gone; so the picture has its own.
        """
        from IPython.display import display

        live = super()._repr_mimebundle_()[0]
        display(self._saved(), raw=True)
        display({WIDGET_VIEW: live[WIDGET_VIEW], "text/plain": ""}, raw=True)


def readable_error(error: Exception) -> str:
    """One line for the reader; the kind is named where it is a mistake of ours."""
    return str(error) if isinstance(error, ElectraError) else f"{type(error).__name__}: {error}"


def action(name: str) -> Callable:
    """A method of the widget that does what the exploration's method of that name does, and paints the result."""

    def method(self: Explorer, *arguments: Any) -> None:
        self.error = None
        self._act(name, *arguments)
        self._paint()

    method.__name__, method.__doc__ = name, getattr(Exploration, name).__doc__
    return method


class Explorer(TokenWidget):
    """The widget that `explore` returns. Everything a mouse can do is a method; `state` is readable and settable."""

    _esm = CHIPS + (HERE / "explorer.js").read_text("utf-8")
    _actions = frozenset(
        {"set_text", "press", "restore", "choose", "type_word", "sample", "corrupt", "step", "set_temperature"}
        | {"undo", "redo", "reset"}
    )

    def __init__(self, exploration: Exploration, examples: Iterable[str] = ()) -> None:
        self.exploration = exploration
        self.examples = list(examples)
        super().__init__()

    def _act(self, name: str, *arguments: Any) -> None:
        getattr(self.exploration, name)(*arguments)

    set_text, press, mask, restore = action("set_text"), action("press"), action("mask"), action("restore")
    choose, type_word, sample, corrupt = action("choose"), action("type_word"), action("sample"), action("corrupt")
    step, set_temperature = action("step"), action("set_temperature")
    undo, redo, reset = action("undo"), action("redo"), action("reset")

    @property
    def state(self) -> dict[str, Any]:
        """The text, what was done to it, temperature and stage; set it (in full or in part) to go there."""
        return self.exploration.state

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self.error = None
        self.exploration.state = state
        self._paint()

    @property
    def p_replaced(self) -> list[float] | None:
        """P(replaced) of every current token, specials included."""
        return self.exploration.p_replaced

    @property
    def tokens(self) -> list[str]:
        """What the discriminator reads now."""
        return self.exploration.current_tokens

    def _view(self) -> dict[str, Any]:
        return painted(self.exploration) | {"examples": self.examples, "plain": self._plain()}

    def _html(self) -> str:
        return saved_html(self.exploration)

    def _plain(self) -> str:
        return plain_text(self.exploration)

    def __repr__(self) -> str:
        return self._plain()


def painted(seen: Exploration) -> dict[str, Any]:
    """All that the front end paints, as plain values."""
    now, row = seen.now, seen.row
    return {
        "name": seen.pretrained.name,
        "text": now.text,
        "direction": text_direction(row.encoding.tokens[1:-1]),
        "chips": chips(seen),
        "stage": STAGES.index(now.stage),
        "position": now.position,
        "proposals": painted_proposals(seen),
        "can_sample": seen.pretrained.net.generator is not None,
        "judges": seen.pretrained.net.discriminator is not None,
        "temperature": now.temperature,
        "can_undo": seen.can_undo,
        "can_redo": seen.can_redo,
        "notices": notices(seen),
        "status": status(seen),
    }


def chips(seen: Exploration) -> list[dict[str, Any]]:
    """One dictionary a token: its texts on every rung, its mark and its probability."""
    encoding, now = seen.row.encoding, seen.now
    current, generator, replaced = seen.current_tokens, seen.generator_tokens, seen.is_replaced
    p = seen.p_replaced if now.stage == "judge" else None
    best = seen.best_judgement if now.stage == "judge" else {}
    return [
        {
            "token": token,
            "masked": generator[i],
            "current": current[i],
            "shown": {"select": token, "mask": generator[i]}.get(
                now.stage, current[i] if i in now.sampled else generator[i]
            ),
            "word": encoding.word_ids[i],
            "fixed": encoding.ids[i] in seen.pretrained.net.config.unselectable_ids,
            "mark": mark(seen, i, replaced[i]),
            "p": None if p is None else p[i],
            "best": best.get(i),
        }
        for i, token in enumerate(encoding.tokens)
    ]


def mark(seen: Exploration, i: int, is_replaced: bool) -> str:
    """What happened to a token, in a word: "", selected, blank, drawn, guessed (right), replaced."""
    now = seen.now
    if i not in now.selected:
        return ""
    if now.stage == "sample":
        return "drawn"
    if i in now.sampled:
        return "replaced" if is_replaced else "guessed"
    return "blank" if i in now.masked and now.stage != "select" else "selected"


def painted_proposals(seen: Exploration) -> dict[str, Any] | None:
    """The open position's proposals as the front end draws them; None where no position is open."""
    made = seen.proposals
    if made is None:
        return None
    ceiling = seen.ceiling_at(made.position)
    here = seen.tokenizer.tokens([seen.now.sampled[made.position]])[0] if made.position in seen.now.sampled else None
    return {
        "position": made.position,
        "rows": [
            {
                "token": token,
                "p": p,
                "is_original": token == made.original,
                "is_here": token == here,
                "ceiling": None if ceiling is None else float(ceiling[token_id]),
            }
            for token_id, token, p in zip(made.ids, made.tokens, made.probabilities, strict=True)
        ],
        "original": made.original,
        "original_p": made.original_probability,
        "original_rank": made.original_rank,
        "original_ceiling": None if ceiling is None else float(ceiling[seen.row.encoding.ids[made.position]]),
        "vocab_size": seen.tokenizer.vocab_size,
        "was_masked": made.position in seen.now.masked,
    }


def notices(seen: Exploration) -> list[str]:
    """What is missing and what was cut, a line each."""
    return ([seen.missing] if seen.missing else []) + notice_of_cut(seen.row)


def notice_of_cut(row: EncodedText) -> list[str]:
    """A word on what was left out of a long text."""
    if not row.n_cut:
        return []
    kept = len(row.encoding.ids)
    return [
        worded(
            "The text is longer than what can be shown: the first {kept} tokens are here, {n_cut:,} are cut.",
            kept=kept,
            n_cut=row.n_cut,
        )
    ]


def status(seen: Exploration) -> str:
    """What a screen reader is told after every action, and what stands under the tokens."""
    now, replaced = seen.now, seen.is_replaced
    if not now.selected:
        return worded("Nothing is masked. Choose a token to hide it from the generator.")
    if now.stage == "select":
        return worded("{count} tokens are selected: the generator will have to predict them.", count=len(now.selected))
    if now.stage == "mask":
        return worded(
            "{masked} of {selected} selected tokens show [MASK]; the others stay as they are.",
            masked=len(now.masked),
            selected=len(now.selected),
        )
    if now.stage == "sample":
        return worded(
            "{count} tokens are drawn from the generator's proposals, each without knowing the others.",
            count=len(now.sampled),
        )
    blanks = len(now.selected) - len(now.sampled)
    parts = [
        worded(
            "{total} of {count} filled tokens are replaced; a right guess counts as original.",
            total=sum(replaced),
            count=len(now.sampled),
        )
    ]
    if blanks:
        parts = parts if now.sampled else []
        parts.append(worded("An open blank counts as original: the discriminator never reads [MASK]."))
    return joined(parts, SENTENCES)


def plain_text(seen: Exploration) -> str:
    """The present moment as text: tokens with their numbers, then the open proposals."""
    p = seen.p_replaced
    lines = [worded("Token explorer: {name}", name=seen.pretrained.name), *notices(seen), ""]
    if p is None:
        lines.append(" ".join(seen.generator_tokens))
    else:
        shape = {"word_ids": seen.row.encoding.word_ids, "is_replaced": seen.is_replaced}
        lines.append(tokens_to_terminal(seen.current_tokens, p, **shape, color=False, width=PLAIN_WIDTH))
        lines += ["", worded("The number is P(replaced); * marks 0.5 and more, _ what really is replaced.")]
    return "\n".join(lines + proposal_lines(seen))


def proposal_lines(seen: Exploration) -> list[str]:
    """The open position's proposals as lines of text."""
    made = seen.proposals
    if made is None:
        return []
    shown = "  ".join(f"{token} {p:.2f}" for token, p in zip(made.tokens, made.probabilities, strict=True))
    rank = worded(
        "The original {token} is number {rank} with {p:.2f}.",
        token=made.original,
        rank=made.original_rank,
        p=made.original_probability,
    )
    return [
        "",
        worded("The generator at position {position}: {shown}", position=made.position, shown=shown),
        rank,
    ]


def saved_html(seen: Exploration) -> str:
    """The picture for pages on which nothing runs."""
    p = seen.p_replaced
    if p is None:
        return f"<pre>{html_text(plain_text(seen))}</pre>"
    picture = tokens_to_html(
        seen.current_tokens,
        p,
        word_ids=seen.row.encoding.word_ids,
        is_replaced=seen.is_replaced,
        title=worded("Token explorer: {name}", name=seen.pretrained.name),
    )
    lines = "".join(
        f"<p><small>{html_text(line)}</small></p>" for line in [*notices(seen), *proposal_lines(seen)] if line
    )
    hint = worded("A picture: run the cell to mask, sample and replace tokens yourself.")
    return f"{picture}{lines}<p><small>{html_text(hint)}</small></p>"


def explore(
    model: Pretrained | str | Path = FREE_TEXT,
    text: str | None = None,
    *,
    top_k: int = 8,
    seed: int = 0,
    examples: Iterable[str] | None = None,
) -> Explorer:
    """Explore a text under a model: mask tokens, see the generator's proposals, replace words, watch P(replaced).

    `model` is what `load` returns, or a name or folder for it, by default the bundled model of real English; `text` None takes the first
    of `examples`. Of long texts the first 512 tokens are shown. Raises `ElectraError` for a model that cannot be loaded and for a text
    without words. Source: paper, Figure 2.

    >>> import electra_helpers as eh
    >>> explorer = eh.explore("electra-tiny-world-en")  # doctest: +SKIP
    >>> explorer.press(3); explorer.state["masked"]  # doctest: +SKIP
    [3]

    Built in notebook 07.
    """
    pretrained = model if isinstance(model, Pretrained) else load(model)
    offered = list(examples) if examples is not None else examples_for(pretrained.tokenizer)
    if text is None and not offered:
        raise ElectraError(worded("Give a text: no example is made of this model's vocabulary."))
    return Explorer(Exploration(pretrained, offered[0] if text is None else text, top_k=top_k, seed=seed), offered)
