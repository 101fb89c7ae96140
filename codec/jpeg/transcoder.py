"""Lossless changes to a JPEG: another process, turned, cropped, gray, with less metadata. No pixel is ever decoded."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Optional, Tuple

from ..errors import CodecError, ParameterError
from ..limits import checked_limits
from ..sources.files import read_bytes
from . import geometry
from .coefficients import read_coefficients, write_coefficients
from .decoder import probe
from .exif import EXIF, XMP_ORIENTATION, ExifNumbers, exif_orientation, is_exif, orientation_alone
from .markers import NO_EOI
from .metadata import (
    ADOBE,
    APP0,
    APP1,
    APP2,
    APP11,
    APP13,
    APP14,
    COM,
    ICC,
    JFIF,
    JFXX,
    MPF,
    PHOTOSHOP,
    XMP,
    XMP_EXTENSION,
)
from .multipicture import INDEX_LEFT_OUT, announces_trailer, is_index, missing_pictures, silenced
from .params import _choice

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Literal

    from .._types import OnError, Source
    from ..limits import Limits

KINDS = ("icc", "exif", "xmp", "iptc", "comments", "other")

# (marker code, beginning of the payload) -> kind; "identity" defines the meaning of the components, "index" describes
# the trailer.
SIGNATURES = (
    (APP0, JFIF, "identity"),
    (APP14, ADOBE, "identity"),
    (APP2, ICC, "icc"),
    (APP1, EXIF, "exif"),
    (APP1, XMP, "xmp"),
    (APP1, XMP_EXTENSION, "xmp"),
    (APP13, PHOTOSHOP, "iptc"),
    (COM, b"", "comments"),
)


@dataclass(frozen=True, eq=False)
class Transcoded:
    """A rewritten JPEG and the changes made.

    Attributes
    ----------
    data : bytes
    before, after : int
        Bytes of the source and of `data`.
    width, height : int
    process : str
        "baseline", "progressive", ...
    done : tuple of str
        The changes made, in order; empty when the source itself is returned.
    kept : bool
        Whether `data` is the source, byte for byte, because nothing smaller was found.
    verified : bool
        Whether `data` was read back and holds the same coefficients.
    crop : (x, y, width, height) or None
        The part kept, after x and y moved to the grid.
    warnings : tuple of str
    doubts : tuple of str
        Those of the warnings that say that the source is damaged.
    """

    data: bytes = field(repr=False)
    before: int
    width: int
    height: int
    process: str
    done: Tuple[str, ...]
    kept: bool
    verified: bool
    crop: Optional[Tuple[int, int, int, int]]
    warnings: Tuple[str, ...]
    doubts: Tuple[str, ...] = ()

    def _repr_jpeg_(self) -> bytes:  # shown by notebooks
        return self.data

    @property
    def after(self) -> int:
        """Bytes of `data`."""
        return len(self.data)


def segment_kind(code, payload):
    """ "identity", "index", or one of `KINDS`."""
    if is_index(code, payload):
        return "index"
    return next(
        (kind for marker, signature, kind in SIGNATURES if marker == code and payload.startswith(signature)), "other"
    )


def _kept_kinds(metadata):
    if metadata in ("all", "none"):
        return KINDS if metadata == "all" else ()
    kinds = tuple(metadata) if isinstance(metadata, (tuple, list, set, frozenset)) else (metadata,)
    for kind in kinds:
        if kind not in KINDS:
            _choice(kind, ("all", "none", *KINDS), "metadata")
    return kinds


class _Edit:
    """A picture in progress: its coefficients, its segments, and the list of changes."""

    def __init__(self, coefficients):
        self.coefficients, self.done, self.warnings = coefficients, [], [*coefficients.warnings, *coefficients.doubts]
        self.turn, self.upright, self.crop = geometry.Turn(), False, None
        if coefficients.damage:
            self.warnings.append(coefficients.damage.report)

    # ------------------------------------------------------------ the picture

    def turn_by(self, how, what):
        if how != geometry.Turn():
            self.turn = self.turn.then(how)
            self.done.append(what)

    def turn_upright(self):
        orientation = exif_orientation(self.coefficients.segments)
        if orientation is None:
            return
        if orientation not in geometry.ORIENTATIONS:
            self.warnings.append(
                f"EXIF orientation {orientation} is not in 1..8 (CIPA DC-008 4.6.4): the picture counts as upright"
            )
            return
        self.upright = orientation != 1
        self.turn_by(geometry.ORIENTATIONS[orientation], f"turned upright (EXIF orientation {orientation})")

    def apply_turn(self, edge):
        before = self.coefficients
        self.coefficients = after = geometry.turn(before, self.turn, edge)
        size = (before.height, before.width) if self.turn.transpose else (before.width, before.height)
        if (after.width, after.height) != size:
            self.done.append(f"trimmed from {size[0]}x{size[1]} to {after.width}x{after.height}")

    def cut(self, box):
        self.coefficients, self.crop = geometry.crop(self.coefficients, box)
        x, y, width, height = self.crop
        moved = (
            ""
            if self.crop == box
            else f" (the grid of {'x'.join(map(str, geometry.grid(self.coefficients)))} begins there)"
        )
        self.done.append(f"cropped to {width}x{height}+{x}+{y}{moved}")

    def make_gray(self):
        if self.coefficients.color != "gray":
            self.coefficients = geometry.gray(self.coefficients)
            self.drop(lambda code, payload: code == APP14 and payload.startswith(ADOBE))
            if any(p.startswith(ICC) and p[30:34] == b"RGB " for code, p in self.coefficients.segments):
                self.drop(lambda code, payload: segment_kind(code, payload) == "icc")
                self.warnings.append("the RGB colour profile was left out: it does not fit a gray picture")
            self.done.append("grayscale")

    @property
    def reshaped(self):
        return self.turn != geometry.Turn() or self.crop is not None

    # ------------------------------------------------------------ what goes with it

    def drop(self, condition):
        """Drop segments; returns their bytes, markers included."""
        kept = tuple(segment for segment in self.coefficients.segments if not condition(*segment))
        lost = sum(4 + len(payload) for _, payload in self.coefficients.segments) - sum(
            4 + len(payload) for _, payload in kept
        )
        self.coefficients = replace(self.coefficients, segments=kept)
        return lost

    def settle_missing_pictures(self):
        """A file may be cut off behind its first picture: an index of pictures that are all gone is left out, one of
        pictures that are partly gone keeps naming what is missing."""
        before, rest = self.coefficients, self.coefficients.trailer
        if before.index_distance is None:
            return
        if not rest.strip(b"\0\xff"):
            self.drop(lambda code, payload: code == APP2 and payload.startswith(MPF))
            self.coefficients = replace(self.coefficients, index_distance=None)
            self.warnings.append(INDEX_LEFT_OUT)
            return
        index = next(payload for code, payload in before.segments if code == APP2 and payload.startswith(MPF))
        missing = missing_pictures(index, before.index_distance, len(rest))
        if missing:
            self.warnings.append(f"the file ends before {missing} of the pictures in its multi-picture index")

    def settle_trailer(self, trailer, kinds):
        segments = self.coefficients.segments
        present = bool(self.coefficients.trailer.strip(b"\0\xff")) or any(is_index(*segment) for segment in segments)
        if trailer == "drop":
            lost = len(self.coefficients.trailer) + self.drop(is_index)
            quiet = tuple(
                (code, silenced(payload) if code == APP1 and payload.startswith(XMP) else payload)
                for code, payload in self.coefficients.segments
            )
            self.coefficients = replace(self.coefficients, segments=quiet, trailer=b"", index_distance=None)
            if lost:
                self.done.append(f"dropped the data after the picture ({lost} bytes)")
        elif present and (self.reshaped or "grayscale" in self.done):
            raise ParameterError(
                f"{len(self.coefficients.trailer)} bytes after the picture (a gain map, further pictures or a film) "
                "would no longer fit it; trailer='drop' leaves them out"
            )
        elif present and "xmp" not in kinds and any(announces_trailer(*segment) for segment in segments):
            raise ParameterError(
                "without its XMP no reader would find the gain map or film after the picture; keep 'xmp' in metadata, "
                "or drop it with trailer='drop'"
            )

    def settle_metadata(self, kinds):
        orientation = exif_orientation(self.coefficients.segments)
        for kind in KINDS:
            lost = 0 if kind in kinds else self.drop(lambda code, payload: segment_kind(code, payload) == kind)
            if lost:
                self.done.append(f"dropped {kind} ({lost} bytes)")
            if lost and kind == "exif" and not self.upright and orientation in range(2, 9):
                segments = self.coefficients.segments
                at = 1 if segments and segments[0][1].startswith(JFIF) else 0
                self.coefficients = replace(
                    self.coefficients, segments=(*segments[:at], orientation_alone(orientation), *segments[at:])
                )
                self.done.append(f"kept EXIF orientation {orientation}")

    def doubt_signature(self, kept):
        """JUMBF boxes (ISO 19566-5, Annex D: JP, two counters, box length, type) hold C2PA manifests, signed over the
        bytes of the file."""
        boxes = any(
            code == APP11 and payload.startswith(b"JP") and payload[12:16] == b"jumb"
            for code, payload in self.coefficients.segments
        )
        if boxes and not kept:
            self.warnings.append(
                "the JUMBF data in APP11 is kept, but a C2PA manifest (content credentials) in it is no longer valid: "
                "it is signed over the bytes of the source"
            )

    def adjust_segments(self):
        """Update size and orientation in the segments; drop thumbnails of the old shape."""
        if not self.reshaped:
            return
        orientation = exif_orientation(self.coefficients.segments)
        if not self.upright and orientation in range(2, 9):
            self.warnings.append(
                f"EXIF orientation {orientation} is kept, and viewers turn the picture by it; auto_rotate=True applies "
                "it first"
            )
        self.drop(lambda code, payload: code == APP0 and payload.startswith(JFXX))
        self.coefficients = replace(
            self.coefficients,
            segments=tuple((code, self.adjusted(code, payload)) for code, payload in self.coefficients.segments),
        )

    def adjusted(self, code, payload):
        if is_exif(code, payload):
            numbers = ExifNumbers(payload[len(EXIF) :])
            numbers.set_size(self.coefficients.width, self.coefficients.height)
            if self.upright:
                numbers.set_upright()
            if numbers.drop_thumbnail():
                self.done.append("dropped the EXIF thumbnail")
            return EXIF + bytes(numbers.tiff)
        if code == APP1 and payload.startswith(XMP) and self.upright:
            return re.sub(XMP_ORIENTATION, rb"\g<1>1", payload)
        if code == APP0 and payload.startswith(JFIF) and len(payload) >= 14:
            x, y = struct.unpack_from(">HH", payload, 8)
            return payload[:8] + struct.pack(">HHBB", *((y, x) if self.turn.transpose else (x, y)), 0, 0)
        return payload


def _verify(data, edited, limits):
    """Read the result back; CodecError unless it holds the same coefficients and segments."""
    again = read_coefficients(data, limits=limits)
    unmoved = lambda coefficients: [segment for segment in coefficients.segments if not is_index(*segment)]
    if not again.same_levels(edited) or unmoved(again) != unmoved(edited) or again.trailer != edited.trailer:
        raise CodecError(
            "the written file does not hold the coefficients of the source; nothing is returned. "
            "This is a fault of codec.jpeg.transcode: please report it"
        )


def _smallest(coefficients, progressive, **settings):
    """The file: the smaller one where both processes are allowed."""
    processes = (True, False) if progressive is None else (progressive,)
    return min((write_coefficients(coefficients, progressive=each, **settings) for each in processes), key=len)


def transcode(
    source: Source,
    *,
    progressive: bool | None = None,
    arithmetic: bool = False,
    rotate: Literal[0, 90, 180, 270] = 0,
    flip: Literal["horizontal", "vertical", "transpose", "transverse"] | None = None,
    crop: tuple[int, int, int, int] | None = None,
    edge: Literal["perfect", "trim", "keep"] = "perfect",
    grayscale: bool = False,
    auto_rotate: bool = False,
    metadata: str | Collection[str] = "all",
    trailer: Literal["keep", "drop"] = "keep",
    restart_interval: int = 0,
    verify: bool = True,
    on_error: OnError = "raise",
    limits: Limits | None = None,
) -> Transcoded:
    """Rewrite a JPEG without loss: smaller, in another process, turned, cut, gray, or without metadata.

    Parameters
    ----------
    source : path, bytes, bytearray, memoryview or binary file object
    progressive : None (default: what is smaller), True or False
    arithmetic : bool, default False
        Arithmetic coding (T.81 Annex D): 5 to 9 % smaller; libjpeg-turbo reads it, no browser does. False also converts
        arithmetic coded sources to Huffman coding.
    rotate : 0 (default), 90, 180 or 270
        Degrees clockwise.
    flip : None (default), "horizontal", "vertical", "transpose" or "transverse"
        After `rotate`: left to right, top to bottom, along the main diagonal, along the other one.
    crop : None (default) or (x, y, width, height)
        Part of the turned picture. x and y move back to the grid of MCUs, while the right and lower border stay: see
        `Transcoded.crop`. MCUs at those borders keep their hidden samples.
    edge : "perfect" (default), "trim" or "keep"
        Partial MCUs of a mirrored side cannot move to the opposite edge. "perfect" refuses, "trim" cuts them off,
        "keep" leaves them in place; the same turn then restores the picture.
    grayscale : bool, default False
        Luminance alone.
    auto_rotate : bool, default False
        Apply the EXIF orientation, before `rotate`, and set the tag (and XMP's) to 1. An orientation outside 1..8
        counts as 1, with a warning.
    metadata : "all" (default), "none", or kinds to keep
        Any of "icc", "exif", "xmp", "iptc", "comments", "other". JFIF's and Adobe's segments stay: they define the
        components. If EXIF is dropped from a picture that is not upright, its orientation is kept.
    trailer : "keep" (default) or "drop"
        The bytes after the picture: gain maps (Ultra HDR), further pictures (MPF), films. Kept byte for byte, with the
        offsets of their index moved; refused where the picture changes its shape or colour, which they would not
        follow. "drop" also removes their index and announcement. Pictures that a cut file lacks are warned about.
    restart_interval : 0 (default: none) to 65535
    verify : bool, default True
        Read the result back and compare every coefficient; costs about a third of the time.
    on_error : "raise" (default) or "conceal"
        Refuse damaged data, or write what can be recovered, with a warning.
    limits : Limits, optional

    Returns
    -------
    Transcoded
        Never larger than the source if only recompression was requested: then the source itself, `kept`.

    Raises
    ------
    ParameterError
        Unknown option values; a crop outside the picture; a turn that `edge` forbids; a trailer that would no longer
        fit.
    BitstreamError, TruncatedError, UnsupportedError, LimitError
        As `read_coefficients`; a damaged multi-picture index before further pictures.

    Notes
    -----
    Where the shape changes, sizes in EXIF are set, and the thumbnails of EXIF and JFIF, which would show the old shape,
    are left out.

    Examples
    --------
    >>> import numpy as np, codec
    >>> data = codec.encode(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64).astype(np.uint8), effort=1)
    >>> result = codec.jpeg.transcode(data, rotate=90)
    >>> result.width, result.height, result.after < result.before, result.done
    (48, 64, True, ('rotated by 90 degrees',))
    """
    _choice(progressive, (None, True, False), "progressive")
    _choice(edge, geometry.EDGES, "edge")
    _choice(trailer, ("keep", "drop"), "trailer")
    _choice(flip, tuple(geometry.FLIPS), "flip")
    if isinstance(rotate, bool) or not isinstance(rotate, int) or rotate not in geometry.ROTATIONS:
        raise ParameterError(f"rotate must be 0, 90, 180 or 270, not {rotate!r}")
    kinds, limits, box = _kept_kinds(metadata), checked_limits(limits), None if crop is None else _box(crop)
    data = read_bytes(source, limits)
    original = read_coefficients(data, limits=limits, on_error=on_error)
    edit = _Edit(original)
    if auto_rotate:
        edit.turn_upright()
    edit.turn_by(geometry.ROTATIONS[rotate], f"rotated by {rotate} degrees")
    edit.turn_by(geometry.FLIPS[flip], f"flipped: {flip}")
    edit.apply_turn(edge)
    if box:
        edit.cut(box)
    if grayscale:
        edit.make_gray()
    if trailer == "keep":
        edit.settle_missing_pictures()
    edit.settle_trailer(trailer, kinds)
    edit.settle_metadata(kinds)
    edit.adjust_segments()
    return _written(
        data,
        original,
        edit,
        progressive,
        verify,
        limits,
        dict(arithmetic=arithmetic, restart_interval=restart_interval),
    )


def _box(crop):
    box = tuple(crop) if isinstance(crop, (tuple, list)) else ()
    if len(box) != 4 or not all(isinstance(v, int) and not isinstance(v, bool) for v in box):
        raise ParameterError(f"crop must be four integers (x, y, width, height), not {crop!r}")
    return box


def _written(data, original, edit, progressive, verify, limits, settings):
    result = _smallest(edit.coefficients, progressive, **settings)
    was_progressive = "progressive" in original.process
    recompression = (
        not edit.done
        and not original.damage
        and progressive in (None, was_progressive)
        and not settings["restart_interval"]
        and ("arithmetic" in original.process) == settings["arithmetic"]
    )
    if verify:
        _verify(result, edit.coefficients, limits)
    kept = recompression and len(result) >= len(data)
    process = original.process if kept else probe(result, limits=limits).process
    edit.doubt_signature(kept)
    if process != original.process:
        edit.done.append(f"{original.process} to {process}")
    elif not edit.done and not kept:
        edit.done.append("recompressed")
    return Transcoded(
        data if kept else result,
        len(data),
        edit.coefficients.width,
        edit.coefficients.height,
        process,
        tuple(edit.done),
        kept,
        verify,
        edit.crop,
        tuple(edit.warnings),
        (*original.doubts, *(message for message in original.warnings if message == NO_EOI)),
    )
