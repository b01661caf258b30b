"""Every method of the registry passes the conformance suite, without being named here."""

import pytest

from palimpsest import methods
from palimpsest.conformance import Toy, examine, settings_to_try


@pytest.mark.parametrize("method", methods.names())
def test_method_conforms(method: str, toy: Toy) -> None:
    assert examine(method, toy=toy) == []


def test_every_setting_of_a_method_is_varied() -> None:
    tried = settings_to_try("gda")
    for name in methods.settings_of("gda"):
        assert len({str(setting[name]) for setting in tried}) == 2
