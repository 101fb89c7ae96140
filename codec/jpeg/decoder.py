"""The JPEG decoder, top to bottom: marker segments (markers, info) -> levels (_scan_read) -> samples -> pixels
(_planes). A picture of one scan takes the way from bits to pixels band by band (_stream_read).

Lossless pictures go from segments (_lossless_read) directly to samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Optional, Tuple

import numpy as np

from ..errors import BitstreamError, CodecError, LimitError, ParameterError, TruncatedError, UnsupportedError
from ..executors import checked_threads, useful_threads
from ..limits import checked_limits
from ..pixels import as_png
from ..sources.files import read_bytes
from . import markers
from ._lossless_read import decode_lossless_scan
from ._plain_read import PlainPicture, plain_file
from ._planes import compose
from ._scan_read import PreparedScan, ReadTables, decode_scan
from ._scan_team import pixels_of_scans
from ._segments import find_segments
from ._stream_read import decode_pixels, pixels_of_levels
from .info import Headers, ImageInfo
from .smooth import UNKNOWN, can_smooth, smooth
from .tables import FIXED_TABLES
from .view import View, checked_view

if TYPE_CHECKING:
    from fractions import Fraction
    from typing import Literal

    import numpy.typing as npt

    from .._types import OnError, Samples, Source
    from ..limits import Limits

SUPPORTED = (markers.SOF0, markers.SOF1, markers.SOF2, markers.SOF3, markers.SOF9, markers.SOF10, markers.SOF11)
CONCEALABLE = 64  # see Decoder.check_size
MODERATE_PIXELS = 1 << 24
LONGEST_OPENING = 1 << 13  # bytes of headers, without Huffman tables, that are kept for the next picture
USUAL_SCANS = 16  # with as many, all are counted before more are read
MOST_WAITING = 32  # scans; each takes memory for its data without stuffing
DEBRIS = 1000  # false markers skipped in a scan; hostile data has one every two bytes


@dataclass(frozen=True, eq=False)
class Damage:
    """The parts of a picture that could not be read, with `on_error="conceal"`.

    Attributes
    ----------
    errors : tuple of BitstreamError
        In the order of their discovery, each with its byte offset.
    mask : bool array (mcu_rows, mcu_columns)
        True where an MCU is missing from at least one scan, or was read after damage in its restart interval.
    """

    errors: Tuple[BitstreamError, ...]
    mask: npt.NDArray[np.bool_] = field(repr=False)
    SHOWN = 10  # errors listed in a report; every scan may have one

    @property
    def mcus_lost(self) -> int:
        """Number of MCUs in the mask."""
        return int(self.mask.sum())

    @property
    def report(self) -> str:
        """One line for people."""
        more = (f"{len(self.errors) - self.SHOWN} more errors",) if len(self.errors) > self.SHOWN else ()
        return "; ".join(
            (f"{self.mcus_lost} of {self.mask.size} MCUs lost or doubtful", *map(str, self.errors[: self.SHOWN]), *more)
        )


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """A decoded picture.

    Attributes
    ----------
    pixels : (H, W) or (H, W, 3 or 4) uint8, or uint16 for more than 8 bits
        Gray, RGB, or CMYK with 0 = no ink; 0 to 2^precision - 1 (`info.precision`).
    info : ImageInfo
    warnings : tuple of str
        Oddities that do not affect the pixels.
    doubts : tuple of str
        Missing data in a file that ends properly: progressive scans that were removed or repeated, scans short of full
        precision, components without a scan (mid-gray).
    damage : Damage or None
    """

    pixels: Samples = field(repr=False)
    info: ImageInfo
    warnings: Tuple[str, ...]
    doubts: Tuple[str, ...]
    damage: Optional[Damage]

    def _repr_png_(self) -> bytes | None:  # shown by notebooks, except for CMYK
        pixels = self.pixels
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            return None
        if pixels.dtype != np.uint8:
            pixels = (pixels >> max(0, self.info.precision - 8)).astype(np.uint8)
        return as_png(pixels)


class Decoder:
    """Follows the marker segments and reads the scans; `finish` makes the result, what `DecodedImage` takes. With
    `keeps_levels` it stops at levels."""

    keeps_levels = False  # keep the levels of the whole picture, make no samples

    def __init__(self, data, conceal, limits, threads=1, view=None, out=None):
        self.data, self.conceal, self.limits, self.threads = data, conceal, limits, threads
        self.view, self.out = view, out
        self.warnings, self.doubts, self.errors = markers.Warnings(), markers.Warnings(), []
        self.headers = Headers(data, limits, self.warnings, [] if conceal else None)
        self.scans = 0
        self.end = len(data)  # end of the picture: after EOI, or of the data
        self.lost = None
        # levels of the whole picture, none if its scans go straight to pixels; lossless: samples, in whole MCUs
        self.planes = None
        self.pixels = None
        # component index -> its quantization table, as it was at its first scan (B.2.4.1); lossless: None
        self.steps = {}
        self.present = None  # progressive: masks of the coefficients that are not zero, see decode_scan
        self.waiting = []  # progressive scans that are not read yet: arguments of `dct_scan`
        self.bits_left = None  # progressive: per component, which bit of each coefficient came last, or UNKNOWN

    # ------------------------------------------------------------ the whole image

    def run(self):
        skipped = self.errors if self.conceal else None
        reader, ended = markers.SegmentReader(self.data, self.warnings, self.limits, skipped), False
        try:
            try:
                for segment in reader:
                    if segment.marker == markers.SOS:
                        reader.at = self.scan(segment)
                    else:
                        self.headers.take(segment)
                    ended = segment.marker == markers.EOI
                    self.end = segment.end if ended else len(self.data)
            except LimitError:
                raise
            except CodecError:
                self.read_waiting()  # an error in a scan before it comes first
                raise
            if self.waiting:
                self.pixels = self.pixels_of_waiting()
            if self.pixels is None:
                self.read_waiting()
            self.check_complete(ended)
        except BitstreamError as error:
            if not self.conceal or self.planes is None:
                raise
            self.errors.append(error)
            self.lost[...] |= self.incomplete() or self.unfinished()
        return self.finish()

    def pixels_of_waiting(self):
        """The pixels of scans that all wait; None if they are damaged, or leave pixels to be guessed."""
        if self.planes or self.incomplete() or can_smooth(self.bits_left):
            return None
        frame, color = self.headers.frame, self.headers.color()
        shapes = [frame.blocks(c) for c in frame.components]
        scans = []
        for segments, indices, described in self.waiting:
            widths = [shapes[i][1] for i in indices]
            scans.append((PreparedScan(self.data, segments, None, widths=widths, **described), indices))
        settings, corner = self.settings(color)
        steps = [self.steps[i] for i in range(len(shapes))]
        pixels = pixels_of_scans(scans, shapes, steps, color, **settings)
        return None if pixels is None else self.cut(pixels, corner)

    def read_waiting(self):
        """Into planes, one scan after the other."""
        waiting, self.waiting = self.waiting, []
        if waiting and not self.planes:
            self.clear_planes()
        for segments, indices, described in waiting:
            error = self.read_progressive(segments, indices, described)
            if error is not None:
                raise error

    def read_progressive(self, segments, indices, described):
        planes, present = [self.planes[i] for i in indices], self.present[indices[0]]
        return decode_scan(self.data, segments, planes, present=present, **described)

    def incomplete(self):
        return len(self.steps) < len(self.headers.frame.components)

    def unfinished(self):
        return self.bits_left is not None and bool((self.bits_left > 0).any())

    def check_complete(self, ended):
        size = len(self.data)
        if self.headers.frame is None:
            raise TruncatedError("the data ends before a frame header", layer="image", offset=size, clause="T.81 B.2.1")
        if self.scans == 0:
            raise TruncatedError("the data ends before any scan", layer="image", offset=size, clause="T.81 B.2.1")
        if not ended:
            if self.unfinished() or self.incomplete():
                raise TruncatedError(
                    "the data ends before the last scan", layer="image", offset=size, clause="T.81 B.2.1"
                )
            self.warnings.append(markers.NO_EOI)
            return
        if self.incomplete():
            missing = [c.C for i, c in enumerate(self.headers.frame.components) if i not in self.steps]
            self.doubts.append(f"no scan holds component {', '.join(map(str, missing))} (T.81 B.2.1)")
        elif self.unfinished():
            self.doubts.append(
                "the scans leave some coefficients unrefined: a preview, or scans were removed (T.81 G.1.1)"
            )

    def finish(self):
        frame, info = self.headers.frame, self.headers.info()
        if frame.lossless:
            pixels = self.lossless_pixels(info.color)
            pixels = self.filled(self.view.of_pixels(pixels) if self.view else pixels)
        elif self.pixels is not None:
            pixels = self.pixels
        else:
            pixels = self.pixels_of_levels(info.color)
        damage = self.damage()
        return pixels, info, tuple(self.warnings), tuple(self.doubts), damage

    def damage(self):
        """What was concealed, or None. All of a picture depends on headers that are guessed."""
        guesses = self.headers.guesses or []
        if not (self.errors or guesses):
            return None
        mask = np.ones_like(self.lost, bool) if guesses else self.lost.astype(bool)
        return Damage((*guesses, *self.errors), mask)

    def clear_levels(self):
        """In one array for all components, which more often is large enough for large pages."""
        shapes = [(*self.headers.frame.blocks(c), 64) for c in self.headers.frame.components]
        ends = np.cumsum([high * wide * size for high, wide, size in shapes])
        parts = np.split(np.zeros(ends[-1], np.int16), ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes)]

    def smoothed(self):
        """Levels of the components and their steps."""
        if not self.planes:  # damage before the data of its only scan: mid-gray
            self.planes = self.clear_levels()
        ones = np.ones(64, np.uint16)
        steps = [self.steps.get(i, ones) for i in range(len(self.planes))]
        if self.bits_left is not None and can_smooth(self.bits_left):
            self.planes = [smooth(*each) for each in zip(self.planes, self.bits_left, steps)]
        return self.planes, steps

    def pixels_of_levels(self, color):
        planes, steps = self.smoothed()
        settings, corner = self.settings(color)
        return self.cut(pixels_of_levels(planes, steps, color, **settings), corner)

    def settings(self, color):
        """The other arguments of `decode_pixels` and `pixels_of_levels`, and the corner of the region in their
        pixels."""
        settings, corner = dict(self.picture(), out=self.out), None
        if self.view:
            settings["window"], corner = self.view.window(self.headers.frame, color)
            if self.view.region is not None:
                settings["out"] = None
        return settings, corner

    def cut(self, pixels, corner):
        return pixels if corner is None else self.filled(self.view.of_window(pixels, corner))

    def filled(self, pixels):
        """`out` with these pixels, if it is given."""
        if self.out is None or pixels is self.out:
            return pixels
        np.copyto(self.out, pixels)
        return self.out

    def picture(self):
        """The arguments of `decode_pixels` and `pixels_of_levels` that the frame header states, and threads."""
        frame = self.headers.frame
        return dict(
            sampling=[(c.H, c.V) for c in frame.components],
            height=frame.Y,
            width=frame.X,
            precision=frame.P,
            threads=useful_threads(self.threads, frame.X * frame.Y),
        )

    def lossless_pixels(self, color):
        """Lossless samples; subsampled components repeat them, as in libjpeg-turbo: interpolation would invent
        values."""
        frame = self.headers.frame
        planes = [plane.astype(np.uint8) if frame.P == 8 else plane for plane in self.planes]
        for i, c in enumerate(frame.components):
            if (c.H, c.V) != (frame.Hmax, frame.Vmax):
                rows, columns = np.arange(frame.Y) * c.V // frame.Vmax, np.arange(frame.X) * c.H // frame.Hmax
                planes[i] = np.ascontiguousarray(planes[i][rows][:, columns])
        pixels = compose(planes, color, [(1, 1)] * len(planes), frame.Y, frame.X, frame.P)
        return pixels.astype(np.uint8) if frame.P < 8 else pixels

    # ------------------------------------------------------------ scans

    def check_frame(self, end):
        """Check that this decoder supports the picture, and find its number of lines; `end` is the end of the first
        scan."""
        headers = self.headers
        if headers.frame.SOFn not in SUPPORTED:
            raise UnsupportedError(
                f"the {markers.PROCESS[headers.frame.SOFn]} process (SOF{headers.frame.SOFn - 0xC0}, "
                "T.81 Table B.1) is not supported yet"
            )
        if headers.color() == "unknown":
            raise UnsupportedError(
                f"a picture of {len(headers.frame.components)} components has no agreed meaning; 1, 3 and 4 are "
                "supported"
            )
        headers.resolve_lines(end)
        if self.view:
            self.view.check(headers.frame, headers.color())
        if self.out is not None:
            self.check_out(self.out, (self.view or View()).shape(headers.frame, headers.color()))

    def check_out(self, out, shape):
        dtype = np.dtype(np.uint8 if self.headers.frame.P <= 8 else np.uint16)
        if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != dtype:
            given = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
            raise ParameterError(f"out must be an array of {dtype} {shape} for this picture, not {given}")
        if not (out.flags.c_contiguous and out.flags.writeable):
            raise ParameterError("out must be writable and C-contiguous: pass np.empty(shape, dtype), and copy from it")

    def start(self):
        """Allocate memory for the whole picture."""
        frame = self.headers.frame
        self.lost = np.zeros(frame.mcus, np.uint8)
        sizes = [frame.blocks(c) for c in frame.components]
        if frame.lossless:
            self.planes = [
                np.full((frame.mcus[0] * c.V, frame.mcus[1] * c.H), 1 << (frame.P - 1), np.uint16)
                for c in frame.components
            ]
        elif frame.progressive and not (self.conceal or self.keeps_levels):
            self.planes = []
        else:
            self.clear_planes()
        if frame.progressive:
            self.bits_left = np.full((len(sizes), 64), UNKNOWN, np.int8)

    def clear_planes(self):
        frame = self.headers.frame
        self.planes = self.clear_levels()
        if frame.progressive:
            self.present = [np.zeros(frame.blocks(c), np.uint64) for c in frame.components]

    def check_size(self, segment, segments, scan, indices):
        """Refuse data too short to hold its scan before memory is allocated.

        A block takes a DC code, and an AC code unless EOB runs are possible; real pictures take ten times as much. To
        conceal damage, or without DC, a picture of moderate size is always accepted, and a large one if a 64th of the
        minimum is there, less than a 500th of a real picture. A lossless picture takes a code per sample. Arithmetic
        coding has no lower bound: a flat picture of any size takes a few bytes.
        """
        frame = self.headers.frame
        if frame.arithmetic:
            return
        progressive, first = frame.progressive, self.planes is None
        lenient = self.conceal or (progressive and scan.Ss > 0)
        if first or not self.conceal:
            codes = 1 if frame.lossless else 2 if not progressive else scan.Ss == 0 or first
            bits = codes * sum(high * wide for high, wide in (frame.blocks(frame.components[i]) for i in indices))
            held = 8 * int((segments[:, 1] - segments[:, 0]).sum())
            if held * (CONCEALABLE if lenient else 1) < bits and not (lenient and frame.X * frame.Y <= MODERATE_PIXELS):
                raise TruncatedError(
                    f"a scan of {frame.X}x{frame.Y} pixels takes {bits // 8} bytes at least, {held // 8} are there",
                    layer="entropy-coded data",
                    offset=segment.end,
                    clause="T.81 F.2.2",
                )

    def check_scans(self, end):
        """Refuse a picture of too many scans before they are read: each may take as long as a picture. Counts the scans
        after `end`, as far as segments can be followed."""
        scans, frame = self.scans, self.headers.frame
        self.limits.check_scans(scans, frame.X, frame.Y)
        if scans != USUAL_SCANS or scans + self.data.count(b"\xff\xda", end) <= self.limits.scans:
            return  # a part of those counted are no scans
        reader = markers.SegmentReader(self.data, markers.Warnings(), self.limits, [] if self.conceal else None)
        reader.at = end
        try:
            for segment in reader:
                if segment.marker == markers.SOS:
                    scans += 1
                    self.limits.check_scans(scans, frame.X, frame.Y)
                    reader.at = find_segments(self.data, segment.end)[1]
        except BitstreamError:  # `run` will come to it
            pass

    def scan(self, segment):
        """Read a scan; returns where it ends."""
        headers = self.headers
        segments, end = find_segments(self.data, segment.end)
        scan = markers.read_scan(self.data, segment, headers.frame, headers.guesses)
        indices = markers.scan_indices(scan, headers.frame)
        false_markers = []
        if self.conceal and headers.restart_interval:
            segments, end = self.resynchronised(segments, end, indices, false_markers)
        if self.planes is None:
            self.check_frame(end)
        self.check_size(segment, segments, scan, indices)
        frame = headers.frame
        streams = self.planes is None and self.streams(indices, end)
        if streams:
            self.planes, self.lost = [], np.zeros(frame.mcus, np.uint8)
        elif self.planes is None:
            self.start()
        self.scans += 1
        if frame.arithmetic:  # it decodes any bytes, where Huffman codes reveal that an interval ends early
            self.note_false_markers(false_markers, indices)
        self.check_scans(end)
        read = self.lossless_scan if frame.lossless else self.streamed_scan if streams else self.dct_scan
        error = read(
            segment,
            segments,
            scan,
            indices,
            dict(
                mcus=frame.mcus,
                restart_interval=headers.restart_interval,
                conditioning=headers.conditioning if frame.arithmetic else None,
                lost=self.lost if self.conceal else None,
            ),
        )
        if error is not None:
            if not self.conceal:
                raise error
            self.errors.append(error)
        return end

    def note_false_markers(self, false_markers, indices):
        frame, Ri = self.headers.frame, self.headers.restart_interval
        c = frame.components[indices[0]]
        wide, (H, V) = (frame.mcus[1], (1, 1)) if len(indices) > 1 else (frame.blocks(c)[1], (c.H, c.V))
        for offset, interval in false_markers:
            self.errors.append(
                BitstreamError(
                    f"a marker inside restart interval {interval}",
                    layer="entropy-coded data",
                    offset=offset,
                    clause="T.81 B.1.1.5",
                )
            )
            y, x = np.divmod(np.arange(interval * Ri, (interval + 1) * Ri), wide)
            inside = y // V < len(self.lost)
            self.lost[y[inside] // V, x[inside] // H] = 1

    def resynchronised(self, segments, end, indices, false_markers):
        """The segments and end of a scan that goes on at the next RST marker after each damaged byte that looks like
        another marker. Appends (offset, restart interval) of those to `false_markers`."""
        frame = self.headers.frame
        high, wide = frame.mcus if len(indices) > 1 else frame.blocks(frame.components[indices[0]])
        intervals = -(-high * wide // self.headers.restart_interval)
        missing, found = intervals - len(segments), [segments]
        while (
            missing > 0
            and end < len(self.data)
            and len(false_markers) < DEBRIS
            and self.is_debris(end, found[-1][-1, 2] + 1)
        ):
            false_markers.append((end, intervals - missing - 1))
            more, end = find_segments(self.data, end + 2)
            if len(more) > 1:  # the first one is the rest of the damaged interval
                found.append(more[1:])
                missing -= len(more) - 1
        return np.concatenate(found), end

    def is_debris(self, at, number):
        """Whether the marker at `at` is damage inside a scan: a reserved one, or one that no plausible segment follows
        but the RST marker that is due next."""
        data, code = self.data, self.data[at + 1]
        if code < markers.SOF0:
            return True
        if code not in markers.STANDALONE:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if end >= at + 4 and data[end : end + 1] == b"\xff" and data[end + 1 : end + 2] not in (b"", b"\0"):
                return False
        following, _ = find_segments(data, at + 2)
        return len(following) > 1 and following[1, 2] == number & 7

    def streams(self, indices, end):
        """Whether a first scan goes straight to pixels: it has all components, and nothing follows it."""
        frame = self.headers.frame
        return (
            not (frame.progressive or frame.lossless or self.keeps_levels)
            and indices == list(range(len(frame.components)))
            and self.data[end : end + 2] in (b"\xff\xd9", b"")
        )

    def described(self, scan, indices, tables):
        """The components, tables and header of a DCT-based scan, as `decode_scan` takes them."""
        frame = self.headers.frame
        components = [
            (frame.blocks(frame.components[i])[0], frame.components[i].H, frame.components[i].V, s.Td, s.Ta)
            for i, s in zip(indices, scan.components)
        ]
        header = dict(Ss=scan.Ss, Se=scan.Se, Ah=scan.Ah, Al=scan.Al, progressive=frame.progressive)
        return dict(components=components, tables=tables, **header)

    def streamed_scan(self, segment, segments, scan, indices, settings):
        tables = self.tables(segment, scan, self.headers.frame)
        for i in indices:
            self.latch_steps(segment, i)
        widths = [self.headers.frame.blocks(c)[1] for c in self.headers.frame.components]
        described = self.described(scan, indices, tables)
        prepared = PreparedScan(self.data, segments, None, widths=widths, **described, **settings)
        steps, color = [self.steps[i] for i in indices], self.headers.color()
        settings, corner = self.settings(color)
        pixels, error = decode_pixels(prepared, steps, color, **settings)
        self.pixels = self.cut(pixels, corner)
        return error

    def dct_scan(self, segment, segments, scan, indices, settings):
        frame = self.headers.frame
        tables = self.tables(segment, scan, frame)
        for i in indices:
            self.latch_steps(segment, i)
        if frame.progressive:
            self.note_progress(segment, scan, indices)
        if self.view and not self.conceal and self.view.needs_no(scan, indices, frame, self.headers.color()):
            return None
        described = dict(self.described(scan, indices, tables), **settings)
        if not frame.progressive:
            return decode_scan(self.data, segments, [self.planes[i] for i in indices], **described)
        if self.conceal or self.keeps_levels:
            return self.read_progressive(segments, indices, described)
        self.waiting.append((segments, indices, described))
        if len(self.waiting) == MOST_WAITING:
            self.read_waiting()
        return None

    def lossless_scan(self, segment, segments, scan, indices, settings):
        frame = self.headers.frame
        tables = self.tables(segment, scan, frame)
        width = frame.mcus[1] if len(indices) > 1 else frame.blocks(frame.components[indices[0]])[1]
        if settings["restart_interval"] % width:
            raise BitstreamError(
                f"a restart interval of {settings['restart_interval']} MCUs, but intervals of a lossless scan "
                f"hold whole rows of {width}",
                layer="SOS",
                offset=segment.offset,
                clause="T.81 H.1.1",
            )
        planes = [self.planes[i] for i in indices]
        components = [
            (*frame.blocks(frame.components[i]), frame.components[i].H, frame.components[i].V, s.Td)
            for i, s in zip(indices, scan.components)
        ]
        error = decode_lossless_scan(
            self.data, segments, planes, components, tables, Ss=scan.Ss, Pt=scan.Al, P=frame.P, **settings
        )
        for i, plane in zip(indices, planes):
            np.left_shift(plane, scan.Al, out=plane)
            self.steps[i] = None
        return error

    def latch_steps(self, segment, i):
        Tq = self.headers.frame.components[i].Tq
        if i in self.steps and self.bits_left is None:
            self.planes[i][...] = 0  # a second sequential scan of a component replaces the first
        if i not in self.steps:
            if Tq not in self.headers.quant_tables:
                raise BitstreamError(
                    f"no DQT segment defines quantization table {Tq}",
                    layer="SOS",
                    offset=segment.offset,
                    clause="T.81 B.2.4.1",
                )
            self.steps[i] = self.headers.quant_tables[Tq]

    def note_progress(self, segment, scan, indices):
        for i in indices:
            band = self.bits_left[i, scan.Ss : scan.Se + 1]
            if (band != (scan.Ah or UNKNOWN)).any():
                self.doubts.append(
                    f"the scan at byte {segment.offset} does not continue those before it: scans were removed, or "
                    "repeated (T.81 G.1.1.1)"
                )
            band[:] = scan.Al

    def tables(self, segment, scan, frame):
        """The Huffman tables of a scan. Sequential scans without DHT use those of Annex K, as Motion JPEG frames
        expect."""
        tables = ReadTables()
        if frame.arithmetic:
            return tables
        uses_dc = not frame.progressive or (scan.Ss == 0 and scan.Ah == 0)
        uses_ac = not frame.lossless and (not frame.progressive or scan.Ss > 0)
        for key in sorted(
            {(0, c.Td) for c in scan.components if uses_dc} | {(1, c.Ta) for c in scan.components if uses_ac}
        ):
            defined = self.headers.huffman_tables.get(key)
            if defined is None:
                defined = None if frame.progressive or frame.lossless else FIXED_TABLES.get(key)
                if defined is None:
                    raise BitstreamError(
                        f"no DHT segment defines {'AC' if key[0] else 'DC'} table {key[1]}",
                        layer="SOS",
                        offset=segment.offset,
                        clause="T.81 B.2.4.2",
                    )
                self.warnings.append(
                    f"no DHT segment defines {'AC' if key[0] else 'DC'} table {key[1]}: that of T.81 K.3 was taken"
                )
            try:
                tables.set(*key, *defined)
            except BitstreamError as error:
                raise BitstreamError(
                    error.reason, layer="Huffman table of the scan", offset=segment.offset, clause=error.clause
                ) from None
        return tables


@lru_cache(maxsize=64)
def _opening(data, defined, limits):
    """(PlainPicture, ImageInfo, warnings) of the bytes up to the first scan, without Huffman tables, of which those are
    `defined` (see `PlainFile`); None unless they begin such a picture.

    Pictures of one source often begin alike, and small ones take less time to decode than their headers. `limits` are
    those of the caller: None has its hash at once."""
    decoder = Decoder(data, False, checked_limits(limits))
    headers = decoder.headers
    for key in defined:  # any will do: files have their own
        headers.huffman_tables[key >> 4, key & 15] = FIXED_TABLES[key >> 4, 0]
    try:
        for segment in markers.SegmentReader(data, decoder.warnings, decoder.limits):
            if segment.marker == markers.SOS:
                break
            headers.take(segment)
        scan, frame = markers.read_scan(data, segment, headers.frame), headers.frame
        indices = markers.scan_indices(scan, frame)
        if indices != list(range(len(frame.components))) or frame.Y == 0 or frame.progressive and scan.Ss:
            return None
        decoder.check_frame(len(data))
        described = decoder.described(scan, indices, decoder.tables(segment, scan, frame))
        for i in indices:
            decoder.latch_steps(segment, i)
        info = headers.info()
    except CodecError:  # `Decoder` names it
        return None
    widths = [frame.blocks(c)[1] for c in frame.components]
    settings = dict(widths=widths, mcus=frame.mcus, restart_interval=headers.restart_interval)
    prepared = PreparedScan(data, np.array([[0, 0, -1]], np.int64), None, **described, **settings)
    picture = decoder.picture()
    del picture["threads"]
    identifiers = bytes(c.C for c in frame.components)
    plain = PlainPicture(prepared, identifiers, [decoder.steps[i] for i in indices], info.color, **picture)
    return plain, info, tuple(decoder.warnings)


def _decode_plain(data, limits, known, threads):
    """The usual picture, undamaged; None for any other, and then `Decoder` finds out what is the matter."""
    file = plain_file(data, LONGEST_OPENING)
    opening = file and _opening(file.opening, file.defined, limits)
    if opening is None:
        return None
    plain, info, warnings = opening
    threads = 1 if threads == 1 else useful_threads(threads, info.width * info.height)
    pixels = plain.decode(file, known.segments, known.scans, threads)
    return None if pixels is None else (pixels, info, warnings, (), None)


def checked_reading(on_error, limits):
    if not isinstance(on_error, str) or on_error not in ("raise", "conceal"):
        raise ParameterError(f"on_error must be 'raise' or 'conceal', not {on_error!r}")
    return checked_limits(limits)


def decoded(source, on_error, limits, threads, scale, region, color, out):
    """What `DecodedImage` takes, and what is no dataclass takes less time: small pictures notice."""
    known = checked_reading(on_error, limits)
    checked_threads(threads)
    view = checked_view(scale, region, color)
    data = read_bytes(source, known)
    plain = _decode_plain(data, limits, known, threads) if view is None and out is None else None
    return plain or Decoder(data, on_error == "conceal", known, threads, view, out).run()


def decode(
    source: Source,
    *,
    on_error: OnError = "raise",
    limits: Limits | None = None,
    threads: int = 1,
    scale: float | Fraction = 1,
    region: tuple[int, int, int, int] | None = None,
    color: Literal["auto", "gray"] = "auto",
    out: Samples | None = None,
) -> DecodedImage:
    """Read a JPEG: pixels, header, warnings, damage.

    Parameters
    ----------
    source : path, bytes, bytearray, memoryview or binary file object
    on_error : "raise" (default) or "conceal"
        Damaged data: raise an error that names the byte, or decode what is there and report the rest in `damage`. After
        bad bits a sequential scan is read on, as by libjpeg, and all of the rest of its restart interval is reported;
        blocks behind the end of the data take the last known brightness. A progressive picture keeps its earlier scans.
        Bytes before the picture, and application segments of an impossible length, are skipped. Classes and numbers of
        tables, steps of 0, identifiers of components and lengths of codes that cannot be are guessed, and all of the
        picture is reported. Lengths are guessed where the symbols are those of a table of T.81 Annex K, as in most
        files; with other tables a progressive picture ends with the scans before, and any other is an error.
    limits : Limits, optional
        Bounds checked before memory is allocated; default `Limits()`.
    threads : int, default 1
        How many decode the picture side by side; 0: one per processor. Pixels and errors do not depend on it. The
        default suits programs that decode several pictures at a time. Lossless pictures take one.
    scale : 1/8, 2/8, ... 7/8 or 1 (default)
        Part of width and height to decode, rounded up; a smaller transform takes the place of the 8x8 one. 1/2, 1/4 and
        1/8 are the means of 2x2, 4x4 and 8x8 samples, and equal libjpeg-turbo's; the others differ from its by three at
        most. Not for lossless pictures.
    region : (x, y, width, height), default all
        The pixels to make, of the picture at `scale`: what cutting the whole picture would give.
    color : "auto" (default) or "gray"
        "gray": the luminance as it is coded, without its colours, of gray and YCbCr pictures.
    out : array, default a new one
        Where the pixels go: of their shape and dtype, C-contiguous and writable. It holds parts of the picture if an
        error is raised.

    Returns
    -------
    DecodedImage

    Raises
    ------
    BitstreamError, TruncatedError
        The data violates T.81; with byte offset and clause.
    UnsupportedError
        Legal but not supported: hierarchical processes; two, or more than four, components; a scale or color that this
        picture does not have.
    LimitError
        Larger than `limits` allow.
    ParameterError
        An impossible argument; a region that reaches beyond the picture; `out` of another shape or dtype.

    Notes
    -----
    T.81 baseline, extended sequential and progressive, 8 and 12 bits, and lossless, 2 to 16 bits; Huffman and
    arithmetic coding; all sampling factors. Accurate integer inverse DCT; chroma is interpolated by the triangle filter
    where the ratio is 2, repeated elsewhere and in lossless pictures. EXIF orientation is not applied. Arithmetic
    coding has almost no redundancy: loss inside a segment that ends with a marker may go unnoticed, where Huffman codes
    reveal it.

    With `scale`, `region` or "gray", data that no pixel needs is not read, unless `on_error` is "conceal", and damage
    there goes unnoticed: rows of MCUs below the region, and those above it as far as restart markers show the way;
    scans of other components; at 1/8 scans of AC coefficients.

    Examples
    --------
    >>> import numpy as np, codec
    >>> result = codec.jpeg.decode(codec.encode(np.zeros((4, 6, 3), np.uint8)))
    >>> result.pixels.shape, result.info.subsampling, result.damage is None
    ((4, 6, 3), '4:2:0', True)
    >>> codec.jpeg.decode(codec.encode(np.zeros((40, 60, 3), np.uint8)), scale=1 / 4, region=(2, 3, 9, 7)).pixels.shape
    (7, 9, 3)
    """
    return DecodedImage(*decoded(source, on_error, limits, threads, scale, region, color, out))


def probe(source: Source, *, limits: Limits | None = None) -> ImageInfo:
    """Read only the header of a JPEG.

    Parameters
    ----------
    source : path, bytes, bytearray, memoryview or binary file object
    limits : Limits, optional

    Returns
    -------
    ImageInfo

    Raises
    ------
    BitstreamError, TruncatedError, LimitError
        As `decode`; damage after the header goes unnoticed.

    Examples
    --------
    >>> import numpy as np, codec
    >>> info = codec.probe(codec.encode(np.zeros((4, 6, 3), np.uint8)))
    >>> info.width, info.height, info.process
    (6, 4, 'baseline')
    """
    limits = checked_limits(limits)
    data, warnings = read_bytes(source, limits), markers.Warnings()
    headers = Headers(data, limits, warnings)
    for segment in markers.SegmentReader(data, warnings, limits):
        if segment.marker == markers.SOS:
            markers.read_scan(data, segment, headers.frame)
            if headers.frame.Y == 0:
                headers.resolve_lines(find_segments(data, segment.end)[1])
            return headers.info()
        headers.take(segment)
    raise TruncatedError("the data ends before the first scan", layer="image", offset=len(data), clause="T.81 B.2.1")
