"""Affine quantization to integers, x = (code - zero_point) scale, with the arithmetic of a named library, bit for bit.

`quantize` and `dequantize` are the plain functions; `Affine` keeps scales and zero points, and chooses them for data.
All arithmetic is in single precision, as in the libraries: float64 values are rounded to float32 first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import cpu
from ..errors import ParameterError
from ..pixels import as_array
from ._scalar import FORMULAS, affine_decode, affine_encode
from .protocol import Quantizer, checked_codes, choice, code_dtype, integer, real_values, refuse_nonfinite, span
from .rounding import OFFSETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal, Self

    import numpy.typing as npt

# name -> (lowest, highest) code
RANGES = {
    **{f"int{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (2, 4, 8, 16)},
    **{f"uint{bits}": (0, (1 << bits) - 1) for bits in (2, 4, 8, 16)},
}
EPSILON = np.float32(2.0**-23)  # torch's least scale
LEAST_BOUND = np.float32(1e-9)  # ai-edge-quantizer's least width of a range
FLOAT_MAX = float(np.finfo(np.float32).max)
CHUNK = 1 << 18  # values converted at a time
SMALLEST_SCALE = np.float32(2.0**-126)  # its reciprocal is finite


@dataclass(frozen=True)
class Convention:
    """The arithmetic of a library.

    Attributes
    ----------
    formula : str
        "divide": round(x / s) + z. "multiply": round(x r) + z, r = 1 / s. "fused": round(x r + z), where only the sum
        is rounded to single precision. "multiply-add": round(x r + z). "divide-add": round(x / s + z).
    rounding : str
        "half-even" or "half-away".
    nan : str
        The code of NaN: "low" and "high", the ends of the range; "zero", the code 0.
    wild : float
        Where round's argument is at least so large, infinities included, it gets the lowest code: the library converts
        it to an integer that cannot hold it. NaN if there are none.
    wild_channels : float
        The same with an axis.
    wraps : bool
        Whether the sum of that integer and a negative zero point overflows, so that it gets the highest code.
    scales : str
        Whose choice of scales and zero points `Affine.fit` follows: "onnx", "torch", "torch-float" or "tflite".
    narrow : bool
        Whether symmetric codes of at least 8 bits leave out the lowest one.
    """

    formula: str
    rounding: str = "half-even"
    nan: str = "low"
    wild: float = math.nan
    wild_channels: float = math.nan
    wraps: bool = False
    scales: str = "torch"
    narrow: bool = False


CONVENTIONS = {
    "onnx": Convention("divide", scales="onnx"),
    "torch": Convention("fused", nan="high"),
    "torch-channel": Convention("multiply-add", nan="zero"),
    "torch-fake": Convention("multiply", wild_channels=2.0**63),
    "torch-fake-float": Convention("fused", wild=2.0**63, wild_channels=2.0**63, scales="torch-float"),
    "tflite-ref": Convention(
        "divide", rounding="half-away", wild=2.0**31, wild_channels=2.0**31, wraps=True, scales="tflite"
    ),
    "ai-edge": Convention("divide-add", nan="zero", scales="tflite", narrow=True),
}


def quantize(
    x: npt.ArrayLike,
    scale: npt.ArrayLike,
    zero_point: npt.ArrayLike = 0,
    *,
    dtype: str = "int8",
    axis: int | None = None,
    block: int | None = None,
    convention: str = "onnx",
    rounding: str | None = None,
    nonfinite: Literal["refuse", "convention"] = "refuse",
    narrow: bool = False,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Integer codes of real values.

    Parameters
    ----------
    x : array of real numbers, any shape
        Rounded to float32. May be an `np.memmap`: it is read once, in pieces, if it is C-contiguous.
    scale : float, or array
        Positive, from 2^-126 to the largest float32. One number; with `axis`, one for each index of this axis; with
        `block` too, an array like `x` but with ceil(n / block) entries along the axis. Rounded to float32.
    zero_point : int, or array like `scale`
        Within the range of `dtype`. Any real numbers for "torch-fake-float".
    dtype : str
        "int2", "int4", "int8", "int16", "uint2", "uint4", "uint8" or "uint16". Codes of less than 8 bits are kept in
        bytes, one each.
    axis : int, optional
        The axis of the channels; negative ones count from the end.
    block : int, optional
        How many neighbours along `axis` share a scale. The last block may be shorter.
    convention : str
        Whose arithmetic:

        - "onnx": QuantizeLinear of ONNX Runtime. rint(x / s) + z; NaN gets the lowest code.
        - "torch": quantize_per_tensor on x86. rint(fma(x, 1/s, z)); NaN gets the highest code.
        - "torch-channel": quantize_per_channel on x86. rint(x (1/s) + z); NaN gets the code 0.
        - "torch-fake": fake_quantize_per_tensor_affine and, with `axis`, fake_quantize_per_channel_affine.
          rint(x (1/s)) + z; NaN gets the lowest code, and with `axis` so do values from 2^63 s on.
        - "torch-fake-float": the same with zero points that are real numbers, on x86 with AVX2. rint(fma(x, 1/s, z)).
        - "tflite-ref": the reference kernel of TensorFlow Lite's QUANTIZE. x / s with halves rounded away from zero,
          + z. NaN and magnitudes from 2^31 s on get the lowest code, with a negative zero point the highest.
        - "ai-edge": weights of ai-edge-quantizer. rint(x / s + z); NaN gets the code 0.

        rint rounds halves to even. Each result is rounded to single precision, and codes are clipped to the range.
    rounding : str, optional
        "half-even", "half-away", "half-up", "half-down", "toward-zero", "floor" or "ceil", instead of the convention's.
    nonfinite : "refuse" or "convention"
        Whether NaN and infinities are errors, or get the codes that the convention gives them.
    narrow : bool
        Leave out the lowest code of a signed dtype (-127..127).
    out : array, optional
        Where to write the codes: C-contiguous, of the shape of `x` and the dtype of the result.

    Returns
    -------
    int8, uint8, int16 or uint16 array like `x`

    Raises
    ------
    ParameterError
        For empty data, NaN or infinities (with their number and the first index), scales that are zero, negative or out
        of range, zero points out of range, an axis that `x` lacks, shapes that do not fit, and unknown names.

    References
    ----------
    ONNX operator QuantizeLinear-25; PyTorch, aten/src/ATen/native/quantized; TensorFlow Lite, quantize operator.

    Examples
    --------
    >>> from codec.quantizers import quantize, dequantize
    >>> quantize([0.5, 1.5, 2.5], 1.0, 1).tolist()
    [1, 3, 3]
    >>> quantize([0.5, 1.5, 2.5], 1.0, 1, convention="torch").tolist()
    [2, 2, 4]
    >>> dequantize(quantize([[1.0, -2.0], [300.0, 7.0]], [0.1, 10.0], axis=0), [0.1, 10.0], axis=0).tolist()
    [[1.0, -2.0], [300.0, 10.0]]
    """
    values = real_values(x, finite=False)
    low, high = code_range(dtype, narrow)
    choice(nonfinite, ("refuse", "convention"), "nonfinite")
    how = Arithmetic.of(values.shape, scale, zero_point, (low, high), axis, block, convention, rounding)
    codes = output(out, values.shape, code_dtype(low, high))
    if not how.encode(values, codes, low, high) and nonfinite == "refuse":
        refuse_nonfinite(values)
        raise ParameterError("x has values beyond the range of float32: scale it down, or clip it")
    return codes


@dataclass(frozen=True)
class Arithmetic:
    """How values become codes, but for the range of the codes: everything that is the same for all of them."""

    rule: Convention
    rounding: str
    wild: float
    layout: Layout
    scales: npt.NDArray[np.float32]
    zeros: npt.NDArray[np.float32]

    @staticmethod
    def of(
        shape: tuple[int, ...],
        scale: npt.ArrayLike,
        zero_point: npt.ArrayLike,
        limits: tuple[int, int],
        axis: int | None,
        block: int | None,
        convention: str,
        rounding: str | None,
    ) -> Arithmetic:
        """Checked; arguments as for `quantize`."""
        rule = CONVENTIONS[choice(convention, CONVENTIONS, "convention")]
        layout = Layout.of(shape, axis, block)
        scales, zeros = layout.parameters(scale, zero_point, None if convention == "torch-fake-float" else limits)
        how = rule.rounding if rounding is None else choice(rounding, OFFSETS, "rounding")
        wild = rule.wild if axis is None or block is not None else rule.wild_channels
        return Arithmetic(rule, how, wild, layout, scales, zeros)

    def encode(
        self, values: npt.NDArray[Any], out: npt.NDArray[Any], low: int, high: int, nan: int | None = None
    ) -> bool:
        """Codes within low..high into `out`, as many of their low bits as it has; the code of NaN is the convention's
        if none is given. Returns whether all values are finite.
        """
        reciprocal = self.rule.formula in ("multiply", "fused", "multiply-add")
        factors = np.float32(1) / self.scales if reciprocal else self.scales
        up, down = OFFSETS[self.rounding]
        of_nan = {"low": low, "high": high, "zero": min(max(0, low), high)}[self.rule.nan]
        finite = True
        for part, piece, factor, zero in self.layout.pieces(values, out, factors, self.zeros, dtype=np.float32):
            finite &= affine_encode(
                part,
                factor,
                zero,
                self.layout.block,
                piece,
                formula=FORMULAS.index(self.rule.formula),
                low=low,
                high=high,
                nan=of_nan if nan is None else nan,
                wild=self.wild,
                wraps=self.rule.wraps,
                up=up,
                down=down,
                plain=_plain_bits(self.rounding, self.wild, self.scales, self.zeros),
                level=cpu.level_index(),
            )
        return finite


def dequantize(
    codes: npt.ArrayLike,
    scale: npt.ArrayLike,
    zero_point: npt.ArrayLike = 0,
    *,
    axis: int | None = None,
    block: int | None = None,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[np.float32]:
    """(codes - zero_point) scale in single precision, as DequantizeLinear of ONNX Runtime and dequantize of torch.

    With zero points that are not integers the result alone is rounded, as in fake_quantize_per_channel_affine of torch.

    Parameters
    ----------
    codes : array of integers within -32768..65535, any shape
    scale, zero_point, axis, block : as for `quantize`
        Zero points may be any real numbers.
    out : float32 array, optional
        Where to write the values: C-contiguous, of the shape of `codes`.

    Returns
    -------
    float32 array like `codes`

    Raises
    ------
    ParameterError
    """
    array = checked_codes(codes, -32768, 65535)
    if array.size == 0:
        raise ParameterError("codes is empty")
    if array.dtype.name not in ("int8", "uint8", "int16", "uint16"):
        array = checked_codes(array, -32768, 32767 if array.min() < 0 else 65535)
        array = array.astype(np.int16 if array.min() < 0 else np.uint16)
    layout = Layout.of(array.shape, axis, block)
    scales, zeros = layout.parameters(scale, zero_point, None)
    values = output(out, array.shape, np.dtype(np.float32))
    if not (zeros == np.rint(zeros)).all():
        for part, piece, *parameters in layout.pieces(array, values, scales, zeros, dtype=np.float64):
            if len(parameters[0][0]) > 1:
                parameters = [np.repeat(p, layout.block, 1)[:, : part.shape[1]] for p in parameters]
            step, offset = (p.astype(np.float64) for p in parameters)
            piece[:] = (part - offset) * step
        return values
    for part, piece, factor, zero in layout.pieces(array, values, scales, zeros, dtype=array.dtype):
        affine_decode(part, factor, zero, layout.block, piece, level=cpu.level_index())
    return values


def code_range(dtype: str, narrow: bool = False) -> tuple[int, int]:
    """(lowest, highest) code of a dtype of `quantize`."""
    low, high = RANGES[choice(dtype, RANGES, "dtype")]
    if narrow and low == 0:
        raise ParameterError(f"narrow leaves out the lowest code of a signed dtype; {dtype} is unsigned")
    return low + bool(narrow), high


def output(out, shape, dtype):
    """`out`, checked, or a new array."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != dtype or not out.flags.carray:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ParameterError(f"out must be a writable C-contiguous {dtype} array of the shape {shape}, not {found}")
    return out


def _plain_bits(rounding, wild, scales, zeros):
    """The smallest bits of |x| that the kernel must look at: all unless rounding is half to even, those of infinity, or
    those of a position that may be wild once the zero point is added."""
    most = float(np.abs(zeros).max())
    if rounding != "half-even" or most > wild / 2:
        return 0
    least = (math.inf if math.isnan(wild) else wild / 4) * float(scales.min())
    return int(np.float32(least if least < FLOAT_MAX else math.inf).view(np.uint32))


@dataclass(frozen=True)
class Layout:
    """Which scale belongs to which value.

    Attributes
    ----------
    expected : tuple of int
        Shape of scales and zero points.
    view : (outer, n, inner)
        The data as the kernels see it.
    grid : (1 or outer, ceil(n / block), 1 or inner)
        Scales and zero points as the kernels see them.
    block : int
    """

    expected: tuple[int, ...]
    view: tuple[int, int, int]
    grid: tuple[int, int, int]
    block: int

    @staticmethod
    def of(shape: tuple[int, ...], axis: int | None, block: int | None) -> Layout:
        """Checked."""
        if axis is None:
            if block is not None:
                raise ParameterError("block needs axis: the axis along which neighbours share a scale")
            size = math.prod(shape)
            return Layout((), (1, size, 1), (1, 1, 1), size)
        if not shape:
            raise ParameterError("axis needs data of at least one dimension: a single number has none")
        axis = integer(axis, "axis", low=-len(shape), high=len(shape) - 1)
        axis %= len(shape)
        outer, n, inner = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
        if block is None:
            if inner == 1:  # channels last: each row has all of them
                return Layout((n,), (1, outer, n), (1, 1, n), outer)
            return Layout((n,), (outer, n, inner), (1, n, 1), 1)
        block = min(integer(block, "block", low=1), n)
        blocks = -(-n // block)
        return Layout((*shape[:axis], blocks, *shape[axis + 1 :]), (outer, n, inner), (outer, blocks, inner), block)

    def parameters(
        self, scale: npt.ArrayLike, zero_point: npt.ArrayLike, limits: tuple[int, int] | None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Scales and zero points as float32 arrays of the shape `grid`, checked; zero points are integers within
        `limits`, any real numbers if there are none."""
        scales, zeros = as_array(scale, "scale"), as_array(zero_point, "zero_point")
        for array, name in ((scales, "scale"), (zeros, "zero_point")):
            if array.dtype.kind not in "fiu":
                raise ParameterError(f"{name} must hold real numbers, not {array.dtype}")
            if array.shape != self.expected and (name == "scale" or array.shape != ()):
                raise ParameterError(f"{name} must have the shape {self.expected} here, not {array.shape}")
        with np.errstate(over="ignore", under="ignore"):
            singles = scales.astype(np.float32)
        bad = ~((singles >= SMALLEST_SCALE) & (singles < np.inf))  # NaN is bad
        if bad.any():
            index = tuple(map(int, np.unravel_index(int(bad.argmax()), bad.shape)))
            at = f" at index {index[0] if len(index) == 1 else index}" if index else ""
            raise ParameterError(f"scale is {scales[index]}{at}; scales must be positive: from 2^-126 to below 2^128")
        zeros = checked_zeros(zeros, limits)
        return (
            np.ascontiguousarray(singles.reshape(self.grid)),
            np.ascontiguousarray(np.broadcast_to(zeros, self.expected).reshape(self.grid)),
        )

    def pieces(
        self,
        values: npt.NDArray[Any],
        out: npt.NDArray[Any],
        *parameters: npt.NDArray[np.float32],
        dtype: npt.DTypeLike,
    ) -> Iterator[tuple[npt.NDArray[Any], ...]]:
        """Parts of data, output and parameters as the kernels take them: all at once if the data has the dtype, else
        in pieces of about CHUNK values, converted."""
        (outer, n, inner), block = self.view, self.block
        out = out.reshape(self.view)
        if values.dtype == dtype:
            yield np.ascontiguousarray(values).reshape(self.view), out, *parameters
            return
        values = values.reshape(self.view)
        rows, most = max(1, CHUNK // (n * inner)), max(1, CHUNK // inner)
        most = most // block * block or most
        for o in range(0, outer, rows):
            across = slice(o, o + rows)
            for start in range(0, n, max(block, most)):
                for i in range(start, min(n, start + max(block, most)), most):
                    end = min(i + most, n, start + max(block, most))
                    part = np.ascontiguousarray(to_dtype(values[across, i:end], dtype))
                    which = across if self.grid[0] > 1 else slice(None)
                    yield part, out[across, i:end], *(p[which, i // block : -(-end // block)] for p in parameters)


def to_dtype(values: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Converted; values beyond the range become infinities."""
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(dtype)


def checked_zeros(zeros: npt.NDArray[Any], limits: tuple[int, int] | None) -> npt.NDArray[np.float32]:
    """Zero points as float32."""
    if limits is None:
        singles = to_dtype(zeros, np.float32)
        if not np.isfinite(singles).all():
            raise ParameterError("zero_point must be finite")
        return singles
    if zeros.dtype.kind == "f" and not (zeros == np.rint(zeros)).all():  # NaN too
        raise ParameterError('zero_point must hold integers; the convention "torch-fake-float" takes others')
    if zeros.min() < limits[0] or zeros.max() > limits[1]:
        raise ParameterError(
            f"zero_point must be within {limits[0]}..{limits[1]}, not {span(zeros.min(), zeros.max())}"
        )
    return zeros.astype(np.float32)


class Affine(Quantizer):
    """Affine quantizer: scales and zero points, chosen for data as a library chooses them, and its arithmetic.

    Parameters
    ----------
    dtype, axis, block, convention, rounding, nonfinite
        As for `quantize`.
    symmetric : bool
        Whether the range is made symmetric around 0, so that one zero point serves all data.
    scale, zero_point : arrays, optional
        As for `quantize`, instead of `fit`.

    Notes
    -----
    `fit` widens the range of the data (of each channel or block) to hold 0. With a = max |x|:

    - "onnx": s = (max - min) / (high - low) in double precision, z = rint(low - min / s); symmetric s = 2 a / (high -
      low) without the lowest code of int8 and int16, z = rint((high + low) / 2). If s is below 2^-126, s = 1, z = 0.
    - "torch", "torch-channel", "torch-fake": the same in single precision; symmetric s = a / 127.5, and with unsigned
      codes z = 128 (likewise for other widths). At least 2^-23.
    - "torch-fake-float": the range is not widened, and z = low - min / s is not rounded; s = 1 if it is below 2^-23.
    - "tflite-ref", "ai-edge": as "torch", but symmetric s = a / 127 for signed and unsigned codes; max - min and a
      count as at least 1e-9.

    Constant data and dead channels so get a usable scale, and 0 has a code, but for "torch-fake-float". (For blocks
    ai-edge-quantizer rounds scales to bfloat16; here they stay float32.)

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers import Affine
    >>> x = np.array([[-1.0, 0.5], [0.0, 30.0]])
    >>> q = Affine("int8", axis=0, symmetric=True).fit(x)
    >>> q.encode(x).tolist(), q.zero_point.tolist()
    ([[-127, 64], [0, 127]], [0, 0])
    >>> Affine.from_json(q.to_json()) == q
    True
    """

    name = "affine"

    def __init__(
        self,
        dtype: str = "int8",
        *,
        axis: int | None = None,
        block: int | None = None,
        symmetric: bool = False,
        convention: str = "onnx",
        rounding: str | None = None,
        nonfinite: Literal["refuse", "convention"] = "refuse",
        scale: npt.ArrayLike | None = None,
        zero_point: npt.ArrayLike | None = None,
    ) -> None:
        rule = CONVENTIONS[choice(convention, CONVENTIONS, "convention")]
        code_range(dtype)
        if rounding is not None:
            choice(rounding, OFFSETS, "rounding")
        choice(nonfinite, ("refuse", "convention"), "nonfinite")
        if block is not None and axis is None:
            raise ParameterError("block needs axis: the axis along which neighbours share a scale")
        self._dtype, self._convention, self._rounding, self._symmetric = dtype, convention, rounding, bool(symmetric)
        self._axis = None if axis is None else integer(axis, "axis")
        self._block = None if block is None else integer(block, "block", low=1)
        self._nonfinite: Literal["refuse", "convention"] = nonfinite
        self._rule = rule
        self._narrow = rule.narrow and self._symmetric and RANGES[dtype][0] <= -128
        self._scale: npt.NDArray[np.float32] | None = None
        if scale is not None:
            self._set(scale, 0 if zero_point is None else zero_point)
        elif zero_point is not None:
            raise ParameterError("zero_point needs scale")

    def _set(self, scale, zero_point):
        scales, zeros = as_array(scale, "scale"), as_array(zero_point, "zero_point")
        axes = 0 if self._axis is None else 1
        if self._block is None and scales.ndim != axes:
            raise ParameterError(f"scale must have {axes} axes, not {scales.ndim}")
        if scales.size == 0:
            raise ParameterError("scale is empty")
        floats = self._rule.scales == "torch-float"
        layout = Layout(scales.shape, (1, 1, scales.size), (1, 1, scales.size), 1)
        singles, checked = layout.parameters(scales, zeros, None if floats else self.code_range)
        self._scale = singles.reshape(scales.shape)
        self._zero_point = checked.reshape(scales.shape).astype(np.float32 if floats else np.int32)

    def fit(self, x: npt.ArrayLike) -> Self:
        """Scales and zero points for the extremes of the data, of each channel or block if there is an axis."""
        values = real_values(x)
        Layout.of(values.shape, self._axis, self._block)  # checks the axis
        if self._axis is None:
            return self.fit_range(values.min(), values.max())
        if self._block is None:
            others = tuple(i for i in range(values.ndim) if i != self._axis % values.ndim)
            return self.fit_range(values.min(others), values.max(others))
        starts = np.arange(0, values.shape[self._axis], self._block)
        return self.fit_range(
            np.minimum.reduceat(values, starts, self._axis), np.maximum.reduceat(values, starts, self._axis)
        )

    def fit_range(self, low: npt.ArrayLike, high: npt.ArrayLike) -> Self:
        """Scales and zero points for known extremes.

        Parameters
        ----------
        low, high : floats, or arrays like the scales
            Finite, low <= high.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            Also if the range exceeds single precision.
        """
        lows, highs = (to_dtype(real_values(v, n), np.float32) for v, n in ((low, "low"), (high, "high")))
        if lows.shape != highs.shape or not (lows <= highs).all():
            raise ParameterError("low and high must have the same shape, and low must be at most high")
        with np.errstate(over="ignore", under="ignore"):
            scale, zero_point = scale_choice(lows, highs, self._dtype, self._symmetric, self._rule.scales)
        if not np.isfinite(scale).all():
            raise ParameterError("the range of the data exceeds single precision: scale the data down")
        self._set(scale, zero_point)
        return self

    @property
    def scale(self) -> npt.NDArray[np.float32]:
        """float32, one for each channel or block."""
        self._require(self._scale is not None)
        return self._scale  # type: ignore[return-value]

    @property
    def zero_point(self) -> npt.NDArray[Any]:
        """Like `scale`: int32, for "torch-fake-float" float32."""
        self._require(self._scale is not None)
        return self._zero_point

    def encode(self, x: npt.ArrayLike, *, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """`quantize` with the scales and zero points of this quantizer."""
        return quantize(
            x,
            self.scale,
            self.zero_point,
            dtype=self._dtype,
            axis=self._axis,
            block=self._block,
            convention=self._convention,
            rounding=self._rounding,
            nonfinite=self._nonfinite,
            narrow=self._narrow,
            out=out,
        )

    def decode(self, codes: npt.ArrayLike, *, out: npt.NDArray[Any] | None = None) -> npt.NDArray[np.float32]:
        """`dequantize` with the scales and zero points of this quantizer."""
        checked = checked_codes(codes, *self.code_range)
        return dequantize(checked, self.scale, self.zero_point, axis=self._axis, block=self._block, out=out)

    @property
    def code_range(self) -> tuple[int, int]:
        """(lowest, highest) code."""
        return code_range(self._dtype, self._narrow)

    def _counted(self, end):
        codes = np.arange(self.code_range[0], self.code_range[1] + end)
        return codes, self.scale[..., None], self.zero_point[..., None]

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """(n,) float64, with an axis (..., n): the values of all codes, for each scale."""
        codes, scale, zero = self._counted(1)
        return ((codes.astype(np.float32) - zero.astype(np.float32)) * scale).astype(np.float64)

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(n - 1,) float64, with an axis (..., n - 1): where the code changes, in exact arithmetic."""
        codes, scale, zero = self._counted(0)
        inside = self._rule.formula not in ("divide", "multiply")
        position = codes - (0 if inside else zero)
        border = {"floor": position + 1.0, "ceil": position + 0.0}
        border["toward-zero"] = np.where(position >= 0, position + 1.0, position)
        border_of = border.get(self._rounding or self._rule.rounding, position + 0.5)
        return (border_of - (zero if inside else 0)) * scale.astype(np.float64)

    @property
    def step(self) -> float | None:
        """The scale if there is one for all data, else None."""
        return float(self.scale) if self.scale.ndim == 0 else None

    def settings(self) -> dict[str, Any]:
        """The keywords of the constructor, without scale and zero point."""
        return {
            "dtype": self._dtype,
            "axis": self._axis,
            "block": self._block,
            "symmetric": self._symmetric,
            "convention": self._convention,
            "rounding": self._rounding,
            "nonfinite": self._nonfinite,
        }

    def fitted(self) -> dict[str, Any]:
        """Scales and zero points."""
        return {} if self._scale is None else {"scale": self._scale.tolist(), "zero_point": self._zero_point.tolist()}

    def restore(self, fitted: Mapping[str, Any]) -> None:
        """Scales and zero points."""
        if fitted:
            self._set(*self._members(fitted, "scale", "zero_point"))


def scale_choice(
    low: npt.NDArray[np.float32], high: npt.NDArray[np.float32], dtype: str, symmetric: bool, scales: str
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Scales and zero points for ranges low..high; `scales` as in `Convention`."""
    first, last = code_range(dtype)
    zero, middle = np.float32(0), (first + last + 1) // 2
    if scales == "torch-float":
        scale = (high - low) / np.float32(last - first)
        scale = np.where(scale > EPSILON, scale, np.float32(1))
        return scale, np.float32(first) - low / scale
    low, high = np.minimum(low, zero), np.maximum(high, zero)
    most = np.maximum(-low, high)
    if scales == "onnx":
        if symmetric:
            first += dtype in ("int8", "int16")
            low, high = -most, most
        wide = (high.astype(np.float64) - low.astype(np.float64)) / (last - first)
        dead = wide < SMALLEST_SCALE
        wide = np.where(dead, 1.0, wide)
        zero_point = np.full(low.shape, middle) if symmetric else np.rint(first - low / wide)
        return wide.astype(np.float32), np.where(dead, 0, zero_point)
    if scales == "torch":
        if symmetric:
            return np.maximum(most / np.float32((last - first) / 2), EPSILON), np.full(low.shape, middle)
        scale = np.maximum((high - low) / np.float32(last - first), EPSILON)
        return scale, np.clip(first - np.rint(low / scale), first, last)
    if symmetric:
        return np.maximum(most, LEAST_BOUND) / np.float32(last - middle), np.full(low.shape, middle)
    scale = np.maximum(high - low, LEAST_BOUND) / np.float32(last - first)
    return scale, np.clip(np.rint(np.float32(first) - low / scale), first, last)
