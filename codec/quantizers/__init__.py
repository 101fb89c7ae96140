"""Quantizers shared by codecs; they work on arrays.

`kmeans` finds centres of weighted points, `vector` quantizes blocks of samples. `Observer` calibrates ranges, `densities`
fits probability densities, `shannon_bound` is what no quantizer beats.
"""

from . import densities, kmeans, vector
from .calibrate import Observer
from .densities import shannon_bound

__all__ = ["Observer", "densities", "kmeans", "shannon_bound", "vector"]
