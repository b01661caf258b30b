"""The Lambert W function, z = W exp(W), without overflow (Ascent Fails to Forget, App. D.1)."""

import numpy as np
from scipy.special import lambertw, wrightomega

from palimpsest.arrays import require
from palimpsest.studies.theory.solvers import NoSolution

Array = np.ndarray


def principal_of_log(log_z: Array) -> Array:
    """W0(exp(log_z)) for any real log_z, also where exp(log_z) is beyond float64."""
    return np.asarray(wrightomega(np.asarray(log_z, dtype=float)))


def principal(z: Array) -> Array:
    """W0(z), z >= -1/e; raises NoSolution below -1/e."""
    z = _checked(z)
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = principal_of_log(np.log(np.where(z > 0, z, 1.0)))
    return np.where(z > 0, positive, _branch(np.minimum(z, 0.0), 0))


def secondary(z: Array) -> Array:
    """W-1(z), -1/e <= z < 0; raises NoSolution outside."""
    z = _checked(z)
    if np.any(z >= 0):
        raise NoSolution("the branch W-1 has real values for -1/e <= z < 0 only")
    return _branch(z, -1)


def _checked(z: Array) -> Array:
    z = np.asarray(z, dtype=float)
    require(~np.isnan(z), "the argument of W is not a number")
    if np.any(z < -np.exp(-1.0) * (1 + 4e-16)):
        raise NoSolution(f"W has no real value below -1/e; the smallest argument is {z.min():.6g}")
    return np.maximum(z, -np.exp(-1.0))


def _branch(z: Array, branch: int) -> Array:
    """One real branch; SciPy gives a NaN at the branch point itself, where W = -1."""
    value = np.real(lambertw(z, branch))
    return np.where(z <= -np.exp(-1.0), -1.0, value)
