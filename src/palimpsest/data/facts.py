"""What is known of a data set before it is loaded; models are built from it, needs reckoned."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """Shape and size of a data set.

    Args:
        points: inputs in the pool.
        train_points: of these the leading ones, the official training part; None: no such parts.
        classes: number of classes.
        item: shape of one input: (channels, height, width) of an image, (length,) of a text.
        vocabulary: kinds of tokens in a text; None for images.
        padding: the token that fills a text up; None for images, and before it is known.
        groups: number of groups, where other classes than those of the labels are forgotten.
    """

    points: int
    train_points: int | None
    classes: int
    item: tuple[int, ...]
    vocabulary: int | None = None
    padding: int | None = None
    groups: int | None = None

    @property
    def forgettable(self) -> int:
        """Number of classes that a forget set of whole classes chooses among."""
        return self.groups or self.classes

    @property
    def values(self) -> int:
        """Numbers in one input."""
        product = 1
        for size in self.item:
            product *= size
        return product
