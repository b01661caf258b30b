"""CE-FT ("Understanding Fine-tuning in Approximate Unlearning", eq. 6).

CE(forget set, wrong labels) + alpha * CE(data, true labels). The equation writes the whole data,
the text says the retained part (`descend_on`); the paper's wrong label is the next class, public
code for random labels draws it (`wrong_label`, `redraw`); one gradient of the sum, or one pass
after the other (`joint`). The default alpha is that of Table 4 whose RA is nearest to Table 2's.
"""

from typing import Literal

from palimpsest.methods._relabelling import joint_phase
from palimpsest.plans.optimisers import Sgd
from palimpsest.plans.plan import Part, Phase, Plan, Term
from palimpsest.values import (
    BatchNorm,
    Count,
    Epochs,
    Forward,
    Momentum,
    NotNegative,
    Weight,
    WrongLabel,
)


def plan(
    *,
    lr: NotNegative = 0.01,
    epochs: Epochs = 10,
    alpha: Weight = 0.3,
    descend_on: Literal["retain", "all"] = "retain",
    wrong_label: WrongLabel = "shift",
    redraw: bool = False,
    joint: bool = True,
    forward: Forward = "retain_first",
    forget_batch: Count = 64,
    retain_batch: Count = 64,
    momentum: Momentum = 0.9,
    weight_decay: NotNegative = 5e-4,
    batch_norm: BatchNorm = "train",
) -> Plan:
    """`epochs` passes over the data; with `joint` false each after one over the forget set."""
    data: Part = "retain" if descend_on == "retain" else "train"
    kept = Term(data, retain_batch, weight=alpha)
    wrong = Term("forget", forget_batch, targets=wrong_label, redraw=redraw)
    phases = (
        (joint_phase(kept, wrong, lr, forward),)
        if joint
        else (Phase((wrong,), lr), Phase((kept,), lr))
    )
    return Plan((phases,) * epochs, Sgd(momentum, weight_decay), batch_norm=batch_norm)
