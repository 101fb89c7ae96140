from . import kmeans as kmeans
from . import vector as vector
from .affine import Affine as Affine
from .affine import dequantize as dequantize
from .affine import quantize as quantize
from .lloyd_max import LloydMax as LloydMax
from .protocol import Quantizer as Quantizer
from .uniform import DeadZone as DeadZone
from .uniform import Uniform as Uniform

__all__ = ["kmeans", "vector", "Quantizer", "Affine", "quantize", "dequantize", "Uniform", "DeadZone", "LloydMax"]
