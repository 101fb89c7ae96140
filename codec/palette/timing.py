"""Frame timing: rates and durations as exact fractions, and in the units that files hold."""

from fractions import Fraction
from itertools import accumulate

from ..errors import ParameterError

DEFAULT_FPS = 25
GIF_TICKS = 100  # per second
GIF_FPS_MAX = 50
GIF_LOOPS_MAX = 65535
PNG_TERM_MAX = 65535


def as_fraction(value, name):
    """A positive number as an exact fraction; a float counts as the decimal it prints as.

    >>> from codec.palette.timing import as_fraction
    >>> as_fraction(29.97, "fps"), as_fraction("30000/1001", "fps")
    (Fraction(2997, 100), Fraction(30000, 1001))
    """
    try:
        found = Fraction(repr(value) if isinstance(value, float) else value)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise ParameterError(f"{name} must be a positive number such as 25 or 30000/1001, not {value!r}") from error
    if found <= 0:
        raise ParameterError(f"{name} must be a positive number such as 25 or 30000/1001, not {value!r}")
    return found


def durations(count, fps, seconds=None):
    """Durations of `count` frames in seconds: 1 / fps, by default DEFAULT_FPS, or `seconds` (one number, or one per
    frame)."""
    if seconds is None:
        return [1 / as_fraction(DEFAULT_FPS if fps is None else fps, "fps")] * count
    if fps is not None:
        raise ParameterError("fps and seconds contradict each other: pass one of them")
    listed = list(seconds) if isinstance(seconds, (list, tuple)) else [seconds] * count
    if len(listed) != count:
        raise ParameterError(f"there are {len(listed)} durations for {count} frames")
    return [as_fraction(value, "seconds") for value in listed]


def spaced(lengths, least):
    """Places of the frames that remain if each must last at least `least`; a frame that is dropped lengthens the one
    before it. The duration of all stays the same, unless all together are shorter than `least`.

    >>> from fractions import Fraction
    >>> from codec.palette.timing import spaced
    >>> spaced([Fraction(1, 60)] * 6, Fraction(1, 50))
    [0, 2, 4]
    """
    begins = list(accumulate(lengths, initial=Fraction(0)))
    end, kept = begins.pop(), [0]
    for place, begin in enumerate(begins):
        if begin - begins[kept[-1]] >= least and end - begin >= least:
            kept.append(place)
    return kept


def gif_delays(lengths):
    """Hundredths of a second for each frame. Start times are rounded, not durations, so no frame is off by more than
    half a tick and errors do not accumulate.

    Parameters
    ----------
    lengths : list of Fraction
        In seconds.

    Returns
    -------
    list of int

    Raises
    ------
    ParameterError
        If a frame would last less than two ticks: browsers show that for a tenth of a second instead.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from codec.palette.timing import gif_delays
    >>> gif_delays([Fraction(1, 30)] * 6)
    [3, 4, 3, 3, 4, 3]
    """
    # Halves round up, consistently; Python's round() would round them to even.
    begins = [int(at * GIF_TICKS + Fraction(1, 2)) for at in accumulate(lengths, initial=Fraction(0))]
    delays = [end - begin for begin, end in zip(begins, begins[1:])]
    if min(delays) < GIF_TICKS // GIF_FPS_MAX:
        raise ParameterError(
            f"a GIF has {GIF_FPS_MAX} frames per second at most: browsers show a frame of less than 0.02 s for 0.1 s; "
            "choose a lower fps, or write an .apng"
        )
    return delays


def png_delay(length):
    """(numerator, denominator) in seconds, 16 bits each: exact if it fits, else the nearest that fits.

    >>> from fractions import Fraction
    >>> from codec.palette.timing import png_delay
    >>> png_delay(Fraction(1001, 30000))
    (1001, 30000)
    """
    if length > PNG_TERM_MAX:
        raise ParameterError(f"a frame of an APNG lasts {PNG_TERM_MAX} seconds at most, not {float(length)}")
    most = PNG_TERM_MAX if length <= 1 else int(PNG_TERM_MAX / length)
    near = length.limit_denominator(most)
    return near.numerator, near.denominator
