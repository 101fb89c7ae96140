"""When a JPEG is not encoded again: another generation would lose more than it saves, or save nothing."""

import math
from dataclasses import replace

from .. import jpeg
from ..errors import ParameterError, UnsupportedError
from . import besides, keeping, stripping
from .result import Result

NOT_SMALLER = "no smaller file was found"


def _parsed(target):
    from ..targets import parse_target  # few need it

    return parse_target(target)


def _luminance_steps(report):
    """64 integers from `codec.jpeg.inspect`; None of a lossless JPEG."""
    rows = report["quant_tables"].get(str(report["components"][0]["Tq"]))
    return rows and [step for row in rows for step in row]


def would_be_worse(data, options, limits):
    """Why a JPEG should not be encoded again at the quality of these options, or None."""
    first = _luminance_steps(jpeg.inspect(data, limits=limits))
    if first is None or not jpeg.worse_generation(first, options.tables("4:2:0")):
        return None
    return (
        f"its own quality is about {jpeg.estimate_quality(first).quality}, and encoding it again at {options.quality} "
        "would lose more than it saves: rewritten without loss (force=True encodes it)"
    )


def own_quality(data, options, limits):
    """The quality, below that of the options, whose luminance steps are just not finer than those of a JPEG; None where
    there is none, or the options have a target."""
    first = _luminance_steps(jpeg.inspect(data, limits=limits))
    if first is None or options.target:
        return None
    finest = math.prod(first)
    for quality in range(math.ceil(options.quality) - 1, 0, -1):
        if math.prod(map(int, replace(options, quality=quality).tables("4:2:0").luminance)) >= finest:
            return quality
    return None


def too_deep(info, resized):
    """Why a JPEG cannot be encoded again, or None: there are encoders for 8 bits."""
    if info.precision <= 8:
        return None
    return f"its samples have {info.precision} bits, and a new JPEG has 8{'; it keeps its size' * resized}"


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
    made, missed = measured(without_loss(data, strip, options.progressive, limits), options.target)
    return None if missed else made


def measured(made, target):
    """(a JPEG without loss with its target of size or bits per pixel in the facts, why it missed this or None)."""
    target = target and _parsed(target)
    if not target or not target.is_rate:
        return made, None
    size = len(made.data)
    achieved = size if target.measure == "size" else 8 * size / (made.facts["width"] * made.facts["height"])
    made = replace(made, facts=made.facts | {"target": target.text, "achieved": achieved})
    return made, f"{target.text} is not reached" if achieved > target.value else None


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
    """The JPEG with its coefficients untouched; stripped, it is turned upright where that needs no trimming. A lossless
    JPEG has none, and is kept.

    Raises
    ------
    UnsupportedError
        If a lossless JPEG has metadata that was to go.
    """
    info = jpeg.probe(data, limits=limits)
    if "lossless" in info.process:
        return _without_coefficients(data, info, strip, limits)
    options = {"progressive": progressive, "limits": limits}
    options |= stripping.of_transcode(data, limits) if "all" in strip else {}
    made = _transcoded(data, strip, options)
    if len(made.data) > len(data) and "arithmetic" in info.process:  # Huffman coding takes 5 to 9 % more
        made = _transcoded(data, strip, options | {"arithmetic": True})
    facts = {
        "width": made.width,
        "height": made.height,
        "bpp": round(8 * made.after / (made.width * made.height), 4),
        "subsampling": jpeg.probe(made.data, limits=limits).subsampling,
        "lossless": True,
    }
    warnings = (*((reason,) if reason else ()), *made.warnings)
    if made.kept:
        return Result(made.data, "kept", warnings, facts, NOT_SMALLER, doubts=made.doubts)
    return Result(made.data, "done", warnings, facts, doubts=made.doubts)


def _without_coefficients(data, info, strip, limits):
    segments = jpeg.inspect(data, limits=limits)["segments"]
    if "all" in strip and (info.metadata.size or besides.unknown_segments(data, segments)):
        raise UnsupportedError("a lossless JPEG is kept as it is, and a copy would keep the metadata that was to go")
    return keeping.original(data, info, NOT_SMALLER)


def _transcoded(data, strip, options):
    try:
        return jpeg.transcode(data, auto_rotate="all" in strip, **options)
    except ParameterError:  # the MCUs at the edge are not full: the orientation tag is kept instead
        return jpeg.transcode(data, **options)
