"""Read clips as planes, YUV4MPEG2, and other formats through PyAV (FFmpeg; extra
`video`).
"""

import io
from fractions import Fraction
from itertools import islice

from ..color import default_matrix
from ..errors import BitstreamError, LimitError, MissingPackageError, UnsupportedError
from ..frame import Video
from ..limits import checked_limits
from . import y4m
from .containers import OPTIONS, quarter_turns, timing, video_stream
from .files import read_bytes
from .planar import read_frame

READABLE_SUFFIXES = (
    ".y4m", ".mkv", ".mp4", ".m4v", ".mov", ".webm", ".avi", ".ivf", ".mpg",
    ".ts", ".mts", ".m2ts", ".nut", ".flv", ".mxf", ".264", ".h264", ".265", ".h265", ".hevc", ".obu",
)  # fmt: skip
FRAMES_BYTES = 4 << 30  # limit for all frames of a clip together, since they are in memory at once
INTERLACED = "it is interlaced; fields are combined into frames"


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
    Planes are returned as stored. Formats other than gray and YUV are converted to 8-bit 4:4:4, and transparent pixels
    are laid on white, with a warning. A clip that does not name its matrix has BT.709 from 720 rows on, BT.601 below.
    Gray that states no range has the full one, except H.264 and H.265. Frames whose times
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
    if data.startswith(y4m.SIGNATURE):
        return _y4m(data, frames, limits)
    return _through_pyav(data, frames, limits)


def check_frames_bytes(count):
    """Raise LimitError if the frames of a clip take more memory than `FRAMES_BYTES`."""
    if count > FRAMES_BYTES:
        raise LimitError(f"the frames take more than {FRAMES_BYTES >> 30} GiB: read fewer of them, with frames=N")


def _y4m(data, frames, limits):
    stream = y4m.read([data], limits)
    found = tuple(islice(stream.frames, frames))
    return Video(
        found,
        stream.chroma,
        stream.fps,
        stream.depth,
        default_matrix(stream.height),
        stream.full_range,
        (INTERLACED,) if stream.interlaced else (),
    )


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
        planes, this, lost = read_frame(frame, stream.codec_context.name)
        kind = kind or this
        warnings += [warning for warning in lost if warning not in warnings]
        total += sum(plane.nbytes for plane in planes)
        check_frames_bytes(total)
        if this != kind or planes[0].shape != (found[0] if found else planes)[0].shape:
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
