"""The example of the documents: digits, quantized by us and by ONNX Runtime. Needs scikit-learn, onnx and onnxruntime."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

for package in ("sklearn", "onnx", "onnxruntime"):
    pytest.importorskip(package)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def networks():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "quantize_digits.py"
    spec = importlib.util.spec_from_file_location("quantize_digits", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [module.measure(seed) for seed in range(5)]


def test_int8_is_as_accurate_as_onnx_runtime(networks):
    """In the mean over five networks not lower; in each within two of the 899 test pictures."""
    ours, theirs = (np.array([rows[name][0] for rows in networks]) for name in ("8 bits", "ONNX Runtime int8"))
    assert ours.mean() >= theirs.mean() and np.abs(ours - theirs).max() < 0.3


def test_fewer_bits_lose_little(networks):
    scores = {name: np.mean([rows[name][0] for rows in networks]) for name in networks[0]}
    assert scores["float32"] - scores["6 bits"] < 0.3 and scores["float32"] - scores["4 bits"] < 1
    assert all(rows["mixed, 3.5 bits on average"][1] <= 3.5 / 8 * 4464 for rows in networks)
