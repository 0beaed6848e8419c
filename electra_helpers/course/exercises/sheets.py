"""Five sheets of curves and their causes: exercise 06.4."""

from __future__ import annotations

from typing import Any

from electra_helpers.course.engine.grading import Mistake
from electra_helpers.language import ITEMS, joined, wording

# Letter → the recorded sheet that it shows; the causes to choose from stand in alphabetical order.
SHEETS = {
    "A": "labels = selected",
    "B": "healthy",
    "C": "learning rate too high",
    "D": "discriminator sees the originals",
    "E": "generator trained beforehand",
}
CAUSES = tuple(sorted(SHEETS.values()))
CLUES = {
    "labels = selected": wording(
        "in one sheet the share labelled as replaced never falls, though the generator gets words right"
    ),
    "healthy": wording(
        "own fakes get harder, so their AUC may stand still or fall in a healthy run: look at the fixed exam too"
    ),
    "learning rate too high": wording("with steps that are too large neither net gets below the word frequencies"),
    "discriminator sees the originals": wording(
        "who is shown only original words can learn which words are often replaced, and nothing more: an AUC on own"
        " fakes not far above 0.5"
    ),
    "generator trained beforehand": wording(
        "a generator that was trained beforehand has a low MLM loss from the first step, and keeps it"
    ),
}


def sheets_are_matched(answers: Any) -> None:
    """Every sheet has its cause, each cause once."""
    if not isinstance(answers, dict) or set(answers) != set(SHEETS):
        raise Mistake("Keep the letters {sheets}.", sheets=joined(SHEETS, ITEMS))
    unknown = [value for value in answers.values() if value not in CAUSES]
    if unknown:
        raise Mistake("{unknown!r} is not a cause. Choose from: {causes}.", unknown=unknown[0], causes=joined(CAUSES))
    if len(set(answers.values())) < len(SHEETS):
        raise Mistake("A cause is used twice: each fits one sheet.")
    wrong = [letter for letter, cause in SHEETS.items() if answers[letter] != cause]
    if wrong:
        called_healthy = next((letter for letter in wrong if answers[letter] == "healthy"), None)
        if called_healthy:
            raise Mistake(
                "Sheet {called_healthy} is not the healthy one. A falling loss alone does not mean that it works:"
                " {clues}.",
                called_healthy=called_healthy,
                clues=CLUES[SHEETS[called_healthy]],
            )
        raise Mistake("{count} do not fit. One clue: {clues}.", count=len(wrong), clues=CLUES[SHEETS[wrong[0]]])
