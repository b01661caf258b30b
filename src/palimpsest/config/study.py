"""What the section of a study holds that puts populations of unlearned models to the test."""

from collections.abc import Mapping
from typing import Any, Literal

from palimpsest.values import Closed, Names


class PopulationStudy(Closed):
    """Its own forget sets, methods and metrics; a study's `Settings` may add keys.

    `settings.configuration` narrows the fields that name things of the library to those there are.
    """

    forget_sets: Names
    methods: list[str]
    grids: dict[str, Any]
    metrics: list[str]
    record: list[str]
    seconds: Literal["measured", "omitted"]

    def check(self, config: Mapping[str, Any]) -> None:
        """Raise a SettingError where keys of the study's own do not fit the whole `config`."""
