"""Targets such as "size:200kB" and "ssim:0.98": what they say, and a bracket that narrows to the setting that reaches them."""

import difflib
import math
import re
from dataclasses import dataclass
from fractions import Fraction

from .errors import ParameterError

RATES = ("size", "bpp")  # measures that bound a file from above; all others are scores of `codec.metrics`
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


@dataclass(frozen=True)
class Target:
    """A measure and what it is to be: "size" in bytes, "bpp" in bits per pixel, or a score by the name of its metric."""

    measure: str
    value: float
    text: str

    @property
    def is_rate(self):
        """Whether it bounds the file from above, not the score from below."""
        return self.measure in RATES

    def __str__(self):
        return self.text


def parse_score(text):
    """The target that "ssim:0.98" is.

    Raises
    ------
    ParameterError
        If it is not of the form METRIC:VALUE, or there is no such metric.
    """
    from .metrics import by_name  # metrics are loaded when somebody asks for one

    name, _, value = str(text).partition(":")
    found = Target(name, _number(text, value), str(text))
    try:
        by_name(name)
    except ParameterError as error:
        raise ParameterError(f"{text!r} is no target: {error}") from None
    return found


def parse_target(text):
    """The target that "size:200kB", "bpp:1.0", "psnr:40" ... is.

    Sizes take kB = 1000, KiB = 1024 bytes, MB, MiB, GB, GiB, in letters of either case; without a unit they are bytes.

    Raises
    ------
    ParameterError
        If it is nothing of the kind; says what would be.

    Examples
    --------
    >>> from codec.targets import parse_target
    >>> parse_target("size:200kB").value, parse_target("size:1.5MiB").value, parse_target("bpp:0.75").value
    (200000, 1572864, 0.75)
    """
    if not isinstance(text, str) or ":" not in text:
        raise ParameterError(f"{text!r} is no target: write size:200kB, bpp:1.0, psnr:40, ssim:0.98 or ssimulacra2:85")
    name, _, value = text.partition(":")
    near = difflib.get_close_matches(name, RATES, n=1)
    if near and name not in RATES:
        raise ParameterError(f"{text!r} is no target: did you mean {near[0]!r}?")
    if not near:
        return parse_score(text)
    found = Target(name, _bytes(text, value) if name == "size" else _number(text, value), text)
    if found.value <= 0:
        raise ParameterError(f"{text!r} is no target: no file is that small")
    return found


def _number(text, value):
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ParameterError(f"{text!r} is no target: write METRIC:VALUE, such as ssim:0.98")
    return number


def _bytes(text, value):
    match = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([kmg]i?|)b?\s*", value, re.ASCII | re.IGNORECASE)
    if not match:
        raise ParameterError(
            f"{text!r} is no target: write a size as 200000, 200kB (kB = 1000 bytes), 195KiB (KiB = 1024) or 1.5MB"
        )
    return int(Fraction(match[1]) * UNITS[match[2].lower()])


def middle(low, high):
    """The integer halfway: what makes the search a bisection."""
    return (low + high) // 2


def narrow(low, high, over, guess=middle, enough=lambda low, high: False):
    """Neighbouring integers, or a bracket that is narrow enough, where something begins.

    Parameters
    ----------
    low, high : int
        It is not so at `low` and it is at `high`; neither is asked about.
    over : callable
        Whether it is so at an integer between them.
    guess : callable
        (low, high) to the integer between them to try next.
    enough : callable
        Whether (low, high) will do.

    Returns
    -------
    low, high : int
        The same holds for them, whether or not there is one such place only. Neighbours, unless they are enough.

    Examples
    --------
    >>> from codec.targets import narrow
    >>> narrow(0, 100, lambda n: n * n >= 200)
    (14, 15)
    """
    while high - low > 1 and not enough(low, high):
        at = guess(low, high)
        low, high = (low, at) if over(at) else (at, high)
    return low, high
