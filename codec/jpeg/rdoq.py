"""Rate-distortion optimised quantization of arrays of DCT coefficients: the encoder's own trellis as a quantizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import ZIGZAG
from ..errors import ParameterError
from ..pixels import as_array
from ..quantizers.protocol import Quantizer, checked_codes, integer, real
from .levels import optimised_levels

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

COEFFICIENT_SCALE = 8  # of the trellis: coefficients times 8
MOST_AC = 1023  # the largest AC level that a baseline symbol holds (T.81 Table F.2)
MOST_PASSES = 16
NATURAL = np.argsort(ZIGZAG)


class TrellisQuantizer(Quantizer):
    """Levels of least (bits + weight squared error) for blocks of DCT coefficients, as the JPEG encoder chooses them.

    Parameters
    ----------
    Q : 64 integers within 1..65535
        Quantization table in natural order.
    weight : float
        What an error of one squared step costs, in bits, > 0. High-rate theory gives 12 / (2 ln 2) = 8.7 for equal
        steps; less zeroes more levels.
    scale : 1 or 8
        The factor that the coefficients carry: 8 as `codec._core.fdct` gives them.
    passes : int
        1..16. The first takes the bits of symbols from the statistics of a dead zone, each further one from the levels
        of the one before.

    Notes
    -----
    `encode` takes int16 coefficients (N, 64) in natural order and gives int16 levels in the same order. Bits are those
    of T.81's run-length symbols after optimal Huffman coding; blocks are coded in the order of the array, so that a
    block's levels depend on the others. `decode` gives level Q scale. There are no fixed thresholds. To read a record
    of it, import `codec.jpeg` first.

    References
    ----------
    Crouse and Ramchandran, IEEE Trans. Image Processing 6(9), 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.jpeg import TrellisQuantizer
    >>> coefficients = np.random.default_rng(0).laplace(0, 30, (100, 64)).astype(np.int16)
    >>> nearest = np.rint(coefficients / 40)
    >>> levels = TrellisQuantizer([40] * 64, scale=1).encode(coefficients)
    >>> bool(np.count_nonzero(levels) < np.count_nonzero(nearest))
    True
    """

    name = "trellis"

    def __init__(self, Q: npt.ArrayLike, *, weight: float = 8.7, scale: int = 8, passes: int = 1) -> None:
        table = as_array(Q, "Q")
        if table.shape != (64,) or table.dtype.kind not in "iu" or table.min() < 1 or table.max() > 65535:
            raise ParameterError("Q must be 64 integers within 1..65535")
        self._Q = table.astype(np.uint16)
        self._weight = real(weight, "weight", above=0)
        if scale not in (1, COEFFICIENT_SCALE):
            raise ParameterError(f"scale must be 8 (as fdct gives coefficients) or 1, not {scale!r}")
        self._scale = int(scale)
        self._passes = integer(passes, "passes", low=1, high=MOST_PASSES)

    def fit(self, x: npt.ArrayLike) -> Self:
        """Only check the data: there is nothing to choose."""
        self._checked(x)
        return self

    def _checked(self, x):
        array = as_array(x, "x")
        if array.ndim != 2 or array.shape[1] != 64 or array.dtype.kind not in "iu" or not len(array):
            raise ParameterError(f"x must be integers of the shape (N, 64), not {array.dtype} {array.shape}")
        factor = COEFFICIENT_SCALE // self._scale
        if int(array.min()) * factor < -32768 or int(array.max()) * factor > 32767:
            raise ParameterError(
                f"coefficients must be within {-32768 // factor}..{32767 // factor}, not {array.min()}..{array.max()}"
            )
        coefficients = array.astype(np.int16) * np.int16(factor)
        most = np.abs(coefficients[:, 1:].astype(np.int32)).max(0) / (COEFFICIENT_SCALE * self._Q[1:].astype(float))
        if most.max() > MOST_AC + 0.5:
            raise ParameterError(f"AC levels would exceed {MOST_AC}, the largest of T.81: take larger steps")
        return coefficients

    def encode(self, x: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """(N, 64) int16 levels, natural order."""
        coefficients = np.ascontiguousarray(self._checked(x)[None, :, ZIGZAG])
        made = optimised_levels([coefficients], [self._Q], [[0]], [self._weight], passes=self._passes)
        return np.ascontiguousarray(made[0][0][:, NATURAL])

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """level Q scale, int32."""
        levels = checked_codes(codes, *self.code_range)
        if levels.ndim != 2 or levels.shape[1] != 64:
            raise ParameterError(f"codes must have the shape (N, 64), not {levels.shape}")
        return levels.astype(np.int32) * self._Q.astype(np.int32) * np.int32(self._scale)

    @property
    def code_range(self) -> tuple[int, int]:
        """(-4096, 4096): DC levels of step 1 reach it."""
        return -4096, 4096

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """ParameterError: the steps differ."""
        raise ParameterError("a table of steps has no single list of levels")

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """ParameterError: decisions depend on the neighbours."""
        raise ParameterError("the trellis has no fixed thresholds: a level depends on its neighbours")

    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"Q": self._Q.tolist(), "weight": self._weight, "scale": self._scale, "passes": self._passes}
