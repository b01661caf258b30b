"""The settings of the study."""

from typing import Annotated

from pydantic import Field

from palimpsest.values import Closed, Whole


class Settings(Closed):
    """The section `theory`."""

    cases: Annotated[int, Field(ge=100, le=100_000)]
    seed: Whole
