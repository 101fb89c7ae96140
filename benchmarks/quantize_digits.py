"""Post-training quantization of a small classifier: scikit-learn's digits at 8, 6, 4 and mixed bits, beside ONNX Runtime.

    pip install scikit-learn onnx onnxruntime
    python benchmarks/quantize_digits.py [--seeds N]

Several networks of two hidden layers are trained, and quantized with the same 200 calibration pictures. Ours are run with
integers: int8 inputs and weights, int32 accumulators and biases. ONNX Runtime's are made by `quantize_static` (QDQ, int8,
per channel, min-max) and run by it. `int8` of both quantize the same layers. Rows are Markdown, one per setting.
"""

import argparse
import pathlib
import tempfile

import numpy as np

from codec.quantizers import post_training, quantize

LAYERS = ("hidden1", "hidden2", "output")
CALIBRATION = 200


def trained(seed):
    """(weights, biases, inputs for calibration, test inputs, test labels) of a network."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    x, labels = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(x, labels, test_size=0.5, random_state=seed, stratify=labels)
    network = MLPClassifier((48, 24), max_iter=400, random_state=seed, tol=1e-5).fit(x_train, y_train)
    weights = dict(zip(LAYERS, (w.astype(np.float32) for w in network.coefs_)))
    biases = dict(zip(LAYERS, (b.astype(np.float32) for b in network.intercepts_)))
    return weights, biases, x_train[:CALIBRATION], x_test, y_test


def activations(weights, biases, x):
    """The inputs of each layer, and the output."""
    found = {}
    for name in LAYERS:
        found[name] = x
        x = x @ weights[name] + biases[name]
        if name != LAYERS[-1]:
            x = np.maximum(x, 0)
    return found, x


def run_integers(result, x):
    """The output of a quantized network: products and sums of integers, one rescaling for each layer."""
    for name in LAYERS:
        layer = result.layers[name]
        codes = quantize(x, layer.input_scale, layer.input_zero_point).astype(np.int32)
        total = (codes - int(layer.input_zero_point)) @ layer.codes.astype(np.int32) + layer.bias
        x = (total * (layer.input_scale * layer.scale)).astype(np.float32)
        if name != LAYERS[-1]:
            x = np.maximum(x, 0)
    return x


def onnx_model(weights, biases):
    import onnx
    from onnx import helper, numpy_helper

    nodes, tensors, last = [], [], "x"
    for name in LAYERS:
        tensors += [
            numpy_helper.from_array(a, f"{name}.{kind}") for kind, a in (("w", weights[name]), ("b", biases[name]))
        ]
        nodes.append(helper.make_node("Gemm", [last, f"{name}.w", f"{name}.b"], [name]))
        last = name
        if name != LAYERS[-1]:
            nodes.append(helper.make_node("Relu", [name], [f"{name}.relu"]))
            last = f"{name}.relu"
    ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [None, k]) for n, k in (("x", 64), (last, 10))]
    graph = helper.make_graph(nodes, "digits", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def onnx_runtime(weights, biases, calibration, x):
    """The output of ONNX Runtime's own static quantization."""
    import onnx
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rows = iter([{"x": calibration}])

        def get_next(self):
            return next(self.rows, None)

    with tempfile.TemporaryDirectory() as folder:
        plain, made = pathlib.Path(folder, "plain.onnx"), pathlib.Path(folder, "int8.onnx")
        onnx.save(onnx_model(weights, biases), plain)
        settings = {"quant_format": QuantFormat.QDQ, "per_channel": True}
        quantize_static(plain, made, Reader(), activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, **settings)
        session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": x})[0]


def measure(seed):
    """setting -> (accuracy in %, bytes of the weights) of one network."""
    weights, biases, calibration, x, labels = trained(seed)
    inputs, _ = activations(weights, biases, calibration)
    _, exact = activations(weights, biases, x)

    def accuracy(output):
        return 100 * float(np.mean(output.argmax(1) == labels))

    bytes_of_floats = sum(w.nbytes for w in weights.values())
    rows = {"float32": (accuracy(exact), bytes_of_floats)}
    rows["ONNX Runtime int8"] = accuracy(onnx_runtime(weights, biases, calibration, x)), bytes_of_floats // 4
    shared = {"biases": biases, "axis": 1}
    for bits in (8, 6, 4, 3):
        result = post_training(weights, inputs, bits, **shared)
        rows[f"{bits} bits"] = accuracy(run_integers(result, x)), result.size_bytes
    result = post_training(weights, inputs, 4, **shared, per_channel=False)
    rows["4 bits, one scale a layer"] = accuracy(run_integers(result, x)), result.size_bytes
    result = post_training(weights, inputs, 4, **shared, per_channel=False, equalize=list(zip(LAYERS, LAYERS[1:])))
    rows["4 bits, one scale, equalized"] = accuracy(run_integers(result, x)), result.size_bytes
    loss = _loss_of(biases, calibration, weights)
    for bits in (5, 3.5):
        budget = int(bits * sum(w.size for w in weights.values()) / 8)
        mixed = post_training(weights, inputs, **shared, budget_bytes=budget, loss=loss)
        rows[f"mixed, {bits:g} bits on average"] = accuracy(run_integers(mixed, x)), mixed.size_bytes
    return rows


def _loss_of(biases, calibration, weights):
    """The mean squared error of the output on the calibration pictures: no labels are needed."""
    wanted = activations(weights, biases, calibration)[1]
    return lambda changed: float(np.mean((activations(changed, biases, calibration)[1] - wanted) ** 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args().seeds)
    networks = [measure(seed) for seed in seeds]
    print(f"| weights | bytes | accuracy, % | {' | '.join(f'network {seed}' for seed in seeds)} |")
    print(f"|---|---|---|{'---|' * len(networks)}")
    for name in networks[0]:
        scores = [rows[name][0] for rows in networks]
        size = round(np.mean([rows[name][1] for rows in networks]))
        print(f"| {name} | {size} | {np.mean(scores):.2f} | {' | '.join(f'{score:.2f}' for score in scores)} |")


if __name__ == "__main__":
    main()
