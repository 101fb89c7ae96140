"""What agrees with what, at how many of how many inputs: the quantizers here against installed libraries.

    python benchmarks/quantizer_equality.py            the matrix, as Markdown
    python benchmarks/quantizer_equality.py --json     the same as JSON rows
    python benchmarks/quantizer_equality.py --golden   digests of what the libraries give, for tests/quantizers/golden.json

Each comparison is a function that yields (the case, what we give, a function of what the library gives). tests/interop asserts the
counts. A library that is not installed is reported and left out.
"""

import argparse
import functools
import hashlib
import importlib
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import warnings

import numpy as np

import codec
from codec.quantizers import (
    G711,
    Compander,
    Float8,
    LloydMax,
    dequantize,
    fake_quantize,
    kmeans,
    lsq_gradient,
    quantize,
)

COMPARISONS = []


def comparison(ours, theirs, *packages, differ=None):
    """Register a comparison. `differ`: the number of inputs at which the two are known to differ."""

    def add(cases):
        COMPARISONS.append(
            {"ours": ours, "theirs": theirs, "packages": packages, "cases": cases, "differ": differ or 0}
        )
        return cases

    return add


def raw(n, seed):
    """n random integers of 64 bits; the same with any version of NumPy."""
    return np.random.PCG64(seed).random_raw(n)


def unit(n, seed):
    """n random multiples of 2^-24 in [0, 1)."""
    return (raw(n, seed) >> np.uint64(40)) / 2.0**24


def affine_inputs(scale, zero, low, high, *, special=True):
    """float32: ties and their neighbours, values across the range and beyond, all bit patterns, special values."""
    k = np.arange(low - 4, high + 5) - float(zero)
    ties = ((k + 0.5) * float(np.float32(scale))).astype(np.float32)
    around = [np.nextafter(ties, np.float32(-np.inf)), ties, np.nextafter(ties, np.float32(np.inf))]
    across = ((unit(40000, 1) * 1.2 - 0.1) * (high - low) + low - zero) * scale
    bits = (raw(40000, 2) & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.float32)
    powers = np.ldexp(np.float32(1), np.arange(-149, 128)).astype(np.float32)
    values = np.concatenate([*around, across.astype(np.float32), bits, powers, -powers, np.zeros(2, np.float32)])
    if not special:
        return values[np.isfinite(values)]
    return np.concatenate([values, np.array([np.nan, np.inf, -np.inf, -0.0, 3.4e38], np.float32)])


# scale, offset of the zero point from the middle of the range
SCALES = [(1.0, 0), (0.7, 0), (0.1, 3), (2.0**-3, -17), (1.0 / 3, 1), (12345.678, 0), (3e-5, 40)]


def settings(dtype):
    """(scale, zero point) of the cases for a dtype."""
    low, high = RANGES[dtype]
    middle = 0 if low < 0 else (high + 1) // 2
    return [(s, min(max(middle + offset, low), high)) for s, offset in SCALES]


RANGES = {"int4": (-8, 7), "uint4": (0, 15), "int8": (-128, 127), "uint8": (0, 255)}
RANGES |= {"int16": (-32768, 32767), "uint16": (0, 65535)}
RELAXED = {"nonfinite": "convention"}


# ---------------------------------------------------------------- ONNX Runtime


def onnx_session(operator, dtype, scale, zero, **attributes):
    """An InferenceSession of one QuantizeLinear or DequantizeLinear with constant parameters."""
    import onnxruntime
    from onnx import TensorProto, helper

    kind = getattr(TensorProto, dtype.upper())
    real = TensorProto.FLOAT
    scale, zero = np.asarray(scale, np.float32), np.asarray(zero)
    tensors = [
        helper.make_tensor("s", real, scale.shape, scale.ravel()),
        helper.make_tensor("z", kind, zero.shape, zero.ravel().tolist()),
    ]
    source, target = (real, kind) if operator == "QuantizeLinear" else (kind, real)
    nodes = [helper.make_node(operator, ["x", "s", "z"], ["y"], **attributes)]
    if "4" in dtype and target == kind:
        nodes[0].output[0] = "codes"
        nodes.append(helper.make_node("DequantizeLinear", ["codes", "one"], ["y"]))
        tensors.append(helper.make_tensor("one", real, [], [1.0]))
        target = real
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", source, None)],
        [helper.make_tensor_value_info("y", target, None)],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    model.ir_version = 10
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def onnx_quantize(x, scale, zero, dtype, **attributes):
    """QuantizeLinear. NumPy has no codes of 4 bits: DequantizeLinear with the scale 1 makes floats of them."""
    codes = onnx_session("QuantizeLinear", dtype, scale, zero, **attributes).run(None, {"x": x})[0]
    return codes if "4" not in dtype else codes.astype(int)


def onnx_dequantize(codes, scale, zero):
    return onnx_session("DequantizeLinear", codes.dtype.name, scale, zero).run(None, {"x": codes})[0]


def onnx_codes(dtype):
    for scale, zero in settings(dtype):
        x = affine_inputs(scale, zero, *RANGES[dtype])
        ours = quantize(x, scale, zero, dtype=dtype, **RELAXED)
        yield f"{dtype} s={scale:g} z={zero}", ours, lambda: onnx_quantize(x, scale, zero, dtype)


for _dtype in RANGES:
    comparison(f'quantize "onnx" {_dtype}', "ONNX Runtime QuantizeLinear", "onnxruntime", "onnx")(
        functools.partial(onnx_codes, _dtype)
    )


@comparison('quantize "onnx" per axis and block', "ONNX Runtime QuantizeLinear", "onnxruntime", "onnx")
def onnx_layouts():
    x = affine_inputs(0.1, 3, -128, 127)[: 6 * 5 * 7 * 300].reshape(6, 5, 7, -1)[..., :300].copy()
    for axis in (0, 1, 3, -2):
        n = x.shape[axis]
        scale = (0.01 + unit(n, 3)).astype(np.float32)
        zero = (raw(n, 4) % np.uint64(256)).astype(np.int64) - 128
        ours = quantize(x, scale, zero, axis=axis, **RELAXED)
        yield f"axis {axis}", ours, lambda: onnx_quantize(x, scale, zero, "int8", axis=axis)
    for axis, block in ((0, 2), (1, 3), (2, 7), (3, 32), (-1, 7)):
        shape = list(x.shape)
        shape[axis] = -(-shape[axis] // block)
        scale = (0.01 + unit(math.prod(shape), 5)).astype(np.float32).reshape(shape)
        zero = ((raw(math.prod(shape), 6) % np.uint64(256)).astype(np.int64) - 128).reshape(shape)
        ours = quantize(x, scale, zero, axis=axis, block=block, **RELAXED)
        theirs = functools.partial(onnx_quantize, x, scale, zero, "int8", axis=axis, block_size=block)
        yield f"axis {axis} block {block}", ours, theirs


@comparison("dequantize", "ONNX Runtime DequantizeLinear", "onnxruntime", "onnx")
def onnx_values():
    for dtype in ("int8", "uint8", "int16", "uint16"):
        low, high = RANGES[dtype]
        codes = np.arange(low, high + 1).astype(dtype)
        for scale, zero in settings(dtype):
            ours = dequantize(codes, scale, zero)
            yield f"{dtype} s={scale:g} z={zero}", ours, lambda: onnx_dequantize(codes, scale, zero)


# ---------------------------------------------------------------- torch


def torch_quantized(x, scale, zero, dtype, axis=None):
    """The quantized tensor of quantize_per_tensor or quantize_per_channel."""
    import torch

    kind = getattr(torch, f"q{dtype}")
    if axis is None:
        return torch.quantize_per_tensor(torch.tensor(x), scale, zero, kind)
    return torch.quantize_per_channel(torch.tensor(x), torch.tensor(scale), torch.tensor(zero), axis, kind)


def torch_fake(x, scale, zero, low, high, axis=None):
    import torch

    if axis is None:
        return torch.fake_quantize_per_tensor_affine(torch.tensor(x), scale, zero, low, high).numpy()
    scale, zero = torch.tensor(scale, dtype=torch.float32), torch.tensor(zero)
    zero = zero if zero.is_floating_point() else zero.to(torch.int32)
    return torch.fake_quantize_per_channel_affine(torch.tensor(x), scale, zero, axis, low, high).numpy()


def torch_decomposed(x, scale, zero, dtype):
    import torch
    import torch.ao.quantization.fx._decomposed  # noqa: F401

    operator = torch.ops.quantized_decomposed.quantize_per_tensor
    return operator(torch.tensor(x), float(np.float32(scale)), zero, *RANGES[dtype], getattr(torch, dtype)).numpy()


@comparison('quantize "torch"', "torch.quantize_per_tensor", "torch")
def torch_tensor():
    for dtype in ("int8", "uint8"):
        for scale, zero in settings(dtype):
            x = affine_inputs(scale, zero, *RANGES[dtype])
            ours = quantize(x, scale, zero, dtype=dtype, convention="torch", **RELAXED)
            case = f"{dtype} s={scale:g} z={zero}"
            yield case, ours, lambda: torch_quantized(x, scale, zero, dtype).int_repr().numpy()
            values = dequantize(ours, scale, zero)
            yield f"{case} values", values, lambda: torch_quantized(x, scale, zero, dtype).dequantize().numpy()


def channels(dtype):
    """(scales, zero points, rows of inputs for each)."""
    scale, zero = (np.array(column) for column in zip(*settings(dtype)))
    return scale, zero, np.stack([affine_inputs(s, z, *RANGES[dtype]) for s, z in settings(dtype)])


@comparison('quantize "torch-channel"', "torch.quantize_per_channel", "torch")
def torch_channel():
    for dtype in ("int8", "uint8"):
        scale, zero, rows = channels(dtype)
        for axis, x in ((0, rows), (1, np.ascontiguousarray(rows.T))):
            ours = quantize(x, scale, zero, dtype=dtype, axis=axis, convention="torch-channel", **RELAXED)
            yield f"{dtype} axis {axis}", ours, lambda: torch_quantized(x, scale, zero, dtype, axis).int_repr().numpy()


@comparison('quantize "torch-fake"', "torch.fake_quantize_per_tensor_affine", "torch")
def torch_fake_tensor():
    for dtype, (low, high) in RANGES.items():
        for scale, zero in settings(dtype):
            x = affine_inputs(scale, zero, low, high)
            ours = quantize(x, scale, zero, dtype=dtype, convention="torch-fake", **RELAXED)
            values = dequantize(ours, scale, zero)
            yield f"{dtype} s={scale:g} z={zero}", values, lambda: torch_fake(x, scale, zero, low, high)


@comparison('quantize "torch-fake" with an axis', "torch.fake_quantize_per_channel_affine", "torch")
def torch_fake_channel():
    for dtype, (low, high) in RANGES.items():
        scale, zero, rows = channels(dtype)
        for axis, x in ((0, rows), (1, np.ascontiguousarray(rows.T))):
            ours = quantize(x, scale, zero, dtype=dtype, axis=axis, convention="torch-fake", **RELAXED)
            values = dequantize(ours, scale, zero, axis=axis)
            yield f"{dtype} axis {axis}", values, lambda: torch_fake(x, scale, zero, low, high, axis)


@comparison('quantize "torch-fake-float"', "torch.fake_quantize_per_channel_affine, float zero points", "torch")
def torch_fake_float():
    for dtype, (low, high) in RANGES.items():
        scale, zero, rows = channels(dtype)
        scale, zero = scale.astype(np.float32), zero.astype(np.float32) + np.float32(0.37)
        ours = quantize(rows, scale, zero, dtype=dtype, axis=0, convention="torch-fake-float", **RELAXED)
        values = dequantize(ours, scale, zero, axis=0)
        yield f"{dtype} axis 0", values, lambda: torch_fake(rows, scale, zero, low, high, 0)


@comparison('quantize "torch-fake", finite values', "torch.ops.quantized_decomposed.quantize_per_tensor", "torch")
def torch_decomposed_tensor():
    for dtype in ("int8", "uint8", "int16"):
        for scale, zero in settings(dtype):
            x = affine_inputs(scale, zero, *RANGES[dtype], special=False)
            ours = quantize(x, scale, zero, dtype=dtype, convention="torch-fake")
            yield f"{dtype} s={scale:g} z={zero}", ours, lambda: torch_decomposed(x, scale, zero, dtype)


# ---------------------------------------------------------------- TensorFlow Lite


def ai_edge_quantize(x, scale, zero, dtype, symmetric):
    """uniform_quantize of ai-edge-quantizer."""
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor

    kind = dtype.removeprefix("u")
    parameters = qtyping.UniformQuantParams(
        num_bits=int(kind.removeprefix("int")),
        quantized_dimension=None,
        scale=np.array([scale], np.float32),
        zero_point=np.array([zero], np.int32),
        symmetric=symmetric,
        signed=dtype == kind,
    )
    return uniform_quantize_tensor.uniform_quantize(x, parameters)


@comparison('quantize "ai-edge"', "uniform_quantize of ai-edge-quantizer", "ai_edge_quantizer")
def ai_edge():
    for dtype in RANGES:
        for scale, zero in settings(dtype):
            x = affine_inputs(scale, zero, *RANGES[dtype])
            x = x[~np.isnan(x)]  # NumPy's cast of NaN depends on the machine
            narrow = zero == 0 and dtype in ("int8", "int16")
            ours = quantize(x, scale, zero, dtype=dtype, convention="ai-edge", narrow=narrow, **RELAXED)
            case = f"{dtype} s={scale:g} z={zero}"
            yield case, ours, lambda: ai_edge_quantize(x, scale, zero, dtype, narrow)


def tflite_quantize(x, scale, zero, dtype):
    """The reference kernel of QUANTIZE, in a model of one operator."""
    import flatbuffers
    from ai_edge_litert import interpreter
    from ai_edge_litert import schema_py_generated as schema

    def tensor(name, kind, quantization=None):
        made = schema.TensorT()
        made.name, made.type, made.shape, made.buffer, made.quantization = name, kind, [len(x)], 0, quantization
        return made

    parameters = schema.QuantizationParametersT()
    parameters.scale, parameters.zeroPoint = [float(np.float32(scale))], [int(zero)]
    graph, operator, code, model = schema.SubGraphT(), schema.OperatorT(), schema.OperatorCodeT(), schema.ModelT()
    graph.tensors = [
        tensor("x", schema.TensorType.FLOAT32),
        tensor("y", getattr(schema.TensorType, dtype.upper()), parameters),
    ]
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = 2
    model.version, model.subgraphs, model.operatorCodes, model.buffers = 3, [graph], [code], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    runner = interpreter.Interpreter(
        model_content=bytes(builder.Output()),
        experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_REF,
    )
    runner.allocate_tensors()
    runner.set_tensor(0, x)
    runner.invoke()
    return runner.get_tensor(1)


@comparison('quantize "tflite-ref"', "QUANTIZE of TensorFlow Lite, reference kernel", "ai_edge_litert")
def tflite():
    for dtype in ("int8", "uint8", "int16"):
        for scale, zero in settings(dtype):
            zero = 0 if dtype == "int16" else zero
            x = affine_inputs(scale, zero, *RANGES[dtype])
            ours = quantize(x, scale, zero, dtype=dtype, convention="tflite-ref", **RELAXED)
            yield f"{dtype} s={scale:g} z={zero}", ours, lambda: tflite_quantize(x, scale, zero, dtype)


# ---------------------------------------------------------------- G.711

SAMPLES = np.arange(-32768, 32768).astype(np.int16)
FFMPEG_LAW = {"mu": "pcm_mulaw", "a": "pcm_alaw"}


def ffmpeg_encode(law):
    import av

    encoder = av.CodecContext.create(FFMPEG_LAW[law], "w")
    encoder.sample_rate, encoder.format, encoder.layout = 8000, "s16", "mono"
    frame = av.AudioFrame.from_ndarray(SAMPLES[None], "s16", "mono")
    frame.sample_rate = 8000
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return np.frombuffer(b"".join(map(bytes, packets)), np.uint8)


def ffmpeg_decode(law):
    import av

    decoder = av.CodecContext.create(FFMPEG_LAW[law], "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"
    frames = [*decoder.decode(av.Packet(bytes(range(256)))), *decoder.decode(None)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def audioop_encode(law):
    import audioop

    function = audioop.lin2ulaw if law == "mu" else audioop.lin2alaw
    return np.frombuffer(function(SAMPLES.tobytes(), 2), np.uint8)


def audioop_decode(law):
    import audioop

    function = audioop.ulaw2lin if law == "mu" else audioop.alaw2lin
    return np.frombuffer(function(bytes(range(256)), 2), np.int16)


CODES = np.arange(256, dtype=np.uint8)


@comparison('G711(variant="ffmpeg")', "FFmpeg pcm_mulaw, pcm_alaw", "av")
def g711_ffmpeg():
    for law in ("mu", "a"):
        yield f"{law} encode", G711(law, variant="ffmpeg").encode(SAMPLES), lambda: ffmpeg_encode(law)
        yield f"{law} decode", G711(law).decode(CODES), lambda: ffmpeg_decode(law)


@comparison('G711("a")', "audioop of Python 3.11", "audioop")
def g711_audioop():
    yield "a encode", G711("a").encode(SAMPLES), lambda: audioop_encode("a")
    yield "a decode", G711("a").decode(CODES), lambda: audioop_decode("a")
    yield "mu decode", G711("mu").decode(CODES), lambda: audioop_decode("mu")


@comparison('G711("mu") encoder', "audioop of Python 3.11", "audioop", differ=508)
def g711_audioop_mu():
    yield "mu encode", G711("mu").encode(SAMPLES), lambda: audioop_encode("mu")


@comparison("G711 encoder", "FFmpeg pcm_mulaw, pcm_alaw", "av", differ=2 * 964)
def g711_itu_ffmpeg():
    for law in ("mu", "a"):
        yield f"{law} encode", G711(law).encode(SAMPLES), lambda: ffmpeg_encode(law)


# ---------------------------------------------------------------- float8

FLOAT8 = ("e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz")
ONNX_FLOAT8 = dict(zip(FLOAT8, ("FLOAT8E4M3FN", "FLOAT8E5M2", "FLOAT8E4M3FNUZ", "FLOAT8E5M2FNUZ")))


def float8_inputs(name):
    """float32: values, ties and their neighbours, all bit patterns, special values."""
    values = Float8(name).decode(CODES)
    values = np.unique(values[np.isfinite(values)]).astype(np.float64)
    values = np.concatenate([values, 1.5 * values[[0, -1]], (2 * values - np.roll(values, 1))[[-1]]])
    values = np.unique(np.concatenate([values, -values]))
    near = np.concatenate([values, (values[1:] + values[:-1]) / 2]).astype(np.float32)
    bits = (raw(200000, 7) & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.float32)
    down, up = np.float32(-np.inf), np.float32(np.inf)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 464, 480, 61440, 65536, 248, 3e38], np.float32)
    return np.concatenate([near, np.nextafter(near, down), np.nextafter(near, up), bits, special])


def ml_dtypes_float8(x, name):
    import ml_dtypes

    return x.astype(getattr(ml_dtypes, f"float8_{name}"))


def onnx_float8(x, name):
    """Cast to float8 with saturation, and back."""
    import onnxruntime
    from onnx import TensorProto, helper

    kind = getattr(TensorProto, ONNX_FLOAT8[name])
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=kind, saturate=1),
        helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT),
    ]
    ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, None) for end in "xy"]
    model = helper.make_model(
        helper.make_graph(nodes, "g", ends[:1], ends[1:]), opset_imports=[helper.make_opsetid("", 21)]
    )
    model.ir_version = 10
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def torch_float8(x, name):
    import torch

    return torch.tensor(x).to(getattr(torch, f"float8_{name}")).to(torch.float32).numpy()


@comparison('Float8(overflow="nan") codes', "ml_dtypes, numbers and zeros", "ml_dtypes")
def float8_codes():
    for name in FLOAT8:
        x = float8_inputs(name)
        codes, number = Float8(name, overflow="nan").encode(x), ~np.isnan(x)
        yield f"{name} codes", codes[number], lambda: ml_dtypes_float8(x[number], name).view(np.uint8)


@comparison('Float8(overflow="nan") values', "ml_dtypes", "ml_dtypes")
def float8_values():
    for name in FLOAT8:
        x = float8_inputs(name)
        yield name, Float8(name, overflow="nan").transform(x), lambda: ml_dtypes_float8(x, name).astype(np.float32)
        yield f"{name} all codes", Float8(name).decode(CODES), lambda: all_float8(name)


def all_float8(name):
    import ml_dtypes

    return CODES.view(getattr(ml_dtypes, f"float8_{name}")).astype(np.float32)


@comparison('Float8(overflow="saturate") values', "ONNX Runtime Cast, saturate = 1", "onnxruntime", "onnx")
def float8_onnx():
    for name in FLOAT8:
        x = float8_inputs(name)
        yield name, Float8(name).transform(x), lambda: onnx_float8(x, name)


@comparison('Float8 values, e4m3fn "saturate", others "nan"', "torch.Tensor.to", "torch")
def float8_torch():
    for name in FLOAT8:
        x = float8_inputs(name)
        ours = Float8(name, overflow="saturate" if name == "e4m3fn" else "nan").transform(x)
        yield name, ours, lambda: torch_float8(x, name)


# ---------------------------------------------------------------- OpenCV


def opencv_saturate(x, dtype):
    """Floats to integers by saturate_cast."""
    import cv2

    depth = {"uint8": cv2.CV_8U, "int8": cv2.CV_8S, "uint16": cv2.CV_16U, "int16": cv2.CV_16S}[dtype]
    return cv2.add(x.reshape(1, -1), np.zeros((1, len(x)), np.float32), dtype=depth)[0]


@comparison("quantize, scale 1, magnitudes below 2^31", "saturate_cast of OpenCV", "cv2")
def opencv():
    for dtype in ("uint8", "int8", "uint16", "int16"):
        x = affine_inputs(1.0, 0, *RANGES[dtype], special=False)
        x = x[np.abs(x) < 2.0**31]
        yield dtype, quantize(x, 1.0, dtype=dtype), lambda: opencv_saturate(x, dtype)


def opencv_kmeans(x, start, count):
    """Labels of cv2.kmeans from initial labels."""
    import cv2

    stop = (cv2.TERM_CRITERIA_MAX_ITER, 100, 0.0)
    return cv2.kmeans(x, count, start.reshape(-1, 1).copy(), stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)[1].ravel()


@comparison("kmeans.cluster labels of separated clusters", "cv2.kmeans from the same start", "cv2")
def opencv_clusters():
    """From our labels OpenCV must not move; from ours with every tenth label changed it must come back."""
    n, count = 4000, 8
    for dimensions in (1, 2, 3):
        group = (raw(n, 40) % np.uint64(count)).astype(np.int64)
        spread = [
            unit(n, 20 + d) * 60 + group * 200 * (d == 0) + group * 37 % 5 * 40 * (d > 0) for d in range(dimensions)
        ]
        x = np.ascontiguousarray(np.floor(np.stack(spread, 1)).astype(np.float32))
        ours = kmeans.cluster(x, count).labels
        changed = np.where(np.arange(n) % 10 == 0, (ours + 1) % count, ours).astype(np.int32)
        for name, start in (("our labels", ours), ("changed labels", changed)):
            yield f"{dimensions} dimensions, {name}", ours, lambda: opencv_kmeans(x, start, count)


# ---------------------------------------------------------------- training


def torch_fake_mask(x, scale, zero, low, high):
    """1 where the gradient of fake_quantize_per_tensor_affine passes."""
    import torch

    values = torch.tensor(x, requires_grad=True)
    torch.fake_quantize_per_tensor_affine(values, scale, zero, low, high).sum().backward()
    return values.grad.numpy() != 0


@comparison("fake_quantize mask", "gradient of torch.fake_quantize_per_tensor_affine", "torch")
def masks():
    for dtype, (low, high) in RANGES.items():
        for scale, zero in settings(dtype):
            x = affine_inputs(scale, zero, low, high, special=False)
            ours = fake_quantize(x, scale, zero, dtype=dtype)[1]
            yield f"{dtype} s={scale:g} z={zero}", ours, lambda: torch_fake_mask(x, scale, zero, low, high)


def torch_learnable(g, x, scale, zero):
    """Gradients of torch's learnable fake quantization, by x and by the scale."""
    import torch

    values, step = torch.tensor(x, requires_grad=True), torch.tensor([scale], dtype=torch.float32, requires_grad=True)
    offset = torch.tensor([float(zero)], requires_grad=True)
    made = torch._fake_quantize_learnable_per_tensor_affine(values, step, offset, -128, 127, 1.0)
    (made * torch.tensor(g)).sum().backward()
    return values.grad.numpy(), step.grad.numpy()


@comparison("lsq_gradient, the scale's to 6 digits", "torch's learnable fake quantization, backward", "torch")
def learned():
    for scale, zero in settings("int8"):
        zero = abs(zero)  # torch rounds the zero point by trunc(z + 1/2): a negative one becomes another
        x = ((unit(20000, 11) * 1.3 - 0.15) * 255 - 128 - zero).astype(np.float32) * np.float32(scale)
        g = (unit(20000, 12) - 0.5).astype(np.float32)
        dx, dscale = lsq_gradient(g, x, scale, zero, convention="torch-channel", factor=1.0)
        yield f"x s={scale:g}", dx, lambda: torch_learnable(g, x, scale, zero)[0]
        yield f"s s={scale:g}", [True], lambda: [abs(torch_learnable(g, x, scale, zero)[1][0] / dscale - 1) < 1e-5]


# ---------------------------------------------------------------- Octave


@functools.lru_cache(None)
def octave():
    """Whether Octave with the communications package is there."""
    if shutil.which("octave-cli") is None:
        return False
    found = subprocess.run(["octave-cli", "--norc", "--eval", "pkg load communications"], capture_output=True)
    return b"error: the package" not in found.stderr and b"could not" not in found.stderr


def run_octave(script, **arrays):
    """The numbers that a script prints, with arrays as variables."""
    with tempfile.TemporaryDirectory() as folder:
        for name, values in arrays.items():
            np.savetxt(f"{folder}/{name}.txt", np.ravel(values), "%.17g")
        loads = "".join(f"{name} = load('{name}.txt')';" for name in arrays)
        code = f"pkg load communications; {loads} {script}"
        made = subprocess.run(["octave-cli", "--norc", "--eval", code], cwd=folder, capture_output=True, text=True)
    return np.array(made.stdout.split(), float)


PRINT = "printf('%.17g\\n', y);"


@comparison("thresholds of LloydMax: encode", "quantiz of Octave's communications", "octave")
def quantiz():
    x = np.concatenate([np.arange(-30, 31) / 8, unit(5000, 13) * 8 - 4])
    q = LloydMax(8).fit(np.arange(-24, 25) / 8)
    borders = q.thresholds
    x = np.concatenate([x, borders, np.nextafter(borders, 9), np.nextafter(borders, -9)])
    yield "codes", q.encode(x), lambda: run_octave(f"y = quantiz(x, t); {PRINT}", x=x, t=borders)


@comparison("Compander, to 13 digits", "compand of Octave's communications", "octave")
def compand():
    x = unit(3000, 14) * 2 - 1
    for law, parameter in (("mu", 255.0), ("a", 87.6)):
        q = Compander(law, parameter=parameter, peak=1)
        for kind, ours in (("compressor", q.compress(x)), ("expander", q.expand(x))):
            script = f"y = compand(x, {parameter}, 1, '{law}/{kind}'); {PRINT}"
            yield (
                f"{law} {kind}",
                np.ones(len(x), bool),
                lambda: np.isclose(run_octave(script, x=x), ours, 1e-13, 1e-16),
            )


@comparison("LloydMax on data, levels to 1 % of the deviation", 'lloyds of Octave, "midpoint"', "octave")
def lloyds():
    x = np.array([statistics.NormalDist().inv_cdf((i + 0.5) / 20000) for i in range(20000)])
    for count in (2, 4, 8, 16):
        q, start = LloydMax(count).fit(x), LloydMax(count, density="gaussian").levels
        script = f"[t, y] = lloyds(x, s, 1e-13, 'midpoint'); {PRINT}"
        yield (
            f"{count} levels",
            np.ones(count, bool),
            lambda: np.abs(run_octave(script, x=x, s=start) - q.levels) < 0.01,
        )


# ---------------------------------------------------------------- the matrix


def same(a, b):
    """Where two arrays agree: the same numbers (0 and -0 are), or both NaN."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise AssertionError(f"shapes {a.shape} and {b.shape}")
    equal = a == b
    return equal | ((a != a) & (b != b)) if a.dtype.kind == "f" and b.dtype.kind == "f" else equal


def missing(row):
    """The packages of a comparison that are not installed."""
    absent = []
    for package in row["packages"]:
        if package == "octave":
            absent += [] if octave() else ["Octave with the package communications"]
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(package)
        except ImportError:
            absent.append(package)
    return absent


def count(row):
    """(inputs that agree, inputs, the first case that differs)."""
    agree = total = 0
    first = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case, ours, theirs in row["cases"]():
            theirs = theirs()
            equal = same(ours, theirs)
            agree += int(equal.sum())
            total += equal.size
            if first is None and not equal.all():
                i = int((~equal).argmax())
                first = f"{case}: entry {i}, {np.ravel(ours)[i]} here, {np.ravel(theirs)[i]} there"
    return agree, total, first


def digest(values):
    """Of the numbers, whatever the integer dtype."""
    array = np.ascontiguousarray(values)
    array = array.astype("<i8") if array.dtype.kind in "iu" else (array + 0).astype("<f8")
    array = np.where(array != array, np.nan, array) if array.dtype.kind == "f" else array
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--golden", action="store_true")
    parser.add_argument("--only", default="", help="comparisons whose names contain this")
    options = parser.parse_args()
    rows = [row for row in COMPARISONS if options.only in f"{row['ours']} {row['theirs']}"]
    if options.golden:
        golden = {
            f"{row['ours']} | {row['theirs']}": {case: digest(theirs()) for case, _, theirs in row["cases"]()}
            for row in rows
            if not row["differ"] and not missing(row)
        }
        print(json.dumps(golden, indent=1))
        return
    if not options.json:
        print(
            f"codec {codec.__version__}, NumPy {np.__version__}\n\n| here | library | agree | of |\n|---|---|---|---|"
        )
    for row in rows:
        absent = missing(row)
        if absent:
            print(f"{row['theirs']}: {', '.join(absent)} is not installed", file=sys.stderr)
            continue
        agree, total, first = count(row)
        if options.json:
            print(json.dumps({"here": row["ours"], "library": row["theirs"], "agree": agree, "of": total}))
        else:
            print(f"| {row['ours']} | {row['theirs']} | {agree:,} | {total:,} |")
        if total - agree != row["differ"]:
            print(f"unexpected: {row['ours']}, {row['theirs']}: {first}", file=sys.stderr)


if __name__ == "__main__":
    main()
