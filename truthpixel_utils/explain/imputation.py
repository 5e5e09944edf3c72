"""Removing pixels from an image so that nothing in it tells that they were removed."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

NOISE = 0.01 * 255  # standard deviation of what is added, so that a filled pixel is not too smooth
DIRECT, DIAGONAL = 1 / 6, 1 / 12  # weights of the neighbours; those of all eight sum to 1
NEIGHBOURS = (  # steps down and to the right, and the weight of the pixel there
    (-1, -1, DIAGONAL),
    (-1, 0, DIRECT),
    (-1, 1, DIAGONAL),
    (0, -1, DIRECT),
    (0, 1, DIRECT),
    (1, -1, DIAGONAL),
    (1, 0, DIRECT),
    (1, 1, DIAGONAL),
)
OUTSIDE, KNOWN = -2, -1  # what stands for a pixel that has no equation


def noisy_linear_imputation(
    image: np.ndarray, removed: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Fill removed pixels from those around them.

    Every removed pixel shall be the weighted mean of its neighbours (Rong et al., *A consistent
    and efficient evaluation strategy for attribution methods*, 2022). Where a neighbour was
    removed as well, its value is unknown too, so the pixels cannot be computed one after the
    other: they are the solution of a system of linear equations, one for each removed pixel p,

        (sum of the weights of p's neighbours) · p - sum of (weight · unknown neighbour)
            = sum of (weight · known neighbour)

    At the border of the image a pixel has fewer neighbours, and the first sum is smaller for that.
    The system is sparse, eight entries a row beside the diagonal; each colour channel is one right
    side of it.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    removed : bool array (H, W)
        Where pixels are to be filled; one at least is True, and one at least is False.
    rng : numpy.random.Generator
        Where the noise is drawn from.

    Returns
    -------
    uint8 array (H, W, 3)
        The image, filled; the pixels that were not removed are as they were.
    """
    rows, columns = np.nonzero(removed)
    unknowns = len(rows)
    equation = _number_equations(removed)
    padded = np.pad(image.astype(float), ((1, 1), (1, 1), (0, 0)))

    diagonal = np.zeros(unknowns)
    right_side = np.zeros((unknowns, image.shape[2]))
    entry_rows, entry_columns, entry_values = [], [], []
    for down, right, weight in NEIGHBOURS:
        # Both arrays have a border of one pixel, so one more in each direction is the pixel itself.
        neighbour = (rows + 1 + down, columns + 1 + right)
        number = equation[neighbour]
        diagonal += weight * (number != OUTSIDE)
        right_side += weight * (number == KNOWN)[:, None] * padded[neighbour]
        unknown = np.flatnonzero(number >= 0)
        entry_rows.append(unknown)
        entry_columns.append(number[unknown])
        entry_values.append(np.full(len(unknown), -weight))

    places = (np.concatenate(entry_rows), np.concatenate(entry_columns))
    between_unknowns = sparse.csc_matrix(
        (np.concatenate(entry_values), places), (unknowns, unknowns)
    )
    system = between_unknowns + sparse.diags(diagonal, format="csc")
    solution = np.reshape(spsolve(system, right_side), right_side.shape)
    filled = image.astype(float)
    filled[rows, columns] = solution + rng.normal(0, NOISE, right_side.shape)
    return filled.clip(0, 255).round().astype(np.uint8)


def _number_equations(removed):
    """Number the removed pixels, row by row; the others are KNOWN, a border around them OUTSIDE.

    Returns an int array (H + 2, W + 2).
    """
    equation = np.full(removed.shape, KNOWN)
    equation[removed] = np.arange(np.count_nonzero(removed))
    return np.pad(equation, 1, constant_values=OUTSIDE)
