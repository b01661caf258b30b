"""What the training loop reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from palimpsest.files import InputError
from palimpsest.plans.losses import IGNORED

Teacher = Tensor | Callable[[Tensor], Tensor]
"""logits of frozen models: a table (pool, k, classes), or what gives them for pool indices (b, k):
those of next tokens at all points would not fit into memory (`training.evaluate.teacher`)"""


@dataclass(frozen=True)
class TrainingData:
    """Points, labels and splits, on the device.

    Args:
        inputs: (pool, ...), as the network reads them.
        labels: (pool,) class of each point, or (pool, length - 1) the next tokens of each text.
        splits: name ("forget", "retain", "train") to pool indices, (points,) shared by all models
            or (points, k) one column each.
        classes: number of classes.
        teacher: of the frozen starting models, where a term needs them.
        incompetent: of untrained models, where a term needs them.
        padding: of texts, the token that fills them up; None: images, or nothing is filled up.
    """

    inputs: Tensor
    labels: Tensor
    splits: Mapping[str, Tensor]
    classes: int
    teacher: Teacher | None = None
    incompetent: Teacher | None = None
    padding: int | None = None

    @cached_property
    def on_host(self) -> dict[str, Tensor]:
        """The splits on the host, which draws the orders, copied once."""
        return {name: indices.cpu() for name, indices in self.splits.items()}

    def sizes(self) -> dict[str, int]:
        """Points per split."""
        return {name: len(indices) for name, indices in self.splits.items()}

    def taught(self, who: Literal["teacher", "incompetent"], batch: Tensor) -> Tensor:
        """A teacher's logits at pool indices (b, k): (b, k, ...); ValueError without one."""
        found: Teacher | None = getattr(self, who)
        if found is None:
            name = {"teacher": "a teacher", "incompetent": "an incompetent teacher"}[who]
            raise ValueError(f"this plan needs {name}, but no {name.partition(' ')[2]} was given")
        if isinstance(found, Tensor):
            return found[batch, torch.arange(batch.shape[1], device=batch.device)]
        return found(batch)

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
