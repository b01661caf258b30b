"""What any unlearning method must pass before its numbers mean anything.

The checks run a method on a toy and catch defects that public unlearning code has had: weights that
never change, a teacher that is the student, a forget loss without gradient, masked weights that
drift, a forget set that is cut, settings that share a result, an original of another split, metrics
that depend on batch mates, small forget sets without a batch.

    from palimpsest.conformance import examine
    examine("ga")            # -> [] or one sentence per defect
"""

from palimpsest.conformance.checks import Implementation, examine, settings_to_try
from palimpsest.conformance.toy import Toy

__all__ = ["Implementation", "Toy", "examine", "settings_to_try"]
