"""Rate-distortion laboratory. Measure, store, draw: `sweep` makes rows, `write_points` and `read_points` keep them,
`plot` draws them.

Rows are stored before anything is averaged, one per picture and setting, so that later questions can still be answered.
"""

from .bdrate import BDResult, Comparison, bd_quality, bd_rate, compare
from .hull import hull, pareto
from .plot import origins, plot, plot_speed
from .points import (
    Failure,
    Mean,
    Point,
    averageable,
    families,
    family,
    means,
    outstanding,
    read_points,
    read_records,
    write_points,
)
from .quantization import quantization_report, rate_distortion
from .quantization_plot import plot_quantization
from .report import report
from .rowfile import RowFile
from .search import Found, find
from .speed import Speed, speeds
from .sweep import Sweep, sweep

__all__ = [
    "BDResult",
    "Comparison",
    "Failure",
    "Found",
    "Mean",
    "Point",
    "RowFile",
    "Speed",
    "Sweep",
    "averageable",
    "bd_quality",
    "bd_rate",
    "compare",
    "families",
    "family",
    "find",
    "hull",
    "means",
    "origins",
    "outstanding",
    "pareto",
    "plot",
    "plot_quantization",
    "plot_speed",
    "quantization_report",
    "rate_distortion",
    "read_points",
    "read_records",
    "report",
    "speeds",
    "sweep",
    "write_points",
]
