"""Marker segments of T.81 Annex B, each parsed beside the function that writes it.

Every value of a segment is range-checked here, where it is read; the other modules trust it.
"""

import struct
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple, Optional, Tuple

import numpy as np

from .._core import ZIGZAG
from ..errors import BitstreamError, TruncatedError
from ..limits import DEFAULT_LIMITS
from ..signatures import HEAD_BYTES, format_of
from .metadata import COM
from .tables import FIXED_TABLES

SOI, EOI, SOS, DQT, DNL, DRI, DHP, EXP, DHT, DAC, TEM = 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xC4, 0xCC, 0x01
SOF0, SOF1, SOF2, SOF3, SOF9, SOF10, SOF11 = 0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xCB
SOF = tuple(c for c in range(0xC0, 0xD0) if c not in (DHT, 0xC8, DAC))
NO_EOI = "the EOI marker is missing (T.81 B.2.1)"
STANDALONE = (TEM, *range(0xD0, 0xD8), SOI, EOI)

# Table B.1: frame marker -> process.
PROCESS = {
    0xC0: "baseline",
    0xC1: "extended sequential",
    0xC2: "progressive",
    0xC3: "lossless",
    0xC5: "differential sequential",
    0xC6: "differential progressive",
    0xC7: "differential lossless",
    0xC9: "extended sequential, arithmetic coding",
    0xCA: "progressive, arithmetic coding",
    0xCB: "lossless, arithmetic coding",
    0xCD: "differential sequential, arithmetic coding",
    0xCE: "differential progressive, arithmetic coding",
    0xCF: "differential lossless, arithmetic coding",
}
NAMES = {
    SOI: "SOI",
    EOI: "EOI",
    SOS: "SOS",
    DQT: "DQT",
    DNL: "DNL",
    DRI: "DRI",
    DHP: "DHP",
    EXP: "EXP",
    DHT: "DHT",
    DAC: "DAC",
    TEM: "TEM",
    0xC8: "JPG",
    COM: "COM",
    **{c: f"SOF{c - 0xC0}" for c in SOF},
    **{0xD0 + i: f"RST{i}" for i in range(8)},
    **{0xE0 + i: f"APP{i}" for i in range(16)},
    **{0xF0 + i: f"JPG{i}" for i in range(14)},
}


class Segment(NamedTuple):
    """One marker segment: data[offset] is its FF, data[start:end] its parameters."""

    marker: int
    offset: int
    start: int
    end: int

    @property
    def name(self):
        return NAMES.get(self.marker, f"FF{self.marker:02X}")


class Warnings(list):
    """Messages for users. Hostile data can cause one every three bytes, so those after the hundredth are only
    counted."""

    MOST = 100

    def append(self, text):
        if len(self) < self.MOST:
            super().append(text)
        elif len(self) == self.MOST:
            super().append("further warnings are left out")


class SegmentReader:
    """Iterates over the marker segments of `data`, EOI included. At SOS the caller sets `at` to the end of its
    entropy-coded data.

    Bytes outside segments are skipped with a warning, as common decoders do (B.1.1.2 allows only fill bytes). With a
    list of `errors`, bytes before SOI and application and comment segments of an impossible length are skipped too, DRI
    of an impossible length has the only possible one, and this is reported there.
    """

    def __init__(self, data, warnings, limits=DEFAULT_LIMITS, errors=None):
        start = 0
        if len(data) < 4 and bytes(data[:3]) in (b"\xff\xd8", b"\xff\xd8\xff"):
            raise TruncatedError("the data ends after SOI", layer="image", offset=len(data), clause="T.81 B.2.1")
        if len(data) < 4 or data[0] != 0xFF or data[1] != SOI:
            other = format_of(bytes(data[:HEAD_BYTES]))
            error = BitstreamError(
                f"not a JPEG{f' but a {other}' if other else ''}: no SOI marker, the data begins with "
                f"{bytes(data[:4]).hex(' ')}",
                layer="image",
                offset=0,
                clause="T.81 B.2.1",
            )
            start = -1 if errors is None else data.find(b"\xff\xd8\xff")
            if start < 0:
                raise error
            errors.append(error)
        self.data, self.warnings, self.limits, self.at, self.count = data, warnings, limits, start + 2, 0
        self.errors = errors

    def __iter__(self):
        while True:
            segment = self._next()
            if segment is None:
                return
            self.at = segment.end
            self.count += 1
            self.limits.check_segments(self.count)
            yield segment
            if segment.marker == EOI:
                return

    def _next(self):
        data, size, begin = self.data, len(self.data), self.at
        at = begin
        while True:
            at = data.find(0xFF, at)
            while 0 <= at < size and data[at] == 0xFF:
                at += 1
            if at < 0 or at >= size:
                return None
            if data[at]:
                break
        code, offset = data[at], at - 1
        if data[begin:offset].strip(b"\xff"):
            self.warnings.append(
                f"{offset - begin} bytes before the marker at byte {offset} belong to no segment (T.81 B.1.1.2)"
            )
        at += 1
        if code in STANDALONE:
            return Segment(code, offset, at, at)
        name = NAMES.get(code, "a reserved marker")
        if at + 2 > size:
            raise TruncatedError(
                f"the data ends in the length of {name}", layer="marker segment", offset=offset, clause="T.81 B.1.1.4"
            )
        length = data[at] << 8 | data[at + 1]
        if length < 2:
            error = BitstreamError(
                f"{name} of length {length}; 2 is the least",
                layer="marker segment",
                offset=offset,
                clause="T.81 B.1.1.4",
            )
            if self.errors is None or not (0xE0 <= code <= 0xEF or code in (COM, DRI)):
                raise error
            self.errors.append(error)
            length = 4 if code == DRI else 2
        if at + length > size:
            raise TruncatedError(
                f"{name} of {length} bytes, but {size - at} are left",
                layer="marker segment",
                offset=offset,
                clause="T.81 B.1.1.4",
            )
        return Segment(code, offset, at + 2, at + length)


def write_segment(marker, payload=b""):
    """A marker with its length field (B.1.1.4)."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def write_marker(marker):
    return bytes((0xFF, marker))


def _error(segment, reason, clause):
    return BitstreamError(reason, layer=segment.name, offset=segment.offset, clause=clause)


def _tolerate(guesses, error):
    """Note an error, after which the caller goes on with a guess; without a list of `guesses`, raise it.

    Where the functions below take `guesses`, it is a list for the errors of damaged headers that are to be concealed.
    """
    if guesses is None:
        raise error
    guesses.append(error)


# ---------------------------------------------------------------- frame header, B.2.2


class FrameComponent(NamedTuple):
    C: int  # identifier
    H: int  # sampling factors
    V: int
    Tq: int  # destination of its quantization table


@dataclass(frozen=True)
class Frame:
    """The parameters of a frame header."""

    SOFn: int
    P: int  # precision in bits
    Y: int  # lines; 0 until a DNL segment gives them
    X: int  # samples per line
    components: Tuple[FrameComponent, ...]
    destinations: Optional[Tuple[int, ...]] = None  # of Huffman tables, see table_destination

    def table_destination(self, i):
        """Destination of the Huffman tables of component i when written; baseline decoders keep two of each class.

        0 for components with quantization table 0, else 1, unless `destinations` overrides it.
        """
        return min(self.components[i].Tq, 1) if self.destinations is None else self.destinations[i]

    @cached_property
    def progressive(self):
        return self.SOFn in (SOF2, SOF10)

    @cached_property
    def lossless(self):
        return self.SOFn in (SOF3, SOF11)

    @cached_property
    def arithmetic(self):
        return self.SOFn in (SOF9, SOF10, SOF11)

    @cached_property
    def unit(self):
        """Samples on a side of a data unit: 8, or 1 in the lossless processes (A.2)."""
        return 1 if self.lossless else 8

    @cached_property
    def Hmax(self):
        return max(c.H for c in self.components)

    @cached_property
    def Vmax(self):
        return max(c.V for c in self.components)

    @cached_property
    def mcus(self):
        """(high, wide) of an interleaved scan (A.2.3)."""
        return -(-self.Y // (self.unit * self.Vmax)), -(-self.X // (self.unit * self.Hmax))

    def blocks(self, component):
        """(high, wide) of a component's own scan (A.1.1, A.2.2): in blocks, or in samples where the process is
        lossless."""
        return -(-self.Y * component.V // (self.unit * self.Vmax)), -(-self.X * component.H // (self.unit * self.Hmax))


def read_frame(data, segment):
    body = bytes(data[segment.start : segment.end])
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise _error(
            segment,
            f"{len(body) + 2} bytes do not hold a frame header of {body[5] if len(body) > 5 else '?'} components",
            "T.81 B.2.2",
        )
    P, Y, X, Nf = struct.unpack_from(">BHHB", body)
    if X == 0 or Nf == 0:
        raise _error(segment, f"{X} samples per line, {Nf} components: neither may be 0", "T.81 B.2.2")
    lossless = segment.marker & 3 == 3
    allowed = (8,) if segment.marker == SOF0 else (range(2, 17) if lossless else (8, 12))
    if P not in allowed:
        raise _error(segment, f"precision of {P} bits in a {PROCESS[segment.marker]} frame", "T.81 Table B.2")
    components = []
    for C, HV, Tq in struct.iter_unpack(">BBB", body[6:]):
        H, V = HV >> 4, HV & 15
        if not (1 <= H <= 4 and 1 <= V <= 4):
            raise _error(segment, f"sampling factors {H}x{V} of component {C}; 1..4 are possible", "T.81 B.2.2")
        if Tq > 3:
            raise _error(segment, f"quantization table {Tq} of component {C}; 0..3 exist", "T.81 B.2.2")
        components.append(FrameComponent(C, H, V, Tq))
    return Frame(segment.marker, P, Y, X, tuple(components))


def write_frame(frame):
    body = struct.pack(">BHHB", frame.P, frame.Y, frame.X, len(frame.components))
    return write_segment(frame.SOFn, body + b"".join(bytes((c.C, c.H << 4 | c.V, c.Tq)) for c in frame.components))


# ---------------------------------------------------------------- scan header, B.2.3


class ScanComponent(NamedTuple):
    Cs: int  # identifier of a component of the frame
    Td: int  # destinations of its Huffman tables
    Ta: int


class Scan(NamedTuple):
    components: Tuple[ScanComponent, ...]
    Ss: int
    Se: int
    Ah: int
    Al: int


def read_scan(data, segment, frame, guesses=None):
    """The header of a scan. Guessed are the number of components, by the length; identifiers that the frame lacks, as
    those of its remaining components in their order; and destinations of tables, by their two lower bits.
    """
    body = bytes(data[segment.start : segment.end])
    if frame is None:
        raise _error(segment, "a scan before any frame header", "T.81 B.2.1")
    Ns = body[0] if body else 0
    if not 1 <= Ns <= 4 or len(body) != 4 + 2 * Ns:
        error = _error(segment, f"{len(body) + 2} bytes do not hold a scan header of {Ns} components", "T.81 B.2.3")
        if len(body) not in (6, 8, 10, 12):
            raise error
        _tolerate(guesses, error)
        Ns = len(body) // 2 - 2
    components = tuple(ScanComponent(Cs, T >> 4, T & 15) for Cs, T in struct.iter_unpack(">BB", body[1 : 1 + 2 * Ns]))
    if any(c.Td > 3 or c.Ta > 3 for c in components):
        _tolerate(guesses, _error(segment, "entropy coding tables 0..3 exist", "T.81 B.2.3"))
        components = tuple(ScanComponent(c.Cs, c.Td & 3, c.Ta & 3) for c in components)
    Ss, Se, A = body[1 + 2 * Ns :]
    scan = Scan(components, Ss, Se, A >> 4, A & 15)
    indices = scan_indices(scan, frame)
    if None in indices:
        known = [c.C for c in frame.components]
        error = _error(segment, f"components {[c.Cs for c in components]} in a frame of {known}", "T.81 B.2.3")
        others = [i for i in range(len(known)) if i not in indices]
        if len(others) < indices.count(None):
            raise error
        _tolerate(guesses, error)
        indices = [others.pop(0) if i is None else i for i in indices]
        components = tuple(ScanComponent(known[i], c.Td, c.Ta) for i, c in zip(indices, components))
        scan = Scan(components, scan.Ss, scan.Se, scan.Ah, scan.Al)
    if Ns > 1 and sum(frame.components[i].H * frame.components[i].V for i in indices) > 10:
        raise _error(segment, "more than 10 blocks in an MCU", "T.81 B.2.3")
    if frame.lossless:
        _check_predictor(segment, scan, frame)
    elif frame.progressive:
        _check_band(segment, scan)
    return scan


def scan_indices(scan, frame):
    """Which components of the frame a scan holds; None for an identifier that the frame lacks.

    Identifiers that repeat in the frame (B.2.2 forbids it, some cameras write 1, 2, 3, 1) count in the order of the
    frame, as in libjpeg.
    """
    indices = []
    for s in scan.components:
        indices.append(next((i for i, c in enumerate(frame.components) if c.C == s.Cs and i not in indices), None))
    return indices


def _check_predictor(segment, scan, frame):
    """Table B.3 and H.1.2.1: Ss selects the predictor, Al is the point transform. Selection 0 is for differential
    frames alone (Annex J)."""
    if not 1 <= scan.Ss <= 7:
        raise _error(segment, f"predictor {scan.Ss} in a lossless scan; 1..7 exist", "T.81 H.1.2.1")
    if scan.Al >= frame.P:
        raise _error(segment, f"a point transform by {scan.Al} bits of samples of {frame.P}", "T.81 A.4")


def _check_band(segment, scan):
    """Table B.3, and G.1.1.1: DC and AC never share a scan, AC scans have one component, a refinement adds one bit."""
    Ss, Se, Ah, Al = scan.Ss, scan.Se, scan.Ah, scan.Al
    if not 0 <= Ss <= Se <= 63 or (Ss == 0) != (Se == 0):
        raise _error(
            segment, f"spectral band {Ss}..{Se}; DC alone (0..0) or a part of 1..63 is possible", "T.81 G.1.1.1.1"
        )
    if Ss and len(scan.components) > 1:
        raise _error(segment, "an AC scan of several components", "T.81 G.1.1.1.1")
    if Al > 13 or (Ah and Ah != Al + 1):
        raise _error(segment, f"successive approximation from bit {Ah} to {Al}", "T.81 G.1.1.1.2")


def write_scan(scan):
    body = bytes(
        (
            len(scan.components),
            *(b for c in scan.components for b in (c.Cs, c.Td << 4 | c.Ta)),
            scan.Ss,
            scan.Se,
            scan.Ah << 4 | scan.Al,
        )
    )
    return write_segment(SOS, body)


# ---------------------------------------------------------------- tables, B.2.4


def read_quant_tables(data, segment, guesses=None):
    """{Tq: (64,) uint16 steps in natural order} of a DQT segment. Guessed are the precision, by the length, the
    destination, by its two lower bits, and steps of 0, which are those before them in the zig-zag.
    """
    at, tables = segment.start, {}
    while at < segment.end:
        Pq, Tq = data[at] >> 4, data[at] & 15
        if Pq > 1 or Tq > 3:
            _tolerate(guesses, _error(segment, f"table {Tq} of precision {Pq}; 0..3 and 0..1 exist", "T.81 B.2.4.1"))
            rest = segment.end - at
            Pq, Tq = int(rest % 129 == 0 and rest % 65 > 0), Tq & 3
        size = 64 * (Pq + 1)
        if at + 1 + size > segment.end:
            raise _error(segment, f"table {Tq} has fewer than 64 steps", "T.81 B.2.4.1")
        Qk = np.frombuffer(data, ">u2" if Pq else "u1", 64, at + 1)
        if not Qk.all():
            _tolerate(guesses, _error(segment, f"table {Tq} has a step of 0", "T.81 B.2.4.1"))
            Qk = _without_zeros(Qk)
        table = np.empty(64, np.uint16)
        table[ZIGZAG] = Qk
        tables[Tq] = table
        at += 1 + size
    return tables


def _without_zeros(Qk):
    """Steps of which those of 0 are the nearest ones before them, or the first one that is not; 1 without any."""
    first = Qk[Qk > 0][:1]
    steps = Qk.copy()
    for k in np.flatnonzero(Qk == 0):
        steps[k] = steps[k - 1] if k else first[0] if len(first) else 1
    return steps


IN_ZIGZAG = itemgetter(*ZIGZAG)


def write_quant_tables(tables):
    """One DQT segment for {Tq: 64 steps in natural order}."""
    body = b""
    for Tq, table in tables.items():
        Qk = IN_ZIGZAG(table.tolist() if hasattr(table, "tolist") else table)
        Pq = int(max(Qk) > 255)
        body += struct.pack(">B64H" if Pq else ">B64B", Pq << 4 | Tq, *Qk)
    return write_segment(DQT, body)


def read_huffman_tables(data, segment, guesses=None):
    """[(Tc, Th, BITS, HUFFVAL)] of a DHT segment; the codes themselves are checked where they are derived. Guessed are
    the class, by the symbols, the destination, by its two lower bits, and lengths that cannot be, where the symbols are
    those of Annex K.
    """
    at, tables = segment.start, []
    while at < segment.end:
        Tc, Th = data[at] >> 4, data[at] & 15
        BITS = bytes(data[at + 1 : min(at + 17, segment.end)])
        if Tc > 1 or Th > 3:
            _tolerate(guesses, _error(segment, f"table {Th} of class {Tc}; 0..3 and 0..1 exist", "T.81 B.2.4.2"))
            symbols = data[at + 17 : min(at + 17 + sum(BITS), segment.end)]
            Tc, Th = int(max(symbols, default=0) > 16), Th & 3  # categories of DC are at most 16 (Table H.2)
        count = sum(BITS)
        wrong = _wrong_lengths(BITS, segment.end - at - 17)
        if wrong and guesses is not None:
            usual, HUFFVAL = FIXED_TABLES[Tc, min(Th, 1)]
            if data[at + 17 : segment.end].startswith(bytes(HUFFVAL)):
                guesses.append(_error(segment, f"table {Th} of class {Tc} {wrong}: that of Annex K", "T.81 B.2.4.2"))
                BITS, count, wrong = usual, len(HUFFVAL), None
        if len(BITS) < 16 or count > 256 or at + 17 + count > segment.end:
            raise _error(segment, f"table {Th} of class {Tc} {wrong}", "T.81 B.2.4.2")
        tables.append((Tc, Th, tuple(BITS), bytes(data[at + 17 : at + 17 + count])))
        at += 17 + count
    return tables


def _wrong_lengths(BITS, left):
    """What is wrong with numbers of codes, by length, and `left` bytes for their symbols; None if nothing is."""
    if len(BITS) < 16 or sum(BITS) > min(256, left):
        return f"announces {sum(BITS)} symbols, more than there are"
    if sum(n << (15 - i) for i, n in enumerate(BITS)) > 1 << 16:
        return "has more codes than exist"
    return None


def write_huffman_tables(tables):
    """One DHT segment for [(Tc, Th, BITS, HUFFVAL)]."""
    return write_segment(DHT, b"".join(bytes((Tc << 4 | Th, *BITS, *HUFFVAL)) for Tc, Th, BITS, HUFFVAL in tables))


def read_conditioning(data, segment):
    """{(0, Tb): (L, U), (1, Tb): Kx} of a DAC segment (B.2.4.3)."""
    values = {}
    if (segment.end - segment.start) % 2:
        raise _error(segment, "a pair of bytes describes a table, and half a one is left", "T.81 B.2.4.3")
    for at in range(segment.start, segment.end, 2):
        Tc, Tb, Cs = data[at] >> 4, data[at] & 15, data[at + 1]
        if Tc > 1 or Tb > 3:
            raise _error(segment, f"conditioning table {Tb} of class {Tc}; 0..3 and 0..1 exist", "T.81 B.2.4.3")
        if Tc == 0 and Cs & 15 > Cs >> 4 or Tc == 1 and not 1 <= Cs <= 63:
            raise _error(
                segment,
                f"conditioning value {Cs} of class {Tc}; L <= U <= 15 for DC, 1 <= Kx <= 63 for AC",
                "T.81 B.2.4.3",
            )
        values[Tc, Tb] = Cs if Tc else (Cs & 15, Cs >> 4)
    return values


def write_conditioning(values):
    """One DAC segment for {(0, Tb): (L, U), (1, Tb): Kx}."""
    body = (
        bytes((Tc << 4 | Tb, value if Tc else value[1] << 4 | value[0])) for (Tc, Tb), value in sorted(values.items())
    )
    return write_segment(DAC, b"".join(body))


def read_restart_interval(data, segment, guesses=None):
    """Ri of a DRI segment. With more bytes it is guessed to be the first two."""
    if segment.end - segment.start != 2:
        error = _error(segment, "the restart interval takes two bytes", "T.81 B.2.4.4")
        if segment.end - segment.start < 2:
            raise error
        _tolerate(guesses, error)
    return data[segment.start] << 8 | data[segment.start + 1]


def write_restart_interval(Ri):
    return write_segment(DRI, struct.pack(">H", Ri))


def read_number_of_lines(data, offset):
    """Y of the DNL segment that must stand at `offset`, right after the first scan of a frame with Y = 0 (B.2.5)."""
    if bytes(data[offset : offset + 4]) != b"\xff\xdc\x00\x04" or len(data) < offset + 6:
        raise BitstreamError(
            "the frame header leaves the number of lines to a DNL segment, which does not follow the first scan",
            layer="frame header",
            offset=offset,
            clause="T.81 B.2.5",
        )
    Y = data[offset + 4] << 8 | data[offset + 5]
    if Y == 0:
        raise BitstreamError("DNL with 0 lines", layer="DNL", offset=offset, clause="T.81 B.2.5")
    return Y
