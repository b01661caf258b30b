"""More overlapping features, larger effect (Why Fine-Tuning Struggles, end of Section 4)."""

from functools import cache

import numpy as np

from palimpsest.studies.theory.judging import STRUGGLES, Check, Parameters, Statement
from palimpsest.studies.theory.statements.linear_models import measure as losses
from palimpsest.studies.theory.statements.linear_models import model as linear
from palimpsest.studies.theory.statements.linear_models.model import Shape

Array = np.ndarray
OVERLAPS = (2, 4, 8, 12)
MODELS = 60  # data sets averaged per case and overlap
N_T = 15


def _bundles(rng: np.random.Generator, n: int) -> Parameters:
    """One case is a bundle of data sets; 12 bundles, whatever n."""
    return {"seed": rng.integers(0, 2**31, 12)}


def option_b_effect(shape: Shape, n_t: int, seed: int) -> tuple[float, float]:
    """RL of option B, and the absolute change of its UL against the golden model's."""
    model = linear.draw(shape, np.random.default_rng(seed))
    w_o = linear.minimum_norm(model.x, np.concatenate([model.y_r, model.y_f]))
    w_g = linear.minimum_norm(model.x_r, model.y_r)
    start = linear.masked_start(model, w_o, "B")
    w_b = linear.fine_tune(start, model.x_r[:, :n_t], model.y_r[:n_t])
    change = losses.unlearning_loss(model, w_b) - losses.unlearning_loss(model, w_g)
    return losses.remaining_loss(model, w_b), abs(change)


@cache
def _means(seed: int) -> Array:
    """Means over a bundle: shape (overlaps, 2), 30 + 10 samples, d = 40, d_r = 20."""
    means = []
    for overlap in OVERLAPS:
        shape = Shape(30, 10, 20, overlap, 20 - overlap)
        effects = [option_b_effect(shape, N_T, int(seed) + i) for i in range(MODELS)]
        means.append(np.mean(effects, axis=0))
    return np.array(means)


def _rises(axis: int, p: Parameters) -> Check:
    steps = np.array([np.diff(_means(int(seed))[:, axis]) for seed in p["seed"]])
    return np.asarray((steps > 0).all(axis=1)), np.maximum(-steps, 0.0).max(axis=1)


STATEMENTS = (
    Statement(
        "More overlap, larger effect on RL", STRUGGLES, "Section 4, end",
        "mean RL of option B at n_t = 15 over 60 data sets rises with d_lap = 2, 4, 8, 12",
        _bundles, lambda p: _rises(0, p), variant="setting of A.1",
    ),
    Statement(
        "More overlap, larger effect on UL", STRUGGLES, "Section 4, end",
        "mean |UL of option B - UL of the golden model| at n_t = 15 over 60 data sets rises with "
        "d_lap = 2, 4, 8, 12", _bundles, lambda p: _rises(1, p), variant="setting of A.1",
    ),
)  # fmt: skip
