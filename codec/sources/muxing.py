"""Write coded pictures to a file: an Annex B byte stream, or MP4 and Matroska through PyAV (FFmpeg; extra `video`)."""

import io
import os
from itertools import chain

from ..errors import FileError, MissingPackageError, ParameterError
from .files import writing

BYTE_STREAMS = (".h264", ".264", ".avc")
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


def format_of_path(path):
    """The container of a file name: a name of FFmpeg, or None for a byte stream.

    Raises
    ------
    ParameterError
        If the suffix is of neither kind.
    """
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in BYTE_STREAMS and suffix not in CONTAINERS:
        known = ", ".join((*BYTE_STREAMS, *CONTAINERS))
        raise ParameterError(f"{os.fspath(path)}: H.264 is written to files that end with {known}")
    return CONTAINERS.get(suffix)


def write_pictures(path, pictures, fps, delay):
    """Write pictures in coding order; the file is complete, or absent if an error ends the pictures.

    Parameters
    ----------
    path : path
    pictures : iterable of (bytes, int, bool)
        Access unit in Annex B form, number in display order, whether it is an IDR picture with parameter sets.
    fps : fractions.Fraction
        The presentation time of picture n is exactly n / fps.
    delay : int
        How many pictures are coded before one that is shown before them.
    """
    container = format_of_path(path)
    with writing(path) as stream:
        if container is None:
            for data, _, _ in pictures:
                stream.write(data)
        else:
            _mux(path, stream, container, iter(pictures), fps, delay)


def _mux(path, stream, container, pictures, fps, delay):
    try:
        import av
    except ImportError as error:
        raise MissingPackageError(
            f"{os.fspath(path)}: MP4 and Matroska are written by PyAV, which is not installed: pip install "
            "codec[video], or write a byte stream (.h264)"
        ) from error
    first = next(pictures)
    try:
        with (
            av.open(io.BytesIO(first[0]), format="h264") as template,
            av.open(stream, "w", format=container) as output,
        ):
            video = output.add_stream_from_template(template.streams.video[0])
            video.time_base = 1 / fps
            for count, (data, number, key) in enumerate(chain([first], pictures)):
                packet = av.Packet(data)
                packet.stream, packet.time_base = video, 1 / fps
                packet.pts, packet.dts, packet.duration = number, count - delay, 1
                packet.is_keyframe = key
                output.mux(packet)
    except av.FFmpegError as error:
        raise FileError(f"{os.fspath(path)}: FFmpeg cannot write it: {error.strerror}") from error
