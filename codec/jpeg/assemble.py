"""The file around the levels: marker segments and scans in their order (T.81 Annex B), and an account of where the bits went.

Whatever makes levels ends here: the encoder, and whoever rewrites a file without touching its coefficients.
"""
import numpy as np

from . import markers
from ._scan_write import Tables, encode_scan, significance
from .tables import T81_TABLE_K_3_DC_LUMINANCE, T81_TABLE_K_4_DC_CHROMINANCE, T81_TABLE_K_5_AC_LUMINANCE, T81_TABLE_K_6_AC_CHROMINANCE

# (Tc, Th) -> table of Annex K: destination 0 serves luminance and whatever is coded like it, 1 serves chrominance.
FIXED_TABLES = {(0, 0): T81_TABLE_K_3_DC_LUMINANCE, (0, 1): T81_TABLE_K_4_DC_CHROMINANCE,
                (1, 0): T81_TABLE_K_5_AC_LUMINANCE, (1, 1): T81_TABLE_K_6_AC_CHROMINANCE}


class _Account:
    """The file as it grows, and where its bytes went."""

    def __init__(self):
        self.chunks, self.bits = [], {}

    def add(self, what, chunk):
        self.chunks.append(chunk)
        self.bits[what] = self.bits.get(what, 0) + 8 * len(chunk)


def _scan_tables(spec, frame, progressive):
    """(Tc, Th) of the tables that a scan uses, and (Td, Ta) of each of its components.

    Destination 0 serves whatever has quantization table 0, destination 1 the others: baseline decoders keep two of each class.
    """
    destinations = [(Th, Th) for Th in (min(frame.components[i].Tq, 1) for i in spec.components)]
    uses_dc = spec.Ss == 0 and spec.Ah == 0
    uses_ac = spec.Se > 0
    used = sorted({(0, Td) for Td, Ta in destinations if uses_dc} | {(1, Ta) for Td, Ta in destinations if uses_ac})
    if progressive:
        destinations = [(Td if uses_dc else 0, Ta if uses_ac else 0) for Td, Ta in destinations]
    return used, destinations


def _scan_header(spec, frame, destinations):
    components = tuple(markers.ScanComponent(frame.components[i].C, Td, Ta) for i, (Td, Ta) in zip(spec.components, destinations))
    return markers.write_scan(markers.Scan(components, spec.Ss, spec.Se, spec.Ah, spec.Al))


def _entropy_arguments(spec, frame, planes, restart_interval):
    """Tables to define for a scan, destinations of its components, and what `encode_scan` needs to know of it."""
    progressive = frame.SOFn == markers.SOF2
    used, destinations = _scan_tables(spec, frame, progressive)
    components = [(frame.components[i].H, frame.components[i].V, Td, Ta) for i, (Td, Ta) in zip(spec.components, destinations)]
    settings = dict(Ss=spec.Ss, Se=spec.Se, Ah=spec.Ah, Al=spec.Al, progressive=progressive, mcus=frame.mcus, restart_interval=restart_interval)
    return used, destinations, ([planes[i] for i in spec.components], components), settings


class _Masks:
    """`significance`, remembering: several scans ask for the same bit of the same plane. Planes are told apart by identity."""

    def __init__(self):
        self.known = {}

    def __call__(self, plane, Al):
        key = id(plane), Al
        if key not in self.known:
            self.known[key] = significance(plane, Al)
        return self.known[key]


def _optimal_tables(used, scan, settings):
    """{(Tc, Th): (BITS, HUFFVAL)} made for one scan, and its tokens; a refinement of DC has neither."""
    statistics = Tables()
    tokens = encode_scan(*scan, statistics, "tokens", **settings) if used else None
    return {key: statistics.optimal(*key) for key in used}, tokens


def _write_scan(out, spec, frame, planes, optimize, restart_interval, block_bits, masks):
    used, destinations, scan, settings = _entropy_arguments(spec, frame, planes, restart_interval)
    settings["masks"] = masks
    codes, tokens = _optimal_tables(used, scan, settings) if optimize else (FIXED_TABLES, None)
    tables = Tables()
    for key in used:
        tables.set(*key, *codes[key])
    if used:
        out.add("Huffman tables", markers.write_huffman_tables([(*key, *codes[key]) for key in used]))
    out.add("headers", _scan_header(spec, frame, destinations))
    name = f"scan of {','.join(map(str, spec.components))}: {spec.Ss}-{spec.Se}, bit {spec.Ah or '-'} to {spec.Al}"
    if tokens and block_bits is None:
        out.add(name, tokens.write(tables))
    else:
        maps = None if block_bits is None else [block_bits[i] for i in spec.components]
        out.add(name, encode_scan(*scan, tables, "bits", block_bits=maps, **settings))


def script_cost(frame, planes, script):
    """Bytes of the scans of a script with optimal tables: DHT, SOS and entropy-coded data, all but stuffed zeros and restart markers.

    Nothing is coded: symbols are counted. `frame.SOFn` says the process, so that sequential and progressive scripts compare.
    """
    size, masks = 0, _Masks()
    for spec in script:
        used, destinations, scan, settings = _entropy_arguments(spec, frame, planes, 0)
        statistics = Tables()
        bits = encode_scan(*scan, statistics, "symbols", masks=masks, **settings) + sum(statistics.bits(*key) for key in used)
        header = 4 * bool(used) + sum(17 + np.count_nonzero(statistics.counts(*key)) for key in used)
        size += header + len(_scan_header(spec, frame, destinations)) + (bits + 7) // 8
    return int(size)


def assemble(frame, planes, steps, script, *, segments=(), optimize=True, restart_interval=0, count_blocks=False):
    """Write a file from quantized levels.

    Parameters
    ----------
    frame : markers.Frame; its SOFn says which process
    planes : int16 arrays (blocks_high, blocks_wide, 64) of levels in zig-zag order, one per component of the frame
    steps : dict Tq -> 64 steps in natural order
    script : sequence of ScanSpec
    segments : (what, marker, payload) in the order in which they follow SOI; `what` names them in the account
    optimize : Huffman tables made for the picture; else those of Annex K
    restart_interval : MCUs, 0 for none
    count_blocks : whether to count the bits of every block

    Returns
    -------
    data, bits, block_bits
        The file; bits by what they are for; an int32 array (blocks_high, blocks_wide) per component, or None.
    """
    block_bits = tuple(np.zeros(plane.shape[:2], np.int32) for plane in planes) if count_blocks else None
    out = _Account()
    out.add("headers", markers.write_marker(markers.SOI))
    for what, code, payload in segments:
        out.add(what, markers.write_segment(code, payload))
    out.add("quantization tables", markers.write_quant_tables(steps))
    out.add("headers", markers.write_frame(frame))
    if restart_interval:
        out.add("headers", markers.write_restart_interval(restart_interval))
    masks = _Masks()
    for spec in script:
        _write_scan(out, spec, frame, planes, optimize, restart_interval, block_bits, masks)
    out.add("headers", markers.write_marker(markers.EOI))
    return b"".join(out.chunks), out.bits, block_bits
