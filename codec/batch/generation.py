"""When a JPEG is not encoded again: another generation would lose more than it saves, or save nothing."""

import re
from dataclasses import replace

from .. import jpeg
from ..errors import BitstreamError, ParameterError
from . import stripping
from .result import Result

NOT_SMALLER = "no smaller file was found"


def _parsed(target):
    from ..targets import parse_target  # few need it

    return parse_target(target)


def would_be_worse(data, options, limits):
    """Why a JPEG should not be encoded again at the quality of these options, or None."""
    report = jpeg.inspect(data, limits=limits)
    first = report["quant_tables"].get(str(report["components"][0]["Tq"]))
    if first is None or not jpeg.worse_generation(first, options.tables("4:2:0")):
        return None
    return (
        f"its own quality is about {jpeg.estimate_quality(first).quality}, and encoding it again at {options.quality} "
        "would lose more than it saves: rewritten without loss (force=True encodes it)"
    )


def before_encoding(data, options, strip, limits):
    """The JPEG without loss, or None where only encoding can tell which is better.

    Without a target the quality decides. A target of size or bits per pixel that the file meets without loss needs no
    search.
    """
    target = options.target and _parsed(options.target)
    if not target:
        reason = would_be_worse(data, options, limits)
        return reason and without_loss(data, strip, options.progressive, limits, reason=reason)
    if not target.is_rate:
        return None
    made = without_loss(data, strip, options.progressive, limits)
    size = len(made.data)
    achieved = size if target.measure == "size" else 8 * size / (made.facts["width"] * made.facts["height"])
    if achieved > target.value:
        return None
    return replace(made, facts=made.facts | {"target": target.text, "achieved": achieved})


def after_encoding(data, made, options, strip, limits):
    """The JPEG without loss where the encoded one turned out worse, or None.

    A search for a score tells only now at which quality it would encode, and a file that did not shrink gained nothing.
    """
    reason, target = None, made.facts.get("target")
    if target and not _parsed(target).is_rate:
        reason = would_be_worse(data, replace(options, quality=made.facts["quality"], target=None), limits)
    if reason or len(made.data) >= len(data):
        return without_loss(data, strip, options.progressive, limits, reason=reason)
    return None


def without_loss(data, strip, progressive, limits, reason=None):
    """The JPEG with its coefficients untouched; stripped, it is turned upright where that needs no trimming."""
    options = {
        "progressive": progressive,
        "limits": limits,
        **(stripping.of_transcode(data, limits) if "all" in strip else {}),
    }
    try:
        made = _transcoded(data, strip, options)
        unindexed = ()
    except BitstreamError as error:
        if error.layer != "MPF":
            raise
        made = _transcoded(data, strip, options | {"trailer": "drop"})
        unindexed = (f"the data after the picture was left out, since its multi-picture index is damaged: {error}",)
    facts = {
        "width": made.width,
        "height": made.height,
        "bpp": round(8 * made.after / (made.width * made.height), 4),
        "subsampling": jpeg.probe(made.data, limits=limits).subsampling,
        "lossless": True,
    }
    warnings = [*((reason,) if reason else ()), *unindexed, *made.warnings]
    if "gps" in strip and jpeg.inspect(made.data, limits=limits)["bytes"]["other"]:
        warnings.append("the data behind the picture is kept, and may hold coordinates of its own")
    if made.kept:
        return Result(made.data, "kept", tuple(warnings), facts, NOT_SMALLER)
    return Result(made.data, "done", tuple(warnings), facts)


def _transcoded(data, strip, options):
    try:
        return jpeg.transcode(data, auto_rotate="all" in strip, **options)
    except ParameterError:  # the MCUs at the edge are not full: the orientation tag is kept instead
        return jpeg.transcode(data, **options)


def unknown_segments(data, limits):
    """The application segments of a JPEG whose contents this package does not know, as text: "2 of APP1 FLIR (658000
    bytes)"; None without any."""
    return _unknown(data, jpeg.inspect(data, limits=limits)["segments"])


def _unknown(data, segments):
    sizes = {}
    for segment in segments:
        if segment["marker"].startswith("APP") and not segment["what"]:
            begin = segment["offset"] + 4
            name = re.match(rb"[ -~]*", data[begin : begin + min(28, segment["length"] - 4)])[0].decode()
            sizes.setdefault(f"{segment['marker']} {name}".strip(), []).append(segment["length"])
    return ", ".join(f"{len(each)} of {name} ({sum(each)} bytes)" for name, each in sizes.items()) or None


def not_carried(data, metadata, strip, limits):
    """What a JPEG holds besides its picture and metadata, as warnings: encoding again loses all of it."""
    parts = jpeg.inspect(data, limits=limits)
    unknown = None if "all" in strip else _unknown(data, parts["segments"])
    if unknown:
        yield f"application segments are not carried over: {unknown}; codec transcode keeps them"
    if parts["multi_picture"]:
        yield "an index of further pictures (MPF) is not carried over"
    if metadata.xmp and b"hdrgm:" in metadata.xmp:
        yield "its HDR gain map is not carried over: the picture will look like its SDR version"
    if parts["bytes"]["other"]:
        yield (
            f"{parts['bytes']['other']} bytes behind the picture (a gain map, preview or motion photo) are not "
            "carried over"
        )
