"""Write decoded frames as YUV4MPEG2, raw planes or pictures. Files appear completely or not at all."""

import contextlib
import os
import re
import sys
from fractions import Fraction

import click

from ..errors import FileError
from ..sources.files import writing

DEFAULT_FPS = Fraction(25)


def writer_for(output, overwrite):
    """The function (frames, output, fps) for a file name."""
    suffix = os.path.splitext(output)[1].lower()
    if suffix == ".png":
        if not re.search(r"%0?\d*d", output):
            raise click.UsageError(f"{output} is a single picture; use a pattern such as frames/%04d.png")
        return lambda frames, path, fps: write_pictures(frames, path, overwrite)
    if output != "-" and suffix not in (".y4m", ".yuv"):
        raise click.UsageError(
            f"{output}: write .y4m, .yuv, a pattern such as %04d.png, - for stdout, or name md5 or null"
        )
    if output != "-" and not overwrite and os.path.exists(output):
        raise FileError(f"{output} exists; replace it with --overwrite")
    return lambda frames, path, fps: write_stream(frames, path, fps, header=suffix != ".yuv")


def rate(fps):
    """A Fraction from "30000/1001", or from the stream in a file, or the default."""
    if fps is None:
        return DEFAULT_FPS
    if re.fullmatch(r"\d+([./]\d+)?", fps):
        return Fraction(fps)
    from ..h264 import probe

    return probe(fps).fps or DEFAULT_FPS


def y4m_header(frame, fps):
    """First line of YUV4MPEG2 (yuv4mpeg(5) of mjpegtools; depths above 8 as FFmpeg writes them)."""
    name = "mono" if frame.chroma == "4:0:0" else frame.chroma.replace(":", "")
    depth = "" if frame.bit_depth == 8 else ("" if name == "mono" else "p") + str(frame.bit_depth)
    tag = name + depth + ("mpeg2" if name == "420" and not depth else "")
    full = " XCOLORRANGE=FULL" if frame.full_range else ""
    return (
        f"YUV4MPEG2 W{frame.width} H{frame.height} F{fps.numerator}:{fps.denominator} Ip A0:0 C{tag}{full}\n".encode()
    )


@contextlib.contextmanager
def target(path):
    """A stream to a file that appears completely or not at all, or to stdout for "-"."""
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with writing(path) as stream:
            yield stream


def write_stream(frames, path, fps, header):
    """Write all frames to one file."""
    first = None
    with target(path) as stream:
        for frame in frames:
            if header and first is None:
                stream.write(y4m_header(frame, rate(fps)))
            first = first or frame
            if header and [plane.shape for plane in frame.planes] != [plane.shape for plane in first.planes]:
                size = f"{frame.width}x{frame.height}"
                raise FileError(
                    f"{path}: the frame size changes to {size}, and YUV4MPEG2 has a single size; write .yuv or pictures"
                )
            if header:
                stream.write(b"FRAME\n")
            for plane in frame.planes:
                stream.write(plane.astype(plane.dtype.newbyteorder("<")).tobytes())


def write_pictures(frames, pattern, overwrite):
    """Write one picture per frame, numbered from 0."""
    from ..formats.pictures import dump
    from ..sources.files import write_atomic

    folder = os.path.dirname(pattern)
    if folder:
        os.makedirs(folder, exist_ok=True)
    for number, frame in enumerate(frames):
        path = pattern % number
        if not overwrite and os.path.exists(path):
            raise FileError(f"{path} exists; replace it with --overwrite")
        write_atomic(path, dump(frame.to_rgb(), "PNG"))
