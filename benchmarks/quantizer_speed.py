"""Speed of the scalar quantizers, beside a copy of the same floats and, if installed, ONNX Runtime on one thread.

    python benchmarks/quantizer_speed.py              100 million floats (1.4 GB of memory)
    python benchmarks/quantizer_speed.py --millions 10

Each figure is the least CPU time of several rounds, in which all candidates alternate.
"""

import argparse
import time

import numpy as np

import codec
from codec.quantizers import G711, Affine, Compander, Float8, LloydMax, Uniform, dequantize, quantize


def onnx_runtime(x, scale, zero, codes):
    """A function that runs QuantizeLinear into `codes`, or None."""
    try:
        import onnxruntime
        from onnx import TensorProto, helper
    except ImportError:
        return None
    real, kind = TensorProto.FLOAT, TensorProto.INT8
    tensors = [helper.make_tensor("s", real, [], [scale]), helper.make_tensor("z", kind, [], [zero])]
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    ends = [helper.make_tensor_value_info("x", real, None)], [helper.make_tensor_value_info("y", kind, None)]
    model = helper.make_model(
        helper.make_graph([node], "g", *ends, tensors), opset_imports=[helper.make_opsetid("", 21)]
    )
    model.ir_version = 10
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y", "cpu", 0, np.int8, codes.shape, codes.ctypes.data)
    return lambda: session.run_with_iobinding(binding)


def least(candidates, rounds):
    """name -> least CPU seconds; candidates alternate."""
    best = dict.fromkeys(candidates, float("inf"))
    for _ in range(rounds):
        for name, function in candidates.items():
            start = time.process_time()
            function()
            best[name] = min(best[name], time.process_time() - start)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    n = options.millions * 1_000_000
    rng = np.random.default_rng(0)
    x = rng.standard_normal(n, np.float32)
    copy, codes, theirs = np.empty_like(x), np.empty(n, np.int8), np.empty(n, np.int8)
    copy[:], codes[:], theirs[:] = 0, 0, 0
    affine = {"np.copyto": lambda: np.copyto(copy, x)}
    runtime = onnx_runtime(x, 0.03, 3, theirs)
    if runtime:
        affine["ONNX Runtime QuantizeLinear"] = runtime
    for convention in ("onnx", "torch", "torch-channel", "torch-fake", "ai-edge", "tflite-ref"):
        affine[f"quantize {convention}"] = lambda name=convention: quantize(x, 0.03, 3, convention=name, out=codes)
    affine["dequantize"] = lambda: dequantize(codes, 0.03, 3, out=copy)
    times = least(affine, options.rounds)
    print(f"codec {codec.__version__}, NumPy {np.__version__}, CPU level {codec.cpu.level()}")
    print(f"{options.millions} M float32, int8 codes, one thread\n\n| | ms | of a copy's speed |\n|---|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {1e3 * seconds:.0f} | {times['np.copyto'] / seconds:.2f} |")
    few = x[: min(n, 10_000_000)]
    q = LloydMax(256).fit(few)
    samples = np.clip(few * 8000, -32768, 32767).astype(np.int16)
    rows = few.reshape(-1, 100)
    channels = Affine(axis=1).fit(rows)
    others = {
        "LloydMax(256).fit": lambda: LloydMax(256).fit(few),
        "LloydMax(256).encode": lambda: q.encode(few),
        "Affine(axis=1).encode, 100 channels": lambda: channels.encode(rows),
        "Uniform(8).encode": lambda: Uniform(8, low=-4, high=4).encode(few),
        "Float8.encode": lambda: Float8().encode(few),
        "G711.encode": lambda: G711().encode(samples),
        'Compander("mu").encode': lambda: Compander("mu", peak=4).encode(few),
    }
    print(f"\n{len(few) / 1e6:g} M values\n\n| | ms |\n|---|---|")
    for name, seconds in least(others, 3).items():
        print(f"| {name} | {1e3 * seconds:.0f} |")


if __name__ == "__main__":
    main()
