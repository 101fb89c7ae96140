"""Speed of the H.264 kernels: nanoseconds per sample, scalar and AVX2, for 8-bit and deeper samples.

    python benchmarks/h264_kernels.py [--ghz 3.5]

Each figure is the minimum of several runs over data in the L1 cache. With --ghz, the clock of this machine under load,
the table shows cycles instead of nanoseconds. Deblocking filters a whole macroblock in one direction: all edges; edges
0 and 2 (8x8 transform); all edges with bS 4 on edge 0.
"""

import argparse
from time import process_time

import numpy as np

from codec import _core, cpu
from codec.h264.macroblock import _kernels

TIMES = 2000


def cases(bit_depth):
    """(name, samples per call, call(level, times)) of the most frequent operations of a decoder."""
    rng = np.random.default_rng(1)
    dtype, top, scale = (np.uint8 if bit_depth == 8 else np.uint16), (1 << bit_depth) - 1, 1 << (bit_depth - 8)
    picture = rng.integers(0, top + 1, (48, 256)).astype(dtype)
    # Two flat halves with a small step: edges that pass every test of the filter, even after filtering.
    steps = np.where((np.arange(48)[:, None] // 8 + np.arange(256) // 8) % 2, 100, 103).astype(dtype) * scale
    out, planes, out_planes = np.zeros((16, 16), dtype), np.stack([picture, picture]), np.zeros((2, 8, 8), dtype)
    for w in (16, 8, 4):
        for name, position in (
            ("full", (0, 0)),
            ("b", (2, 0)),
            ("h", (0, 2)),
            ("j", (2, 2)),
            ("e", (1, 1)),
            ("f", (2, 1)),
            ("i", (1, 2)),
        ):
            yield (
                f"put_luma {w}x{w} {name}",
                w * w,
                lambda level, times, w=w, p=position: _kernels.luma(
                    out, picture, 8, 8, w, w, *p, False, top, level, times
                ),
            )
    yield (
        "avg_luma 16x16 e",
        256,
        lambda level, times: _kernels.luma(out, picture, 8, 8, 16, 16, 1, 1, True, top, level, times),
    )
    for w in (8, 4, 2):
        yield (
            f"put_chroma {w}x{w}",
            2 * w * w,
            lambda level, times, w=w: _kernels.chroma(out_planes, planes, 8, 8, w, w, 3, 5, False, level, times),
        )
    yield "weight 16x16", 256, lambda level, times: _kernels.weight(out, 16, 16, 5, 30, 1, top, level, times)
    yield (
        "biweight 16x16",
        256,
        lambda level, times: _kernels.biweight(out, picture, 16, 16, 5, 20, 44, 1, top, level, times),
    )
    for n in (4, 8):
        d = np.zeros((n, n), np.int32)
        yield (
            f"idct{n}x{n}_add",
            n * n,
            lambda level, times, d=d: _kernels.idct_add(picture, 8, 8, d, False, top, level, times),
        )
        yield (
            f"idct{n}x{n}_dc_add",
            n * n,
            lambda level, times, d=d: _kernels.idct_add(picture, 8, 8, d, True, top, level, times),
        )
    for kind, samples, mode in (
        ("4x4", 16, 4),
        ("4x4", 16, 7),
        ("8x8", 64, 4),
        ("16x16", 256, 2),
        ("16x16", 256, 3),
        ("chroma8", 64, 0),
        ("chroma8", 64, 3),
    ):
        yield (
            f"intra {kind} mode {mode}",
            samples,
            lambda level, times, kind=kind, mode=mode: _kernels.intra(
                picture, 16, 16, kind, mode, 15, top, level, times
            ),
        )
    strengths = {"": (1, 1, 1, 1), " 0 and 2": (1, 0, 1, 0), " intra": (4, 3, 3, 3)}
    limits = [(40, 9, 1, 1, 1)] * 2
    for vertical in (True, False):
        for name, edges in strengths.items():
            bS = np.uint32(edges) * np.uint32(0x01010101)
            yield (
                f"deblock_luma_{'v' if vertical else 'h'}{name}",
                256,
                lambda level, times, a=(vertical, bS, limits, top): _kernels.deblock_luma(
                    steps.copy(), 8, 8, *a, level, times
                ),
            )
            if edges[1] != 1:
                yield (
                    f"deblock_chroma_{'v' if vertical else 'h'}{name}",
                    128,
                    lambda level, times, a=(vertical, bS, [limits] * 2, top): _kernels.deblock_chroma(
                        steps.copy(), steps.copy(), 8, 8, *a, level, times
                    ),
                )
    mv, ref_id = np.zeros((3, 2, 16, 2), np.int16), np.zeros((3, 2, 4), np.int32) + np.int32([[0], [1]])
    for lists in (1, 2):
        yield (
            f"deblock_strengths, lists: {lists}",
            256,
            lambda level, times, lists=lists: _kernels.deblock_strengths(
                mv, ref_id, (0, 1, 2), 0, lists, 4, level, bit_depth > 8, times
            ),
        )


def nanoseconds(call, level, samples):
    times = max(20, TIMES * 64 // samples)
    best = min(timed(call, level, times) for _ in range(7))
    return (best - min(timed(call, level, 0) for _ in range(3))) * 1e9 / times / samples


def timed(call, level, times):
    start = process_time()
    call(level, times)
    return process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ghz", type=float, help="clock of this machine under load: show cycles per sample")
    parser.add_argument("--only", default="", help="only kernels with this in their name")
    arguments = parser.parse_args()
    unit = arguments.ghz or 1
    levels = [level for level in _core.BUILT_LEVELS if level <= cpu.level_index()]
    for bit_depth in (8, 10):
        print(
            f"\n{bit_depth} bits, {'cycles' if arguments.ghz else 'ns'} per sample"
            f"{'':>10}{'scalar':>8}{'AVX2':>8}{'ratio':>8}"
        )
        for name, samples, call in cases(bit_depth):
            if arguments.only in name:
                figures = [nanoseconds(call, level, samples) * unit for level in levels]
                print(
                    f"{name:<34}"
                    + "".join(f"{f:8.3f}" for f in figures)
                    + (f"{figures[0] / figures[1]:8.1f}" if len(figures) == 2 else "")
                )


if __name__ == "__main__":
    main()
