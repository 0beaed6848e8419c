"""What an evaluation reports: masked language modelling and replaced token detection, by scikit-learn."""

from __future__ import annotations

import math

import numpy as np


def detection_metrics(p_replaced: np.ndarray, is_replaced: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    """How well probabilities find the replaced tokens, over a flat list of judged tokens.

    Accuracy alone would mislead: about 6 % of tokens are replaced, so "never" is right 94 % of the time. AUC is the chance that a
    replaced token gets a higher probability than an original one; NaN where only one kind is present.

    >>> import numpy as np; from electra_helpers import detection_metrics
    >>> detection_metrics(np.array([0.9, 0.2, 0.6]), np.array([True, False, False]))["auc"]
    1.0

    Built in notebook 05.
    """
    from sklearn.metrics import roc_auc_score

    flagged, truth = p_replaced >= threshold, is_replaced.astype(bool)
    hits = float((flagged & truth).sum())
    both = 0 < truth.sum() < truth.size
    return {
        "auc": float(roc_auc_score(truth, p_replaced)) if both else math.nan,
        "precision": hits / flagged.sum() if flagged.any() else math.nan,
        "recall": hits / truth.sum() if truth.any() else math.nan,
        "replaced": float(truth.mean()) if truth.size else math.nan,
    }


def readable(metrics: dict[str, float], names: tuple[str, ...] = ()) -> str:
    """`name value` pairs for a progress bar or a report, in the order given."""
    chosen = [n for n in (names or metrics) if not math.isnan(metrics.get(n, math.nan))]
    return "  ".join(f"{n} {metrics[n]:.3g}" if abs(metrics[n]) < 1000 else f"{n} {metrics[n]:,.0f}" for n in chosen)
