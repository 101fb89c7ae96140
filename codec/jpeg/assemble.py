"""The file around the levels: marker segments and scans in their order (T.81 Annex B), and an account of where the bits went.

Whatever makes levels ends here: the encoder, and whoever rewrites a file without touching its coefficients.
"""
import numpy as np

from . import markers
from ._arith_write import encode_arith_scan
from ._scan_write import Tables, encode_scan
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


def _write_scan(out, spec, frame, planes, optimize, restart_interval, conditioning, block_bits):
    progressive = frame.progressive
    used, destinations = _scan_tables(spec, frame, progressive)
    chosen = [planes[i] for i in spec.components]
    components = [(frame.components[i].H, frame.components[i].V, Td, Ta) for i, (Td, Ta) in zip(spec.components, destinations)]
    settings = dict(Ss=spec.Ss, Se=spec.Se, Ah=spec.Ah, Al=spec.Al, progressive=progressive, mcus=frame.mcus, restart_interval=restart_interval)
    if not frame.arithmetic:
        tables, codes = Tables(), FIXED_TABLES
        if optimize and used:
            encode_scan(chosen, components, tables, "symbols", **settings)
            codes = {key: tables.optimal(*key) for key in used}
        for key in used:
            tables.set(*key, *codes[key])
        if used:
            out.add("Huffman tables", markers.write_huffman_tables([(*key, *codes[key]) for key in used]))
    header = markers.Scan(tuple(markers.ScanComponent(frame.components[i].C, Td, Ta) for i, (Td, Ta) in zip(spec.components, destinations)),
                          spec.Ss, spec.Se, spec.Ah, spec.Al)
    out.add("headers", markers.write_scan(header))
    maps = None if block_bits is None else [block_bits[i] for i in spec.components]
    name = f"scan of {','.join(map(str, spec.components))}: {spec.Ss}-{spec.Se}, bit {spec.Ah or '-'} to {spec.Al}"
    if frame.arithmetic:
        out.add(name, encode_arith_scan(chosen, components, conditioning=conditioning, block_bits=maps, **settings))
    else:
        out.add(name, encode_scan(chosen, components, tables, "bits", block_bits=maps, **settings))


def assemble(frame, planes, steps, script, *, segments=(), optimize=True, restart_interval=0, conditioning=None, count_blocks=False):
    """Write a file from quantized levels.

    Parameters
    ----------
    frame : markers.Frame; its SOFn says which process; SOF9 and SOF10 are arithmetic coded
    planes : int16 arrays (blocks_high, blocks_wide, 64) of levels in zig-zag order, one per component of the frame
    steps : dict Tq -> 64 steps in natural order
    script : sequence of ScanSpec
    segments : (what, marker, payload) in the order in which they follow SOI; `what` names them in the account
    optimize : Huffman tables made for the picture; else those of Annex K
    restart_interval : MCUs, 0 for none
    conditioning : of arithmetic coding, {(0, Tb): (L, U), (1, Tb): Kx}, where it is not the default; on photographs other values than
        the defaults were measured to save nothing below quality 90, and 0.5 % at most above (Kx = 10)
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
    if conditioning:
        out.add("headers", markers.write_conditioning(conditioning))
    for spec in script:
        _write_scan(out, spec, frame, planes, optimize, restart_interval, conditioning, block_bits)
    out.add("headers", markers.write_marker(markers.EOI))
    return b"".join(out.chunks), out.bits, block_bits
