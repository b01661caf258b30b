"""What the training loop reads."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class TrainingData:
    """Points, labels and splits, all of them on the device.

    Args:
        inputs: (pool, ...), as the network reads them.
        labels: (pool,) class of each point.
        splits: name ("forget", "retain", "train") to pool indices, (points,) shared by all models
            or (points, k) one column each.
        classes: number of classes.
        teacher: logits of the frozen starting models (pool, k, classes), where a term needs them.
    """

    inputs: Tensor
    labels: Tensor
    splits: Mapping[str, Tensor]
    classes: int
    teacher: Tensor | None = None

    def sizes(self) -> dict[str, int]:
        """Points per split."""
        return {name: len(indices) for name, indices in self.splits.items()}
