from . import kmeans as kmeans
from . import vector as vector
from .affine import Affine as Affine
from .affine import dequantize as dequantize
from .affine import quantize as quantize
from .protocol import Quantizer as Quantizer

__all__ = ["kmeans", "vector", "Quantizer", "Affine", "quantize", "dequantize"]
