"""What the training loop reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from palimpsest.files import InputError
from palimpsest.plans.losses import IGNORED

Teacher = Tensor | Callable[[Tensor], Tensor]
"""logits of frozen models: a table (pool, k, classes), or what gives them for pool indices (b, k):
those of next tokens at all points would not fit into memory (`training.evaluate.teacher`)"""


@dataclass(frozen=True)
class TrainingData:
    """Points, labels and splits, all of them on the device.

    Args:
        inputs: (pool, ...), as the network reads them.
        labels: (pool,) class of each point, or (pool, length - 1) the next tokens of each text.
        splits: name ("forget", "retain", "train") to pool indices, (points,) shared by all models
            or (points, k) one column each.
        classes: number of classes.
        teacher: of the frozen starting models, where a term needs them.
    """

    inputs: Tensor
    labels: Tensor
    splits: Mapping[str, Tensor]
    classes: int
    teacher: Teacher | None = None

    def sizes(self) -> dict[str, int]:
        """Points per split."""
        return {name: len(indices) for name, indices in self.splits.items()}

    def taught(self, batch: Tensor) -> Tensor:
        """The teacher's logits at pool indices (b, k): (b, k, ...); ValueError without one."""
        if self.teacher is None:
            raise ValueError("this plan needs a teacher, but no teacher was given")
        if isinstance(self.teacher, Tensor):
            return self.teacher[batch, torch.arange(batch.shape[1], device=batch.device)]
        return self.teacher(batch)


def next_tokens(inputs: Tensor, padding: int) -> Tensor:
    """The token after each of a text: ids (pool, length) to (pool, length - 1).

    IGNORED where it is padding. InputError for a text that has no next token.
    """
    following = inputs[:, 1:]
    labels = following.masked_fill(following == padding, IGNORED)
    without = (labels == IGNORED).all(dim=1).nonzero()
    if len(without):
        raise InputError(
            f"the text of pool index {int(without[0])} has no token after its first, and the model "
            "is asked for the next token; needed: texts of two tokens or more"
        )
    return labels
