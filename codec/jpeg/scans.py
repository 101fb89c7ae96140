"""Scan scripts: how a picture's coefficients are divided into scans (T.81 Annex G)."""

from functools import partial
from typing import NamedTuple, Tuple

import numpy as np

from .._team import results_of
from ._scan_search import band_costs, cheapest_partitions
from ._scan_write import significances
from .assemble import Common, script_cost


class ScanSpec(NamedTuple):
    """One scan: indices of its components in the frame, spectral band Ss..Se, successive approximation from bit Ah to
    Al."""

    components: Tuple[int, ...]
    Ss: int = 0
    Se: int = 63
    Ah: int = 0
    Al: int = 0


def sequential_script(components):
    """Everything in one interleaved scan."""
    return (ScanSpec(tuple(range(components))),)


def arithmetic_script(components, color):
    """For arithmetic coding: all bits of DC at once, as a separate last bit has no context; AC undivided, luminance in
    four steps.

    Measured on six Kodak pictures against `progressive_script`, arithmetic coded too: 1.0 % smaller at quality 30, 0.6
    % at 75, 0.7 % at 95.
    """
    chroma = (1, 2) if color in ("ycbcr", "ycck") else ()
    full = tuple(i for i in range(components) if i not in chroma)
    return (
        ScanSpec(tuple(range(components)), 0, 0),
        *(ScanSpec((i,), 1, 63, 0, 3) for i in full),
        *(ScanSpec((i,), 1, 63, 0, 1) for i in chroma),
        *(ScanSpec((i,), 1, 63, Ah, Ah - 1) for Ah in (3, 2) for i in full),
        *(ScanSpec((i,), 1, 63, 1, 0) for i in (*chroma, *full)),
    )


def progressive_script(components, color):
    """DC first, then AC from coarse to fine; the last bit of luminance, the most expensive, comes last.

    For YCbCr the order of the IJG's script: a rough luminance, then all of chrominance but its last bit (small, and
    colours appear early), then the rest of luminance bit by bit.
    """
    everything = tuple(range(components))
    if color == "ycbcr":
        Y, Cb, Cr = (0,), (1,), (2,)
        return (
            ScanSpec(everything, 0, 0, 0, 1),
            ScanSpec(Y, 1, 5, 0, 2),
            ScanSpec(Cr, 1, 63, 0, 1),
            ScanSpec(Cb, 1, 63, 0, 1),
            ScanSpec(Y, 6, 63, 0, 2),
            ScanSpec(Y, 1, 63, 2, 1),
            ScanSpec(everything, 0, 0, 1, 0),
            ScanSpec(Cr, 1, 63, 1, 0),
            ScanSpec(Cb, 1, 63, 1, 0),
            ScanSpec(Y, 1, 63, 1, 0),
        )
    each = [(i,) for i in everything]
    return (
        ScanSpec(everything, 0, 0, 0, 1),
        *(ScanSpec(c, 1, 5, 0, 2) for c in each),
        *(ScanSpec(c, 6, 63, 0, 2) for c in each),
        *(ScanSpec(c, 1, 63, 2, 1) for c in each),
        ScanSpec(everything, 0, 0, 1, 0),
        *(ScanSpec(c, 1, 63, 1, 0) for c in each),
    )


# ---------------------------------------------------------------- the script that is cheapest for a picture


class Search(NamedTuple):
    """How many scripts to compare.

    starts : positions at which bands may begin
    highest : the highest bit at which a first scan may stop
    sample : blocks to sample per component, in whole rows spread over the picture: at least every eighth row, of more
        than 160 rows at least 20; costs are exact where there are no more
    rough_dc : whether to try DC without its last bit too
    """

    starts: Tuple[int, ...]
    highest: int
    sample: int
    rough_dc: bool


LARGE = 1 << 16  # pixels

# By the lowest effort that uses them; 0 is for small pictures, whose encoding would take most of its time for it.
SEARCHES = {
    0: Search((1, 3, 6, 9, 13, 19), 1, 512, False),
    1: Search((1, 3, 6, 9, 13, 19), 2, 512, False),
    7: Search((1, 2, 3, 4, 6, 9, 13, 19, 28), 3, 8192, True),
    9: Search((1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 16, 19, 23, 28, 36, 48), 3, 8192, True),
}


def _bands(end_of, s, e):
    """The bands of the cheapest division of segments s..e."""
    while s <= e:
        yield s, int(end_of[s, e])
        s = int(end_of[s, e]) + 1


def _runs(bits):
    """(first, last, bit) of each longest run of segments with the same bit."""
    s = 0
    for e in range(len(bits)):
        if e + 1 == len(bits) or bits[e + 1] != bits[s]:
            yield s, e, bits[s]
            s = e + 1


def _sample(plane, search):
    """Rows of blocks that stand for a plane, and where their levels are not zero, by bit."""
    high, wide = plane.shape[:2]
    step = min(max(1, high * wide // search.sample), max(8, high // 20), high)
    sample = np.ascontiguousarray(plane[step // 2 :: step])
    return sample, significances(sample, search.highest)


def _partitions(plane, sampled, search):
    """Jobs that give the cheapest division into bands for each bit, first for first scans, then for refinements."""
    blocks = plane.shape[0] * plane.shape[1]

    def costs(Al, refine):
        return cheapest_partitions(band_costs(*sampled, search.starts, Al, refine, blocks))

    bits = [(Al, False) for Al in range(search.highest + 1)] + [(Al, True) for Al in range(search.highest)]
    return [partial(costs, *bit) for bit in bits]


def _component_scans(i, partitions, search):
    """The bytes of the AC scans of component i, and the scans: bands, for each the bit at which its first scan stops,
    and bands for the refinements. partitions: what the jobs of `_partitions` gave.

    Bands of first scans and of refinements are independent of each other (G.1.1.1.2 only requires each coefficient's
    bits in order), so for a given stop the best script is the best partition for every bit. Where the stop differs from
    band to band, partitions are sought within the bands of one stop, and then once more across them.
    """
    starts, highest = search.starts, search.highest
    first, refined = partitions[: highest + 1], partitions[highest + 1 :]
    by_stop = np.stack([first[stop][0] + sum(refined[Al][0] for Al in range(stop)) for stop in range(highest + 1)])
    _, end_of = cheapest_partitions(by_stop.min(0))
    best_stop = by_stop.argmin(0)
    stops = [int(best_stop[s, e]) for s, e in _bands(end_of, 0, len(starts) - 1) for _ in range(s, e + 1)]
    parts = [(0, stop, first[stop], s, e) for s, e, stop in _runs(stops)]
    for Al in range(max(stops) - 1, -1, -1):
        parts += [(Al + 1, Al, refined[Al], s, e) for s, e, refines in _runs([stop > Al for stop in stops]) if refines]
    borders = (*starts, 64)
    size = sum(int(least[s, e]) for _, _, (least, _), s, e in parts)
    return size, [
        ScanSpec((i,), borders[begin], borders[end + 1] - 1, Ah, Al)
        for Ah, Al, (_, end_of), s, e in parts
        for begin, end in _bands(end_of, s, e)
    ]


def _dc_groupings(planes, color, frame):
    """Which components may share DC scans, as lists of groups.

    Components in a scan of their own are coded row by row, so that a block is predicted from its left neighbour;
    interleaved and subsampled ones follow the MCUs.
    """
    everything = tuple(range(len(planes)))
    if frame is None:
        return [[everything]]
    alone = [(i,) for i in everything]
    groupings = [[everything], alone]
    if color in ("ycbcr", "ycck"):
        groupings.append([(0,), (1, 2), *alone[3:]])
        if frame.X * frame.Y <= LARGE:
            groupings.remove(alone)  # a header more saves nothing: so in 720 files of 36 pictures
    if frame.X * frame.Y > LARGE and len({plane.shape for plane in planes}) > 1:
        del groupings[0]  # the order of the MCUs costs more than a scan header: so in 60 of 60 files of 12 photographs
    return groupings


def _dc_scans(group, planes, frame, search, common):
    """The bytes of the cheapest DC scans of a group of components, and the scans.

    The last bit is close to noise: separate, it costs a bit per block and saves slightly less.
    """
    ways = [[ScanSpec(group, 0, 0)]] + [[ScanSpec(group, 0, 0, 0, 1), ScanSpec(group, 0, 0, 1, 0)]] * search.rough_dc
    return min(
        ((script_cost(frame, planes, way, common=common) if frame else 0, way) for way in ways),
        key=lambda pair: pair[0],
    )


def search_script(planes, color, effort, frame=None, threads=1, common=None):
    """The script of `searched`."""
    return searched(planes, color, effort, frame, threads, common)[1]


def searched(planes, color, effort, frame=None, threads=1, common=None):
    """The progressive script that takes the fewest bytes for these levels, found from counts without coding a scan.

    Parameters
    ----------
    planes : int16 arrays (blocks_high, blocks_wide, 64) of levels in zig-zag order, one per component
    color : "gray", "ycbcr", "rgb", "cmyk" or "ycck"
    effort : 0..9; how many scripts are compared (`SEARCHES`)
    frame : markers.Frame, or None
        Its sampling factors decide what interleaved DC costs; without it DC takes one interleaved scan.
    threads : at least 1
    common : None, or a Common that the writer of the script takes over

    Returns
    -------
    size : int
        Bytes as of `script_cost` without shared tables, given a frame; an estimate where a sample is counted.
    script : tuple of ScanSpec
    """
    common = common or Common()
    search = SEARCHES[max(least for least in SEARCHES if least <= effort)]
    groupings = _dc_groupings(planes, color, frame)
    groups = sorted({group for grouping in groupings for group in grouping}, key=lambda group: (-len(group), group))
    dc_jobs = [partial(_dc_scans, group, planes, frame, search, common) for group in groups]
    samples = [partial(_sample, plane, search) for plane in planes]
    found = results_of(dc_jobs + samples, threads)  # the DC of several components takes longest
    of_dc, sampled = dict(zip(groups, found)), found[len(groups) :]
    found = results_of([job for pair in zip(planes, sampled) for job in _partitions(*pair, search)], threads)
    each = len(found) // len(planes)
    cheapest = min(groupings, key=lambda grouping: sum(of_dc[group][0] for group in grouping))
    parts = [of_dc[group] for group in cheapest]
    parts += [_component_scans(i, found[each * i : each * (i + 1)], search) for i in range(len(planes))]
    scans = [scan for _, of_part in parts for scan in of_part]
    return sum(size for size, _ in parts), tuple(sorted(scans, key=lambda scan: _rank(scan, color)))


def _rank(scan, color):
    """Place in a script that shows a picture early: DC; first scans from low frequencies to high, luminance before
    chrominance within a third of the band; then bit by bit, chrominance (small) before luminance. A refinement comes
    after all first scans and after the refinement to the bit above it, as G.1.1.1.2 requires.
    """
    chroma = color in ("ycbcr", "ycck") and scan.components[0] in (1, 2)
    if scan.Ah == 0:
        return (0, scan.Ss > 0, scan.Ss > 5, not chroma if scan.Ss > 5 else chroma, scan.Ss, scan.components)
    return (1, -scan.Al, scan.Ss > 0, not chroma, scan.Ss, scan.components)
