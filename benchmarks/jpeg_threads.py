"""JPEG by several threads: `python benchmarks/jpeg_threads.py [IMAGE ...] [--threads 2] [--quality 85] [--reps 9]`.

Least wall times of alternating calls, in MP/s, and how many times as fast as one thread. The last columns say what the
machine gives to as many processes of one thread, which share nothing: how many times the work of one process they do,
and the threads' part of that. Processors that are shared with other machines, caches and memory bound both alike.
Without images, the photographs in samples/ are used, repeated to eight megapixels.
"""

import argparse
import multiprocessing
import time

import numpy as np
from jpeg_speed import SAMPLES, mosaic

import codec

FILES = {
    "4:2:0": dict(effort=1, subsampling="4:2:0"),
    "4:4:4": dict(effort=1, subsampling="4:4:4"),
    "4:2:0, restart interval a row": dict(effort=1, subsampling="4:2:0"),
    "progressive 4:2:0": dict(effort=4, subsampling="4:2:0"),
}
EFFORTS = (1, 4, 5, 9)


def tasks(image, quality):
    """{name: function of the number of threads}"""
    row = -(-image.shape[1] // 16)
    for effort in EFFORTS:
        yield (
            f"encode 4:2:0, effort {effort}",
            lambda threads, effort=effort: codec.encode(
                image, quality, effort=effort, subsampling="4:2:0", threads=threads
            ),
        )
    for name, options in FILES.items():
        data = codec.encode(image, quality, **options, restart_interval=row if "restart" in name else 0)
        yield f"decode {name}", lambda threads, data=data: codec.decode(data, threads=threads)


def serve(function, pipe):
    """In a process of its own: one call with one thread for each message, until it is None."""
    while pipe.recv():
        function(1)
        pipe.send(True)


class Processes:
    """`count` processes, this one included, each with one thread."""

    def __init__(self, function, count):
        fork = multiprocessing.get_context("fork")  # the pictures are inherited
        self.function, self.others = function, []
        for _ in range(count - 1):
            here, there = fork.Pipe()
            fork.Process(target=serve, args=(function, there), daemon=True).start()
            self.others.append(here)

    def call(self):
        """One call in each."""
        for pipe in self.others:
            pipe.send(True)
        self.function(1)
        for pipe in self.others:
            pipe.recv()

    def end(self):
        for pipe in self.others:
            pipe.send(None)


def fastest(function, counts, reps):
    """The least seconds of a call: with one thread, by number of threads, and by number of processes at once."""
    processes = {count: Processes(function, count) for count in counts}
    calls = [lambda: function(1)]
    calls += [lambda count=count: function(count) for count in counts]
    calls += [group.call for group in processes.values()]
    least = [float("inf")] * len(calls)
    for _ in range(reps + 1):  # the first calls of a process find new memory, and are the slowest
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            least[i] = min(least[i], time.perf_counter() - start)
    for group in processes.values():
        group.end()
    return least[0], dict(zip(counts, least[1:])), dict(zip(counts, least[1 + len(counts) :]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="*", default=SAMPLES)
    parser.add_argument("--threads", default="2", help="numbers of them, with commas")
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--reps", type=int, default=9)
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.threads.split(",")]
    image = mosaic(arguments.images)
    image = np.ascontiguousarray(np.tile(image, (-(-8_000_000 // (image.shape[0] * image.shape[1])), 1, 1)))
    megapixels = image.shape[0] * image.shape[1] / 1e6
    columns = [f"{count} threads" for count in counts] + [f"{count} processes" for count in counts]
    print(f"| {megapixels:.1f} MP | 1 thread | " + " | ".join(columns) + " |")
    print("|---" * (2 + len(columns)) + "|")
    for name, function in tasks(image, arguments.quality):
        reps = max(2, arguments.reps // 3) if "9" in name else arguments.reps
        alone, by_threads, by_processes = fastest(function, counts, reps)
        cells = [f"{megapixels / alone:.0f}"]
        cells += [f"{megapixels / by_threads[n]:.0f} ({alone / by_threads[n]:.2f})" for n in counts]
        cells += [f"{n * alone / by_processes[n]:.2f} ({by_processes[n] / by_threads[n] / n:.0%})" for n in counts]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
