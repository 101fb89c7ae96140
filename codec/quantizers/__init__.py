"""Quantizers that codecs share: they know arrays, and no codec.

`kmeans` finds centres of weighted points, `vector` quantizes blocks of samples.
"""

from . import kmeans, vector

__all__ = ["kmeans", "vector"]
