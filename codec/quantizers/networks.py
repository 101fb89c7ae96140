"""Post-training quantization: float weights and samples of activations to integers that ONNX and TensorFlow Lite take.

For each layer y = W x + b: weights symmetric, zero point 0, a scale for each output channel or one for all; inputs
asymmetric int8, one scale; bias int32 with scale s_input s_weight and zero point 0 (TensorFlow Lite 8-bit quantization
specification; ONNX QLinearConv, QLinearMatMul, DequantizeLinear).
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParameterError
from ..sources.arrays import named_arrays
from ..sources.files import write_atomic
from .affine import Affine, dequantize, quantize
from .allocate import allocate_measured
from .calibrate import METHODS, Observer
from .histogram import batches
from .protocol import real_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from .calibrate import Method

    Floats = npt.NDArray[np.float64]

MOST_GRAM = 4096  # input channels up to which products of inputs are kept, 128 MiB
BIAS_MOST = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Layer:
    """A quantized layer.

    Attributes
    ----------
    name : str
    bits : int
        Of the weights; codes are within -(2^(bits-1) - 1)..2^(bits-1) - 1.
    codes : int8 or int16 array like the weights
    scale : (channels,) float32, or () for one scale
    axis : int or None
        The axis of the output channels; None for one scale.
    bias : (channels,) int32, or None
        Its scale is input_scale * scale. Without activations biases stay floats: `float_bias`.
    input_scale, input_zero_point : float32 and int8 scalar arrays, or None
        Of the inputs, int8; None without activations.
    float_bias : float64 array, or None
        The bias after correction and equalization.
    weight_sqnr : float
        Signal to quantization noise of the weights in dB.
    output_sqnr : float or None
        The same for the output with float inputs, in the mean over the activations; None without them.
    """

    name: str
    bits: int
    codes: npt.NDArray[Any]
    scale: npt.NDArray[np.float32]
    axis: int | None
    bias: npt.NDArray[np.int32] | None
    input_scale: npt.NDArray[np.float32] | None
    input_zero_point: npt.NDArray[np.int8] | None
    float_bias: Floats | None
    weight_sqnr: float
    output_sqnr: float | None

    @property
    def zero_point(self) -> npt.NDArray[Any]:
        """Zeros like `scale`, of the dtype of `codes`."""
        return np.zeros(self.scale.shape, self.codes.dtype)

    @property
    def size_bits(self) -> int:
        """Bits of the packed codes."""
        return self.bits * self.codes.size

    def weights(self) -> npt.NDArray[np.float32]:
        """The float32 weights that the codes stand for."""
        return dequantize(self.codes, self.scale, axis=self.axis)


@dataclass(frozen=True, eq=False)
class Result:
    """What `post_training` made.

    Attributes
    ----------
    layers : dict of str to Layer
    warnings : tuple of str
        Every adjustment that was needed, one sentence each.
    """

    layers: dict[str, Layer]
    warnings: tuple[str, ...] = field(default=())

    @property
    def size_bytes(self) -> int:
        """Bytes of the packed codes of all layers, each rounded up; without scales and biases."""
        return sum(-(-layer.size_bits // 8) for layer in self.layers.values())

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """The float32 weights that the codes stand for, by name."""
        return {name: layer.weights() for name, layer in self.layers.items()}

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything as arrays: NAME.codes, NAME.scale, NAME.zero_point, and where they are known NAME.bias,
        NAME.input_scale and NAME.input_zero_point. DequantizeLinear takes the first three, and QLinearConv or
        QLinearMatMul all.
        """
        found = {}
        for name, layer in self.layers.items():
            parts = {"codes": layer.codes, "scale": layer.scale, "zero_point": layer.zero_point, "bias": layer.bias}
            parts |= {"input_scale": layer.input_scale, "input_zero_point": layer.input_zero_point}
            if layer.bias is None:
                parts["float_bias"] = layer.float_bias
            found |= {f"{name}.{part}": array for part, array in parts.items() if array is not None}
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `arrays` as an .npz file, completely or not at all.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        stream = io.BytesIO()
        np.savez(stream, **self.arrays())  # type: ignore[arg-type]
        write_atomic(path, stream.getvalue())


def post_training(
    weights: Mapping[str, npt.ArrayLike] | str | os.PathLike[str],
    activations: Mapping[str, npt.ArrayLike | Iterator[npt.ArrayLike]] | None = None,
    bits: int | Mapping[str, int] = 8,
    *,
    biases: Mapping[str, npt.ArrayLike] | None = None,
    axis: int = 0,
    per_channel: bool = True,
    method: Method = "minmax",
    weight_method: Method = "minmax",
    bias_correction: bool = True,
    equalize: Iterable[tuple[str, str]] = (),
    budget_bytes: int | None = None,
    choices: Iterable[int] = (2, 3, 4, 5, 6, 7, 8),
    loss: Callable[[dict[str, npt.NDArray[Any]]], float] | None = None,
) -> Result:
    """Quantize the weights of a network, and the biases and inputs that belong to them.

    Parameters
    ----------
    weights : mapping of str to array, or path of an .npz or .onnx file
        Float weights of at least two axes. Of a file, arrays with fewer axes and arrays of integers are left out, and
        named in `warnings`.
    activations : mapping of str to array or iterator of arrays, optional
        Inputs of each layer from calibration data, by the name of its weights: (n, channels) or (n, channels, ...),
        with as many channels as the weights have inputs. Iterators are read once.
    bits : int or mapping of str to int, default 8
        Of the weights, 2 to 16. Inputs take 8.
    biases : mapping of str to (channels,) array, optional
        By the name of the weights.
    axis : int, default 0
        The axis of the output channels: 0 for PyTorch and ONNX Conv, 1 for the (inputs, outputs) of scikit-learn and
        ONNX MatMul. Inputs are the other one of the first two axes.
    per_channel : bool, default True
        Whether each output channel has a scale of its own.
    method, weight_method : str, default "minmax"
        Of the `Observer` of inputs, and of the weights.
    bias_correction : bool, default True
        Add to each bias what the rounding of the weights takes from the mean output (Nagel et al., "Data-Free
        Quantization Through Weight Equalization and Bias Correction", ICCV 2019, 4.2); needs activations and a bias.
    equalize : iterable of (first, second), optional
        Pairs of layers with nothing but a ReLU between them: the scale of each channel between them is shifted so that
        both use the same range (the same paper, 4.1). The network computes the same.
    budget_bytes : int, optional
        Mixed precision: bytes for all weights. Each layer gets its bits from `choices`; leave `bits` at its default.
    choices : iterable of int
        For `budget_bytes`.
    loss : callable, optional
        For `budget_bytes`: called with all weights by name, of which one is quantized, it measures how much that hurts:
        a finite number, lower is better. Default: the error of the layer's own output relative to its power (without
        activations, of its weights).

    Returns
    -------
    Result

    Raises
    ------
    ParameterError
        For data that is empty, not real or not finite, shapes that do not fit, names that do not exist, numbers out of
        range, and a budget that cannot be met.

    Notes
    -----
    A channel of zeros gets the scale 1. Where a bias would not fit in int32 because its channel has tiny weights, the
    scale of that channel is raised, and `warnings` says so. For layers of more than two axes the error of the output is
    estimated with inputs that are independent of each other.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers import post_training
    >>> rng = np.random.default_rng(0)
    >>> weights, inputs = rng.normal(size=(10, 64)), rng.random((100, 64))
    >>> result = post_training({"fc": weights}, {"fc": inputs}, biases={"fc": np.zeros(10)})
    >>> fc = result.layers["fc"]
    >>> fc.codes.dtype, fc.scale.shape, fc.bias.dtype, round(fc.output_sqnr) > 40
    (dtype('int8'), (10,), dtype('int32'), True)
    """
    task = _Task(weights, biases, axis, per_channel, weight_method)
    scales = task.equalize(equalize)
    inputs = _observe(task, activations, scales, method)
    if budget_bytes is not None:
        if bits != 8:
            raise ParameterError("budget_bytes chooses the bits of each layer: leave bits at its default")
        chosen = _spend(task, inputs, budget_bytes, sorted(set(choices)), loss)
    else:
        chosen = _bits_by_name(task, bits)
    layers = {name: _layer(task, name, chosen[name], inputs.get(name), bias_correction) for name in task.weights}
    return Result(layers, tuple(task.warnings))


class _Task:
    """Weights and biases, checked, as float64 copies."""

    def __init__(self, weights, biases, axis, per_channel, weight_method):
        if axis not in (0, 1):
            raise ParameterError(f"axis must be 0 or 1, not {axis!r}")
        if weight_method not in METHODS or weight_method == "moving":
            raise ParameterError(f"weight_method is one of {', '.join(m for m in METHODS if m != 'moving')}")
        self.axis, self.per_channel, self.weight_method, self.warnings = axis, per_channel, weight_method, []
        if not isinstance(weights, Mapping):
            weights = self._of_file(weights)
        if not weights:
            raise ParameterError("there are no weights")
        self.weights = {name: real_values(w, f"weights[{name!r}]").astype(np.float64) for name, w in weights.items()}
        for name, array in self.weights.items():
            if array.ndim < 2:
                raise ParameterError(f"weights[{name!r}] must have at least two axes, not the shape {array.shape}")
        self.biases = {}
        for name, bias in (biases or {}).items():
            self.check_name("biases", name)
            values = real_values(bias, f"biases[{name!r}]").astype(np.float64)
            if values.shape != (self.weights[name].shape[axis],):
                expected = self.weights[name].shape[axis]
                raise ParameterError(f"biases[{name!r}] must have the shape ({expected},), not {values.shape}")
            self.biases[name] = values

    def _of_file(self, path):
        arrays = named_arrays(path)
        usable = {name: array for name, array in arrays.items() if array.ndim >= 2 and array.dtype.kind == "f"}
        self.warnings += [
            f"{name} is not quantized: it is {array.dtype} of shape {array.shape}"
            for name, array in arrays.items()
            if name not in usable
        ]
        return usable

    def check_name(self, what, name):
        if name not in self.weights:
            raise ParameterError(f"{what} names {name!r}, but the weights are {', '.join(map(repr, self.weights))}")

    def matrix(self, name, array=None):
        """(outputs, inputs, rest) view of weights."""
        array = self.weights[name] if array is None else array
        array = array if self.axis == 0 else array.swapaxes(0, 1)
        return array.reshape(*array.shape[:2], -1)

    def equalize(self, pairs):
        """Shift scales between layers; gives what the inputs of each second layer must be multiplied by."""
        factors = {}
        for pair in pairs:
            if not isinstance(pair, tuple) or len(pair) != 2 or pair[0] == pair[1]:
                raise ParameterError(f"equalize takes pairs of different layers, not {pair!r}")
            first, second = pair
            self.check_name("equalize", first)
            self.check_name("equalize", second)
            one, two = self.matrix(first), self.matrix(second)
            if one.shape[0] != two.shape[1]:
                raise ParameterError(
                    f"equalize: {first!r} has {one.shape[0]} outputs, {second!r} has {two.shape[1]} inputs"
                )
            if second in factors:
                raise ParameterError(f"equalize: {second!r} is the second of two pairs")
            ranges = np.abs(one).max((1, 2)), np.abs(two).max((0, 2))
            alive = (ranges[0] > 0) & (ranges[1] > 0)
            factor = np.where(alive, np.sqrt(np.divide(ranges[1], ranges[0], out=np.ones(alive.size), where=alive)), 1)
            self.weights[first] = self._scaled(first, factor, 0)
            self.weights[second] = self._scaled(second, 1 / factor, 1)
            if first in self.biases:
                self.biases[first] = self.biases[first] * factor
            factors[second] = factor
        return factors

    def _scaled(self, name, factor, side):
        """Weights multiplied along the axis of outputs (side 0) or inputs (1)."""
        shape = [1] * self.weights[name].ndim
        shape[self.axis if side == 0 else 1 - self.axis] = -1
        return self.weights[name] * factor.reshape(shape)


# ---------------------------------------------------------------- observe


class _Inputs:
    """Range, mean and products of the inputs of a layer."""

    def __init__(self, method, channels, linear):
        self.observer = Observer(method)
        self.count, self.sum = 0, np.zeros(channels)
        self.gram = np.zeros((channels, channels)) if linear and channels <= MOST_GRAM else None
        self.squares = np.zeros(channels)

    def add(self, x):
        self.observer.update(x)
        rows = np.moveaxis(x, 1, -1).reshape(-1, self.sum.size).astype(np.float64, copy=False)
        self.count += len(rows)
        self.sum += rows.sum(0)
        self.squares += np.einsum("ij,ij->j", rows, rows)
        if self.gram is not None:
            self.gram += rows.T @ rows

    @property
    def mean(self):
        return self.sum / self.count

    def power(self, matrix):
        """The mean square of the output of (outputs, inputs, rest) weights, summed over the outputs."""
        if self.gram is not None:
            flat = matrix[:, :, 0]
            return float(np.einsum("oi,oi->", flat @ self.gram, flat)) / self.count
        return float(np.einsum("oir,oir,i->", matrix, matrix, self.squares)) / self.count


def _observe(task, activations, factors, method):
    found = {}
    for name, source in (activations or {}).items():
        task.check_name("activations", name)
        matrix = task.matrix(name)
        inputs = _Inputs(method, matrix.shape[1], task.weights[name].ndim == 2)
        for x in batches(source, f"activations[{name!r}]"):
            if x.ndim < 2 or x.shape[1] != matrix.shape[1]:
                raise ParameterError(
                    f"activations[{name!r}] must have the shape (n, {matrix.shape[1]}, ...), not {x.shape}"
                )
            x = real_values(x, f"activations[{name!r}]")
            if name in factors:
                x = x * factors[name].reshape(1, -1, *[1] * (x.ndim - 2))
            inputs.add(x)
        found[name] = inputs
    return found


# ---------------------------------------------------------------- choose, scale, apply


def _bits_by_name(task, bits):
    if isinstance(bits, Mapping):
        for name in bits:
            task.check_name("bits", name)
        missing = [name for name in task.weights if name not in bits]
        if missing:
            raise ParameterError(f"bits has no entry for {missing[0]!r}")
    chosen = {name: bits[name] if isinstance(bits, Mapping) else bits for name in task.weights}
    return {name: _checked_bits(value) for name, value in chosen.items()}


def _checked_bits(value):
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 2 <= value <= 16:
        raise ParameterError(f"bits must be integers within 2..16, not {value!r}")
    return int(value)


def _range(task, values, bits):
    observer = Observer(task.weight_method, bits=bits, symmetric=True)
    observer.update(values)
    return observer.range()[1]


def _codes(task, name, bits, least_scale=0.0):
    """(codes, scale) of weights."""
    array, most = task.weights[name], (1 << bits - 1) - 1
    if task.per_channel:
        channels = np.moveaxis(array, task.axis, 0)
        ends = np.array([_range(task, channel, bits) for channel in channels])
    else:
        ends = np.array(_range(task, array, bits))
    scale = np.maximum(ends / most, least_scale)
    scale = np.where(scale < 2.0**-126, 1, scale).astype(np.float32)
    axis = task.axis if task.per_channel else None
    codes = quantize(array, scale, dtype="int8" if bits <= 8 else "int16", axis=axis)
    return np.clip(codes, -most, most), scale


def _weight_error(task, name, bits):
    codes, scale = _codes(task, name, bits)
    return task.weights[name] - dequantize(codes, scale, axis=task.axis if task.per_channel else None)


def _decibel(power, noise):
    if not noise:
        return math.inf
    return 10 * math.log10(power / noise) if power else -math.inf


def _layer(task, name, bits, inputs, bias_correction):
    array, bias = task.weights[name], task.biases.get(name)
    input_scale = input_zero = None
    codes, scale = _codes(task, name, bits)
    if inputs is not None:
        affine = Affine("int8").fit_range(*inputs.observer.range())
        input_scale, input_zero = affine.scale, affine.zero_point.astype(np.int8)
        if bias is not None:
            codes, scale = _with_room(task, name, bits, codes, scale, np.abs(bias) / float(input_scale))
    error = array - dequantize(codes, scale, axis=task.axis if task.per_channel else None)
    output_sqnr = None
    if inputs is not None:
        lost = task.matrix(name, error)
        output_sqnr = _decibel(inputs.power(task.matrix(name)), inputs.power(lost))
        if bias is not None and bias_correction:
            bias = bias + lost.sum(2) @ inputs.mean
    integer_bias = None
    if inputs is not None and bias is not None:
        integer_bias = np.rint(bias / (float(input_scale) * scale.astype(np.float64))).astype(np.int32)
    return Layer(
        name=name,
        bits=bits,
        codes=codes,
        scale=scale,
        axis=task.axis if task.per_channel else None,
        bias=integer_bias,
        input_scale=input_scale,
        input_zero_point=input_zero,
        float_bias=bias,
        weight_sqnr=_decibel(float((array**2).sum()), float((error**2).sum())),
        output_sqnr=output_sqnr,
    )


def _with_room(task, name, bits, codes, scale, bias):
    """Codes and scales for which a bias, in units of the input scale, takes at most half of int32: the other half is
    for its correction.
    """
    least = 2 * bias / BIAS_MOST
    low = least > scale
    if not low.any():
        return codes, scale
    task.warnings.append(
        f"{name}: the weights of {int(low.sum())} channels, the first is {int(low.argmax())}, are so small that the "
        "bias would not fit in int32: their scale was raised"
    )
    return _codes(task, name, bits, least if task.per_channel else least.max())


# ---------------------------------------------------------------- mixed precision


def _spend(task, inputs, budget_bytes, choices, loss):
    """The bits of each layer under a budget, by the measured error of each choice."""
    choices = [_checked_bits(bits) for bits in choices]
    if not choices:
        raise ParameterError("choices is empty")
    names = list(task.weights)
    sizes = [[-(-bits * task.weights[name].size // 8) for bits in choices] for name in names]
    errors = [[_sensitivity(task, name, bits, inputs.get(name), loss) for bits in choices] for name in names]
    errors = np.array(errors)
    # A loss may fall by chance; what counts is how far it is above the least one.
    chosen = allocate_measured(errors - errors.min(), sizes, budget_bytes)
    return {name: choices[at] for name, at in zip(names, chosen)}


def _sensitivity(task, name, bits, inputs, loss):
    error = _weight_error(task, name, bits)
    if loss is not None:
        value = float(loss({**task.weights, name: task.weights[name] - error}))
        if not math.isfinite(value):
            raise ParameterError(f"loss must give a finite number, not {value}")
        return value
    whole, lost = task.matrix(name), task.matrix(name, error)
    power, noise = (
        (inputs.power(whole), inputs.power(lost)) if inputs is not None else ((whole**2).sum(), (lost**2).sum())
    )
    return noise / power if power else 0.0
