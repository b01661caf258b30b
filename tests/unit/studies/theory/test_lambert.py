"""Lambert W against arbitrary precision, at the ends of its range and beyond float64."""

import mpmath
import numpy as np
import pytest

from palimpsest.studies.theory import lambert
from palimpsest.studies.theory.solvers import NoSolution


def test_principal_branch_against_mpmath():
    z = np.concatenate([-np.linspace(1e-6, 0.36, 20), np.geomspace(1e-300, 1e300, 40), [0.0]])
    exact = np.array([float(mpmath.lambertw(mpmath.mpf(float(v)))) for v in z])
    np.testing.assert_allclose(lambert.principal(z), exact, rtol=1e-12)


def test_secondary_branch_against_mpmath():
    z = -np.geomspace(1e-200, 0.36, 30)
    exact = np.array([float(mpmath.lambertw(mpmath.mpf(float(v)), -1).real) for v in z])
    np.testing.assert_allclose(lambert.secondary(z), exact, rtol=1e-12)


def test_arguments_beyond_float64():
    log_z = np.array([1e4, 1e8])
    w = lambert.principal_of_log(log_z)
    np.testing.assert_allclose(w + np.log(w), log_z, rtol=1e-14)


def test_branch_point():
    assert lambert.principal(-np.exp(-1.0)) == -1
    assert lambert.secondary(-np.exp(-1.0)) == -1


@pytest.mark.parametrize("z", [-0.4, -1.0])
def test_no_real_value_below_the_branch_point(z):
    with pytest.raises(NoSolution, match="no real value below"):
        lambert.principal(z)


def test_secondary_branch_is_for_negative_arguments():
    with pytest.raises(NoSolution, match="W-1"):
        lambert.secondary(np.array([-0.1, 0.5]))


def test_not_a_number_is_refused():
    with pytest.raises(ValueError, match="not a number"):
        lambert.principal(np.array([0.1, np.nan]))
