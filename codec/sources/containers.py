"""Extract coded video from containers (MP4, Matroska, AVI, ...) through PyAV (extra `video`). PyAV decodes nothing
here.
"""

import io
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

from ..errors import BitstreamError, MissingPackageError, UnsupportedError
from .files import read_chunks


@dataclass(frozen=True)
class Packets:
    """The first video stream of a container.

    Attributes
    ----------
    codec : str
        FFmpeg's name of the codec: "h264", ...
    extradata : bytes
        Decoder configuration: avcC from MP4 and Matroska, or parameter sets as a byte stream.
    fps : fractions.Fraction or None
    packets : iterator of (bytes, timestamp in seconds or None)
        In decoding order.
    """

    codec: str
    extradata: bytes
    fps: Fraction
    packets: object


def looks_like_byte_stream(head):
    """Whether data starts like a byte stream of H.264 Annex B: zeros, and a start code."""
    head = bytes(head)
    return head.lstrip(b"\0")[:1] == b"\1" and head.startswith(b"\0\0")


def open_source(source, limits):
    """(chunks, None) for a byte stream, or (None, Packets) for a container. Sources are those of
    `codec.sources.files.read_chunks`.

    Raises
    ------
    MissingPackageError
        If it is a container and PyAV is not installed.
    UnsupportedError, BitstreamError, FileError, ParameterError
    """
    chunks = read_chunks(source, limits)
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 16:
            break
    chunks = chain([head], chunks)
    if not head or looks_like_byte_stream(head) or not looks_like_container(head):
        return chunks, None
    return None, open_container(b"".join(chunks))


def looks_like_container(head):
    """Whether data starts like MP4, Matroska, AVI, FLV, MPEG-2 TS or Ogg."""
    return (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
        or head[:4] in (b"\x1a\x45\xdf\xa3", b"RIFF", b"OggS")
        or (head[:3] == b"FLV" or head[:1] == b"\x47")
    )


def open_container(data):
    """Packets of the first video stream of a container."""
    try:
        import av
    except ImportError as error:
        raise MissingPackageError(
            "containers (MP4, MKV, AVI) are read by PyAV, which is not installed: pip install codec[video]"
        ) from error
    try:
        container = av.open(io.BytesIO(data))
        if not container.streams.video:
            raise UnsupportedError("this file contains no video")
        stream = container.streams.video[0]
        context = stream.codec_context
        return Packets(
            context.name, bytes(context.extradata or b""), stream.average_rate, _packets(av, container, stream)
        )
    except av.FFmpegError as error:
        raise BitstreamError(
            f"FFmpeg cannot read this container: {error.strerror}", layer="container", offset=0
        ) from error


def _packets(av, container, stream):
    with container:
        try:
            for packet in container.demux(stream):
                if packet.size:
                    yield bytes(packet), None if packet.pts is None else packet.pts * stream.time_base
        except av.FFmpegError as error:
            raise BitstreamError(f"the container is damaged: {error.strerror}", layer="container") from error
