"""What the methods share that teach wrong labels of the forget set beside true ones of the rest."""

from typing import Literal

from palimpsest.plans.plan import Phase, Term
from palimpsest.values import Forward

_FORWARD: dict[str, Literal["separate", "reversed", "joint"]] = {
    "retain_first": "separate", "forget_first": "reversed", "joint": "joint",
}  # fmt: skip


def joint_phase(kept: Term, wrong: Term, lr: float, forward: Forward) -> Phase:
    """One pass over the points of `kept`, each step with a full batch of `wrong` beside it."""
    return Phase((kept, wrong), lr, forward=_FORWARD[forward])
