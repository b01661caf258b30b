"""The kinds of values that settings have, as annotations: what a configuration may hold there.

A setting is a keyword argument annotated with one of these, with `bool`, or with a `Literal` of the
words allowed. They check strictly: 24.0 is no integer, NaN no number, "1e-5" a text.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError


class Closed(BaseModel):
    """A map of settings with these keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


LARGEST = 2**31 - 1
"""of whole numbers: they reach NumPy and torch, where larger ones overflow"""
STEEPEST = 1e6
"""of rates, weights, decays and penalties: far above all that trains anything, and far below where
their products leave float32 (3e38)"""
MOST_MODELS = 1_000_000
"""that are trained for one thing: datamodels took three hundred thousand (Ilyas et al. 2022)"""
LONGEST = 100
"""characters of a name: it becomes a part of file names, which have at most 255"""

Count = Annotated[int, Field(ge=1, le=LARGEST)]
"""1, 2, 3, ..."""
Epochs = Annotated[int, Field(ge=1, le=100_000)]
"""passes over a split; a plan holds each of them"""
Models = Annotated[int, Field(ge=2, le=MOST_MODELS)]
"""of a population"""
Repeats = Annotated[int, Field(ge=1, le=10_000)]
"""of a simulation: beyond a thousand its own error is a thousandth of what it estimates"""
Bins = Annotated[int, Field(ge=2, le=1000)]
"""of a histogram at each point, which holds a number in each: more than models are empty"""
Size = Annotated[int, Field(ge=1, le=65_536)]
"""of a part of a network: channels, features, heads, layers; far beyond the widest there is"""
Length = Annotated[int, Field(ge=2, le=65_536)]
"""tokens of a text; attention takes the square of it"""
Whole = Annotated[int, Field(ge=0, le=LARGEST)]
"""0, 1, 2, ..."""
Several = Annotated[int, Field(ge=2, le=LARGEST)]
"""2, 3, 4, ..."""
Seed = Annotated[int, Field(ge=0, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=STEEPEST, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=STEEPEST, allow_inf_nan=False)]
Divisor = Annotated[float, Field(ge=1e-6, le=STEEPEST, allow_inf_nan=False)]
"""a number that others are divided by: by a smaller one they overflow"""
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
"""a part of a whole, neither none nor all of it"""
Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
"""a part of a whole, or none of it"""
Portion = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""a part of a whole, none or all of it"""
Momentum = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Percentile = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
File = Annotated[
    str,
    Field(
        pattern=r"^[^-{}<>\x00-\x1f][^{}<>\x00-\x1f]{0,249}$",
        description="a path of at most 250 characters that does not begin with - and holds none of "
        "{ } < > and no line break",
    ),
]
"""{x} is a wildcard to Snakemake, <x> one of its variables, -x an option of a program"""
Name = Annotated[str, Field(pattern=rf"^[a-z0-9_]{{1,{LONGEST}}}$")]
"""of a forget set"""
Run = Annotated[str, Field(pattern=rf"^[a-z0-9][a-z0-9_-]{{0,{LONGEST - 1}}}$")]
"""the name of a run"""
Weight = Annotated[float, Field(ge=0, le=STEEPEST, allow_inf_nan=False)]
"""of a term of an objective"""
WrongLabel = Literal["shift", "random_excluding", "random_including"]
"""what a forgotten point is to be taken for: the class after its own; one drawn among the other, or
among all, classes"""
Forward = Literal["retain_first", "forget_first", "joint"]
"""how a step reads its two batches: a forward pass for each, in this order, or one for both
together; BatchNorm then sees other batches, or sees them in another order"""
Teacher = Literal["disabled", "network", "layerwise"]
"""where the pre-trained features of adapted layers come from: the same network with its adapters
off; a second, frozen network, equal to the last bit; or the pass of the adapted network itself,
where they differ from the second adapted layer on, since they are then those of adapted inputs"""
Optimiser = Literal["sgd", "adamw"]
"""who takes the steps: stochastic gradient descent, or AdamW, which has no momentum to be set"""
BatchNorm = Literal["train", "frozen"]
"""train: BatchNorm's statistics move, and batches are normalised by themselves (as in
RoyRin/data-unlearning-bench, 2025); frozen: the starting model's statistics are kept and used"""


def _each_once(values: list[Any]) -> list[Any]:
    if (place := repeated(values)) is not None:
        raise PydanticCustomError("twice", "an entry stands twice", {"place": place})
    return values


def wrong(error: ValidationError, *below: str) -> str:
    """What does not fit first, `place: words`; `below`: where the value itself stands."""
    first = error.errors()[0]
    place = ".".join(map(str, (*below, *first["loc"]))) or "the value"
    return f"{place}: {first['msg']}"


def repeated(values: Sequence[Any]) -> int | None:
    """The place of the first value that stands before it, too; None: each is there once."""
    seen, others = set(), []  # those that have a hash, and lists, maps
    for place, value in enumerate(values):
        try:
            before = value in seen
            seen.add(value)
        except TypeError:
            before = value in others
            others.append(value)
        if before:
            return place
    return None


Once = AfterValidator(_each_once)
"""in the annotation of a list: each of its values once"""
Some = Field(min_length=1)
"""in the annotation of a list or map: at least one entry"""
Names = Annotated[list[Name], Some, Once]
