"""What `codec compress` does with a JPEG that it should not encode once more."""
from ._jobs import Result


def would_be_worse(data, options, limits):
    """Why a source JPEG should not be encoded again, or None."""
    from .. import jpeg

    report = jpeg.inspect(data, limits=limits)
    first = report["quant_tables"].get(str(report["components"][0]["Tq"]))
    if first is None or not jpeg.worse_generation(first, jpeg.EncodeOptions(**options).tables("4:2:0")):
        return None
    return f"its own quality is about {jpeg.estimate_quality(first).quality}, and encoding it again at {options['quality']} would lose more than it saves"


def without_loss(data, strip, progressive, limits, reason=None):
    """The source JPEG with its coefficients untouched; stripped, it is turned upright where that needs no trimming."""
    from .. import jpeg
    from ..errors import ParameterError

    options = {"progressive": progressive, "limits": limits, **({"metadata": "none", "trailer": "drop"} if strip else {})}
    try:
        made = jpeg.transcode(data, auto_rotate=strip, **options)
    except ParameterError:                                  # the MCUs at the edge are not full: the orientation tag is kept instead
        made = jpeg.transcode(data, **options)
    facts = {"width": made.width, "height": made.height, "bpp": round(8 * made.after / (made.width * made.height), 4),
             "subsampling": jpeg.probe(made.data, limits=limits).subsampling, "lossless": True}
    return Result(made.data, "kept" if made.kept else "done", (*((reason,) if reason else ()), *made.warnings), facts)
