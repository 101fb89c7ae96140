"""`codec video encode`: frames to H.264."""

import contextlib
import os
import re
import sys
import time

import click

from ..errors import CodecError, FileError, ParameterError
from ..sources.files import PIPE, sweep
from . import _options as options
from ._common import echo_json, refuse_terminal, say, size
from ._frames_out import rate
from ._progress import Passes, progress
from ._video_in import label, open_input, warn, warned


def parse_bitrate(ctx, param, value):
    """Parse "800k", "2.5M" or "800000" to bits, or bits per second."""
    from ..targets import VIDEO_RATES, parse_target

    if value is None:
        return None
    rate = 0
    with contextlib.suppress(ParameterError):
        rate = parse_target(f"bitrate:{value}", VIDEO_RATES).value
    if not 1000 <= rate <= 800_000_000:
        raise click.BadParameter(f"{value!r} is not a number of bits from 1k to 800M, such as 800k or 2.5M")
    return rate


def video_target(value):
    """A target of videos, checked."""
    from ..targets import VIDEO_RATES, parse_target

    return parse_target(value, VIDEO_RATES).text


def level_name(value):
    """A level of H.264, checked."""
    from ..h264.encode.parameters import level_named

    return level_named(value)


# as JM and x264 name them, in the order of the argument
MATRICES = (
    *(f"{kind}4X4_{plane}" for kind in ("INTRA", "INTER") for plane in ("LUMA", "CHROMAU", "CHROMAV")),
    "INTRA8X8_LUMA", "INTER8X8_LUMA",
)  # fmt: skip


def scaling_matrix(value):
    """ "flat", "jvt", or the eight matrices of a file."""
    from ..h264.encode.matrices import NAMED, lists_of

    if value in NAMED:
        return value
    try:
        with open(value, encoding="utf-8") as file:
            text = re.sub(r"#.*", "", file.read(1 << 16))
    except (OSError, ValueError) as error:
        raise ParameterError(f"{value!r} is neither {' nor '.join(NAMED)} nor a file of matrices: {error}") from error
    found = []
    for name in MATRICES:
        side = 4 if "4X4" in name else 8
        match = re.search(rf"\b{name}\s*=((?:[\s,]*\b\d{{1,3}}\b){{{side * side}}})[\s,]*(?![\s,\d])", text)
        if match is None:
            raise ParameterError(f"{value} has no {name} = {side * side} numbers")
        numbers = [int(one) for one in re.findall(r"\d+", match[1])]
        found.append([numbers[at : at + side] for at in range(0, side * side, side)])
    lists_of(found)
    return found


@click.command()
@click.argument("input_", metavar="IN")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    help="clip.mp4, .mkv, .mov, or .h264 (byte stream), or - for that on stdout.",
)
@click.option("--qp", type=click.IntRange(0, 51), metavar="N", help="QP of P pictures, 0 to 51; not with --crf.")
@click.option(
    "--crf", type=click.FloatRange(0, 51), metavar="N", help="Constant quality, 0 (best) to 51.  [default: 23]"
)
@click.option("--bitrate", callback=parse_bitrate, metavar="RATE", help="Average rate: 800k, 2.5M, or bits per second.")
@click.option(
    "--vbv-maxrate", callback=parse_bitrate, metavar="RATE", help="Most that a decoder is sent, with --vbv-bufsize: 1M."
)
@click.option(
    "--vbv-bufsize", callback=parse_bitrate, metavar="BITS", help="Buffer of a decoder that never runs empty: 2M."
)
@click.option(
    "--passes",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    metavar="N",
    help="2: read the input twice, for --bitrate with one quality throughout.",
)
@click.option(
    "--target",
    callback=options.checked(video_target),
    metavar="WHAT:VALUE",
    help="size:5MB (at most), bitrate:800k (in two passes), or a score, the mean over the frames: ssim:0.97, "
    "ssimulacra2:70, psnr:40 (of RGB), psnr_y:40 (of luma).",
)
@click.option(
    "--level",
    callback=options.checked(level_name),
    metavar="LEVEL",
    help="Level of H.264, such as 4.1, which bounds rate, buffer and references.  [default: the lowest]",
)
@click.option(
    "--profile",
    type=options.Known("h264.encode.parameters:PROFILES"),
    help="Nothing beyond this profile of H.264.  [default: what the preset makes]",
)
@click.option(
    "--preset",
    type=options.Known("h264.encode.settings:PRESETS"),
    default="medium",
    show_default=True,
    help="From fast to small.",
)
@click.option(
    "--tune",
    type=options.KnownList("h264.encode.settings:TUNES"),
    help="A measure or content, and uses (zerolatency, fastdecode), with commas.  [default: for the eye]",
)
@click.option(
    "--scaling-matrix",
    callback=options.checked(scaling_matrix),
    default="flat",
    show_default=True,
    metavar="flat|jvt|FILE",
    help="Weights of quantization steps by frequency: the lists of the standard, or a file as x264's --cqmfile.",
)
@click.option(
    "--slices",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Slices of each picture, of rows of macroblocks: one that is lost leaves the others.",
)
@click.option(
    "--slice-max-bytes",
    type=click.IntRange(1000),
    metavar="N",
    help="Largest slice, at least 1000 (1500 with --lossless), to fit packets of a network.",
)
@click.option(
    "--lossless",
    is_flag=True,
    help="Frames bit for bit, RGB and 4:4:4 too, in place of --crf and the like. Many players cannot show it.",
)
@click.option("--aud", is_flag=True, help="Begin each picture with an access unit delimiter.")
@click.option(
    "--no-settings",
    "settings_sei",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Do not write into the stream which encoder made it with which settings.",
)
@click.option("--open-gop", is_flag=True, help="B pictures may refer across key pictures: smaller, if these are many.")
@click.option(
    "--psy-rd",
    type=click.FloatRange(0, 4),
    default=0,
    show_default=True,
    metavar="WEIGHT",
    help="Keep grain and fine texture, at the cost of PSNR: 0 to 4, presets from fast on.",
)
@click.option(
    "--keyint",
    type=click.IntRange(1),
    default=250,
    show_default=True,
    metavar="N",
    help="A key picture at least every N frames; scenes begin with one too.",
)
@click.option(
    "--fps",
    metavar="N[/D]",
    help="Frames per second, in place of the times of the input.  [default: those of the input; 25 for pictures]",
)
@click.option("--frames", type=click.IntRange(1), metavar="N", help="Only the first N frames.")
@click.option(
    "-j",
    "--threads",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Threads that encode; the bytes do not depend on it.  [default: 0, enough for all CPUs]",
)
@click.option("--psnr", is_flag=True, help="Compare pictures with their frames: PSNR of Y, Cb and Cr, over all frames.")
@click.option("--ssim", is_flag=True, help="The same by SSIM.")
@click.option("--no-audio", "audio", is_flag=True, flag_value=False, default=True, help="Do not copy audio.")
@options.max_pixels
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
@options.as_json()
def encode(input_, output, fps, frames, psnr, ssim, audio, limits, overwrite, as_json, **settings):
    """Encode H.264 from a clip, an animated picture, or pictures.

    IN is YUV4MPEG2 (.y4m), any clip that FFmpeg reads (with PyAV), an animated GIF, PNG or WebP, a folder of pictures
    or a pattern (frame%04d.png, "*.png"), in natural order, or - for a clip on stdin. A clip is read while it is
    encoded.

    Frames are shown at the times of the input; MP4 and Matroska keep uneven ones, a byte stream needs --fps then. A
    container also gets the audio tracks as they are, and the rotation. Other tracks, chapters and tags are left out.
    Frames have 8 bits in 4:2:0 or gray; others are converted, but not with --lossless, which takes 4:4:4 and RGB, and
    refuses others. What is lost is said in warnings.

    \b
    Examples:
      codec video encode clip.y4m -o clip.mp4
      codec video encode clip.mkv -o clip.h264 --preset slow --qp 28 --psnr --ssim
      codec video encode clip.mp4 -o small.mp4 --crf 30 --frames 100
      codec video encode clip.mkv -o clip.mp4 --target size:5MB
      codec video encode frames/ -o film.mkv --fps 24
      codec video encode frames/ -o screen.mkv --fps 10 --lossless
      codec video encode cat.gif -o cat.mp4
      other-program | codec video encode - -o - | player
    """
    from ..h264 import write_video

    rates = [settings[name] is not None for name in ("qp", "crf", "bitrate", "target")]
    if sum(rates) + settings["lossless"] > 1:
        raise click.UsageError(
            "--qp, --crf, --bitrate, --target and --lossless contradict each other: give one of them"
        )
    bounded = settings["vbv_maxrate"] or settings["level"] or settings["scaling_matrix"] != "flat"
    if settings["lossless"] and (bounded or settings["psy_rd"]):
        raise click.UsageError(
            "--lossless takes what bits it needs, without steps: no VBV, level, scaling matrix or --psy-rd"
        )
    if settings["passes"] == 2 and not settings["bitrate"]:
        raise click.UsageError("--passes 2 is for --bitrate; --target has passes of its own")
    again = bool(settings["passes"] == 2 or settings["target"])
    if again and input_ == PIPE:
        raise click.UsageError(
            "--passes 2 and --target read the input several times, and stdin comes once: name a file"
        )
    if (settings["vbv_maxrate"] is None) != (settings["vbv_bufsize"] is None):
        raise click.UsageError("--vbv-maxrate and --vbv-bufsize go together: give both")
    if settings["vbv_maxrate"] and (settings["bitrate"] or 0) > settings["vbv_maxrate"]:
        raise click.UsageError("--bitrate is more than --vbv-maxrate: the average cannot exceed it")
    target = output
    if output == PIPE:
        refuse_terminal()
        if as_json:
            raise click.UsageError("the video and --json cannot both go to stdout: name a file with -o")
        target = _Stdout()
    elif not overwrite and os.path.exists(output):
        raise FileError(f"{output} exists; replace it with --overwrite")
    else:
        sweep(os.path.dirname(output))
    name, start = label(input_), time.perf_counter()
    metrics = [metric for metric, wanted in (("psnr", psnr), ("ssim", ssim)) if wanted]
    with _naming(name, output):
        clip = open_input(input_, rate(fps), frames, limits, settings["lossless"])
        _warn(name, clip.warnings)
        with progress(name, "fps") as show:
            shown = show and Passes(show, clip.count, _passes(settings))
            source = clip
            if again:
                clip.close()
                source = lambda: open_input(input_, rate(fps), frames, limits)
            video = write_video(target, source, metrics=metrics, audio=audio, progress=shown, **settings)
    seconds = time.perf_counter() - start
    _warn(name, video.warnings)
    score = _score(settings["target"]) if video.tries else None
    if as_json:
        written = {"file": input_, "output": output, "bytes": os.path.getsize(output)}
        made = video.to_json() | {"warnings": warned(name)} | ({"score": score} if score else {})
        echo_json("video encode", **written, seconds=round(seconds, 3), **made)
    else:
        written = size(video.bits // 8 if output == PIPE else os.path.getsize(output))
        say(_summary(name, video, seconds, written, score))


def _warn(name, texts):
    for text in texts:
        warn(name, text)


def _passes(settings):
    """How often the clip is read, as far as it is known before."""
    if not settings["target"]:
        return settings["passes"]
    return 2 if settings["target"].startswith("bitrate:") else 3 if settings["target"].startswith("size:") else 7


class _Stdout:
    """stdout as a file object for `write_video`: pictures leave at once."""

    name = "stdout"

    def write(self, data):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


@contextlib.contextmanager
def _naming(name, output):
    """Errors say which input they are about. That the reader of stdout is gone is none of ours."""
    try:
        yield
    except CodecError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            raise error.__cause__
        if name in str(error) or output in str(error):
            raise
        raise type(error)(f"{name}: {error}") from error


def _score(target):
    """What the tries of a target measure; --psnr and --ssim are of planes, and PSNR is of the error of all frames."""
    from ..metrics.names import facts

    metric = target.partition(":")[0]
    return f"{metric} of {'luma' if facts(metric).of_luma else 'RGB'}, mean over the frames"


def _summary(name, video, seconds, written, score):
    """score: what `tries` measure, or None."""
    frames = f"{len(video)} frame{'s' * (len(video) != 1)} in {seconds:.2f} s ({len(video) / seconds:.1f} fps)"
    lines = [f"{name}: {frames}, {written}, {video.kbps:.1f} kbit/s"]
    for kind in "IPB":
        of_kind = [picture for picture in video if picture.type == kind]
        if of_kind:
            qp, bits = (sum(values) / len(of_kind) for values in zip(*((one.qp, one.bits) for one in of_kind)))
            lines.append(f"  {kind}: {len(of_kind)}, mean QP {qp:.1f}, mean bits {bits:.0f}")
    for title, planes, form in (("PSNR", video.psnr, "{:.2f} dB"), ("SSIM", video.ssim, "{:.4f}")):
        if planes is not None:
            shown = (("-" if one is None else form.format(one)) for one in planes)
            over = "over all frames" if title == "PSNR" else "mean"
            lines.append(
                f"  {title}, {over}: " + ", ".join(f"{name} {one}" for name, one in zip(("Y", "Cb", "Cr"), shown))
            )
    if video.tries:
        lines.append(f"  CRF and {score}: " + ", ".join(f"{crf:g}: {value:.5g}" for crf, value in video.tries))
    return "\n".join(lines)
