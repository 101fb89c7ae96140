"""Post-training quantization against its definition; ONNX Runtime takes what it makes."""

import numpy as np
import pytest

from codec.errors import FileError, ParameterError
from codec.quantizers import post_training

RNG = np.random.default_rng(11)
W1, B1 = RNG.normal(size=(16, 24)) * RNG.lognormal(0, 1, (16, 1)), RNG.normal(size=16)
W2, B2 = RNG.normal(size=(5, 16)), RNG.normal(size=5)
X = np.maximum(RNG.normal(0.5, 1, (400, 24)), 0)
H = np.maximum(X @ W1.T + B1, 0)
NETWORK = {"weights": {"a": W1, "b": W2}, "activations": {"a": X, "b": H}, "biases": {"a": B1, "b": B2}}


def decibel(signal, error):
    return 10 * np.log10((signal**2).sum() / (error**2).sum())


@pytest.mark.parametrize("bits", [3, 8, 12])
@pytest.mark.parametrize("axis", [0, 1])
def test_weights_per_channel(bits, axis):
    most = 2 ** (bits - 1) - 1
    weights = W1 if axis == 0 else W1.T
    layer = post_training({"a": weights}, None, bits, axis=axis).layers["a"]
    scale = np.float32(np.abs(W1).max(1) / most)
    codes = layer.codes if axis == 0 else layer.codes.T
    assert layer.codes.dtype == (np.int8 if bits <= 8 else np.int16) and np.array_equal(layer.scale, scale)
    assert np.array_equal(codes, np.clip(np.rint(np.float32(W1) / scale[:, None]), -most, most))
    assert np.array_equal(layer.weights(), (layer.codes.T * layer.scale).T if axis == 0 else layer.codes * layer.scale)
    assert layer.weight_sqnr == pytest.approx(decibel(weights, weights - layer.weights()), rel=1e-9)
    assert not layer.zero_point.any() and layer.zero_point.shape == layer.scale.shape


def test_one_scale_for_a_tensor():
    layer = post_training({"a": W1}, per_channel=False).layers["a"]
    assert layer.scale.shape == () and layer.axis is None
    assert layer.scale == np.float32(np.abs(W1).max() / 127)


def test_inputs_and_biases_as_tensorflow_lite_specifies():
    layer = post_training(**NETWORK, bias_correction=False).layers["a"]
    low, high = min(X.min(), 0), X.max()
    assert layer.input_scale == np.float32((high - low) / 255) and layer.input_zero_point == -128
    assert layer.input_zero_point.dtype == np.int8 and layer.bias.dtype == np.int32
    assert np.array_equal(layer.bias, np.rint(B1 / (np.float64(layer.input_scale) * layer.scale)))
    assert layer.output_sqnr == pytest.approx(decibel(X @ W1.T, X @ (W1 - layer.weights()).T), rel=1e-6)


def test_bias_correction_removes_the_mean_error():
    for correct in (False, True):
        layer = post_training(**NETWORK, bits=3, bias_correction=correct).layers["a"]
        shift = (X @ (layer.weights() - W1).T + layer.float_bias - B1).mean(0)
        assert (np.abs(shift).max() < 1e-12) == correct


def test_convolutions_take_inputs_by_channel():
    weights = RNG.normal(size=(4, 3, 3, 3))
    x = RNG.normal(size=(20, 3, 8, 8))
    result = post_training({"c": weights}, {"c": x}, 4, biases={"c": np.zeros(4)})
    layer = result.layers["c"]
    lost = weights - layer.weights()
    assert np.allclose(layer.float_bias, np.einsum("oirs,i->o", lost, x.mean((0, 2, 3))))
    power = (x**2).mean((0, 2, 3))
    noise, signal = (np.einsum("oirs,oirs,i->", w, w, power) for w in (lost, weights))
    assert layer.output_sqnr == pytest.approx(10 * np.log10(signal / noise))


def test_equalization_keeps_the_network_and_helps_one_scale():
    def run(result):
        a, b = result.layers["a"], result.layers["b"]
        hidden = np.maximum(X @ a.weights().T + a.float_bias, 0)
        return hidden @ b.weights().T + b.float_bias

    exact = H @ W2.T + B2
    kept = post_training(**NETWORK, bits=16, equalize=[("a", "b")])
    assert decibel(exact, run(kept) - exact) > 80
    scores = [
        decibel(exact, run(post_training(**NETWORK, bits=6, per_channel=False, equalize=pairs)) - exact)
        for pairs in ([], [("a", "b")])
    ]
    assert scores[1] > scores[0] + 1


def test_activations_in_batches_give_the_same():
    whole = post_training(**NETWORK, method="mse")
    parts = post_training(**NETWORK | {"activations": {"a": iter(np.array_split(X, 9)), "b": H}}, method="mse")
    for name, array in whole.arrays().items():
        assert np.array_equal(array, parts.arrays()[name]), name


@pytest.mark.parametrize("own_loss", [False, True])
def test_mixed_precision_meets_its_budget_and_beats_uniform_bits(own_loss):
    """The second layer is small and matters much: it gets more bits."""
    exact = H @ W2.T + B2
    calls = []

    def loss(weights):
        calls.append(weights)
        return np.mean((np.maximum(X @ weights["a"].T + B1, 0) @ weights["b"].T + B2 - exact) ** 2)

    flat = post_training(**NETWORK, bits=4)
    mixed = post_training(**NETWORK, budget_bytes=flat.size_bytes, loss=loss if own_loss else None)
    assert mixed.size_bytes <= flat.size_bytes
    assert loss(mixed.weights()) <= loss(flat.weights()) * 1.001
    assert (len(calls) > 14) == own_loss
    everything = post_training(**NETWORK, budget_bytes=10**6)
    assert [layer.bits for layer in everything.layers.values()] == [8, 8]
    with pytest.raises(ParameterError, match="cannot be met"):
        post_training(**NETWORK, budget_bytes=10)


def test_dead_channels_and_tiny_weights():
    weights = np.array([[0.0, 0.0], [1e-9, 0.0], [1.0, -1.0]])
    result = post_training({"a": weights}, {"a": X[:, :2]}, biases={"a": np.array([0.0, 100.0, 1.0])})
    layer = result.layers["a"]
    assert layer.scale[0] == 1 and not layer.codes[0].any()
    assert np.allclose(layer.bias * np.float64(layer.input_scale) * layer.scale, layer.float_bias, rtol=1e-3)
    assert result.warnings == (
        "a: the weights of 1 channels, the first is 1, are so small that the bias would not fit in int32: their scale was "
        "raised",
    )


def test_files(tmp_path):
    np.savez(tmp_path / "w.npz", a=W1.astype(np.float32), a_bias=B1, steps=np.arange(4).reshape(2, 2))
    result = post_training(tmp_path / "w.npz")
    assert (
        list(result.layers) == ["a"] and len(result.warnings) == 2 and "a_bias is not quantized" in result.warnings[0]
    )
    result = post_training(**NETWORK)
    result.save(tmp_path / "q.npz")
    with np.load(tmp_path / "q.npz") as saved:
        assert sorted(saved.files) == sorted(result.arrays())
        assert all(np.array_equal(saved[name], array) for name, array in result.arrays().items())


def test_wrong_arguments_are_refused():
    for weights, keywords in (
        ({}, {}),
        ({"a": B1}, {}),
        ({"a": W1 * np.nan}, {}),
        ({"a": W1}, {"bits": 1}),
        ({"a": W1}, {"bits": {"b": 8}}),
        ({"a": W1}, {"bits": {}}),
        ({"a": W1}, {"axis": 2}),
        ({"a": W1}, {"biases": {"a": B2}}),
        ({"a": W1}, {"biases": {"c": B1}}),
        ({"a": W1}, {"activations": {"a": H}}),
        ({"a": W1}, {"activations": {"a": X[:, 0]}}),
        ({"a": W1}, {"activations": {"c": X}}),
        ({"a": W1}, {"activations": {"a": iter([])}}),
        ({"a": W1}, {"equalize": [("a", "a")]}),
        ({"a": W1, "b": W2}, {"equalize": [("b", "a")]}),
        ({"a": W1}, {"method": "best"}),
        ({"a": W1}, {"weight_method": "moving"}),
        ({"a": W1}, {"bits": 4, "budget_bytes": 100}),
        ({"a": W1}, {"budget_bytes": 1000, "choices": []}),
        ({"a": W1}, {"budget_bytes": 1000, "loss": lambda weights: np.nan}),
    ):
        keywords = {"method": "minmax"} | keywords
        if keywords["method"] == "best":
            keywords["activations"] = {"a": X}
        with pytest.raises(ParameterError):
            post_training(weights, **keywords)


SHAPES = [("y", [None, 16]), ("w", [16, 24])]


def test_initializers_of_onnx(tmp_path):
    onnx = pytest.importorskip("onnx")
    tensors = [
        onnx.numpy_helper.from_array(array, name) for name, array in (("w", np.float32(W1)), ("b", np.float32(B1)))
    ]
    graph = onnx.helper.make_graph([], "g", [], [], tensors)
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    result = post_training(tmp_path / "m.onnx")
    assert np.array_equal(result.layers["w"].codes, post_training({"w": np.float32(W1)}).layers["w"].codes)
    assert result.warnings == ("b is not quantized: it is float32 of shape (16,)",)
    (tmp_path / "m.onnx").write_bytes(b"nonsense")
    with pytest.raises(FileError, match="is no ONNX model"):
        post_training(tmp_path / "m.onnx")


def test_onnx_runtime_takes_the_arrays():
    """DequantizeLinear of codes, and QLinearMatMul, DequantizeLinear of the accumulator with the bias: on our arrays as
    they are.
    """
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    result = post_training(**NETWORK)
    layer, arrays = result.layers["a"], result.arrays()
    named = [
        numpy_helper.from_array(np.asarray(array), name.replace("a.", ""))
        for name, array in arrays.items()
        if name[0] == "a"
    ]
    bias_scale = numpy_helper.from_array(layer.input_scale * layer.scale, "bias_scale")
    bias_zero = numpy_helper.from_array(np.zeros(16, np.int32), "bias_zero")
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "input_scale", "input_zero_point"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "input_scale", "input_zero_point"], ["xd"]),
        helper.make_node("DequantizeLinear", ["codes", "scale", "zero_point"], ["w"], axis=0),
        helper.make_node("DequantizeLinear", ["bias", "bias_scale", "bias_zero"], ["b"], axis=0),
        helper.make_node("Gemm", ["xd", "w", "b"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 24])],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in SHAPES],
        [*named, bias_scale, bias_zero],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y, w = session.run(["y", "w"], {"x": X.astype(np.float32)})
    assert np.array_equal(w, layer.weights())
    xq = np.clip(np.rint(X.astype(np.float32) / layer.input_scale) + layer.input_zero_point, -128, 127)
    total = (xq - layer.input_zero_point) @ layer.codes.T.astype(float) + layer.bias
    assert np.allclose(y, total * layer.input_scale * layer.scale, rtol=1e-4, atol=1e-4)
