"""Exercise 04.5: what temperature and the generator's size do to its fakes, with the numbers measured on the bundled model."""

from __future__ import annotations

from functools import cache
from typing import Any

from electra_helpers.course.engine.grading import Mistake
from electra_helpers.language import wording


@cache
def measured(stories: int = 5) -> dict[float, Any]:
    """Temperature → hardness of the bundled generator's fakes, in expectation."""
    from electra_helpers.course.labs.fakes import expected_hardness, hidden_words
    from electra_helpers.exchange.store import load

    model = load("electra-tiny-world-en")
    hidden = hidden_words(model.tokenizer, stories)
    return {t: expected_hardness(model.net.generator, hidden, t) for t in (0.5, 1.0, 2.0)}


CHOICES = {
    "a colder generator (T = 0.5) makes": ("more fakes", "fewer fakes"),
    "impossible among the colder generator's fakes": ("more often", "less often"),
    "two blanks of one row are filled": ("together", "each on its own"),
    "a generator that is always right gives": ("the hardest fakes", "no fakes at all"),
    "the full-width generator, trained as long as the quarter one, makes": ("more fakes", "fewer fakes"),
    "the width that the paper finds best": ("that of the discriminator", "a quarter to a half of it"),
}


def findings() -> dict[str, str]:
    """The right answers to 04.5; the first two are measured anew, the fifth by a test, which trains both."""
    cold, one = measured()[0.5], measured()[1.0]
    values = (cold.replaced < one.replaced, cold.impossible < one.impossible, True, True, True, True)
    return {key: CHOICES[key][int(value)] for key, value in zip(CHOICES, values, strict=True)}


TOLD = {
    "a colder generator (T = 0.5) makes": wording(
        "T → 0 does not give the most signal: compare the first column of your table at T = 0.5 and T = 1. The likeliest"
        " word is right more often than a sampled one."
    ),
    "impossible among the colder generator's fakes": wording(
        "Compare the second column at T = 0.5 and T = 1: what a low temperature leaves out are the words that the"
        " generator itself hardly believes in."
    ),
    "two blanks of one row are filled": wording(
        "Blanks are not filled jointly: every position is drawn on its own, from one forward pass. That is why the name"
        " above came out as different people in one story."
    ),
    "a generator that is always right gives": wording(
        "Harder is not always better: a generator that is always right replaces nothing, every label is *original*, and"
        " the discriminator learns nothing."
    ),
    "the full-width generator, trained as long as the quarter one, makes": wording(
        "A wider net learns more in as many steps, so its guesses are right more often, and a right guess is no fake."
        " Compare the two at T = 1."
    ),
    "the width that the paper finds best": wording(
        "A stronger generator is not the better opponent: it costs compute that the discriminator could use, and its fakes"
        " are too hard too early. Look for the sizes in the paragraph above, or in the paper's Figure 3."
    ),
}


def findings_are_right(answers: Any) -> None:
    """Check of 04.5."""
    if not isinstance(answers, dict) or set(answers) != set(CHOICES):
        raise Mistake("Keep the dictionary as it is: the statements, each with one of its two endings.")
    right = findings()
    for key, choices in CHOICES.items():
        if answers[key] not in choices:
            raise Mistake("{key}: choose {first!r} or {second!r}.", key=key, first=choices[0], second=choices[1])
        if answers[key] != right[key]:
            raise Mistake(TOLD[key])
