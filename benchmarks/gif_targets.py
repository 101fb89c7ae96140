"""What a size target costs: CPU time of `animate` with a target, as a multiple of the run without one.

usage: python benchmarks/gif_targets.py CLIP ... [--width 320] [--frames 45] [--rounds 3]

Targets are shares of the size of the plain run. Prints the size reached, the settings found, the passes over all
frames, and the minimum of the CPU times of rounds that alternate with plain runs. The exit code is 1 if a file is
larger than its target.
"""

import argparse
import pathlib
import sys
import time

from gif import frames_of

from codec.palette import animate

SHARES = (2.5, 1.2, 0.7, 0.5, 0.3, 0.1)


def timed(make):
    start = time.process_time()
    made = make()
    return made, time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--frames", type=int, default=45)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    bad = False
    for path in map(pathlib.Path, arguments.clips):
        frames, fps = frames_of(path, arguments.width, arguments.frames)
        plain, _ = timed(lambda: animate(frames, fps=fps))
        targets = {share: f"size:{int(plain.size * share)}" for share in SHARES}
        least, found = {}, {}
        for _ in range(arguments.rounds):
            for share, target in {None: None, **targets}.items():
                found[share], seconds = timed(lambda: animate(frames, fps=fps, target=target))
                least[share] = min(seconds, least.get(share, seconds))
        print(f"{path.name}: {plain.size} bytes in {least[None]:.2f} s without a target")
        for share in SHARES:
            made, size = found[share], int(plain.size * share)
            bad |= made.size > size
            print(
                f"  {share:4.1f} of it: {made.size / size:6.1%} of the target, lossy={made.lossy}, {made.colors} colours, "
                f"{made.passes} passes, {least[share]:6.2f} s, {least[share] / least[None]:4.1f} times",
                flush=True,
            )
    sys.exit(bad)


if __name__ == "__main__":
    main()
