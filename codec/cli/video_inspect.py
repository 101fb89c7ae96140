"""`codec video inspect`: the structure of an H.264 stream."""

import os
from itertools import islice

import click

from ..errors import FileError
from . import _options as options
from ._common import Failure, echo_json, printable, size, warn
from ._frames_out import DEFAULT_FPS
from .inspect import columns, section

LINE = 72
LAYERS = ("type", "bits", "qp", "mv")  # of codec.h264.overlay, which help does not load


def summary(report):
    s = report["summary"]
    facts = [
        f"{s['width']}x{s['height']}",
        f"H.264 {s['profile']}",
        f"level {s['level']}",
        s["chroma"],
        f"{s['bit_depth']}-bit",
    ]
    facts += [f"{s['fps']} fps"] if s["fps"] else []
    facts += ["interlaced"] if s["interlaced"] else []
    return ", ".join(printable(fact) for fact in facts)


def flat(content, prefix=""):
    """Yield (name, text) of syntax elements, with the name of their structure as prefix; absent and empty ones are left
    out.
    """
    for name, value in content.items():
        if name in ("nal_unit", "name") or value in (None, [], {}):
            continue
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and isinstance(value[0], dict):
            for number, one in enumerate(value):
                yield from flat(one, f"{prefix}{name}[{number}].")
        else:
            yield prefix + name, str(value).replace(" ", "")


def element_lines(content):
    """Yield lines of several name=value."""
    line = ""
    for name, value in flat(content):
        text = printable(f"{name}={value}")
        if line and len(line) + len(text) > LINE:
            yield line
            line = ""
        line += ("  " if line else "") + text
    yield line


def show(report, every):
    click.echo(summary(report) if report["summary"] else "no sequence parameter set")
    show_parameter_sets(report["parameter_sets"])
    sei, nal_units, pictures = report["sei"], report["nal_units"], report["pictures"]
    kinds = [(name, sum(nal["name"] == name for nal in nal_units), count) for name, count in report["bytes"].items()]
    section("NAL units (kind, number, bytes)", columns(kinds))
    names = dict.fromkeys(message["name"] for message in sei)
    section("SEI messages", columns([(name, sum(message["name"] == name for message in sei)) for name in names]))
    section("Pictures in decoding order", picture_lines(pictures if every else pictures[:20]))
    if len(pictures) > 20 and not every:
        click.echo(f"  ... {len(pictures) - 20} more (--all)")
    order = report["display_order"]
    lines = [order[at : at + LINE] for at in range(0, len(order), LINE)]
    section("Output order (a bar starts each coded video sequence)", lines[: None if every else 10])
    types = [(kind, [picture["bits"] for picture in pictures if picture["type"] == kind]) for kind in "IPB"]
    section("By type (pictures, mean bits)", columns([(kind, len(b), sum(b) // len(b)) for kind, b in types if b]))
    total = sum(report["bytes"].values())
    click.echo(f"\n{len({picture['frame'] for picture in pictures})} frames, {size(total)}")


def show_parameter_sets(parameter_sets):
    """Show each parameter set once, even if it is repeated."""
    shown = []
    for content in parameter_sets:
        elements = {name: value for name, value in content.items() if name != "nal_unit"}
        if elements in shown:
            continue
        shown.append(elements)
        number = content.get("pic_parameter_set_id", content.get("seq_parameter_set_id"))
        section(f"{content['name']} {number} (NAL unit {content['nal_unit']})", element_lines(content))


def picture_lines(pictures):
    """A table of pictures; key pictures are marked with a star."""
    head = ("picture", "type", "structure", "ref", "frame_num", "PicOrderCnt", "QP", "slices", "bits")
    names = ("index", "type", "structure", "nal_ref_idc", "frame_num", "PicOrderCnt", "SliceQPY", "slices", "bits")
    shown = ({**p, "type": p["type"] + ("*" if p["key"] else ""), "SliceQPY": str(p["SliceQPY"])} for p in pictures)
    return columns([head, *(tuple(map(picture.get, names)) for picture in shown)])


def draw(file, output, number, show, scale, overwrite):
    """Write the overlay of one frame as PNG, or of all as a clip."""
    from ..formats.pictures import dump
    from ..h264 import decode_video, overlay, probe, write_video
    from ..sources.files import write_atomic

    picture = os.path.splitext(output)[1].lower() == ".png"
    if number is not None and not picture:
        raise click.UsageError(f"--frame is for a .png, and {output} gets all frames")
    if not overwrite and os.path.exists(output):
        raise FileError(f"{output} exists; replace it with --overwrite")
    frames = decode_video(file, side_data=True)
    if not picture:
        fps = probe(file).fps or DEFAULT_FPS
        write_video(output, (overlay(one, show, scale=scale) for one in frames), fps=fps, qp=18, preset="veryfast")
        return
    number = number or 0
    chosen = next(islice(frames, number, None), None)
    if chosen is None:
        raise Failure(f"{file} has no frame {number}")
    write_atomic(output, dump(overlay(chosen, show, scale=scale), "PNG"))


@click.command()
@click.argument("file", metavar="IN")
@click.option("--all", "every", is_flag=True, help="Show all pictures, not only the first twenty.")
@click.option("--overlay", metavar="OUT", help="Draw how macroblocks are coded: a .png, or a clip (.mp4, .mkv, .h264).")
@click.option(
    "--frame", type=click.IntRange(0), metavar="N", help="The frame of a .png, in output order.  [default: 0]"
)
@click.option(
    "--show",
    "layers",
    type=click.Choice(LAYERS),
    multiple=True,
    default=("type", "mv"),
    show_default=True,
    help="What --overlay draws; several times for several.",
)
@click.option("--scale", type=click.IntRange(1, 8), default=2, show_default=True, help="Pixels for a sample.")
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
@options.as_json("One JSON object on stdout, with every NAL unit.")
def inspect(file, every, overlay, frame, layers, scale, overwrite, as_json):
    """Show NAL units, parameter sets, pictures, and where the bits of an H.264 stream went.

    Names are those of Rec. ITU-T H.264: log2_max_frame_num_minus4, PicOrderCnt, QP. IN is a byte stream, a container
    (MP4, MKV ...; needs PyAV), or - for stdin. Only the last picture is decoded, to see whether it is whole; damage is
    reported on stderr. The exit code is 1 if the stream is cut or its last picture damaged.

    --overlay decodes the clip instead. type: intra is red to yellow, skipped gray, direct green, others blue, 8x8
    violet. bits, qp: from blue (least) to red (most of the picture). mv: vectors of list 0 white, of list 1 yellow.

    \b
    Examples:
      codec video inspect clip.264
      codec video inspect clip.mp4 --json
      codec video inspect clip.mp4 --overlay modes.png --frame 10
      codec video inspect clip.mp4 --overlay bits.mp4 --show bits
    """
    import sys

    from .. import h264

    if overlay:
        draw(file, overlay, frame, layers, scale, overwrite)
        return
    report = h264.inspect(sys.stdin.buffer if file == "-" else file)
    for message in report["warnings"]:
        warn(file, message)
    if as_json:
        echo_json("video inspect", file=file, **report)
    else:
        show(report, every)
    if not report["complete"]:
        click.get_current_context().exit(1)
