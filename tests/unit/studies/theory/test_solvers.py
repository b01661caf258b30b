"""Bracketing of roots on arrays."""

import numpy as np
import pytest

from palimpsest.studies.theory.solvers import NoSolution, bisect, expand, require


def test_roots_to_the_last_bit():
    target = np.array([2.0, 9.0, 1e-20, 1e20])
    root = bisect(lambda x: x**2 - target, np.zeros(4), np.full(4, 1e11))
    np.testing.assert_allclose(root, np.sqrt(target), rtol=1e-15)


def test_falling_functions_and_roots_at_an_end():
    root = bisect(lambda x: np.array([1.0, 5.0, 0.0]) - x, np.zeros(3), np.full(3, 5.0))
    np.testing.assert_allclose(root, [1, 5, 0], atol=1e-15)


def test_no_change_of_sign():
    with pytest.raises(NoSolution, match="1 intervals"):
        bisect(lambda x: x**2 - np.array([1.0, -1.0]), np.zeros(2), np.full(2, 2.0))


def test_expand_in_both_directions():
    assert expand(lambda x: x - 1e6, np.zeros(1), 1.0, 1)[0] > 1e6
    assert expand(lambda x: x + 1e6, np.zeros(1), -1.0, -1)[0] < -1e6
    with pytest.raises(NoSolution, match="no bracket"):
        expand(lambda x: -np.ones_like(x), np.zeros(2), 1.0, 1)


def test_require_names_the_entry():
    with pytest.raises(ValueError, match=r"must be positive \(entry 1, 2 in all\)"):
        require(np.array([True, False, False]), "must be positive")
