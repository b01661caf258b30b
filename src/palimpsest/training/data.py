"""What the training loop reads."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
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
        incompetent: logits of untrained models (pool, k, classes), where a term needs them.
        padding: of texts, the token that fills them up; None: images, or nothing is filled up.
    """

    inputs: Tensor
    labels: Tensor
    splits: Mapping[str, Tensor]
    classes: int
    teacher: Tensor | None = None
    incompetent: Tensor | None = None
    padding: int | None = None

    def sizes(self) -> dict[str, int]:
        """Points per split."""
        return {name: len(indices) for name, indices in self.splits.items()}

    def present(self, inputs: Tensor) -> Tensor | None:
        """Which tokens of texts do not only fill them up, bool of their shape; None for images."""
        return None if self.padding is None else inputs != self.padding

    def forgotten(self) -> Tensor:
        """Which points of the pool are of the forget set: bool (pool, 1), or (pool, k)."""
        points = self.splits["forget"]
        points = points if points.dim() == 2 else points[:, None]
        chosen = torch.zeros(
            len(self.labels), points.shape[1], dtype=torch.bool, device=points.device
        )
        return chosen.scatter(0, points, True)
