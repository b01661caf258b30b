"""The forgotten class's row of the last layer set to zero, and nothing else.

The baseline that any reader will think of: no step is taken (see `preparations/zero_row.py`).
"""

from palimpsest.plans.plan import Plan, Prepare


def plan() -> Plan:
    """No epochs, a preparation alone."""
    return Plan(epochs=(), prepare=Prepare("zero_row", (("frozen", False),)))
