"""Decoding time by stage: ``python benchmarks/h264_stages.py STREAM.264``; needs Linux's `perf`.

Nanoseconds per macroblock from CPU-clock samples. The start of the interpreter is excluded where it
runs in modules of its own.
"""

import collections
import re
import subprocess
import sys
import tempfile
from pathlib import Path

STAGES = {
    "_cabac": "CABAC (9.3)",
    "_cabac_mb": "CABAC (9.3)",
    "_cavlc": "CAVLC (9.2)",
    "_deblock": "deblocking: strengths, thresholds (8.7)",
    "_neighbours": "neighbours (6.4)",
    "_context": "neighbours (6.4)",
    "_inter": "motion compensation: blocks, edges",
    "_mb_syntax": "macroblock syntax (7.3.5)",
    "_residual": "residual syntax, scaling",
    "_scaling": "residual syntax, scaling",
    "_motion": "vector prediction (8.4.1)",
    "_direct": "direct prediction (8.4.1.2)",
    "_intra": "intra prediction, residual: blocks",
    "_transform": "intra prediction, residual: blocks",
    "_slice_dec": "slice data (7.3.4)",
}
KERNELS = (
    ("deblock", "edge filters (kernels)"),
    ("idct", "inverse transforms (kernels)"),
    ("intra", "intra prediction (kernels)"),
    ("weight", "weights (kernels)"),
    ("", "interpolation (kernels)"),
)
DECODE = """
import sys, codec
for frame in codec.decode_video(sys.argv[1], threads=1):
    pass
"""
COUNT = """
import sys, codec
frames = [frame.planes[0].shape for frame in codec.decode_video(sys.argv[1])]
print(sum((h + 15) // 16 * ((w + 15) // 16) for h, w in frames))
"""


def stage_of(library, symbol):
    name = library.split(".")[0]
    if name == "_kernels":
        return next(stage for word, stage in KERNELS if word in symbol)
    return STAGES.get(name, "everything else (interpreter, its start, system)")


def profile(path):
    """(nanoseconds of the whole run, {stage: share})"""
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "perf.data")
        subprocess.run(
            ["perf", "record", "-e", "cpu-clock", "-o", data, sys.executable, "-c", DECODE, path],
            check=True,
            capture_output=True,
        )
        report = subprocess.run(
            ["perf", "report", "-i", data, "--no-children", "--sort", "dso,symbol"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    shares = collections.Counter()
    for share, library, symbol in re.findall(r"^\s+([\d.]+)%\s+(\S+)\s+\[.\]\s+(\S+)", report, re.M):
        shares[stage_of(library, symbol)] += float(share) / 100
    return int(re.search(r"Event count \(approx\.\): (\d+)", report)[1]), shares


if __name__ == "__main__":
    macroblocks = int(
        subprocess.run([sys.executable, "-c", COUNT, sys.argv[1]], check=True, capture_output=True, text=True).stdout
    )
    total, shares = profile(sys.argv[1])
    print("| stage | ns per macroblock | share |\n|---|---|---|")
    for stage, share in shares.most_common():
        print(f"| {stage} | {share * total / macroblocks:.0f} | {100 * share:.0f} % |")
