"""Quantizers shared by codecs; they work on arrays.

`kmeans` finds centres of weighted points, `vector` quantizes blocks of samples.
"""

from . import kmeans, vector

__all__ = ["kmeans", "vector"]
