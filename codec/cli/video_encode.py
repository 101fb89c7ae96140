"""`codec video encode`: frames to H.264."""

import os
import re
import time

import click

from ..errors import FileError
from . import _options as options
from ._common import echo_json, say, size, warn
from ._frames_out import rate
from ._progress import progress


def parse_bitrate(ctx, param, value):
    """Parse "800k", "2.5M" or "800000" to bits per second."""
    if value is None:
        return None
    parts = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)([kM]?)", value)
    rate = float(parts[1]) * {"": 1, "k": 1000, "M": 1_000_000}[parts[2]] if parts else 0
    if not 1000 <= rate <= 800_000_000:
        raise click.BadParameter(f"{value!r} is not a rate from 1k to 800M, such as 800k or 2.5M")
    return rate


def frames_in(clip, name):
    """Yield the frames of a clip in 4:2:0 or 4:0:0; others are converted, with a warning."""
    from ..frame import Frame

    if clip.chroma not in ("4:2:0", "4:0:0"):
        warn(name, f"{clip.chroma} is converted to 4:2:0: chroma loses resolution")
    for planes in clip.frames:
        frame = Frame(planes, clip.chroma, clip.depth, clip.matrix, clip.full_range)
        if clip.chroma not in ("4:2:0", "4:0:0") and clip.depth == 8:
            frame = Frame.from_rgb(frame.to_rgb(), matrix=clip.matrix, full_range=clip.full_range)
        yield frame


@click.command()
@click.argument("input_", metavar="IN")
@click.option("-o", "--output", required=True, metavar="OUT", help="clip.mp4, .mkv, .mov, or .h264 (byte stream).")
@click.option("--qp", type=click.IntRange(0, 51), metavar="N", help="QP of P pictures, 0 to 51; not with --crf.")
@click.option(
    "--crf", type=click.FloatRange(0, 51), metavar="N", help="Constant quality, 0 (best) to 51.  [default: 23]"
)
@click.option("--bitrate", callback=parse_bitrate, metavar="RATE", help="Average rate: 800k, 2.5M, or bits per second.")
@click.option(
    "--preset",
    type=options.Known("h264.encode.settings:PRESETS"),
    default="medium",
    show_default=True,
    help="From fast to small.",
)
@click.option(
    "--tune",
    type=options.Known("h264.encode.settings:TUNES"),
    help="A measure, content or use.  [default: for the eye]",
)
@click.option(
    "--keyint",
    type=click.IntRange(1),
    default=250,
    show_default=True,
    metavar="N",
    help="A key picture at least every N frames; scenes begin with one too.",
)
@click.option("--fps", metavar="N[/D]", help="Frames per second.  [default: those of the input]")
@click.option("--frames", type=click.IntRange(1), metavar="N", help="Only the first N frames.")
@options.max_pixels
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
@options.as_json()
def encode(input_, output, qp, crf, bitrate, preset, tune, keyint, fps, frames, limits, overwrite, as_json):
    """Encode H.264 from YUV4MPEG2 (.y4m), or from any clip that FFmpeg reads (with PyAV).

    The picture is encoded as it is stored, with 8 bits in 4:2:0 or gray; audio is not copied.

    \b
    Examples:
      codec video encode clip.y4m -o clip.mp4
      codec video encode clip.mkv -o clip.h264 --preset slow --qp 28
      codec video encode clip.mp4 -o small.mp4 --crf 30 --frames 100
    """
    from ..h264 import write_video
    from ..sources import clips

    if sum(value is not None for value in (qp, crf, bitrate)) > 1:
        raise click.UsageError("--qp, --crf and --bitrate contradict each other: give one of them")
    if not overwrite and os.path.exists(output):
        raise FileError(f"{output} exists; replace it with --overwrite")
    fps, name, start = rate(fps), os.path.basename(input_), time.perf_counter()
    clip = clips.load(input_, frames=frames, limits=limits)
    for text in clip.warnings:
        warn(name, text)
    if clip.rotation:
        warn(name, f"its container turns the picture by {clip.rotation} degrees, which the output does not say")
    with progress(name) as show:
        pictures = write_video(
            output, frames_in(clip, name), fps=fps or clip.fps, qp=qp, crf=crf, bitrate=bitrate, preset=preset,
            tune=tune, keyint=keyint, progress=show and (lambda done: show(done, len(clip.frames))),
        )  # fmt: skip
    seconds, bits = time.perf_counter() - start, sum(picture.bits for picture in pictures)
    kbps = bits * float(fps or clip.fps) / len(pictures) / 1000
    if as_json:
        echo_json(
            "video encode",
            file=input_,
            output=output,
            frames=len(pictures),
            bytes=os.path.getsize(output),
            kbps=round(kbps, 3),
            seconds=round(seconds, 3),
            pictures=[vars(picture) for picture in pictures],
        )
    else:
        say(
            f"{name}: {len(pictures)} frames in {seconds:.2f} s ({len(pictures) / seconds:.1f} fps), "
            f"{size(os.path.getsize(output))}, {kbps:.1f} kbit/s"
        )
