"""Tables and sentences of the report on the study of classes, from the tables of a run."""

from typing import Any

import pandas as pd

from palimpsest.studies.classes.trials import ORACLE, QUANTITIES, summary, variant_name

_FEATURES = ("confidence", "correctness", "entropy", "modified_entropy", "probabilities")
CHOICES = (
    ("wrong label", "shift: the next class", "the paper's; or drawn among the classes"),
    ("CE-FT's second term", "on the retain set", "eq. 6 writes all data, the text retained"),
    ("CE-FT in one step", "one gradient of the sum", "public code: one pass after the other"),
    ("forward", "each batch its own, retain first", "BatchNorm sees other batches if joint"),
    ("reduction of KL", "mean: over points and classes", "the default of PyTorch's kl_div"),
    ("direction of KL", "labels || model", "what kl_div gives for labels as target"),
    ("smoothing of labels", "none", "the paper's labels are classes"),
    ("alpha", "0.3 (CE-FT), 0.1 (ICE-FT, KL-FT)", "rows of Table 4 nearest to Table 2"),
    ("learning rate, epochs", "0.01, 10", "not printed; the lineage's (Unlearn-Sparse)"),
    ("momentum, weight decay", "0.9, 5e-4", "not printed; the lineage's"),
    ("BatchNorm while unlearning", "train", "the lineage's; frozen beside it"),
    ("l1 of sparse FT", "2e-4, falling to 0", "not printed; the lineage's scale"),
    ("test set of TA", "the forgotten class left out", "the lineage's"),
    ("saliency", "|summed gradient|", "SalUn's code; of weights that have any gradient"),
    ("RBM", "not salient for R: 0, and stays 0", "no public code: this definition is ours"),
)
"""what the paper leaves open, what is chosen here, and why"""


def choices() -> pd.DataFrame:
    """What the paper leaves open, with the defaults of this project."""
    return pd.DataFrame(CHOICES, columns=["choice", "default", "why, and what else"])


def means(trials: pd.DataFrame) -> pd.DataFrame:
    """Every variant: mean of each quantity with its interval clustered by class, average gap, and
    the difference from FT with the p of its paired test."""
    table = summary(trials)
    rows = []
    for variant, own in table.groupby("variant", sort=False):
        quantity = own.set_index("quantity")
        row: dict[str, Any] = {"variant": variant}
        for name in QUANTITIES:
            low, high = quantity.loc[name, ["low", "high"]]
            row[f"{name} (%)"] = f"{quantity.loc[name, 'mean']:.1f} ({low:.1f} to {high:.1f})"
        row["average gap"] = quantity["gap"].mean()
        difference, p = quantity.loc["UA", ["difference", "p"]]
        row["UA less FT's"] = "–" if pd.isna(difference) else f"{difference:+.1f} (p {p:.2g})"
        row["diverged"] = int(own["diverged"].max())
        rows.append(row)
    return pd.DataFrame(rows)


def spread(trials: pd.DataFrame) -> str:
    """How far classes lie apart after FT, and what the paper's form of a table hides of it."""
    own = trials[trials["variant"] == "FT"].groupby("forget_set", sort=False)["UA"].mean()
    return (
        f"UA after FT goes from {own.min():.1f} % ({own.idxmin().replace('_', ' ')}) to "
        f"{own.max():.1f} % ({own.idxmax().replace('_', ' ')}) over {len(own)} classes: trials of "
        "one class share it, so intervals here are over classes."
    )


def attacks(mia: pd.DataFrame) -> pd.DataFrame:
    """The efficacy of each feature, the worth of its attack, and how the forget set looks to it.

    Means over classes, in percent; AUCs between 0 and 1.
    """
    rows = []
    own = mia[mia["split"] == "forget"]
    names = [variant_name(row) for _, row in own.iterrows()]
    for variant, part in own.assign(variant=names).groupby("variant", sort=False):
        if variant not in ("original", ORACLE, "FT", "CE-FT", "ICE-FT", "KL-FT", "zero row"):
            continue
        for feature in (name for name in _FEATURES if name in part):
            rows.append({
                "variant": variant, "feature": feature.replace("_", " "),
                "efficacy (%)": 100 * part[feature].mean(),
                "balanced accuracy (%)": 100 * part[f"{feature}_balanced_accuracy"].mean(),
                "AUC": part[f"{feature}_auc"].mean(),
                "AUC, forget set against test": part[f"{feature}_forget_auc"].mean(),
            })  # fmt: skip
    return pd.DataFrame(rows)
