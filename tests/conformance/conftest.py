import pytest

from palimpsest.conformance import Toy


@pytest.fixture(scope="session")
def toy() -> Toy:
    return Toy.make()
