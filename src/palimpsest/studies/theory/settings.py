"""The settings of the theory: how many random cases decide a statement, and their seed."""

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Random cases of each statement; some checks take fewer, none fewer than it needs."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    cases: int = Field(400, ge=100)
    seed: int = Field(0, ge=0)
