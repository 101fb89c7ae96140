"""Rate-distortion laboratory. Measure, store, draw: `sweep` makes rows, `write_points` and `read_points` keep them, `plot` draws them.

Nothing is averaged before it is stored: one row per picture and setting, so that every later question can still be asked.
"""
from .bdrate import BDResult, Comparison, bd_quality, bd_rate, compare
from .plot import plot
from .points import Mean, Point, families, family, means, read_points, write_points
from .report import report
from .sweep import Failure, Sweep, sweep

__all__ = [
    "BDResult",
    "Comparison",
    "Failure",
    "Mean",
    "Point",
    "Sweep",
    "bd_quality",
    "bd_rate",
    "compare",
    "families",
    "family",
    "means",
    "plot",
    "read_points",
    "report",
    "sweep",
    "write_points",
]
