"""Write decoded frames as YUV4MPEG2, raw planes or pictures. Files appear completely or not at all."""

import contextlib
import os
import re
import sys
from fractions import Fraction

import click

from ..errors import CodecError, FileError, UnsupportedError
from ..sources.files import sweep, writing
from ._common import say

DEFAULT_FPS = Fraction(25)


def writer_for(output, overwrite):
    """The function (frames, output, fps, source) for a file name; see `write_stream`."""
    suffix = os.path.splitext(output)[1].lower()
    if suffix == ".png":
        if not re.search(r"%0?\d*d", output):
            raise click.UsageError(f"{output} is a single picture; use a pattern such as frames/%04d.png")
        return lambda frames, path, fps, source: write_pictures(frames, path, overwrite)
    if output != "-" and suffix not in (".y4m", ".yuv"):
        raise click.UsageError(
            f"{output}: write .y4m, .yuv, a pattern such as %04d.png, - for stdout, or name md5 or null"
        )
    if output != "-" and not overwrite and os.path.exists(output):
        raise FileError(f"{output} exists; replace it with --overwrite")
    return lambda frames, path, fps, source: write_stream(frames, path, fps, source, header=suffix != ".yuv")


def rate(fps):
    """A Fraction from "30000/1001" or "25", or None."""
    if fps is None:
        return None
    if re.fullmatch(r"\d{1,9}(/0*[1-9]\d{0,8}|\.\d{1,9})?", fps) and Fraction(fps) > 0:
        return Fraction(fps)
    raise click.UsageError(f"--fps {fps}: a frame rate is a number such as 25, 29.97 or 30000/1001")


def stream_of(source):
    """The `VideoInfo` of a source (a path, or the first bytes of a stream), or None if they do not reach that far."""
    from ..h264 import probe

    try:
        return probe(source)
    except CodecError:
        return None


def y4m_header(frame, fps, info):
    """First line of YUV4MPEG2 (yuv4mpeg(5) of mjpegtools; depths above 8 as FFmpeg writes them).

    Raises
    ------
    UnsupportedError
        If the planes are not Y, Cb and Cr: YUV4MPEG2 cannot say so, and readers would take them for that.
    """
    from ..color import OTHER_MATRICES

    if frame.matrix in OTHER_MATRICES:
        raise UnsupportedError(
            f"the planes are {' '.join(frame.matrix) if frame.matrix == 'GBR' else frame.matrix}, and YUV4MPEG2 holds "
            "Y, Cb and Cr only: write pictures (frames/%04d.png), or .yuv for the planes as they are"
        )
    name = "mono" if frame.chroma == "4:0:0" else frame.chroma.replace(":", "")
    depth = "" if frame.bit_depth == 8 else ("" if name == "mono" else "p") + str(frame.bit_depth)
    tag = name + depth + ("mpeg2" if name == "420" and not depth else "")
    full = " XCOLORRANGE=FULL" if frame.full_range else ""
    order = {"progressive": "p", "top": "t", "bottom": "b"}.get(info.field_order if info else "", "?")
    across, down = info.sample_aspect_ratio if info else (0, 0)
    return (
        f"YUV4MPEG2 W{frame.width} H{frame.height} F{fps.numerator}:{fps.denominator} I{order} A{across}:{down} "
        f"C{tag}{full}\n"
    ).encode()


@contextlib.contextmanager
def target(path):
    """A stream to a file that appears completely or not at all, or to stdout for "-"."""
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        sweep(os.path.dirname(path))
        with writing(path) as stream:
            yield stream


def _kind(frame):
    return [plane.shape for plane in frame.planes], frame.chroma, frame.bit_depth, frame.matrix, frame.full_range


def write_stream(frames, path, fps, source, header):
    """Write all frames to one file.

    Parameters
    ----------
    fps : fractions.Fraction or None
        The frame rate that was asked for; None: that of `source`, else 25.
    source : path or bytes
        Where the frames come from, or its first bytes: rate, field order and sample aspect ratio are read there.
    header : bool
        Write YUV4MPEG2, not planes alone.
    """
    first, times = None, []
    with target(path) as stream:
        for frame in frames:
            times.append(frame.timestamp)
            if first is None:
                first = frame
                if header:
                    info = stream_of(source)
                    fps = fps or (info and info.fps) or DEFAULT_FPS
                    stream.write(y4m_header(frame, fps, info))
                    _tell_matrix(frame)
                _tell_rotation(frame)
            if header and _kind(frame) != _kind(first):
                raise FileError(
                    f"{path}: size or format change to {frame.width}x{frame.height} {frame.chroma}, {frame.bit_depth} "
                    f"bits, {frame.matrix}, and YUV4MPEG2 has a single one; write .yuv or pictures"
                )
            if header:
                stream.write(b"FRAME\n")
            for plane in frame.planes:
                stream.write(plane.astype(plane.dtype.newbyteorder("<")).tobytes())
    from ..sources.clips import uneven
    from ..sources.containers import timing

    if header and (seconds := timing(times, 0).seconds):
        say(
            f"warning: the frames are shown for {uneven(seconds)}; YUV4MPEG2 has one rate, "
            f"F{fps.numerator}:{fps.denominator}"
        )


def _tell_matrix(frame):
    from ..color import default_matrix

    taken = default_matrix(frame.height)
    if frame.chroma != "4:0:0" and frame.matrix != taken:
        say(f"warning: YUV4MPEG2 does not state the matrix {frame.matrix}; readers take {taken} at this size")


def _tell_rotation(frame):
    if frame.rotation:
        say(
            f"warning: the container turns the picture by {frame.rotation} degrees counterclockwise; planes are "
            "written as coded"
        )


def write_pictures(frames, pattern, overwrite):
    """Write one picture per frame, upright, numbered from 0."""
    import numpy as np

    from ..formats.pictures import dump
    from ..sources.files import write_atomic

    folder = os.path.dirname(pattern)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot create the folder {folder}: {error.strerror}; choose another folder") from error
    sweep(folder)
    for number, frame in enumerate(frames):
        upright = np.ascontiguousarray(np.rot90(frame.to_rgb(), frame.rotation // 90))
        path = pattern % number
        if not overwrite and os.path.exists(path):
            raise FileError(f"{path} exists; replace it with --overwrite")
        write_atomic(path, dump(upright, "PNG"))
