"""Peak memory of encoding 1920x1080 to MP4, for three lengths: it must not grow with the length.

usage: python benchmarks/h264_memory.py [PRESET ...]     (Linux)

Each run is a process of its own, with two threads, that makes its frames while they are encoded: a texture that moves. The peak is ru_maxrss of
the process (resident memory, in MB of 10^6 bytes), less that of the same process before the first frame.
"""

import subprocess
import sys

LENGTHS = (72, 144, 288)  # more than any lookahead
CHILD = """
import resource, sys, tempfile
import numpy as np
import codec
from codec.h264 import write_video

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6

def frames(count):
    rng = np.random.default_rng(0)
    wide = np.kron(rng.integers(60, 200, (136, 280)), np.ones((8, 8))).astype(np.uint8)
    gray = np.full((540, 960), 128, np.uint8)
    for number in range(count):
        luma = wide[number % 8 : number % 8 + 1080, 2 * (number % 100) : 2 * (number % 100) + 1920]
        yield codec.Frame((luma.copy(), gray.copy(), gray.copy()), matrix="BT.709")

with tempfile.TemporaryDirectory() as folder:
    import av, codec.h264.encode.video
    before = peak()
    write_video(folder + "/a.mp4", frames(int(sys.argv[2])), fps=25, preset=sys.argv[1], threads=2)
    print(before, peak())
"""


def main():
    print("preset, frames, MB before, MB at the peak, MB of the encoding")
    for preset in sys.argv[1:] or ("ultrafast", "medium", "placebo"):
        for length in LENGTHS:
            child = [sys.executable, "-c", CHILD, preset, str(length)]
            before, most = map(float, subprocess.run(child, capture_output=True, text=True, check=True).stdout.split())
            print(f"{preset}, {length}, {before:.0f}, {most:.0f}, {most - before:.0f}", flush=True)


if __name__ == "__main__":
    main()
