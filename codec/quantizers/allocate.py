"""Bit allocation: how many bits each of several components, channels or layers should get under one budget."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParameterError
from ..pixels import as_array
from .protocol import integer, real

if TYPE_CHECKING:
    from typing import Literal

    import numpy.typing as npt

    Method = Literal["water-filling", "greedy"]

METHODS = ("water-filling", "greedy")
PARTS = 8192  # of the budget of `allocate_measured`


@dataclass(frozen=True, eq=False)
class Allocation:
    """Bits for components.

    Attributes
    ----------
    bits : (n,) array
        Bits per sample of each component: float64 from water-filling, int64 from the greedy method.
    distortions : (n,) float64
        variance * 2^(-2 bits): the mean squared error of each component in the model.
    level : float
        Water-filling: the water level, the distortion of all components that get bits. Greedy: the largest distortion.
    """

    bits: npt.NDArray[Any]
    distortions: npt.NDArray[np.float64]
    level: float


def allocate_bits(
    variances: npt.ArrayLike, budget: float, method: Method = "water-filling", *, most: int | None = None
) -> Allocation:
    """Distribute bits over independent components so that the sum of their squared errors is least.

    The model is the one of high rate: a component of variance v has the error v 2^(-2 b) with b bits per sample (times
    a constant of the quantizer, which does not change the answer).

    Parameters
    ----------
    variances : (n,) array
        At least one number from 0 on.
    budget : float
        Bits in total for one sample of each component, 0 or more; integer for "greedy".
    method : "water-filling" (default) or "greedy"
        "water-filling": real numbers of bits, exactly optimal for Gaussian components (reverse water-filling, Cover and
        Thomas, Elements of Information Theory, 10.3.3): min(level, v) is the error of each.
        "greedy": integers; each bit goes where it reduces the error most, which is optimal because the returns of a
        component fall.
    most : int, optional
        Largest number of bits of one component; "greedy" only.

    Returns
    -------
    Allocation
        Components of variance 0 get no bits.

    Raises
    ------
    ParameterError
        For variances that are empty, negative or not finite, for a budget below 0 or above what `most` can use, and for
        a budget above 0 if all variances are 0.

    Examples
    --------
    >>> from codec.quantizers import allocate_bits
    >>> allocate_bits([16, 4, 1, 0.01], 3).bits.tolist()
    [2.0, 1.0, 0.0, 0.0]
    >>> allocate_bits([30, 6, 2, 0.01], 5, "greedy").bits.tolist()
    [3, 1, 1, 0]
    """
    variances = _nonnegative(variances, "variances", 1)
    if method not in METHODS:
        raise ParameterError(f"the method of allocation is one of {', '.join(METHODS)}, not {method!r}")
    if real(budget, "budget") < 0:
        raise ParameterError(f"budget must be bits, 0 or more, not {budget!r}")
    if budget and not variances.any():
        raise ParameterError("all variances are 0: there is nothing to spend bits on; the budget must be 0")
    if method == "water-filling":
        if most is not None:
            raise ParameterError("most is for integer bits: use method='greedy'")
        bits, level = _water_filling(variances, float(budget))
        return Allocation(bits, np.minimum(variances, level), level)
    if budget != int(budget):
        raise ParameterError(f"the greedy method gives whole bits: budget must be an integer, not {budget!r}")
    bits = _greedy(variances, int(budget), most)
    distortions = variances * 4.0**-bits
    return Allocation(bits, distortions, float(distortions.max()))


def _water_filling(variances, budget):
    """The k largest variances get bits: log2 level = (sum of their log2 - 2 budget) / k. k is the largest number whose
    least variance is above its level.
    """
    if not budget:
        return np.zeros(variances.size), float(variances.max())
    logs = np.sort(np.log2(variances[variances > 0]))[::-1]
    levels = (np.cumsum(logs) - 2 * budget) / np.arange(1, logs.size + 1)
    level = levels[np.flatnonzero(logs > levels)[-1]]
    with np.errstate(divide="ignore"):
        bits = np.maximum(0, (np.log2(variances) - level) / 2)
    return bits, float(2.0**level)


def _greedy(variances, budget, most):
    most = most if most is None else integer(most, "most", low=1)
    if most is not None and budget > most * np.count_nonzero(variances):
        raise ParameterError(
            f"{np.count_nonzero(variances)} components of at most {most} bits cannot use a budget of {budget} bits"
        )
    bits = np.zeros(variances.size, np.int64)
    # What a bit saves is 3/4 of the error; the first component wins ties. Logarithms do not underflow.
    queue = [(-math.log2(v), i) for i, v in enumerate(variances) if v > 0]
    heapq.heapify(queue)
    for _ in range(budget):
        negative, i = queue[0]
        bits[i] += 1
        if bits[i] == most:
            heapq.heappop(queue)
        else:
            heapq.heapreplace(queue, (negative + 2, i))
    return bits


def allocate_measured(errors: npt.ArrayLike, sizes: npt.ArrayLike, budget: float) -> npt.NDArray[np.int64]:
    """Choose one of several measured settings for each component, so that the sum of errors is least within a budget.

    Dynamic programming over the budget in 8192 parts, to which sizes are rounded up: exact for whole sizes and a budget
    of at most 8192, otherwise the optimum for a budget that is less by one part for each component at most.

    Parameters
    ----------
    errors : (n, settings) array
        The error of each component with each setting, from 0 on.
    sizes : (n, settings) array
        The size of each component with each setting, above 0.
    budget : float
        Largest sum of sizes.

    Returns
    -------
    (n,) int64
        The setting of each component; of equal sums of errors one of the smallest size.

    Raises
    ------
    ParameterError
        For arrays of wrong shape or range, and if even the smallest settings exceed the budget.

    Examples
    --------
    >>> from codec.quantizers import allocate_measured
    >>> allocate_measured([[9, 1, 0], [5, 4, 3]], [[2, 4, 8], [2, 4, 8]], 7).tolist()
    [1, 0]
    """
    errors, sizes = _nonnegative(errors, "errors", 2), _nonnegative(sizes, "sizes", 2)
    if errors.shape != sizes.shape or not sizes.all():
        raise ParameterError(f"sizes must be {errors.shape} numbers above 0, one for each error, not {sizes.shape}")
    smallest = sizes.argmin(1)
    least = float(sizes.min(1).sum())
    if real(budget, "budget") < least:
        raise ParameterError(
            f"the smallest settings take {least:g}, more than the budget of {budget:g}: it cannot be met"
        )
    whole = (sizes == np.rint(sizes)).all() and budget <= PARTS
    unit = 1.0 if whole else budget / PARTS
    costs, parts = np.ceil(sizes / unit - 1e-9).astype(np.int64), int(budget / unit + 1e-9)
    if costs.min(1).sum() > parts:  # only by rounding
        return smallest
    best = np.zeros(parts + 1)
    taken = np.zeros((len(errors), parts + 1), np.int64)
    for i, (own, cost) in enumerate(zip(errors, costs)):
        with_setting = np.full((own.size, parts + 1), np.inf)
        for k in range(own.size):
            if cost[k] <= parts:
                with_setting[k, cost[k] :] = best[: parts + 1 - cost[k]] + own[k]
        taken[i] = with_setting.argmin(0)
        best = with_setting.min(0)
    left = int(np.flatnonzero(best == best[-1])[0])
    chosen = smallest
    for i in reversed(range(len(errors))):
        chosen[i] = taken[i, left]
        left -= costs[i, chosen[i]]
    return chosen


def _nonnegative(values, name, dimensions):
    array = as_array(values, name, np.float64)
    if array.ndim != dimensions or not array.size:
        shape = "(n,)" if dimensions == 1 else "(n, settings)"
        raise ParameterError(f"{name} must have the shape {shape} and not be empty, not {array.shape}")
    if not ((array >= 0) & (array < math.inf)).all():
        raise ParameterError(f"{name} must be finite numbers from 0 on")
    return array
