"""Low frequencies guessed from neighbouring DC values, for progressive pictures that end before their AC scans (T.81
K.8).

A preview of DC alone would show 8x8 tiles. The nine lowest AC coefficients are predicted from the DC values of a 5x5
neighbourhood instead. The weights are those of libjpeg-turbo since 2.1 (jdcoefct.c), in 1/256, so that previews look
alike; K.8.2 gives the idea over 3x3. A prediction replaces only a coefficient that is still zero, and stays below what
the scans so far could resolve.
"""

import numpy as np

from .._core import ZIGZAG

UNKNOWN = 99  # no scan has touched the coefficient


def _turned(table):
    return [list(column) for column in zip(*table)]


_HORIZONTAL = [[-1, -1, 0, 1, 1], [-3, 13, 0, -13, 3], [-3, 38, 0, -38, 3], [-3, 13, 0, -13, 3], [-1, -1, 0, 1, 1]]
_HORIZONTAL_2 = [[0, 0, 0, 0, 0], [0, 2, -5, 2, 0], [1, 7, -14, 7, 1], [0, 2, -5, 2, 0], [0, 0, 0, 0, 0]]
_HORIZONTAL_3 = [[0, 0, 0, 0, 0], [0, 1, 0, -1, 0], [0, 2, 0, -2, 0], [0, 1, 0, -1, 0], [0, 0, 0, 0, 0]]
_MIXED_12 = [[0, 0, 0, 0, 0], [0, 1, -3, 1, 0], [0, 0, 0, 0, 0], [0, -1, 3, -1, 0], [0, 0, 0, 0, 0]]

# Zig-zag position -> weights over the DC values around a block: where no AC coefficient is known ...
FROM_DC_ALONE = {
    0: [[-2, -6, -8, -6, -2], [-6, 6, 42, 6, -6], [-8, 42, 152, 42, -8], [-6, 6, 42, 6, -6], [-2, -6, -8, -6, -2]],
    1: _HORIZONTAL,
    2: _turned(_HORIZONTAL),
    3: _turned(_HORIZONTAL_2),
    4: [[-1, 0, 0, 0, 1], [0, 9, 0, -9, 0], [0, 0, 0, 0, 0], [0, -9, 0, 9, 0], [1, 0, 0, 0, -1]],
    5: _HORIZONTAL_2,
    6: _HORIZONTAL_3,
    7: _MIXED_12,
    8: _turned(_MIXED_12),
    9: _turned(_HORIZONTAL_3),
}
# ... and where some are.
_LINE = [[0] * 5, [0] * 5, [-7, 50, 0, -50, 7], [0] * 5, [0] * 5]
_LINE_2 = [[0] * 5, [0] * 5, [-1, 13, -24, 13, -1], [0] * 5, [0] * 5]
FROM_DC_BESIDE_AC = {
    1: _LINE,
    2: _turned(_LINE),
    3: _turned(_LINE_2),
    4: [[0, -1, 0, 1, 0], [-1, 10, 0, -10, 1], [0, 0, 0, 0, 0], [1, -10, 0, 10, -1], [0, 1, 0, -1, 0]],
    5: _LINE_2,
}


def can_smooth(bits_left):
    """Whether predictions apply: every component has its DC, and one of the nine coefficients lacks bits somewhere."""
    return bool((bits_left[:, 0] != UNKNOWN).all() and (bits_left[:, 1:10] != 0).any())


def smooth(plane, bits_left, Q):
    """Levels of a component with predictions filled in.

    Parameters
    ----------
    plane : int16 (blocks_high, blocks_wide, 64), natural order; not changed
    bits_left : (64,) by zig-zag position: the bit that came last, `UNKNOWN` for none
    Q : (64,) steps, natural order

    Returns
    -------
    int16 array like `plane`
    """
    high, wide = plane.shape[:2]
    around = np.pad(plane[:, :, 0].astype(np.int64), 2, mode="edge")
    weights = FROM_DC_ALONE if (bits_left[1:10] == UNKNOWN).all() else FROM_DC_BESIDE_AC
    result = plane.copy()
    for k, table in weights.items():
        if k and bits_left[k] == 0:
            continue
        nat, step = int(ZIGZAG[k]), int(Q[ZIGZAG[k]])
        total = sum(
            table[i][j] * around[i : i + high, j : j + wide] for i in range(5) for j in range(5) if table[i][j]
        ) * int(Q[0])
        guess = (128 * step + abs(total)) // (256 * step)
        if k and bits_left[k] != UNKNOWN:
            guess = np.minimum(guess, (1 << int(bits_left[k])) - 1)
        guess = np.clip(np.where(total < 0, -guess, guess), -32768, 32767)
        result[:, :, nat] = np.where((plane[:, :, nat] == 0) | (k == 0), guess, plane[:, :, nat])
    return result
