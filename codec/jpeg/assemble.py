"""The file around the levels: marker segments and scans in their order (T.81 Annex B), and an account of its bits.

The encoder ends here, and so does every rewriting of a file that leaves its coefficients alone.
"""

from __future__ import annotations

import struct
from functools import cache, partial
from itertools import pairwise, repeat
from typing import NamedTuple

import numpy as np

from .._core import optimal_huffman
from .._team import results_of
from . import markers
from ._scan_write import Tables, encode_scan, joined, significance, significances
from .sharing import bits_alone, bits_of, shared_tables
from .tables import FIXED_TABLES

MOST_SCRIPTS = 2  # their largest Al
EOI = markers.write_marker(markers.EOI)


class Assembled(NamedTuple):
    """A written file.

    Attributes
    ----------
    data : bytes
    bits : dict
        Bits by purpose: the names of `assemble`'s segments, "headers", "quantization tables", "Huffman tables", each
        scan.
    block_bits : tuple of int32 arrays (blocks_high, blocks_wide), one per component; None unless they were counted
    """

    data: bytes
    bits: dict
    block_bits: tuple[np.ndarray, ...] | None


class _Scan(NamedTuple):
    """One scan, as the entropy coders take it: encode_scan(planes, components, ..., **settings).

    Attributes
    ----------
    used : tuple of (Tc, Th)
        The tables that it needs.
    destinations : tuple of (Td, Ta), one per component of the scan
    planes : list of levels, one per component
    components : list of (H, V, Td, Ta)
    settings : dict of keywords
    """

    used: tuple
    destinations: tuple
    planes: list
    components: list
    settings: dict


class _Account:
    """The file as it grows, and an account of its bytes."""

    def __init__(self):
        self.chunks, self.bits = [], {}

    def add(self, what, chunk):
        self.chunks.append(chunk)
        self.bits[what] = self.bits.get(what, 0) + 8 * len(chunk)

    def extend(self, chunks):
        for what, chunk in chunks:
            self.add(what, chunk)


def _scan_tables(spec, frame, progressive):
    """(Tc, Th) of the tables that a scan uses, and (Td, Ta) of each of its components."""
    places = tuple([frame.table_destination(i) for i in spec.components])
    return _tables_at(places, spec.Ss == 0 and spec.Ah == 0, spec.Se > 0, progressive)


@cache
def _tables_at(places, uses_dc, uses_ac, progressive):
    used = {(0, Th) for Th in places if uses_dc} | {(1, Th) for Th in places if uses_ac}
    destinations = tuple(
        (Th if uses_dc or not progressive else 0, Th if uses_ac or not progressive else 0) for Th in places
    )
    return tuple(sorted(used)), destinations


def _scan_header(spec, frame, destinations):
    components = tuple(
        markers.ScanComponent(frame.components[i].C, Td, Ta) for i, (Td, Ta) in zip(spec.components, destinations)
    )
    return markers.write_scan(markers.Scan(components, spec.Ss, spec.Se, spec.Ah, spec.Al))


def _scan_of(spec, frame, planes, restart_interval, common=None):
    """The _Scan that a ScanSpec describes. common: the Common of the planes, or None."""
    progressive = frame.progressive
    used, destinations = _scan_tables(spec, frame, progressive)
    components = [
        (frame.components[i].H, frame.components[i].V, Td, Ta) for i, (Td, Ta) in zip(spec.components, destinations)
    ]
    settings = dict(
        Ss=spec.Ss,
        Se=spec.Se,
        Ah=spec.Ah,
        Al=spec.Al,
        progressive=progressive,
        mcus=frame.mcus,
        restart_interval=restart_interval,
    )
    of_scan = [planes[i] for i in spec.components]
    if common and progressive and spec.Se == 0:
        of_scan = [common.dc(plane) for plane in of_scan]
    return _Scan(used, destinations, of_scan, components, settings)


class Common:
    """What several scans of the same planes need, made when the first asks. Keyed by identity, so planes are kept."""

    def __init__(self):
        self._masks, self._higher, self._dc = {}, {}, {}

    def keep(self, plane, masks, dc):
        """Take what has been found for a plane, or will be before a scan asks: arrays as of `room`."""
        self._masks.setdefault(id(plane), (plane, masks))
        self._dc.setdefault(id(plane), (plane, dc))

    @staticmethod
    def room(shape):
        """For the masks and DC of a plane of (blocks_high, blocks_wide)."""
        return np.empty((MOST_SCRIPTS + 1, *shape), np.uint64), np.empty((*shape, 1), np.int16)

    def add(self, plane, band):
        """Find in a slice of its rows what scans need of a plane, while its levels are in the cache. All rows must have
        been added, by whichever threads, when a scan asks.
        """
        if id(plane) not in self._dc:
            self.keep(plane, *self.room(plane.shape[:2]))
        significances(plane[band], MOST_SCRIPTS, self._masks[id(plane)][1][:, band])
        self._dc[id(plane)][1][band] = plane[band, :, :1]

    def masks(self, plane, Al):
        """As `significance`."""
        if id(plane) not in self._masks:
            self._masks[id(plane)] = plane, significances(plane, MOST_SCRIPTS)
        if Al <= MOST_SCRIPTS:
            return self._masks[id(plane)][1][Al]
        if (id(plane), Al) not in self._higher:
            self._higher[id(plane), Al] = significance(plane, Al)
        return self._higher[id(plane), Al]

    def dc(self, plane):
        """(blocks_high, blocks_wide, 1), side by side in memory."""
        if id(plane) not in self._dc:
            self._dc[id(plane)] = plane, np.ascontiguousarray(plane[..., :1])
        return self._dc[id(plane)][1]


def _count(spec, frame, planes, common, sink, restart_interval=0, rows=None):
    """({(Tc, Th): 256 symbol counts} of the tables of a scan, result of the sink). rows: None, or a part of it."""
    scan = _scan_of(spec, frame, planes, restart_interval, common)
    statistics = Tables()
    result = encode_scan(scan.planes, scan.components, statistics, sink, masks=common.masks, rows=rows, **scan.settings)
    return {key: statistics.counts(*key) for key in scan.used}, result


class _Bands:
    """The Tokens of bands of rows of a scan."""

    def __init__(self, tokens, threads):
        self.tokens, self.threads = tokens, threads

    def write(self, tables):
        return joined(results_of([partial(tokens.bits, tables) for tokens in self.tokens], self.threads))


def _count_in_bands(spec, frame, planes, threads):
    """`_count` of the tokens of a sequential scan without restart markers, by several threads."""
    rows = frame.mcus[0] if len(spec.components) > 1 else len(planes[spec.components[0]])
    borders = [rows * n // (4 * threads) for n in range(4 * threads + 1)]
    bands = [partial(_count, spec, frame, planes, Common(), "tokens", rows=band) for band in pairwise(borders)]
    counts, tokens = zip(*results_of(bands, threads))
    return {key: sum(of_band[key] for of_band in counts) for key in counts[0]}, _Bands(tokens, threads)


def _definitions(counts, frame, share):
    """For every scan: the tables its DHT defines, [(Tc, Th, BITS, HUFFVAL)], and {key: (Th, BITS, HUFFVAL)} of those it
    uses.

    counts : for every scan, {(Tc, Th): 256 symbol counts}; unless tables are shared, they go to these destinations
    """
    if share:
        return shared_tables(counts, 2 if frame.SOFn == markers.SOF0 else 4)
    used = [{key: (key[1], *optimal_huffman(counts_of[key])) for key in counts_of} for counts_of in counts]
    return [([(Tc, *table) for (Tc, _), table in tables.items()], tables) for tables in used]


def _name(spec):
    return f"scan of {','.join(map(str, spec.components))}: {spec.Ss}-{spec.Se}, bit {spec.Ah or '-'} to {spec.Al}"


def _maps(spec, block_bits):
    return None if block_bits is None else [block_bits[i] for i in spec.components]


def _scan_chunks(spec, frame, planes, definitions, tokens, restart_interval, block_bits, common):
    """DHT, SOS and data, with their purposes. tokens: those of this scan, or None if it has not been walked yet."""
    defined, used = definitions
    chunks = []
    scan = _scan_of(spec, frame, planes, restart_interval, common)
    tables = Tables()
    for key, (_, BITS, HUFFVAL) in used.items():
        tables.set(*key, BITS, HUFFVAL)
    if defined:
        chunks.append(("Huffman tables", markers.write_huffman_tables(defined)))
    places = [tuple(used[key][0] if key in used else 0 for key in ((0, Td), (1, Ta))) for Td, Ta in scan.destinations]
    chunks.append(("headers", _scan_header(spec, frame, places)))
    if tokens is not None and block_bits is None:
        data = tokens.write(tables)
    else:
        maps = _maps(spec, block_bits)
        data = encode_scan(
            scan.planes, scan.components, tables, "bits", block_bits=maps, masks=common.masks, **scan.settings
        )
    return [*chunks, (_name(spec), data)]


def _side_by_side(jobs, script, planes, threads):
    """Results of a job for each scan of a script. Large scans begin first, so that no thread is left with one at the
    end: AC of the components with the most blocks, those that come last in the script before others.
    """
    size = lambda n: (script[n].Se > 0, max(planes[i].size for i in script[n].components), n)
    order = sorted(range(len(script)), key=size, reverse=True)
    results = dict(zip(order, results_of([jobs[n] for n in order], threads)))
    return [results[n] for n in range(len(script))]


def _write_scans(out, frame, planes, script, optimize, share, restart_interval, block_bits, threads, common):
    """All scans. Only one scan's tokens are kept by each thread, unless tables are shared: then every scan is walked
    before the first is written."""
    common = common or Common()
    if block_bits is not None:
        threads = 1  # scans of a component add to one map
    chunks_of = lambda spec, definitions, tokens: _scan_chunks(
        spec, frame, planes, definitions, tokens, restart_interval, block_bits, common
    )

    def count(spec):
        if threads > 1 and not (frame.progressive or restart_interval):
            return _count_in_bands(spec, frame, planes, threads)
        return _count(spec, frame, planes, common, "tokens", restart_interval)

    def alone(spec):
        counts, tokens = count(spec)
        return chunks_of(spec, _definitions([counts], frame, False)[0], tokens)

    if not optimize:
        for spec in script:
            used = {key: (key[1], *FIXED_TABLES[key]) for key in _scan_of(spec, frame, planes, 0).used}
            out.extend(chunks_of(spec, ([(Tc, *table) for (Tc, _), table in used.items()], used), None))
        return
    if share:
        counts, tokens = zip(*_side_by_side([partial(count, spec) for spec in script], script, planes, threads))
        jobs = list(map(partial, repeat(chunks_of), script, _definitions(counts, frame, share), tokens))
    else:
        jobs = [partial(alone, spec) for spec in script]
    for chunks in _side_by_side(jobs, script, planes, threads):
        out.extend(chunks)


def _write_arithmetic_scans(out, frame, planes, script, conditioning, restart_interval, block_bits):
    """All scans. Their statistics adapt (T.81 Annex D), so one walk is enough and there are no tables."""
    from ._arith_write import encode_arith_scan  # few files have them

    for spec in script:
        scan, maps = _scan_of(spec, frame, planes, restart_interval), _maps(spec, block_bits)
        out.add("headers", _scan_header(spec, frame, scan.destinations))
        out.add(
            _name(spec),
            encode_arith_scan(
                scan.planes, scan.components, conditioning=conditioning, block_bits=maps, **scan.settings
            ),
        )


def script_cost(frame, planes, script, share_tables=False, common=None):
    """Bytes of a script's scans with optimal tables: DHT, SOS and data, without stuffed zeros and restart markers.

    Nothing is coded: symbols are counted. `frame.SOFn` sets the process, so sequential and progressive scripts compare.
    """
    common = common or Common()
    counts, corrections = zip(*(_count(spec, frame, planes, common, "symbols") for spec in script))
    size = sum(8 + 2 * len(spec.components) for spec in script)  # SOS (B.2.3)
    if not share_tables:
        for of_scan, bits in zip(counts, corrections):
            bits += sum(bits_alone(found, Tc) for (Tc, _), found in of_scan.items())
            size += 4 * bool(of_scan) + (bits + 7) // 8  # DHT: marker and length
        return size
    for counts_of, bits, (defined, used) in zip(counts, corrections, _definitions(counts, frame, True)):
        for key, (_, BITS, HUFFVAL) in used.items():
            bits += bits_of(counts_of[key], key[0], BITS, HUFFVAL)
        size += (len(markers.write_huffman_tables(defined)) if defined else 0) + (bits + 7) // 8
    return size


def _write_tables(out, steps, segments):
    out.add("headers", markers.write_marker(markers.SOI))
    for what, code, payload in segments:
        out.add(what, markers.write_segment(code, payload))
    out.add("quantization tables", markers.write_quant_tables(steps))


def _write_headers(out, frame, steps, segments, restart_interval):
    _write_tables(out, steps, segments)
    out.add("headers", markers.write_frame(frame))
    if restart_interval:
        out.add("headers", markers.write_restart_interval(restart_interval))


SIZE = struct.Struct(">HH")  # Y and X of the frame header (B.2.2)


class Stream(NamedTuple):
    """What files of one sequential scan with the tables of Annex K have in common, apart from their size.

    Attributes
    ----------
    before, after : bytes
        Headers up to the size in the frame header, and from there to the entropy-coded data.
    tables : Tables
    destinations : tuple of (Td, Ta), one per component
    """

    before: bytes
    after: bytes
    tables: Tables
    destinations: tuple

    def headers(self, height, width):
        return self.before + SIZE.pack(height, width) + self.after


def stream(frame, spec, steps, *, segments=(), restart_interval=0):
    """The Stream of a scan of all components. Arguments as in `assemble`; the size of the frame does not matter."""
    head, tail = _Account(), _Account()
    _write_tables(head, steps, segments)
    header = markers.write_frame(frame)
    head.add("headers", header[:5])  # marker, length, P; Y and X follow (B.2.2)
    tail.add("headers", header[9:])
    used, destinations = _scan_tables(spec, frame, False)
    tables = Tables()
    for key in used:
        tables.set(*key, *FIXED_TABLES[key])
    tables.prepare()
    if restart_interval:
        tail.add("headers", markers.write_restart_interval(restart_interval))
    tail.add("Huffman tables", markers.write_huffman_tables([(*key, *FIXED_TABLES[key]) for key in used]))
    tail.add("headers", _scan_header(spec, frame, destinations))
    return Stream(b"".join(head.chunks), b"".join(tail.chunks), tables, destinations)


def assemble(
    frame,
    planes,
    steps,
    script,
    *,
    segments=(),
    optimize=True,
    share_tables=False,
    restart_interval=0,
    conditioning=None,
    count_blocks=False,
    threads=1,
    common=None,
):
    """Write a file from quantized levels.

    Parameters
    ----------
    frame : markers.Frame; its SOFn sets the process; SOF9 and SOF10 are arithmetic coded
    planes : int16 arrays (blocks_high, blocks_wide, 64) of levels in zig-zag order, one per component of the frame
    steps : dict Tq -> 64 steps in natural order
    script : sequence of ScanSpec
    segments : (what, marker, payload) in the order in which they follow SOI; `what` is the entry in `bits`
    optimize : whether to make Huffman tables for the picture; else those of Annex K
    share_tables : whether scans with similar symbols share an optimised table where that takes fewer bytes; keeps the
        tokens of all scans in memory, 4 bytes per symbol
    restart_interval : MCUs, 0 for none
    conditioning : for arithmetic coding, {(0, Tb): (L, U), (1, Tb): Kx} where it differs from the default. On
        photographs other values save nothing below quality 90 and at most 0.5 % above (Kx = 10)
    count_blocks : whether to count the bits of every block; on one thread
    threads : at least 1; scans are written side by side
    common : None, or the Common of a search for the script

    Returns
    -------
    Assembled
    """
    block_bits = tuple(np.zeros(plane.shape[:2], np.int32) for plane in planes) if count_blocks else None
    out = _Account()
    _write_headers(out, frame, steps, segments, restart_interval)
    if conditioning:
        out.add("headers", markers.write_conditioning(conditioning))
    if frame.arithmetic:
        _write_arithmetic_scans(out, frame, planes, script, conditioning, restart_interval, block_bits)
    else:
        _write_scans(out, frame, planes, script, optimize, share_tables, restart_interval, block_bits, threads, common)
    out.add("headers", EOI)
    return Assembled(b"".join(out.chunks), out.bits, block_bits)
