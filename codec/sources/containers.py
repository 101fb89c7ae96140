"""Extract coded video from containers (MP4, Matroska, MPEG-2 TS, ...) through PyAV (extra `video`)."""

import contextlib
import io
import os
import stat
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from typing import NamedTuple

from ..errors import BitstreamError, FileError, MissingPackageError, UnsupportedError
from .files import read_chunks

HEAD_BYTES = 16  # enough to recognise a byte stream and the containers of `looks_like_container`
PROBE_BYTES = 1 << 20  # what FFmpeg gets to recognise other formats
# A playlist must not make FFmpeg open other files or addresses. Our own input needs no protocol.
OPTIONS = {"protocol_whitelist": "none"}
BOXES = b"ftyp styp moov moof mdat free skip wide sidx uuid pnot prft emsg udta".split()  # ISO base media, QuickTime
FOREIGN = [bytes([code]) for code in range(0xB0, 0xC0)]
ROTATED = ("mov", "matroska")  # demuxers that know a rotation
ROTATION_PACKETS = 64
RATE_PACKETS, REORDERED = 64, 16  # packets looked at, and how many of them may precede later ones in display order
UNEVEN = Fraction(3, 2)  # frames whose durations differ by less count as equal: containers round to a millisecond
ROUNDED = Fraction(1, 50)  # how far a stated rate may be from the times


class Packet(NamedTuple):
    """A sample of a container.

    Attributes
    ----------
    data : bytes
    timestamp : fractions.Fraction or None
        In seconds.
    shown : bool
        False for samples outside the edit list, which only serve as references.
    extradata : bytes or None
        A new decoder configuration, valid from this sample on.
    """

    data: bytes
    timestamp: object
    shown: bool
    extradata: object


@dataclass(frozen=True)
class Packets:
    """The first video stream of a container; cover pictures and thumbnails are skipped.

    Attributes
    ----------
    codec : str
        FFmpeg's name of the codec: "h264", ...
    extradata : bytes
        Decoder configuration: avcC from MP4 and Matroska, or parameter sets as a byte stream.
    fps : fractions.Fraction or None
        Mean frame rate.
    packets : iterator of Packet
        In decoding order.
    width, height : int
        Size that the container states; 0 if it does not.
    matrix_coefficients : int
        As in H.273; 2 is unspecified.
    full_range : bool or None
        None is unspecified.
    sample_aspect_ratio : (int, int)
        (0, 0) is unspecified.
    rotation : int
        Degrees counterclockwise to turn the frames for display: 0, 90, 180 or 270.
    """

    codec: str
    extradata: bytes
    fps: Fraction
    packets: object
    width: int = 0
    height: int = 0
    matrix_coefficients: int = 2
    full_range: object = None
    sample_aspect_ratio: tuple = (0, 0)
    rotation: int = 0


def looks_like_byte_stream(head):
    """Whether data starts like a byte stream of H.264 Annex B: zeros, and a start code that is not one of MPEG systems
    or MPEG-1 to MPEG-4 video (0xB0 to 0xBF) or of an HEVC video parameter set (0x40, 1).
    """
    head = bytes(head)
    rest = head.lstrip(b"\0")
    foreign = rest[1:2] in FOREIGN or rest[1:3] == b"\x40\1"
    return head.startswith(b"\0\0") and rest[:1] == b"\1" and not foreign


def looks_like_container(head):
    """Whether data starts like MP4, QuickTime, Matroska, AVI, FLV, MPEG-2 TS or Ogg."""
    return (
        head[4:8] in BOXES
        or head[:4] in (b"\x1a\x45\xdf\xa3", b"RIFF", b"OggS")
        or (head[:3] == b"FLV" or head[:1] == b"\x47")
    )


def open_source(source, limits, *, strict=False):
    """(chunks, None) for a byte stream, or (None, Packets) for a container. Sources are those of
    `codec.sources.files.read_chunks`. Containers in files are read where needed, of any size.

    Parameters
    ----------
    strict : bool
        Refuse what is neither; otherwise it counts as a byte stream.

    Raises
    ------
    MissingPackageError
        If it is a container and PyAV is not installed.
    UnsupportedError, BitstreamError, FileError, ParameterError
    """
    chunks = read_chunks(source, limits)
    head = _read(chunks, HEAD_BYTES)
    if not head or looks_like_byte_stream(head):
        return chain([head], chunks), None
    if not looks_like_container(head):
        head += _read(chunks, PROBE_BYTES - len(head))
        problem = _unreadable(head)
        if problem:
            if strict and any(head):
                raise BitstreamError(
                    f"there is no start code 0, 0, 1 at the start, and {problem}",
                    layer="byte stream",
                    offset=0,
                    clause="H.264 B.1.1",
                )
            return chain([head], chunks), None
    return None, open_container(seekable(source) or io.BytesIO(head + b"".join(chunks)))


def _read(chunks, count):
    """At least `count` bytes, or all."""
    found = bytearray()
    while len(found) < count and (piece := next(chunks, None)) is not None:
        found += piece
    return bytes(found)


def seekable(source):
    """The file at a path, open, or None if the source is not a regular file."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    try:
        # A FIFO is not opened twice: that would wait for a second writer.
        return open(source, "rb") if stat.S_ISREG(os.stat(source).st_mode) else None
    except OSError as error:
        raise FileError(f"cannot read {os.fsdecode(source)}: {error.strerror or error}") from error


def _unreadable(head):
    """Why FFmpeg cannot demultiplex data that starts so; None if it can."""
    try:
        import av
    except ImportError:
        return "PyAV, which reads containers, is not installed: pip install codec[video]"
    try:
        with av.open(io.BytesIO(head), options=OPTIONS) as container:
            if container.format.name != "h264" and container.streams.video:
                return None
    except (av.FFmpegError, ValueError, OSError):
        pass
    return "it is no container that FFmpeg recognises"


def video_stream(container):
    """The first video stream of an open PyAV container that is not a cover picture or thumbnail."""
    from av.stream import Disposition

    pictures = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    streams = container.streams.video
    if not streams:
        raise UnsupportedError("this file contains no video")
    return next((stream for stream in streams if not stream.disposition & pictures), streams[0])


def open_container(stream):
    """Packets of the first video stream of a container, from a seekable binary file object."""
    try:
        import av
    except ImportError as error:
        raise MissingPackageError(
            "containers (MP4, MKV, AVI) are read by PyAV, which is not installed: pip install codec[video]"
        ) from error
    try:
        with contextlib.ExitStack() as resources:
            resources.enter_context(stream)
            container = resources.enter_context(av.open(stream, options=OPTIONS))
            video = video_stream(container)
            context = video.codec_context
            rate = _rate(av, stream, video)
            rotation = _rotation(av, stream, video.index) if container.format.name.startswith(ROTATED) else 0
            ratio = video.sample_aspect_ratio
            packets = _packets(av, container, video, resources.pop_all())
            next(packets)
        return Packets(
            context.name,
            bytes(context.extradata or b""),
            rate,
            packets,
            context.width,
            context.height,
            int(context.colorspace),
            {1: False, 2: True}.get(int(context.color_range)),
            (ratio.numerator, ratio.denominator) if ratio else (0, 0),
            rotation,
        )
    except (av.FFmpegError, OSError) as error:  # OSError: a seek to before the start, in a cut file
        raise BitstreamError(
            f"FFmpeg cannot read this container: {error.strerror}", layer="container", offset=0
        ) from error


def _rate(av, stream, video):
    """`Packets.fps`: what the container states if its first packets agree, else by the times of all packets."""
    average, guessed = video.average_rate, video.guessed_rate
    if average and average == guessed:
        times, _ = _times(av, stream, video.index, RATE_PACKETS)
        if timing(times[: -REORDERED if len(times) == RATE_PACKETS else None], 0, average) == Timing(average):
            return average
    return timing(*_times(av, stream, video.index, None), average, guessed).fps


def _times(av, stream, index, most):
    """(times, duration of the last frame) of at most `most` packets, in display order."""
    place, packets = stream.tell(), []
    stream.seek(0)
    with contextlib.suppress(av.FFmpegError), av.open(stream, options=OPTIONS) as container:
        video = container.streams[index]
        for packet in islice((packet for packet in container.demux(video) if packet.size), most):
            if not packet.is_discard:
                packets.append((packet.pts, packet.duration))
    stream.seek(place)
    if any(pts is None for pts, _ in packets):
        return [None] * len(packets), 0
    packets.sort()
    return [pts * video.time_base for pts, _ in packets], (packets[-1][1] or 0) * video.time_base if packets else 0


class Timing(NamedTuple):
    """When the frames of a clip are shown.

    Attributes
    ----------
    fps : fractions.Fraction or None
        The mean; None if the times say nothing.
    seconds : tuple of fractions.Fraction
        Duration of each frame if they differ, else empty.
    """

    fps: object
    seconds: tuple = ()


def timing(times, last, *stated):
    """The Timing of frames shown at `times`, in seconds.

    Parameters
    ----------
    times : list of fractions.Fraction or None
    last : fractions.Fraction
        Duration of the last frame; 0 if unknown.
    *stated : fractions.Fraction or None
        Rates that the container states. The nearest holds if the times are even and agree with it, since containers
        round times.
    """
    stated = [rate for rate in stated if rate]
    gaps = [] if None in times else [b - a for a, b in zip(times, times[1:])]
    if not gaps or min(gaps) <= 0:
        return Timing(stated[0] if stated else None)
    mean = (times[-1] - times[0]) / len(gaps)
    if max(gaps) <= UNEVEN * min(gaps):
        fits, rate = min(((abs(mean * rate - 1), rate) for rate in stated), key=lambda one: one[0], default=(1, None))
        return Timing(rate if fits <= ROUNDED else 1 / mean)
    seconds = (*gaps, last or mean)
    return Timing(len(seconds) / sum(seconds), seconds)


def _rotation(av, stream, index):
    """`Packets.rotation`. PyAV shows it on decoded frames only, so FFmpeg decodes one; 0 if it cannot."""
    place = stream.tell()
    stream.seek(0)
    with contextlib.suppress(av.FFmpegError), av.open(stream, options=OPTIONS) as container:
        for packet in islice(container.demux(container.streams[index]), ROTATION_PACKETS):
            for frame in packet.decode():
                stream.seek(place)
                return quarter_turns(frame.rotation)
    stream.seek(place)
    return 0


def quarter_turns(degrees):
    """The nearest of 0, 90, 180 and 270 degrees."""
    return round(degrees / 90) % 4 * 90


def _packets(av, container, video, resources):
    """Yield None once, so that `resources` are closed even if nobody asks for a packet; then the packets."""
    with resources:
        yield None
        try:
            for packet in container.demux(video):
                if packet.size:
                    seconds = None if packet.pts is None else packet.pts * video.time_base
                    extradata = (
                        bytes(packet.get_sidedata("new_extradata")) if packet.has_sidedata("new_extradata") else None
                    )
                    yield Packet(bytes(packet), seconds, not packet.is_discard, extradata)
        except av.FFmpegError as error:
            raise BitstreamError(f"the container is damaged: {error.strerror}", layer="container") from error
