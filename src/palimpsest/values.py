"""The kinds of values that settings have, as annotations: what a configuration may hold there.

A setting is a keyword argument annotated with one of these, with `bool`, or with a `Literal` of the
words allowed. They check strictly: 24.0 is no integer, NaN no number, "1e-5" a text.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Closed(BaseModel):
    """A map of settings with these keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Count = Annotated[int, Field(ge=1)]
"""1, 2, 3, ..."""
Epochs = Annotated[int, Field(ge=1, le=100_000)]
"""passes over a split; a plan holds each of them"""
Whole = Annotated[int, Field(ge=0)]
"""0, 1, 2, ..."""
Several = Annotated[int, Field(ge=2)]
"""2, 3, 4, ..."""
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
"""a part of a whole, neither none nor all of it"""
Momentum = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Percentile = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
"""of a forget set"""
BatchNorm = Literal["train", "frozen"]
"""train: BatchNorm's statistics move, and batches are normalised by themselves (as in
RoyRin/data-unlearning-bench, 2025); frozen: the starting model's statistics are kept and used"""


def _each_once(values: list[Any]) -> list[Any]:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise PydanticCustomError("twice", "an entry stands twice", {"place": place})
    return values


Once = AfterValidator(_each_once)
"""in the annotation of a list: each of its values once"""
Some = Field(min_length=1)
"""in the annotation of a list or map: at least one entry"""
Names = Annotated[list[Name], Some, Once]
