"""`codec video decode`: H.264 to samples."""

import hashlib
import os
import sys
import time

import click

from ._common import Failure, echo_json, refuse_terminal, say

PROGRESS_SECONDS = 0.5


def parse_frames(ctx, param, value):
    """(first, last or None) of "A:B", "A:", ":B" or "A": frames in output order, from 0, B not included."""
    if value is None:
        return 0, None
    first, colon, last = value.partition(":")
    try:
        first = int(first or 0)
        end = (int(last) if last else None) if colon else first + 1
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not of the form A:B, A:, :B or A") from error
    if first < 0 or (end is not None and end <= first):
        raise click.BadParameter(f"{value!r} holds no frames")
    return first, end


def chosen(frames, first, end):
    """The frames of a range, with progress on stderr where that is a terminal."""
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
    if sys.stderr.isatty() and shown:
        click.echo("\r" + " " * 40 + "\r", nl=False, err=True)


class Digest:
    """Counts frames, adds up their MD5, and passes them on."""

    def __init__(self):
        self.frames, self.damaged, self._md5 = 0, 0, hashlib.md5(usedforsecurity=False)

    def watch(self, frames):
        """The same frames."""
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
        """Over Y, Cb, Cr of each frame; deeper samples as little-endian 16-bit."""
        return self._md5.hexdigest()


def drain(frames, output, fps):
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
@click.option("--verify", metavar="MD5", help="Fail unless this is the MD5 of the planes of all frames.")
@click.option(
    "--on-error",
    type=click.Choice(["raise", "conceal", "skip"]),
    default="raise",
    show_default=True,
    help="For damaged pictures: fail, repair them, or leave them out. Pictures predicted from damaged ones are damaged too.",
)
@click.option(
    "--x264-build",
    type=click.IntRange(1),
    metavar="N",
    help="The build of x264 that wrote the stream, if its SEI does not say.",
)
@click.option("--fps", metavar="N[/D]", help="Frame rate to write.  [default: that of the stream, else 25]")
@click.option("--max-pixels", type=click.IntRange(1), metavar="N", help="Refuse larger pictures.  [default: 178956970]")
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def decode(input_, output, frames, verify, on_error, x264_build, fps, max_pixels, overwrite, as_json):
    """Decode H.264: a byte stream (.264), MP4, MKV, AVI, or - for stdin.

    Planes are written as they are coded, cropped: .y4m with a header, .yuv without. A pattern such as frames/%04d.png gives one RGB picture
    for each frame. md5 prints the MD5 of the planes, null only decodes.

    \b
    Examples:
      codec video decode clip.264 -o clip.y4m
      codec video decode clip.264 -o md5 --frames 0:10
      codec video decode broken.264 -o saved.y4m --on-error conceal
      codec video decode clip.mp4 -o - | other-program
    """
    from ..h264 import decode_video
    from ..limits import DEFAULT_LIMITS, Limits
    from ._frames_out import writer_for

    if output == "-":
        refuse_terminal()
    source = sys.stdin.buffer if input_ == "-" else input_
    write = drain if output in ("md5", "null") else writer_for(output, overwrite)
    digest, start = Digest(), time.perf_counter()
    limits = Limits(pixels=max_pixels) if max_pixels else DEFAULT_LIMITS
    write(
        digest.watch(chosen(decode_video(source, on_error=on_error, x264_build=x264_build, limits=limits), *frames)),
        output,
        fps or (None if input_ == "-" else input_),
    )
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
