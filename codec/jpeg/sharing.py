"""Which scans share a Huffman table, and which DHT segment defines it where (T.81 B.2.4.2).

A table takes 17 bytes and one per symbol: in small pictures more than a separate table saves.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .._core import optimal_huffman, table_bits


@cache
def _no_counts():
    return np.zeros(256, np.uint32)


@cache
def _extra_bits(Tc):
    """Bits after each symbol of a table class: SSSS of a DC difference or of an AC coefficient, n of EOBn."""
    run, size = np.divmod(np.arange(256), 16)
    return np.arange(256) if Tc == 0 else np.where(size, size, np.where(run < 15, run, 0))


@cache
def _lengths():
    """Of codes, as BITS counts them."""
    return np.arange(1, 17)


def bits_of(counts, Tc, BITS, HUFFVAL):
    """Bits of symbols with a table, and of the extra bits after them."""
    return int(counts[list(HUFFVAL)] @ np.repeat(_lengths(), BITS)) + int(counts @ _extra_bits(Tc))


def bits_alone(counts, Tc):
    """`bits_of` with a table of their own, and those of the table."""
    return table_bits(counts, _no_counts()) + int(counts @ _extra_bits(Tc))


class _Group(NamedTuple):
    """Uses of one table: (scan, destination that its tokens name), in order; from the first scan to the last the table
    must stay. Its symbol counts, and the bits of codes and table."""

    Tc: int
    uses: tuple
    counts: np.ndarray
    bits: int

    def bits_with(self, other):
        """With one table for both."""
        return table_bits(self.counts, other.counts)

    def joined(self, other):
        uses = tuple(sorted(self.uses + other.uses))
        return _Group(self.Tc, uses, self.counts + other.counts, self.bits_with(other))

    def lives_at(self, scan):
        return self.uses[0][0] <= scan <= self.uses[-1][0]


def _merged(groups, scans, destinations):
    """Groups of one class, merged in pairs while that saves bytes and none of the scans has more than `destinations`
    live tables; with their tables."""

    def fits(groups):
        return all(sum(group.lives_at(scan) for group in groups) <= destinations for scan in range(scans))

    def saved_with(group, others):
        return [group.bits + other.bits - group.bits_with(other) for other in others]

    saved = [saved_with(group, groups[:n]) for n, group in enumerate(groups)]
    while True:
        pairs = [(bits, i, j) for j, of_pairs in enumerate(saved) for i, bits in enumerate(of_pairs) if bits > 0]
        for _, i, j in sorted(pairs, reverse=True):
            kept = [n for n in range(len(groups)) if n not in (i, j)]
            rest = [groups[n] for n in kept]
            joined = groups[i].joined(groups[j])
            if fits([*rest, joined]):
                saved = [[saved[n][m] for m in kept if m < n] for n in kept] + [saved_with(joined, rest)]
                groups = [*rest, joined]
                break
        else:
            return [(group, optimal_huffman(group.counts)) for group in groups]


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
        groups = [
            _Group(Tc, ((n, Th),), of_scan[c, Th], table_bits(of_scan[c, Th], _no_counts()))
            for n, of_scan in enumerate(counts)
            for c, Th in sorted(of_scan)
            if c == Tc
        ]
        waiting += _merged(groups, len(counts), destinations)
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
