"""A second look at an encoded picture: which blocks matter to SSIMULACRA 2, and how much would less error there gain?

With e the error of a sample and g the slope of the score by it, scaling the errors of a block by 1 + t changes the
score by t sum(g e) and the squared error by 2 t sum(e^2), to first order. So -sum(g e) / sum(e^2) is the score per
squared error there, the weight that the trellis needs for a block (`estimated_gains` gives the first sum). One block is
a noisy estimate: sums are taken over the blocks around it. Measured on photographs (gb82, BD-rate by SSIMULACRA 2
against effort 9 without it): -1.5 %.
"""

from functools import partial

import numpy as np

from .._team import results_of
from ._masking import refined_weights, squared_errors, sums_around

BETA = 0.5  # 0.35: -1.3 %, 0.7: -1.8 %, but worse on two of seven screenshots; 0.5 is worse on one of them


def look_again(pixels, shown, factors, threads=1):
    """Weights of blocks, as from `activity_weights`, refined by the score's gradient at the decoded picture.

    Parameters
    ----------
    pixels, shown : (H, W, 1 or 3) uint8, C-contiguous: the picture and its decoded file; sides of at least 8
    factors : uint16 (blocks_high, blocks_wide)
    threads : at least 1
    """
    from ..metrics.gradients import estimated_gains, sampled_slopes  # imported here: other efforts need no metrics

    rows = 8 * -(-len(factors) // (4 * threads))
    bands = [slice(first, first + rows) for first in range(0, len(pixels), rows)]
    errors = [partial(squared_errors, pixels[band], shown[band]) for band in bands]
    sampled, *errors = results_of([partial(sampled_slopes, pixels, shown), *errors], threads)
    blocks = estimated_gains(pixels, shown, threads, sampled), np.concatenate(errors)
    around = results_of([partial(sums_around, one, factors.shape) for one in blocks], threads)
    return refined_weights(factors, *around, beta=BETA)
