"""The effort that a time allows, by a fixed table: the same bytes on every machine, whatever its speed."""

from ..errors import ParameterError

# Pixels that each effort is counted to encode in a second: what a core of a server of 2023 does, rounded down
# (docs/effort.md). Another machine takes another time, and makes the same file.
PIXELS_PER_SECOND = {1: 60e6, 2: 50e6, 3: 45e6, 4: 25e6, 5: 16e6, 6: 16e6, 7: 10e6, 8: 2.5e6, 9: 2.2e6}
SEARCHED = 8  # encodings that a target is counted with


def as_seconds(value):
    """Seconds from "5s", "500ms", "5" or a number.

    >>> from codec.batch.budget import as_seconds
    >>> as_seconds("5s"), as_seconds("500ms"), as_seconds(2)
    (5.0, 0.5, 2.0)
    """
    text = str(value).strip()
    try:
        seconds = float(text[:-2]) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise ParameterError(f"{value!r} is no time for a file: write it as 5s or 500ms")
    return seconds


def effort_within(seconds, pixels, searched=False):
    """(effort, warning or None): the highest effort whose counted time is within a budget; 1 where none is.

    Parameters
    ----------
    seconds : float
    pixels : int
    searched : bool
        A target is searched for, which encodes several times.

    Examples
    --------
    >>> from codec.batch.budget import effort_within
    >>> effort_within(5, 12_000_000), effort_within(5, 12_000_000, searched=True)
    ((8, None), (4, None))
    """
    counted = {effort: pixels * (SEARCHED if searched else 1) / rate for effort, rate in PIXELS_PER_SECOND.items()}
    within = [effort for effort, time in counted.items() if time <= seconds]
    if within:
        return max(within), None
    return 1, f"the budget of {seconds:g} s is below the {counted[1]:.3g} s that effort 1 is counted with; 1 was used"
