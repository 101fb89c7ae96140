"""Quantizers shared by codecs; they work on arrays.

`kmeans` finds centres of weighted points, `vector` quantizes blocks of samples. `Observer` calibrates ranges, `densities`
fits probability densities, `shannon_bound` is what no quantizer beats, `allocate_bits` distributes a budget.
"""

from . import densities, kmeans, vector
from .allocate import Allocation, allocate_bits, allocate_measured
from .analysis import Report, analyse
from .calibrate import Observer
from .densities import shannon_bound

__all__ = [
    "Allocation",
    "Observer",
    "Report",
    "allocate_bits",
    "analyse",
    "allocate_measured",
    "densities",
    "kmeans",
    "shannon_bound",
    "vector",
]
