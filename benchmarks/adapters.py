"""Residual feature alignment against full fine-tuning: weights that train, seconds, peak memory.

The rival is a step that trains all weights by AdamW, which is a step of fine-tuning and one of
retraining alike (retraining takes more of them). Beside it adapters that are trained by the output
alone, and the three teachers of residual feature alignment, whose loss keeps a feature and a
residual of every adapted layer. The claim: adapters are at most 2 % of the weights and save what
full tuning keeps for each weight (a gradient and AdamW's two averages), some 12 bytes; what they do
not save is the forward and the backward pass, and the kept features cost memory and time anew.

Shapes are the paper's: DistilBERT (66 million weights, texts of `--length` tokens) and ResNet-18
(images of 224 pixels). Each measurement is a process of its own, forked before it builds anything;
the variants take turns, and a figure is the median of the turns. Seconds are those of the CPU (one
thread), so that other work on the machine counts little. Peak memory is the largest resident set
while it trains, less that before anything was built: weights, gradients, averages, activations.
"""

import argparse
import multiprocessing
import statistics
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import report

from palimpsest import registry
from palimpsest.data.facts import Facts
from palimpsest.huggingface import transformers
from palimpsest.methods import ft, rfa
from palimpsest.plans.optimisers import AdamW
from palimpsest.plans.plan import Phase, Plan, Prepare, Term
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.training.device import open_device
from palimpsest.training.loop import run_epoch
from palimpsest.training.preparing import prepare

MODELS = {"distilbert": {}, "resnet18_imagenet": {"side": 224}}
TEACHERS = ("disabled", "network", "layerwise")
VARIANTS = ("full", "adapters alone", *TEACHERS)
BASE = "full"
RATE = 1e-4
MB = 1e6


def plan_of(variant: str, batch: int) -> Plan:
    """One epoch of a variant."""
    if variant == "full":
        return ft.plan(lr=RATE, epochs=1, retain_batch=batch, optimiser="adamw")
    if variant == "adapters alone":
        phase = Phase((Term("train", batch, forget_per_batch=max(1, batch // 8)),), RATE)
        return Plan(((phase,),), AdamW(0.0), Prepare("lora"), "frozen")
    return rfa.plan(lr=RATE, batch=batch, forget_per_batch=max(1, batch // 8), teacher=variant)


def measure(model: str, variant: str, batch: int, length: int, steps: int) -> dict[str, float]:
    """Weights that train, CPU seconds a step, and megabytes at the peak beyond those before."""
    before = memory("VmRSS")
    torch.manual_seed(0)
    points, plan = steps * batch, plan_of(variant, batch)
    forget = max(1, batch // 8)
    if model == "distilbert":
        data = Facts(points, None, classes=2, item=(length,), vocabulary=30522, padding=0)
        inputs = torch.randint(1, 30522, (points + forget, length))
    else:
        data = Facts(points, None, classes=10, item=(3, 32, 32))
        inputs = torch.randn(points + forget, 3, 32, 32)
    network = registry.make("models", model, data, settings=MODELS[model])
    stack = Stack(network, [network.state_dict()])
    del network
    device = open_device("cpu", "float32")  # from here on freed memory is kept
    Path("/proc/self/clear_refs").write_text("5")  # the peak of building does not count
    # as many retained points as give `steps` batches, forgotten ones beside them
    own = points if variant == "full" else points - steps * forget
    splits = {"retain": torch.arange(own), "forget": torch.arange(points, points + forget)}
    splits["train"] = torch.cat([splits["forget"], splits["retain"]])
    labels = torch.randint(0, data.classes, (len(inputs),))
    training = TrainingData(inputs, labels, splits, data.classes, padding=data.padding)
    prepared, optimiser = prepare(stack, plan, training, [0])
    trained = sum(weights.numel() for weights in prepared.parameters(stack))
    seconds = 0.0
    for number in range(2):  # the first makes AdamW's averages
        started = time.process_time()
        run_epoch(
            stack, optimiser, plan, plan.epochs[0], data=training, seeds=[0], number=number,
            purpose="unlearn", device=device, prepared=prepared,
        )  # fmt: skip
        seconds = (time.process_time() - started) / steps
    peak = memory("VmHWM") - before
    weights = sum(own.numel() for own in stack.network.parameters())
    return {"trained": trained, "weights": weights, "seconds": seconds, "peak_mb": peak}


def memory(what: str) -> float:
    """Megabytes of this process in memory: now (VmRSS) or at most so far (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) * 1024 / MB


def apart(*asked: str | int) -> dict[str, float]:
    """`measure` in a process of its own."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sending, asked))
    process.start()
    sending.close()
    found: dict[str, float] = receiving.recv()
    process.join()
    return found


def _answer(sending: Connection, asked: tuple[str | int, ...]) -> None:
    sending.send(measure(*asked))  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--length", type=int, default=256, help="tokens of a text")
    parser.add_argument("--steps", type=int, default=1, help="that are timed together")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    library = transformers()  # once, before processes are forked
    library.DistilBertForSequenceClassification  # noqa: B018
    import peft  # noqa: F401

    rows = []
    for model in args.models:
        for batch in args.batches:
            turns = [
                {v: apart(model, v, batch, args.length, args.steps) for v in VARIANTS}
                for _ in range(args.repeats)
            ]
            rows += rows_of(model, batch, turns)
    report({"benchmark": "residual feature alignment against full fine-tuning", "rows": rows},
           args.out)  # fmt: skip


def rows_of(model: str, batch: int, turns: list[dict[str, dict[str, float]]]) -> list[dict]:
    """A row for each variant: medians, and their ratios to those of full fine-tuning."""

    def middle(variant: str, what: str) -> float:
        return statistics.median(turn[variant][what] for turn in turns)

    def ratio(variant: str, what: str) -> float:
        return statistics.median(turn[variant][what] / turn[BASE][what] for turn in turns)

    return [
        {
            "model": model,
            "batch": batch,
            "variant": variant,
            "trained_weights": int(middle(variant, "trained")),
            "trained_share": round(middle(variant, "trained") / turns[0][BASE]["weights"], 5),
            "cpu_seconds_a_step": round(middle(variant, "seconds"), 3),
            "seconds_ratio": round(ratio(variant, "seconds"), 2),
            "peak_mb": round(middle(variant, "peak_mb")),
            "peak_ratio": round(ratio(variant, "peak_mb"), 2),
        }
        for variant in VARIANTS
    ]


if __name__ == "__main__":
    main()
