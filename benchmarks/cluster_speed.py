"""What a batch costs on a Dask cluster of this machine: files/s, and processor time per job of caller, scheduler and workers.

    python benchmarks/cluster_speed.py --files 1000 --side 32 --effort 1      # small jobs: the cost of a task
    python benchmarks/cluster_speed.py --files 100 --side 1024                # large jobs: the speed-up
    python benchmarks/cluster_speed.py --files 60 --side 32 --effort 1 --wait 0.5   # the speed-up on a busy machine

A real scheduler and worker processes, as `dask scheduler` and `dask worker` start them. Prints one JSON row. Processor times do not
depend on what else runs; files/s do. The processor time of the busiest worker bounds the speed-up: on idle processors the run takes as long.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from distributed import Client
from PIL import Image

import codec
from codec import batch
from codec.batch import cluster

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def started(stack, *words):
    """A process that ends with the stack."""
    env = os.environ | {"PYTHONPATH": str(Path(codec.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-m", *words], env=env, **QUIET)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def cpu_seconds(pid):
    """User and system time of a process, from /proc (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pictures(folder, count, side):
    """PNG files of a smooth picture with some noise."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] * 200 // side
    for number in range(count):
        pixels = np.stack([x, y, (x + y) // 2], -1) + rng.integers(0, 30, (side, side, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number:06}.png", compress_level=1)


@dataclass(frozen=True)
class Waiting(batch.CompressTask):
    """A job that takes a while and no processor: whether workers wait for jobs shows whatever else the machine does."""

    seconds: float = 0.0

    def __call__(self, data, job=None):
        time.sleep(self.seconds)
        return super().__call__(data, job)


def measured(folder, args):
    """The row of one run."""
    task = Waiting(codec.jpeg.EncodeOptions(effort=args.effort), seconds=args.wait)

    def jobs(name):
        return batch.plan([str(folder / "in")], f"{folder / name}/", task)

    with ExitStack() as stack:
        where = folder / "scheduler.json"
        local = ["--host", "127.0.0.1", "--no-dashboard"]
        scheduler = started(
            stack, "distributed.cli.dask_scheduler", *local, "--port", "0", "--scheduler-file", str(where)
        )
        words = ["distributed.cli.dask_worker", "--scheduler-file", str(where), *local, "--nthreads", "1", "--no-nanny"]
        workers = [started(stack, *words, "--local-directory", str(folder / f"worker{n}")) for n in range(args.workers)]
        while not (where.exists() and where.stat().st_size):
            time.sleep(0.05)
        client = stack.enter_context(Client(scheduler_file=str(where)))
        client.wait_for_workers(args.workers)
        cluster.run(jobs("warm")[: 8 * args.workers], task, client)
        pids = {"scheduler": [scheduler.pid], "workers": [each.pid for each in workers], "caller": [os.getpid()]}
        before = {name: list(map(cpu_seconds, each)) for name, each in pids.items()}
        begin = time.perf_counter()
        with batch.Ledger(folder / "out" / "ledger") as ledger:
            rows = cluster.run(jobs("out"), task, client, ledger=ledger)
        seconds = time.perf_counter() - begin
        used = {name: [cpu_seconds(pid) - was for pid, was in zip(each, before[name])] for name, each in pids.items()}
    begin, cpu = time.perf_counter(), time.process_time()
    with batch.Ledger(folder / "local" / "ledger") as ledger:
        batch.run(jobs("local"), task, threads=args.workers, ledger=ledger)
    assert {row.status for row in rows} <= {"done", "kept"}
    per_job = {f"{name}_ms_per_job": round(1000 * sum(each) / args.files, 3) for name, each in used.items()}
    return {
        **vars(args),
        "files_per_second": round(args.files / seconds, 1),
        "threads_files_per_second": round(args.files / (time.perf_counter() - begin), 1),
        **per_job,
        "busiest_worker_seconds": round(max(used["workers"]), 2),
        "threads_ms_per_job": round(1000 * (time.process_time() - cpu) / args.files, 3),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--side", type=int, default=32, help="rows and columns of a picture")
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--wait", type=float, default=0.0, help="seconds that each job waits besides")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures(folder / "in", args.files, args.side)
        print(json.dumps(measured(folder, args)))


if __name__ == "__main__":
    main()
