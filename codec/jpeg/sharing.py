"""Which scans share a Huffman table, and which DHT segment defines it where (T.81 B.2.4.2).

A table takes 17 bytes and one per symbol: in small pictures more than a separate table saves.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .._core import optimal_huffman, optimal_huffman_bits


def bits_of(counts, Tc, BITS, HUFFVAL):
    """Bits of symbols with a table, and of the extra bits after them: SSSS of a DC difference or an AC coefficient, n
    of EOBn."""
    lengths = np.zeros(256, np.int64)
    lengths[list(HUFFVAL)] = np.repeat(np.arange(1, 17), BITS)
    symbol = np.arange(256)
    run, size = symbol >> 4, symbol & 15
    extra = symbol if Tc == 0 else np.where(size, size, np.where(run < 15, run, 0))
    return int(np.sum(counts * (lengths + extra), dtype=np.int64))


class _Group(NamedTuple):
    """Uses of one table: (scan, destination that its tokens name), in order; from the first scan to the last the table
    must stay."""

    Tc: int
    uses: tuple

    def joined(self, other):
        return _Group(self.Tc, tuple(sorted(self.uses + other.uses)))

    def lives_at(self, scan):
        return self.uses[0][0] <= scan <= self.uses[-1][0]


def _merged(groups, counts, destinations):
    """Groups of one class, merged in pairs while that saves bytes and no scan has more than `destinations` live
    tables."""
    symbols = lambda group: sum(counts[scan][group.Tc, Th].astype(np.int64) for scan, Th in group.uses)

    @lru_cache(None)
    def cost(group):
        total = symbols(group)
        return (
            8 * (17 + np.count_nonzero(total)) + optimal_huffman_bits(total) if total.max() < 1 << 32 else float("inf")
        )

    def fits(groups):
        return all(sum(group.lives_at(scan) for group in groups) <= destinations for scan in range(len(counts)))

    while True:
        pairs = [
            (cost(a) + cost(b) - cost(a.joined(b)), i, j)
            for j, b in enumerate(groups)
            for i, a in enumerate(groups[:j])
        ]
        for saved, i, j in sorted(pairs, reverse=True):
            rest = [group for n, group in enumerate(groups) if n not in (i, j)] + [groups[i].joined(groups[j])]
            if saved > 0 and fits(rest):
                groups = rest
                break
        else:
            return [(group, optimal_huffman(symbols(group))) for group in groups]


def shared_tables(counts, destinations):
    """Tables for all scans of a script, shared where that takes fewer bytes, in as few DHT segments as possible.

    A DHT defines what its scan needs and, in the remaining destinations, what later scans need first. A destination is
    always free: when a table is needed, only those needed earlier have been defined, and at most destinations - 1 of
    them are live (`_merged`).

    Parameters
    ----------
    counts : for every scan, {(Tc, Th): 256 symbol counts}; Th only distinguishes tables of one scan
    destinations : of each class: 2 in the baseline process, else 4

    Returns
    -------
    list of ([(Tc, Th, BITS, HUFFVAL)] to define before the scan, {key: (Th, BITS, HUFFVAL)})
    """
    waiting = []
    for Tc in (0, 1):
        waiting += _merged(
            [_Group(Tc, ((n, Th),)) for n, scan in enumerate(counts) for c, Th in sorted(scan) if c == Tc],
            counts,
            destinations,
        )
    waiting.sort(key=lambda item: (item[0].uses[0], item[0].Tc))
    plan, alive = [([], {}) for _ in counts], {}
    for n in range(len(counts)):
        alive = {place: group for place, group in alive.items() if group.uses[-1][0] >= n}
        if not any(group.uses[0][0] == n for group, _ in waiting):
            continue
        for item in list(waiting):
            group, table = item
            free = [Th for Th in range(destinations) if (group.Tc, Th) not in alive]
            if not free:
                continue
            waiting.remove(item)
            alive[group.Tc, free[0]] = group
            plan[n][0].append((group.Tc, free[0], *table))
            for scan, Th in group.uses:
                plan[scan][1][group.Tc, Th] = (free[0], *table)
    return plan
