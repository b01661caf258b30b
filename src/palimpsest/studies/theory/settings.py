"""The settings of the study."""

from typing import Annotated

from pydantic import Field

from palimpsest.values import LARGEST, Closed, Whole


class Settings(Closed):
    """The section `theory`."""

    cases: Annotated[int, Field(ge=100, le=LARGEST)]
    seed: Whole
