"""Do nothing: the original model, taken as unlearned. The baseline of every figure."""

from palimpsest.plans.plan import Plan


def plan() -> Plan:
    """No epochs at all."""
    return Plan(epochs=())
