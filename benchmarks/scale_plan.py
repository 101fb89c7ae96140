"""How many workers one scheduler feeds, and what a billion pictures take: a simulation of caller, scheduler and workers.

    python benchmarks/scale_plan.py
    python benchmarks/scale_plan.py --pictures 1e9 --job-ms 400 --cent-per-core-hour 4

Events: a group of jobs passes the scheduler (one at a time, `--scheduler-ms` for a group), waits in the queue of a worker thread, takes the
sum of its job times (log-normal, mean `--job-ms`), and is settled by the caller (one at a time, `--caller-ms` for a job), which sends the
next group. As in codec/batch/cluster.py, 4 groups are ahead for each thread. The defaults are measured: docs/scale.md. The last
columns assume as many partitions as `--cores` need, each with its own caller, scheduler and ledger.
"""

import argparse
import heapq
import math

import numpy as np

AHEAD = 4  # codec.batch.cluster.AHEAD
SPREAD = 0.8  # sigma of the log-normal distribution: some pictures take ten times as long as others


def throughput(threads, group, job, caller, scheduler, groups):
    """Jobs per second and busy share of the workers, times in seconds."""
    rng = np.random.default_rng(7)
    times = rng.lognormal(math.log(job) - SPREAD**2 / 2, SPREAD, (groups, group)).sum(1)
    free = [0.0] * threads  # when each worker thread is free, as a heap
    ended = []  # (time, group) of groups at work
    scheduler_free = caller_free = 0.0
    sent = settled = 0

    def send(now):
        nonlocal scheduler_free, sent
        if sent == groups:
            return
        scheduler_free = max(scheduler_free, now) + scheduler
        begin = max(scheduler_free, heapq.heappop(free))
        heapq.heappush(free, begin + times[sent])
        heapq.heappush(ended, begin + times[sent])
        sent += 1

    for _ in range(min(groups, AHEAD * threads)):
        send(0.0)
    while settled < groups:
        caller_free = max(caller_free, heapq.heappop(ended)) + caller * group
        settled += 1
        send(caller_free)
    return groups * group / caller_free, times.sum() / (caller_free * threads)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=float, default=1e9)
    parser.add_argument("--job-ms", type=float, default=200, help="processor time of a picture on one core")
    parser.add_argument("--caller-ms", type=float, default=0.41, help="of a job")
    parser.add_argument("--scheduler-ms", type=float, default=6.0, help="of a group")
    parser.add_argument("--cores", type=int, default=4096)
    parser.add_argument("--cent-per-core-hour", type=float, default=4.0)
    args = parser.parse_args()
    print("| threads | jobs in a group | jobs/s | workers busy | partitions | days | cost |")
    print("|---|---|---|---|---|---|---|")
    for threads in (8, 32, 128, 512):
        for group in (1, 8, 32):
            groups = max(2000, 40 * threads)
            rate, busy = throughput(
                threads, group, args.job_ms / 1e3, args.caller_ms / 1e3, args.scheduler_ms / 1e3, groups
            )
            partitions = max(1, args.cores // threads)
            seconds = args.pictures / (rate * partitions)
            cost = seconds / 3600 * threads * partitions * args.cent_per_core_hour / 100
            print(
                f"| {threads} | {group} | {rate:.0f} | {busy:.0%} | {partitions} | {seconds / 86400:.2f} | {cost:.0f} |"
            )


if __name__ == "__main__":
    main()
