"""Exercises of notebook 18 that build: sizes read off a checkpoint's tensors, and a line through losses with its error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from electra_helpers.course.engine.grading import Exercise, Mistake
from electra_helpers.language import ITEMS, joined, worded, wording


def sizes_of(shapes):
    """Name → shape of a TensorFlow checkpoint's variables, kernels as (inputs, outputs) → the discriminator's sizes."""
    words, embedding_size = shapes["electra/embeddings/word_embeddings"]
    layer = "electra/encoder/layer_0"
    hidden, _ = shapes[f"{layer}/attention/self/query/kernel"]
    _, intermediate = shapes[f"{layer}/intermediate/dense/kernel"]  # (H, feed-forward)
    numbers = {name.split("/")[2] for name in shapes if name.startswith("electra/encoder/layer_")}
    return {
        "vocab_size": words,
        "embedding_size": embedding_size,
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_layers": len(numbers),
        "num_heads": max(1, hidden // 64),  # stored nowhere: the authors' code has one head for 64 units
    }


def fit_line(operations, losses):
    """log10(loss) ≈ slope · log10(operations) + intercept by least squares → slope, intercept, standard error of the slope."""
    x, y = np.log10(operations), np.log10(losses)
    away = x - x.mean()
    slope = (away * y).sum() / (away**2).sum()
    intercept = y.mean() - slope * x.mean()
    rest = y - (slope * x + intercept)
    variance = (rest**2).sum() / (len(x) - 2)  # two numbers were fitted
    return float(slope), float(intercept), float((variance / (away**2).sum()) ** 0.5)


def shapes_of(
    *, words: int, embedding: int, hidden: int, wide: int, layers: int, maker: int, maker_layers: int
) -> dict:
    """Names and shapes as the authors' code writes them, in the order of the file: sorted by name."""
    found: dict[str, tuple[int, ...]] = {
        "electra/embeddings/word_embeddings": (words, embedding),
        "electra/embeddings/position_embeddings": (512, embedding),
        "discriminator_predictions/dense/kernel": (hidden, hidden),
        "generator_predictions/dense/kernel": (maker, embedding),
    }
    for scope, width, inner, depth in (
        ("electra", hidden, wide, layers),
        ("generator", maker, wide // 2, maker_layers),
    ):
        if embedding != width:
            found[f"{scope}/embeddings_project/kernel"] = (embedding, width)
        for number in range(depth):
            layer = f"{scope}/encoder/layer_{number}"
            for name in ("query", "key", "value"):
                found[f"{layer}/attention/self/{name}/kernel"] = (width, width)
            found[f"{layer}/intermediate/dense/kernel"] = (width, inner)
            found[f"{layer}/output/dense/kernel"] = (inner, width)
    return dict(sorted(found.items()))


# ELECTRA-Small with another generator, so that each size has a number of its own; and a net without a projection.
SMALL = {"words": 30_522, "embedding": 128, "hidden": 256, "wide": 1_024, "layers": 12, "maker": 64, "maker_layers": 3}
OTHER = {"words": 5_000, "embedding": 192, "hidden": 192, "wide": 320, "layers": 2, "maker": 64, "maker_layers": 4}


def _sizes(function: Callable, about: dict[str, int]) -> tuple[dict[str, Any], dict[str, int]]:
    shapes = shapes_of(**about)
    right = sizes_of(shapes)
    found = function(dict(shapes))
    if not isinstance(found, dict) or set(found) != set(right):
        raise Mistake("Return a dictionary with {right}.", right=joined(right, ITEMS))
    return found, right


def _sizes_are_read_off(function: Callable) -> None:
    for about in (SMALL, OTHER, LITTLE):
        found, right = _sizes(function, about)
        _tell_layers(found["num_layers"], about)
        if found["intermediate_size"] == right["hidden_size"]:
            raise Mistake(
                "intermediate_size: TensorFlow's kernel is (inputs, outputs). You read the inputs, which are H."
            )
        if found["intermediate_size"] == about["wide"] // 2:
            raise Mistake("intermediate_size: that is the generator's. The discriminator lies under electra/.")
        if found["hidden_size"] != right["hidden_size"] and found["hidden_size"] in (
            about["embedding"],
            about["maker"],
        ):
            whose = (
                worded("the embeddings'") if found["hidden_size"] == about["embedding"] else worded("the generator's")
            )
            raise Mistake(
                "hidden_size: that is {whose} width. Read it off a kernel of electra/encoder/layer_0.", whose=whose
            )
        if found["embedding_size"] != right["embedding_size"] and found["embedding_size"] == right["hidden_size"]:
            raise Mistake(
                "embedding_size: the table is narrower than the layers in Small; read it off word_embeddings."
            )
        if found["num_heads"] == 64:
            raise Mistake("num_heads: 64 are the units of one head. How many such heads fit into the hidden size?")
        if not found["num_heads"] and about is LITTLE:
            raise Mistake("num_heads: a net narrower than 64 has one head, not none.")
        for name, value in right.items():
            if found[name] != value:
                raise Mistake(
                    "{name}: {found!r} is not it; these shapes say {value}.", name=name, found=found[name], value=value
                )


def _tell_layers(found: Any, about: dict[str, int]) -> None:
    layers, maker = about["layers"], about["maker_layers"]
    if found == layers + maker:
        raise Mistake("num_layers: the generator's layers are counted too. Take those under electra/ alone.")
    if found == maker:
        raise Mistake("num_layers: those are the generator's. The discriminator lies under electra/.")
    if found == layers - 1:
        raise Mistake("num_layers: numbers begin at layer_0, so the highest one is one less than there are.")
    if found == 5 * layers:
        raise Mistake("num_layers: you counted variables. A layer has many of them; count the different layer_… names.")
    if layers == 12 and found == 10:
        raise Mistake("num_layers: as text layer_9 comes after layer_11. Compare numbers, or count different names.")


LITTLE = {"words": 57, "embedding": 8, "hidden": 32, "wide": 128, "layers": 2, "maker": 16, "maker_layers": 3}

# Eight points that lie near a line, not on it; operations not evenly spaced, so that a mean of slopes is another number.
OPERATIONS = (2e11, 2e11, 6e11, 6e11, 1.8e12, 5.4e12, 5.4e12, 9e12)
LOSSES = (5.0, 4.8, 4.1, 4.3, 3.3, 2.9, 2.7, 2.6)


def _three_numbers(function: Callable, operations: tuple, losses: tuple) -> tuple[float, float, float]:
    found = function(list(operations), list(losses))
    if not isinstance(found, tuple | list) or len(found) != 3:
        raise Mistake("Return three numbers: slope, intercept, standard error of the slope.")
    try:
        slope, intercept, error = (float(each) for each in found)
    except (TypeError, ValueError):
        raise Mistake("Slope, intercept and error are plain numbers.") from None
    return slope, intercept, error


def _a_power_law_is_found(function: Callable) -> None:
    operations = (1e9, 1e10, 1e11, 1e13)
    slope, intercept, error = _three_numbers(function, operations, tuple(50 * c**-0.1 for c in operations))
    if abs(slope) < 1e-9:
        raise Mistake("The slope is nearly zero: take log10 of the operations, they go over many powers of ten.")
    if abs(slope - 0.1) < 1e-6:
        raise Mistake("The sign of the slope: the loss falls as operations grow, so it is below zero.")
    if abs(slope + 10) < 1e-3:
        raise Mistake("x and y changed places: the loss is what is predicted, from operations.")
    if abs(slope + 0.1) > 1e-6:
        logged = np.polyfit(np.log10(operations), [50 * c**-0.1 for c in operations], 1)[0]
        if abs(slope - logged) < 1e-6:
            raise Mistake("The losses are not in logarithms: a power law is a line only where both axes are.")
        raise Mistake("Of loss = 50 · operations^−0.1 the slope is −0.1; yours is {slope:.4g}.", slope=slope)
    if abs(intercept - np.log(50)) < 1e-6:
        raise Mistake("The intercept is in natural logarithms: log10, on both axes.")
    if abs(intercept - np.log10(50)) > 1e-6:
        raise Mistake(
            "The intercept is log10(50) = {log10:.4f} there; yours is {intercept:.4g}.",
            log10=np.log10(50),
            intercept=intercept,
        )
    if abs(error) > 1e-6:
        raise Mistake("All points lie on the line, so the error of the slope is 0; yours is {error:.3g}.", error=error)


def _the_error_is_that_of_the_slope(function: Callable) -> None:
    right = fit_line(OPERATIONS, LOSSES)
    slope, intercept, error = _three_numbers(function, OPERATIONS, LOSSES)
    if abs(slope - right[0]) > 1e-6 or abs(intercept - right[1]) > 1e-6:
        raise Mistake("On points that scatter, the line of least squares is another one: Σ (x − x̄) y / Σ (x − x̄)².")
    x, y = np.log10(OPERATIONS), np.log10(LOSSES)
    rest, spread = y - (slope * x + intercept), ((x - x.mean()) ** 2).sum()
    wrong = {
        wording("You divide by n. Two numbers were fitted, so n − 2 are left."): (rest**2).mean() / spread,
        wording("You divide by n − 1. Two numbers were fitted, so n − 2 are left."): (rest**2).sum() / (len(x) - 1) / spread,
        wording("That is how far points lie from the line. The slope is known"
" better: divide by Σ (x − x̄)²."): (rest**2).sum() / (len(x) - 2),
        wording("You divide by Σ x² where Σ (x − x̄)² belongs."): (rest**2).sum() / (len(x) - 2) / (x**2).sum(),
    }  # fmt: skip
    for sentence, value in wrong.items():
        if abs(error - value**0.5) < 1e-7:
            raise Mistake(sentence)
    if abs(error - right[2] ** 2) < 1e-9:
        raise Mistake("That is the variance of the slope; its root is the standard error.")
    if abs(error - right[2]) > 1e-6:
        raise Mistake(
            "The standard error of the slope is {right:.4f} on these eight points; yours is {error:.4g}.",
            right=right[2],
            error=error,
        )


EXERCISES = (
    Exercise(
        id="18.1",
        title="Sizes read off tensors",
        kind="build",
        minutes=12,
        difficulty=2,
        starred=True,
        specification=(
            "sizes_of(shapes) → the discriminator's vocab_size, embedding_size, hidden_size, intermediate_size, num_layers, num_heads, from"
            " name → shape of a checkpoint of the authors' code; a kernel is (inputs, outputs); one head for 64 units, at least one."
        ),
        checks=(_sizes_are_read_off,),
        hints=(
            "The word table is (V, E), a query kernel (H, H), the kernel of intermediate/dense (H, feed-forward).",
            "The third part of electra/encoder/layer_7/… is layer_7: put these into a set and count them.",
        ),
        solution=sizes_of,
        fallback=sizes_of,
        variable="sizes_of",
    ),
    Exercise(
        id="18.2",
        title="A line with its error",
        kind="build",
        minutes=15,
        difficulty=2,
        starred=True,
        specification=(
            "fit_line(operations, losses) → slope, intercept and standard error of the slope of log10(loss) = slope · log10(operations) +"
            " intercept, by least squares."
        ),
        checks=(_a_power_law_is_found, _the_error_is_that_of_the_slope),
        hints=(
            "x and y are logarithms; the slope is Σ (x − x̄) y / Σ (x − x̄)², and the line goes through (x̄, ȳ).",
            "With r what is left of y: the variance of the slope is Σ r² / (n − 2) / Σ (x − x̄)².",
        ),
        solution=fit_line,
        fallback=fit_line,
        variable="fit_line",
    ),
)
