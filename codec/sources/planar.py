"""Frames of PyAV (FFmpeg) as planes."""

import re
from typing import NamedTuple

import numpy as np

from ..color import H273_MATRICES, MATRICES, default_matrix
from ..errors import UnsupportedError
from ..frame import CHROMA_STEPS, Frame, Video
from .containers import quarter_turns

# AVColorSpace of FFmpeg counts as H.273 does. 0 is RGB; with constant luminance (10) chroma is made otherwise.
FFMPEG_MATRICES = {number: name for number, name in H273_MATRICES.items() if number not in (0, 10)}
UNSPECIFIED = 2
FFMPEG_FORMAT = re.compile(r"(?:yuv(j?)a?(420|422|444)p|(gray))(?:(9|1[0-6])le)?")
# The same samples in another order.
ORDERED = {
    "nv12": "yuv420p", "nv21": "yuv420p", "nv16": "yuv422p", "nv24": "yuv444p", "nv42": "yuv444p",
    "yuyv422": "yuv422p", "uyvy422": "yuv422p", "yvyu422": "yuv422p",
    "p010le": "yuv420p10le", "p210le": "yuv422p10le", "p410le": "yuv444p10le",
}  # fmt: skip
FULL = 2  # AVColorRange: JPEG; 0 is unspecified
LIMITED_UNLESS_STATED = ("h264", "hevc")  # Rec. ITU-T H.264 E.2.1, H.265 E.3.1; FFmpeg shows other gray as full range
ALPHA = "its alpha is left out: transparent pixels, if it has any, are laid on white"


class Kind(NamedTuple):
    """What the frames of a clip have in common."""

    chroma: str
    depth: int
    matrix: str
    full_range: bool


def read_frame(frame, codec, exact=False):
    """(planes, `Kind`, warnings) of a PyAV frame that the decoder `codec` made.

    Planar YUV and gray stay as they are, so do formats with the same samples in another order. RGB becomes 8-bit 4:4:4,
    with the matrix that clips of its size have if they state none. Transparent pixels are laid on white. With `exact`,
    RGB of 8 bits has the planes G, B, R, and what cannot stay as it is is refused.
    """
    name = ORDERED.get(frame.format.name, frame.format.name)
    if exact and (_has_alpha(frame) or not FFMPEG_FORMAT.fullmatch(name)):
        return _exact(frame)
    if not FFMPEG_FORMAT.fullmatch(name):
        return _converted(frame)
    if name != frame.format.name:
        frame = frame.reformat(format=name)
    kind, planes, warnings = _kind(frame, codec), planes_of(frame), []
    if name.startswith(("yuva", "yuvja")):
        planes, kind, warnings = _without_alpha(frame, planes, kind)
    return planes, kind, warnings + _guessed_matrix(frame, kind)


def pyav_frame(frame):
    """A `Frame` of a PyAV frame in gray or YUV, (H, W, 3) pixels of one in RGB.

    Raises
    ------
    UnsupportedError
        Others, which would be converted.
    """
    planes, kind, lost = read_frame(frame, "")
    if not lost:
        return Frame(planes, *kind, rotation=quarter_turns(frame.rotation))
    if frame.format.is_rgb and not _has_alpha(frame) and {one.bits for one in frame.format.components} == {8}:
        return frame.to_ndarray(format="rgb24")
    raise UnsupportedError(
        f"a PyAV frame is not taken as it is ({'; '.join(lost)}): reformat it (yuv420p, rgb24), or pass the clip"
    )


def _guessed_matrix(frame, kind):
    """A warning if the colours are made with a matrix that is not the one of the frame."""
    number = int(frame.colorspace)
    if kind.chroma == "4:0:0" or number == UNSPECIFIED or number in FFMPEG_MATRICES:
        return []
    return [f"its colours have matrix_coefficients {number} (H.273), which are not known here: {kind.matrix} is taken"]


def _kind(frame, codec):
    full, name, _, depth = FFMPEG_FORMAT.fullmatch(frame.format.name).groups()
    chroma = ":".join(name) if name else "4:0:0"
    stated = int(frame.color_range)
    full_gray = not name and not stated and codec not in LIMITED_UNLESS_STATED
    matrix = FFMPEG_MATRICES.get(int(frame.colorspace), default_matrix(frame.height))
    return Kind(chroma, int(depth or 8), matrix, bool(full) or stated == FULL or full_gray)


def _converted(frame):
    """8-bit 4:4:4 of other formats."""
    warnings = [f"its format {frame.format.name} was converted to 8-bit 4:4:4"]
    if not (frame.format.is_rgb or frame.format.has_palette or _has_alpha(frame)):
        frame = frame.reformat(format="yuv444p")
        return planes_of(frame), _kind(frame, ""), warnings
    made = Frame.from_rgb(on_white(frame.to_ndarray(format="rgba")), chroma="4:4:4")
    return made.planes, Kind("4:4:4", 8, made.matrix, made.full_range), warnings + [ALPHA] * _has_alpha(frame)


def _exact(frame):
    depths = {component.bits for component in frame.format.components}
    if _has_alpha(frame) or not frame.format.is_rgb or frame.format.has_palette or depths != {8}:
        raise UnsupportedError(
            f"frames of format {frame.format.name} would be converted, which loses something: without loss these are "
            "taken with 8 bits: RGB, 4:4:4, 4:2:0 and gray, without alpha"
        )
    pixels = frame.to_ndarray(format="rgb24")
    return tuple(np.ascontiguousarray(pixels[..., i]) for i in (1, 2, 0)), Kind("4:4:4", 8, "GBR", True), []


def _has_alpha(frame):
    return any(component.is_alpha for component in frame.format.components)


def _without_alpha(frame, planes, kind):
    """YUV with its alpha resolved; with 8 bits the kind stays, whether or not this frame has transparent pixels."""
    if kind.depth > 8 or kind.matrix not in MATRICES:
        return _converted(frame)
    alpha = np.frombuffer(frame.planes[3], np.uint8).reshape(-1, frame.planes[3].line_size)[:, : frame.width]
    if alpha.min() < 255:
        fields = dict(chroma=kind.chroma, matrix=kind.matrix, full_range=kind.full_range)
        planes = Frame.from_rgb(on_white(np.dstack([Frame(planes, **fields).to_rgb(), alpha])), **fields).planes
    return planes, kind, [ALPHA]


def on_white(pixels):
    """RGB of (H, W, 4) uint8 pixels, what is transparent laid on white."""
    alpha = pixels[..., 3:].astype(np.uint32)
    return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def planes_of(frame):
    """Copies of the planes of a planar YUV or gray PyAV frame, without alpha and row padding."""
    parts = FFMPEG_FORMAT.fullmatch(frame.format.name)
    if not parts:
        raise UnsupportedError(f"a frame of format {frame.format.name} is not planar YUV or gray")
    chroma = ":".join(parts[2]) if parts[2] else "4:0:0"
    dtype = np.dtype(np.uint8 if int(parts[4] or 8) == 8 else "<u2")
    shapes = Video.plane_shapes(frame.height, frame.width, chroma)
    rows = [
        np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype.itemsize)
        for plane in frame.planes[: len(shapes)]
    ]
    return tuple(plane[:high, :wide].astype(dtype.newbyteorder("=")) for plane, (high, wide) in zip(rows, shapes))


def format_of(video):
    """FFmpeg's pixel format name for a clip."""
    name = "gray" if CHROMA_STEPS[video.chroma] is None else f"yuv{video.chroma.replace(':', '')}p"
    return name if video.depth == 8 else f"{name}{video.depth}le"
