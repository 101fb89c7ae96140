"""Read clips as planes: YUV4MPEG2 by this module, other formats through PyAV (FFmpeg; extra `video`)."""

import io
import re
from fractions import Fraction

import numpy as np

from ..color import H273_MATRICES, default_matrix
from ..errors import BitstreamError, LimitError, MissingPackageError, TruncatedError, UnsupportedError
from ..frame import CHROMA_STEPS, Video
from ..limits import checked_limits
from .containers import OPTIONS, quarter_turns, timing, video_stream
from .files import read_bytes

READABLE_SUFFIXES = (
    ".y4m", ".mkv", ".mp4", ".m4v", ".mov", ".webm", ".avi", ".ivf", ".mpg",
    ".ts", ".mts", ".m2ts", ".nut", ".flv", ".mxf", ".264", ".h264", ".265", ".h265", ".hevc", ".obu",
)  # fmt: skip
FRAMES_BYTES = 4 << 30  # limit for all frames of a clip together, since they are in memory at once
SIGNATURE = b"YUV4MPEG2"
HEADER_BYTES = 1024
Y4M_COLOURS = re.compile(r"(420|422|444|mono)(?:jpeg|mpeg2|paldv)?(?:p?(9|1[0-6]))?")
# AVColorSpace of FFmpeg counts as H.273 does; other matrices are taken as unspecified.
FFMPEG_MATRICES = {number: H273_MATRICES[number] for number in (1, 5, 6, 9)}
FFMPEG_FORMAT = re.compile(r"(?:yuv(j?)(420|422|444)p|(gray))(?:(9|1[0-6])le)?")


def load(source, *, frames=None, limits=None):
    """Read a clip.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview, or binary file object
    frames : int, optional
        Read at most this many, from the start. Default: all.
    limits : codec.Limits, optional

    Returns
    -------
    codec.frame.Video

    Raises
    ------
    MissingPackageError
        If the clip is not YUV4MPEG2 and PyAV is not installed.
    UnsupportedError
        If it is not a video, or of an unsupported kind.
    BitstreamError, TruncatedError
        If it is damaged.
    LimitError
        If a frame has more pixels than `limits` allow, or all frames together take more than 4 GiB.
    FileError, ParameterError

    Notes
    -----
    Planes are returned as stored. Formats other than gray and planar YUV without alpha are converted to 8-bit 4:4:4,
    with a warning. A clip that does not name its matrix has BT.709 from 720 rows on, BT.601 below. Frames whose times
    are uneven have `Video.seconds`, with a warning. Cover pictures are not the video.

    Examples
    --------
    >>> from codec.sources import clips as videos
    >>> clip = videos.load(b"YUV4MPEG2 W2 H2 F25:1 C444\\nFRAME\\n" + bytes(12))
    >>> len(clip.frames), clip.chroma, clip.fps
    (1, '4:4:4', Fraction(25, 1))
    """
    limits = checked_limits(limits)
    data = read_bytes(source, limits)
    if data.startswith(SIGNATURE):
        return _y4m(data, frames, limits)
    return _through_pyav(data, frames, limits)


def check_frames_bytes(count):
    """Raise LimitError if the frames of a clip take more memory than `FRAMES_BYTES`."""
    if count > FRAMES_BYTES:
        raise LimitError(f"the frames take more than {FRAMES_BYTES >> 30} GiB: read fewer of them, with frames=N")


# ---------------------------------------------------------------- YUV4MPEG2
# As yuv4mpeg(5) of mjpegtools; depths above 8 as FFmpeg writes them.


def _y4m(data, frames, limits):
    end = data.find(b"\n", 0, HEADER_BYTES)
    if end < 0:
        raise BitstreamError(f"no end of line in the first {HEADER_BYTES} bytes", layer="YUV4MPEG2 header", offset=0)
    words = data[:end].decode("ascii", "replace").split(" ")[1:]
    tags = {word[0]: word[1:] for word in words if word and word[0] != "X"}
    height, width, fps = _y4m_number(tags, "H"), _y4m_number(tags, "W"), _y4m_rate(tags)
    chroma, depth = _y4m_colour(tags.get("C", "420"))
    limits.check_pixels(width, height)
    shapes = Video.plane_shapes(height, width, chroma)
    dtype = np.dtype(np.uint8 if depth == 8 else "<u2")
    size = sum(rows * columns for rows, columns in shapes) * dtype.itemsize
    warnings = ["it is interlaced; fields are combined into frames"] if tags.get("I", "p") in ("t", "b", "m") else []
    found, at = [], end + 1
    while at < len(data) and (frames is None or len(found) < frames):
        line = data.find(b"\n", at, at + HEADER_BYTES)
        if not data.startswith(b"FRAME", at) or line < 0:
            raise BitstreamError(f"no FRAME line before frame {len(found)}", layer="YUV4MPEG2 frame", offset=at)
        at = line + 1
        if at + size > len(data):
            raise TruncatedError(
                f"the data ends in frame {len(found)}, which takes {size} bytes", layer="YUV4MPEG2 frame", offset=at
            )
        found.append(_y4m_planes(data, at, shapes, dtype, depth))
        at += size
    if not found:
        raise BitstreamError("there are no frames", layer="YUV4MPEG2 frame", offset=end + 1)
    return Video(tuple(found), chroma, fps, depth, default_matrix(height), "XCOLORRANGE=FULL" in words, tuple(warnings))


def _y4m_number(tags, name):
    text = tags.get(name, "")
    if not re.fullmatch(r"[0-9]{1,9}", text) or not int(text):
        raise BitstreamError(f"{name} must be a positive number, not {text!r}", layer="YUV4MPEG2 header", offset=0)
    return int(text)


def _y4m_rate(tags):
    parts = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,9})", tags.get("F", ""))
    if not parts or not int(parts[1]) or not int(parts[2]):
        raise BitstreamError(
            f"F must be a frame rate such as 30:1, not {tags.get('F', '')!r}: a bit rate needs one",
            layer="YUV4MPEG2 header",
            offset=0,
        )
    return Fraction(int(parts[1]), int(parts[2]))


def _y4m_colour(tag):
    parts = Y4M_COLOURS.fullmatch(tag)
    if not parts:
        raise UnsupportedError(
            f"YUV4MPEG2 with C{tag} is not supported: use C420, C422, C444 or Cmono, with 8 bits or p9 to p16"
        )
    name = parts[1]
    return "4:0:0" if name == "mono" else ":".join(name), int(parts[2] or 8)


def _y4m_planes(data, at, shapes, dtype, depth):
    """Planes of a frame: views of 8-bit data; deeper samples are copied and checked."""
    planes = []
    for rows, columns in shapes:
        plane = np.frombuffer(data, dtype, rows * columns, at).reshape(rows, columns)
        if depth > 8 and plane.max() >> depth:
            raise BitstreamError(
                f"a sample of {plane.max()} does not fit {depth} bits", layer="YUV4MPEG2 frame", offset=at
            )
        planes.append(plane if depth == 8 else plane.astype(np.uint16))
        at += plane.nbytes
    return tuple(planes)


# ---------------------------------------------------------------- everything else


def _through_pyav(data, frames, limits):
    try:
        import av
    except ImportError as error:
        raise MissingPackageError(
            "clips that are not .y4m are read by PyAV, which is not installed: pip install codec[video]"
        ) from error
    try:
        with av.open(io.BytesIO(data), options=OPTIONS) as container:
            stream = video_stream(container)
            stream.thread_type = "AUTO"
            return _decoded(container, stream, frames, limits)
    except av.FFmpegError as error:
        raise BitstreamError(f"FFmpeg cannot read this clip: {error.strerror}", layer="video") from error


def _decoded(container, stream, frames, limits):
    limits.check_pixels(stream.codec_context.width, stream.codec_context.height)
    found, kind, warnings, total, times, rotation = [], None, [], 0, [], 0
    for frame in container.decode(stream):
        if frames is not None and len(found) >= frames:
            break
        limits.check_pixels(frame.width, frame.height)
        times.append(None if frame.pts is None else frame.pts * stream.time_base)
        last = (frame.duration or 0) * stream.time_base
        rotation = rotation if found else quarter_turns(frame.rotation)
        frame, lost = _planar(frame)
        if kind is None:
            kind, warnings = _kind(frame), lost
        planes = planes_of(frame)
        total += sum(plane.nbytes for plane in planes)
        check_frames_bytes(total)
        if _kind(frame) != kind or planes[0].shape != (found[0] if found else planes)[0].shape:
            raise UnsupportedError(
                f"frame {len(found)} differs in size or format from the frame before: cut the clip there"
            )
        found.append(planes)
    if not found:
        raise BitstreamError("there are no frames", layer="video")
    fps, seconds = timing(times, last, stream.average_rate, stream.guessed_rate)
    if not fps:
        raise UnsupportedError(
            "the clip does not state its frame rate, which a bit rate needs: put it in a container that does"
        )
    if seconds:
        warnings = [*warnings, f"its frames are shown for {uneven(seconds)}; {float(fps):g} per second is the mean"]
    return Video(tuple(found), kind[0], Fraction(fps), *kind[1:], tuple(warnings), seconds=seconds, rotation=rotation)


def uneven(seconds):
    """Durations in words.

    >>> from fractions import Fraction
    >>> from codec.sources.clips import uneven
    >>> uneven((Fraction(1), Fraction(1, 10)))
    '100 to 1000 ms'
    """
    return f"{float(1000 * min(seconds)):.0f} to {float(1000 * max(seconds)):.0f} ms"


def _planar(frame):
    """The frame in a format that `planes_of` supports, with a warning if it was converted."""
    if FFMPEG_FORMAT.fullmatch(frame.format.name):
        return frame, []
    return frame.reformat(format="yuv444p"), [f"its format {frame.format.name} was converted to 8-bit 4:4:4"]


def _kind(frame):
    """(chroma, depth, matrix, full range)"""
    full, name, _, depth = FFMPEG_FORMAT.fullmatch(frame.format.name).groups()
    chroma = ":".join(name) if name else "4:0:0"
    return (
        chroma,
        int(depth or 8),
        FFMPEG_MATRICES.get(int(frame.colorspace), default_matrix(frame.height)),
        bool(full) or int(frame.color_range) == 2,
    )


def planes_of(frame):
    """Copies of the planes of a planar YUV or gray PyAV frame, without row padding."""
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
