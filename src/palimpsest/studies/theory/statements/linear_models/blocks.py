"""The block forms of the projections (Why Fine-Tuning Struggles, Corollaries B.1 and B.3).

With L_1 and L_2 the overlapping features, B.3 prints P_r as the blocks U G^-1 V' for U and V in
R, L_1, with G = R'R + L_1'L_1, and P_f likewise from L_2 and F; all other blocks are zero. B.1 is
the case without overlap, R (R'R)^-1 R' and F (F'F)^-1 F'.
"""

import numpy as np
from scipy.linalg import lstsq

from palimpsest.studies.theory.statements.linear_models.model import CUT, Model

Array = np.ndarray


def block_form(upper: Array, lower: Array) -> Array:
    """The four printed blocks of the samples with the features `upper` (a, n) and `lower` (b, n).

    G^-1 [U' L'] is the pseudo-inverse of the two blocks stacked, solved by a complete orthogonal
    factorisation: neither G, whose condition is a square, nor a singular value is formed.
    """
    stacked = np.concatenate([upper, lower])
    solved = lstsq(stacked, np.eye(len(stacked)), cond=CUT, lapack_driver="gelsy")[0]
    left, right = solved[:, : len(upper)], solved[:, len(upper) :]
    return np.block([[upper @ left, upper @ right], [lower @ left, lower @ right]])


def printed_projections(model: Model) -> tuple[Array, Array]:
    """P_r and P_f by Corollary B.3 (B.1 without overlapping features), each (d, d)."""
    d_r, kept = model.shape.d_r, model.shape.d_r + model.shape.d_lap
    p_r, p_f = np.zeros((2, model.shape.d, model.shape.d))
    p_r[:kept, :kept] = block_form(model.x_r[:d_r], model.x_r[d_r:kept])
    p_f[d_r:, d_r:] = block_form(model.x_f[d_r:kept], model.x_f[kept:])
    return p_r, p_f
