"""Pieces of quantization-aware training: rounding with a gradient, and a learned step.

Rounding has no useful derivative. The straight-through estimator takes that of the identity where a value is within the
range, and 0 where it is clipped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MissingPackageError, ParameterError
from ..pixels import as_array
from .affine import Arithmetic, code_range, dequantize, quantize
from .protocol import real, real_values

if TYPE_CHECKING:
    import numpy.typing as npt


def fake_quantize(
    x: npt.ArrayLike,
    scale: npt.ArrayLike,
    zero_point: npt.ArrayLike = 0,
    *,
    dtype: str = "int8",
    axis: int | None = None,
    block: int | None = None,
    convention: str = "torch-fake",
    narrow: bool = False,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Quantize and dequantize, and say where the gradient passes.

    Parameters
    ----------
    x, scale, zero_point, dtype, axis, block, convention, narrow
        As for `quantize`; NaN and infinities are refused.

    Returns
    -------
    y : float32 array like `x`
        dequantize(quantize(x)).
    mask : bool array like `x`
        Where the rounded code is within the range before it is clipped, as in torch: for int8 and the scale 1 -128.5
        passes, as it rounds to -128, and 127.5 does not. The gradient of x is that of y there, and 0 elsewhere.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> from codec.quantizers import fake_quantize
    >>> y, mask = fake_quantize([-128.5, 0.3, 127.5, 500], 1.0)
    >>> y.tolist(), mask.tolist()
    ([-128.0, 0.0, 127.0, 127.0], [True, True, False, False])
    """
    how: dict[str, Any] = {"dtype": dtype, "axis": axis, "block": block, "convention": convention, "narrow": narrow}
    codes = quantize(x, scale, zero_point, **how)
    values = dequantize(codes, scale, zero_point, axis=axis, block=block)
    below, above = _clipped(real_values(x), scale, zero_point, how)
    return values, ~(below | above)


def _clipped(values, scale, zero_point, how):
    """Where the rounded codes are below and above the range: codes within a range of two, the end and one beyond it."""
    low, high = code_range(how["dtype"], how["narrow"])
    arithmetic = Arithmetic.of(
        values.shape, scale, zero_point, (low, high), how["axis"], how["block"], how["convention"], None
    )
    found = []
    for ends, beyond in (((low - 1, low), low - 1), ((high, high + 1), high + 1)):
        codes = np.empty(values.shape, np.uint8)
        arithmetic.encode(values, codes, *ends)
        found.append(codes == beyond % 256)
    return found


def lsq_gradient(
    g: npt.ArrayLike,
    x: npt.ArrayLike,
    scale: npt.ArrayLike,
    zero_point: npt.ArrayLike = 0,
    *,
    dtype: str = "int8",
    axis: int | None = None,
    convention: str = "torch-fake",
    narrow: bool = False,
    factor: float | None = None,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Gradients of a loss by data and scale, through `fake_quantize` (learned step size).

    Parameters
    ----------
    g : float array like `x`
        Gradient of the loss by the output of `fake_quantize`.
    x, scale, zero_point, dtype, axis, convention, narrow
        As for `fake_quantize`.
    factor : float, optional
        Multiplies the gradient of the scale, > 0. By default 1 / sqrt(n q), where n is the number of values with one
        scale and q the highest code less the middle of the range (127 for int8), as the paper advises; torch's
        learnable fake quantization takes 1 if not told otherwise.

    Returns
    -------
    dx : float32 array like `x`
        g where the code is within the range, else 0.
    dscale : float64 array like `scale`
        Sum of g ((q - z) - x / s) where the code is within the range, of g (low - z) and g (high - z) beyond its ends.

    Raises
    ------
    ParameterError

    References
    ----------
    Esser, McKinstry, Bablani, Appuswamy and Modha, "Learned Step Size Quantization", ICLR 2020, equations 2 and 3.

    Examples
    --------
    >>> from codec.quantizers import lsq_gradient
    >>> dx, dscale = lsq_gradient([1.0, 1.0, 1.0], [0.25, 3.0, 900.0], 2.0, factor=1.0)
    >>> dx.tolist(), dscale.tolist()
    ([1.0, 1.0, 0.0], 127.375)
    """
    values, gradient = real_values(x), real_values(g, "g")
    if gradient.shape != values.shape:
        raise ParameterError(f"g must have the shape of x, {values.shape}, not {gradient.shape}")
    how: dict[str, Any] = {"dtype": dtype, "axis": axis, "block": None, "convention": convention, "narrow": narrow}
    codes = quantize(values, scale, zero_point, **how)
    below, above = _clipped(values, scale, zero_point, how)
    scales, zeros = as_array(scale, "scale").astype(np.float64), as_array(zero_point, "zero_point").astype(np.float64)
    others: tuple[int, ...] | None = None
    if axis is not None:
        others = tuple(i for i in range(values.ndim) if i != axis % values.ndim)
        scales, zeros = (np.expand_dims(np.broadcast_to(p, scales.shape), others) for p in (scales, zeros))
    slope = codes - zeros  # clipped codes are the ends of the range
    slope -= np.where(below | above, 0.0, values / scales)
    if factor is None:
        low, high = code_range(dtype, narrow)
        share = values.size // scales.size
        factor = 1 / math.sqrt(share * (high - (low + high + 1) // 2))
    dscale = np.sum(gradient * slope, axis=others) * real(factor, "factor", above=0)
    return np.where(below | above, 0, gradient).astype(np.float32), np.asarray(dscale, np.float64)


def torch_fake_quantize(x: Any, scale: Any, zero_point: Any = 0, **keywords: Any) -> Any:
    """`fake_quantize` of torch tensors, with the gradients of `lsq_gradient`.

    Parameters
    ----------
    x, scale : torch tensors on the CPU
        Both may require a gradient.
    zero_point, keywords
        As for `lsq_gradient`.

    Returns
    -------
    float32 tensor like `x`

    Raises
    ------
    MissingPackageError
        If torch is not installed.
    ParameterError
    """
    try:
        import torch
    except ImportError as error:
        raise MissingPackageError(
            "torch_fake_quantize needs torch, which is not installed: pip install torch"
        ) from error

    forward_keywords = {key: value for key, value in keywords.items() if key != "factor"}

    class FakeQuantize(torch.autograd.Function):
        @staticmethod
        def forward(context, x, scale):
            context.save_for_backward(x, scale)
            values, _ = fake_quantize(x.detach().numpy(), scale.detach().numpy(), zero_point, **forward_keywords)
            return torch.from_numpy(values)

        @staticmethod
        def backward(context, gradient):
            x, scale = (tensor.detach().numpy() for tensor in context.saved_tensors)
            dx, dscale = lsq_gradient(gradient.numpy(), x, scale, zero_point, **keywords)
            return torch.from_numpy(dx), torch.as_tensor(dscale, dtype=context.saved_tensors[1].dtype)

    return FakeQuantize.apply(x, scale)
