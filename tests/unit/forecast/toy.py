"""Jobs as a dry run has them, for the tests of what they take."""

import json
from pathlib import Path

from palimpsest import config
from palimpsest.forecast.jobs import Job

ROOT = Path(__file__).parents[3]
TRAINING = {
    "epochs": 3, "peak_epoch": 1, "batch_size": 64, "peak_lr": 0.4, "momentum": 0.9,
    "weight_decay": 5e-4, "optimiser": "sgd",
}  # fmt: skip


def smoke():
    """The configuration of the run `smoke`: 300 and 100 points of digits, ResNet-9 of width 4."""
    return config.load([ROOT / "config.yaml", ROOT / "config" / "smoke.yaml"])


def train_job(population="original", split="base", block=0, models=8, gpu=False):
    """A job that trains."""
    out = f"results/smoke/populations/{population}/{block}.npz"
    words = {
        "--split": [f"results/smoke/splits/{split}.json"], "--models": [str(models)],
        "--training": [json.dumps(TRAINING)], "--stack": ["7"], "--record": ["margin", "correct"],
    }  # fmt: skip
    wildcards = {"population": population, "block": str(block)}
    benchmark = f"results/smoke/benchmarks/train_block/{population}/{block}.tsv"
    inputs = (words["--split"][0],)
    return Job("train_block", inputs, (out,), benchmark, wildcards, gpu, words)


def unlearn_job(method, settings, split="random_8", block=0, models=8, gpu=False):
    """A job that unlearns, from the originals of its block."""
    words = {
        "--split": [f"results/smoke/splits/{split}.json"], "--models": [str(models)],
        "--method": [method], "--settings": [json.dumps(settings)], "--stack": ["7"],
        "--record": ["margin", "correct"],
    }  # fmt: skip
    wildcards = {"forget_set": split, "method": method, "block": str(block)}
    out = f"results/smoke/unlearned/{split}/{method}/{block}.npz"
    benchmark = f"results/smoke/benchmarks/unlearn_block/{split}/{method}/{block}.tsv"
    inputs = (f"results/smoke/populations/original/{block}.npz", words["--split"][0])
    return Job("unlearn_block", inputs, (out,), benchmark, wildcards, gpu, words)
