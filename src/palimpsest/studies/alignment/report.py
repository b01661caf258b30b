"""Tables and sentences of the report on the study of alignment, from the tables of a run."""

from pathlib import Path

import pandas as pd

from palimpsest.tables import read_table

CHOICES = (
    ("learning rates", "chosen, for each method", "printed: 5e-5 for all; see the chosen rates"),
    ("RFA: rank", "8, at most a layer's smaller side", "not printed; LoRA's code starts there"),
    ("RFA: layers", "all convolutions and linear layers but the head", "printed: specified layers"),
    ("RFA: alpha, beta, lambda", "1", "not printed; gamma parts features and answers"),
    ("RFA: mu", "lambda times forgotten over retained points of the batch",
     "with 1 a handful of forgotten points outweighs all the others; mu 1 stands beside it"),
    ("RFA: gamma", "0.5", "not printed; the middle of Figure 5"),
    ("RFA: forgotten points in a batch", "a fixed number",
     "printed: all points shuffled, which leaves most batches of sample unlearning without any"),
    ("RFA: norm", "l2", "eqs. 1, 2 and 4; Section IV.A squares it"),
    ("RFA: BatchNorm", "frozen", "moving statistics would be a residual that no adapter made"),
    ("BadT: retained part, temperature", "0.3, 1", "not printed; its public code"),
    ("SCRUB: alpha, gamma, temperature", "0.001, 0.99, 4", "not printed; its public code"),
    ("activation distance", "mean L2 distance of probabilities", "at most the root of 2"),
    ("feature distance", "mean over a layer's numbers, summed over layers",
     "the formula; the text says relative error, which stands beside it"),
    ("membership", "every point weighs the same", "printed; retained points are the more"),
)  # fmt: skip
"""what the paper leaves open, what is chosen here, and why"""


def choices() -> pd.DataFrame:
    """What the paper leaves open, with the defaults of this project."""
    return pd.DataFrame(CHOICES, columns=["choice", "default", "why, and what else"])


def rates(folder: Path) -> str:
    """How the learning rates came out, as a sentence."""
    table = read_table(folder / "tables" / "chosen_rates.csv", ["method", "chosen", "at_end"])
    best = table[table["chosen"]]
    ends = best[best["at_end"]]
    told = f"{len(best)} rates are chosen, {len(ends)} of them at an end of their grid"
    names = ", ".join(f"{row['method']} ({row['scenario']})" for _, row in ends.iterrows())
    return f"{told}: {names}." if names else f"{told}."
