"""The quality of a JPEG as callers give it: without NumPy, so that the command line checks it before that loads."""

import numbers

from .errors import ParameterError

QUALITY_PARTS = 64  # of 1, in which a quality may be given


def as_quality(value, name="quality"):
    """A quality rounded to 1/64, as an int if it is whole. ParameterError unless it is a number in 1..100.

    >>> from codec.quality import as_quality
    >>> as_quality(80.0), as_quality(80.51)
    (80, 80.515625)
    """
    is_exact = isinstance(value, numbers.Integral) and not isinstance(value, bool)  # NumPy's numbers are these too
    is_number = is_exact or (isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational))
    if not is_number or not 1 <= value <= 100:
        raise ParameterError(f"{name} must be a number in 1..100, not {value!r}")
    parts = round(QUALITY_PARTS * float(value))
    return parts / QUALITY_PARTS if parts % QUALITY_PARTS else parts // QUALITY_PARTS
