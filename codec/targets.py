"""Targets such as "size:200kB" and "ssim:0.98": parse them, and bisect for the setting that reaches them."""

import math
import re
from dataclasses import dataclass

from .errors import ParameterError

RATES = ("size", "bpp")  # measures that bound a file from above; all others are scores of `codec.metrics`
VIDEO_RATES = ("size", "bitrate")  # the same of videos
EXAMPLES = {"size": "size:200kB", "bpp": "bpp:1.0", "bitrate": "bitrate:800k"}
BEST = {"ssim": 1, "ssim_y": 1, "ms_ssim": 1, "ssimulacra2": 100}  # scores of equal pictures, where these are finite
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


@dataclass(frozen=True)
class Target:
    """A measure and its bound: "size" in bytes, "bpp" in bits per pixel, "bitrate" in bits per second, or the name of a
    metric and a score."""

    measure: str
    value: float
    text: str

    @property
    def is_rate(self):
        """Whether it bounds the size of the file, not a score."""
        return self.measure in RATES + VIDEO_RATES

    def __str__(self):
        return self.text


def parse_score(text):
    """Parse a target score such as "ssim:0.98".

    Raises
    ------
    ParameterError
        If it is not of the form METRIC:VALUE, or there is no such metric.
    """
    from .metrics import by_name  # metrics are loaded on demand

    name, _, value = str(text).partition(":")
    found = Target(name, _number(text, value), str(text))
    try:
        by_name(name)
    except ParameterError as error:
        raise ParameterError(f"{text!r} is no target: {error}") from None
    if found.value > BEST.get(name, math.inf):
        raise ParameterError(f"{text!r} is no target: {name} is {BEST[name]} at most, for equal pictures")
    return found


def parse_target(text, rates=RATES):
    """Parse a target such as "size:200kB", "bpp:1.0" or "psnr:40"; with VIDEO_RATES, "bitrate:800k" in place of "bpp".

    Sizes take kB = 1000 bytes, KiB = 1024 bytes, MB, MiB, GB, GiB, in upper or lower case; without a unit they are
    bytes. Bit rates take k = 1000 and M.

    Raises
    ------
    ParameterError
        If it is not a target; the message says what would be.

    Examples
    --------
    >>> from codec.targets import parse_target
    >>> parse_target("size:200kB").value, parse_target("size:1.5MiB").value, parse_target("bpp:0.75").value
    (200000, 1572864, 0.75)
    >>> parse_target("bitrate:1.5M", ("size", "bitrate")).value
    1500000
    """
    if not isinstance(text, str) or ":" not in text:
        examples = ", ".join(EXAMPLES[name] for name in rates)
        raise ParameterError(f"{text!r} is no target: write {examples}, psnr:40, ssim:0.98 or ssimulacra2:85")
    import difflib

    name, _, value = text.partition(":")
    near = difflib.get_close_matches(name, rates, n=1)
    if near and name not in rates:
        raise ParameterError(f"{text!r} is no target: did you mean {near[0]!r}?")
    if not near:
        return parse_score(text)
    found = Target(name, _bytes(text, value) if name == "size" else _number(text, value, name), text)
    if found.value <= 0:
        raise ParameterError(f"{text!r} is no target: no file is that small")
    return found


def _number(text, value, name="ssim"):
    if name == "bitrate":
        return _units(text, value, "", "a rate in bits per second as 800k or 2.5M")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ParameterError(f"{text!r} is no target: write METRIC:VALUE, such as ssim:0.98")
    return number


def _bytes(text, value):
    return _units(text, value, "b", "a size as 200000, 200kB (kB = 1000 bytes), 195KiB (KiB = 1024) or 1.5MB")


def _units(text, value, unit, words):
    """A number with a prefix of UNITS, and perhaps a unit after it."""
    number = r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*"
    match = re.fullmatch(number + f"([kmg]i?|){unit and unit + '?'}\\s*", value, re.ASCII | re.IGNORECASE)
    if not match:
        raise ParameterError(f"{text!r} is no target: write {words}")
    from fractions import Fraction  # loads decimal; only sizes need it

    return int(Fraction(match[1]) * UNITS[match[2].lower()])


def middle(low, high):
    """The integer halfway between: bisection."""
    return (low + high) // 2


def narrow(low, high, over, guess=middle, enough=lambda low, high: False):
    """Find neighbouring integers, or a bracket that is narrow enough, where a condition begins to hold.

    Parameters
    ----------
    low, high : int
        The condition is taken to fail at `low` and to hold at `high`; neither is tested.
    over : callable
        Tests the condition at an integer between them.
    guess : callable
        Maps (low, high) to the next integer to try.
    enough : callable
        Whether (low, high) is narrow enough.

    Returns
    -------
    low, high : int
        The condition fails at `low` and holds at `high`, even if it is not monotonic. They are neighbours unless
        `enough` ended the search.

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
