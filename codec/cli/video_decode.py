"""`codec video decode`: H.264 to samples."""

import hashlib
import os
import sys
import time
from contextlib import closing
from itertools import chain

import click

from . import _options as options
from ._common import Failure, echo_json, refuse_terminal, say

PROGRESS_SECONDS = 0.5


def parse_frames(ctx, param, value):
    """Parse "A:B", "A:", ":B" or "A" to (first, end or None): frames in output order from 0, without B."""
    if value is None:
        return 0, None
    first, colon, last = value.partition(":")
    try:
        first = int(first or 0)
        end = (int(last) if last else None) if colon else first + 1
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not of the form A:B, A:, :B or A") from error
    if first < 0 or (end is not None and end <= first):
        raise click.BadParameter(f"{value!r} contains no frames")
    return first, end


def chosen(frames, first, end):
    """Yield the frames of a range, which must not be empty, with progress on stderr if it is a terminal."""
    shown, start = 0.0, time.monotonic()
    number = -1
    for number, frame in enumerate(frames):
        if end is not None and number >= end:
            return
        if sys.stderr.isatty() and time.monotonic() - shown > PROGRESS_SECONDS:
            shown = time.monotonic()
            click.echo(f"\rframe {number}, {number / max(shown - start, 0.001):.1f} fps ", nl=False, err=True)
        if number >= first:
            yield frame
    if number < first:
        raise Failure(f"--frames begins at frame {first}, and the video has only {number + 1} frames")
    if sys.stderr.isatty() and shown:
        click.echo("\r" + " " * 40 + "\r", nl=False, err=True)


class Digest:
    """Counts frames and computes their MD5 as they pass."""

    def __init__(self):
        self.frames, self.damaged, self._md5 = 0, 0, hashlib.md5(usedforsecurity=False)

    def watch(self, frames):
        """Yield the same frames."""
        for frame in frames:
            self.frames += 1
            if frame.damage:
                self.damaged += 1
                for text in frame.damage.errors[:3]:
                    say(f"warning: frame {self.frames - 1}: {text}")
            for plane in frame.planes:
                self._md5.update(plane.astype(plane.dtype.newbyteorder("<")).tobytes())
            yield frame

    @property
    def md5(self):
        """MD5 over Y, Cb, Cr of each frame; samples above 8 bits as 16-bit little-endian."""
        return self._md5.hexdigest()


def drain(frames, output, fps, source):
    for _ in frames:
        pass


@click.command()
@click.argument("input_", metavar="IN")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    help="clip.y4m, clip.yuv, frames/%04d.png, - (Y4M on stdout), md5 or null.",
)
@click.option(
    "--frames", callback=parse_frames, metavar="A:B", help="Only frames A to B - 1, counted from 0 in output order."
)
@click.option("--verify", metavar="MD5", help="Fail unless the planes of all frames have this MD5.")
@click.option(
    "--on-error",
    type=click.Choice(["raise", "conceal", "skip"]),
    default="raise",
    show_default=True,
    help="For damaged pictures: fail, repair them, or leave them out. "
    "Pictures predicted from damaged ones are damaged too.",
)
@click.option(
    "--x264-build",
    type=click.IntRange(1),
    metavar="N",
    help="The build of x264 that wrote the stream, if its SEI does not say.",
)
@click.option(
    "--fps", metavar="N[/D]", help="Frame rate to write.  [default: that of the container or stream, else 25]"
)
@options.max_pixels
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
@options.as_json()
def decode(input_, output, frames, verify, on_error, x264_build, fps, limits, overwrite, as_json):
    """Decode H.264: a byte stream (.264), MP4, MKV, TS, AVI and other containers, or - for stdin.

    Planes are written as coded, cropped to the display area: .y4m with a header, .yuv without. YUV4MPEG2 has one frame
    rate: for uneven times it is the mean, with a warning. A pattern such as frames/%04d.png writes one RGB picture per
    frame, turned as the container says. md5 prints the MD5 of the planes, null only decodes.

    \b
    Examples:
      codec video decode clip.264 -o clip.y4m
      codec video decode clip.264 -o md5 --frames 0:10
      codec video decode broken.264 -o saved.y4m --on-error conceal
      codec video decode clip.mp4 -o - | other-program
    """
    from ..h264 import decode_video
    from ..sources.files import read_chunks
    from ._frames_out import rate, writer_for

    if output == "-":
        refuse_terminal()
    fps, source, origin = rate(fps), input_, input_
    if input_ == "-":
        chunks = read_chunks(sys.stdin.buffer, limits)
        origin = next(chunks, b"")
        source = chain([origin], chunks)
    write = drain if output in ("md5", "null") else writer_for(output, overwrite)
    digest, start = Digest(), time.perf_counter()
    with closing(decode_video(source, on_error=on_error, x264_build=x264_build, limits=limits)) as decoded:
        write(digest.watch(chosen(decoded, *frames)), output, fps, origin)
    seconds = time.perf_counter() - start
    if verify and verify.lower() != digest.md5:
        raise Failure(f"{input_}: the MD5 of {digest.frames} frames is {digest.md5}, not {verify}")
    if as_json:
        echo_json(
            "video decode",
            file=input_,
            output=output,
            frames=digest.frames,
            damaged=digest.damaged,
            md5=digest.md5,
            seconds=round(seconds, 3),
        )
    elif output == "md5":
        click.echo(digest.md5)
    else:
        say(
            f"{os.path.basename(input_)}: {digest.frames} frames in {seconds:.2f} s"
            + (f", {digest.damaged} damaged" if digest.damaged else "")
        )
