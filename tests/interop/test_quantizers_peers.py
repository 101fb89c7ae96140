"""Quantizers against the libraries whose conventions they follow: benchmarks/quantizer_equality.py, row by row.

`make test-interop` installs the libraries. A comparison skips if its library is absent.
"""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest

from codec.quantizers import Affine, torch_fake_quantize

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "quantizer_equality.py"
spec = importlib.util.spec_from_file_location("quantizer_equality_peers", SCRIPT)
equality = importlib.util.module_from_spec(spec)
spec.loader.exec_module(equality)

# The libraries warn about their own deprecations.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    "row", equality.COMPARISONS, ids=[f"{row['ours']} | {row['theirs']}" for row in equality.COMPARISONS]
)
def test_agrees_with_the_library(row):
    absent = equality.missing(row)
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")
    agree, total, first = equality.count(row)
    assert total - agree == row["differ"], first


def optional(name):
    """A module, imported without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


DATA = [[-1.0, 0.5, 3.0], [0.2, 0.3], [-7.0, -1.0], [0.0, 0.0], [1e-3, -2e5], [1e-30, 0.0], [5.0]]


@pytest.mark.parametrize("symmetric", [False, True])
def test_scales_of_onnx_runtime(symmetric):
    utils = optional("onnxruntime.quantization.quant_utils")
    onnx = optional("onnx")
    for dtype in ("int8", "uint8", "int16", "uint16"):
        kind = getattr(onnx.TensorProto, dtype.upper())
        low, high = utils.get_qmin_qmax_for_qType(kind, symmetric=symmetric)
        for x in DATA:
            x = np.array(x, np.float32)
            zero, scale = utils.compute_scale_zp(x.min(), x.max(), low, high, symmetric=symmetric)
            q = Affine(dtype, symmetric=symmetric).fit(x)
            assert (q.scale, int(q.zero_point)) == (np.float32(scale), int(zero)), (dtype, x)


@pytest.mark.parametrize("symmetric", [False, True])
def test_scales_of_torch(symmetric):
    torch = optional("torch")
    observers = optional("torch.ao.quantization.observer")
    for dtype, kind in (("int8", torch.qint8), ("uint8", torch.quint8)):
        for x in DATA:
            scheme = torch.per_tensor_symmetric if symmetric else torch.per_tensor_affine
            observer = observers.MinMaxObserver(dtype=kind, qscheme=scheme)
            observer(torch.tensor(x))
            scale, zero = observer.calculate_qparams()
            q = Affine(dtype, symmetric=symmetric, convention="torch").fit(x)
            assert (float(q.scale), int(q.zero_point)) == (float(scale), int(zero)), (dtype, x)
    rows = np.array([[-1.0, 0.5], [3.0, 9.0]], np.float32)
    observer = observers.PerChannelMinMaxObserver(dtype=torch.quint8, qscheme=torch.per_channel_affine_float_qparams)
    observer(torch.tensor(rows))
    scale, zero = observer.calculate_qparams()
    q = Affine("uint8", axis=0, convention="torch-fake-float").fit(rows)
    np.testing.assert_array_equal(q.scale, scale.numpy().astype(np.float32))
    np.testing.assert_allclose(q.zero_point, zero.numpy(), rtol=1e-6)


@pytest.mark.parametrize("symmetric", [False, True])
def test_scales_of_ai_edge(symmetric):
    tensor = optional("ai_edge_quantizer.algorithms.uniform_quantize.uniform_quantize_tensor")
    qtyping = optional("ai_edge_quantizer.qtyping")
    for dtype in ("int4", "int8", "int16", "uint8"):
        for x in DATA:
            x = np.array(x, np.float32)
            zero, scale = tensor.tensor_zp_scale_from_min_max(
                x.min(keepdims=True), x.max(keepdims=True), int(dtype.strip("uint")), symmetric,
                qtyping.QuantGranularity.TENSORWISE, signed=dtype[0] == "i",
            )  # fmt: skip
            q = Affine(dtype, symmetric=symmetric, convention="ai-edge").fit(x)
            assert (q.scale, int(q.zero_point)) == (np.float32(scale[0]), int(zero[0])), (dtype, x)


def test_torch_learns_through_the_wrapper():
    torch = optional("torch")
    x = torch.tensor([0.25, 3.0, 900.0], requires_grad=True)
    scale = torch.tensor(2.0, requires_grad=True)
    y = torch_fake_quantize(x, scale, factor=1.0)
    y.sum().backward()
    assert y.tolist() == [0.0, 4.0, 254.0] and x.grad.tolist() == [1.0, 1.0, 0.0] and scale.grad.item() == 127.375
