from . import kmeans as kmeans
from . import vector as vector
from .affine import Affine as Affine
from .affine import dequantize as dequantize
from .affine import quantize as quantize
from .companding import Compander as Compander
from .dither import Dithered as Dithered
from .entropy_coded import EntropyCoded as EntropyCoded
from .fixed_point import FixedPoint as FixedPoint
from .float8 import Float8 as Float8
from .g711 import G711 as G711
from .lloyd_max import LloydMax as LloydMax
from .protocol import Quantizer as Quantizer
from .training import fake_quantize as fake_quantize
from .training import lsq_gradient as lsq_gradient
from .training import torch_fake_quantize as torch_fake_quantize
from .uniform import DeadZone as DeadZone
from .uniform import Uniform as Uniform

__all__ = [
    "kmeans",
    "vector",
    "Quantizer",
    "Affine",
    "quantize",
    "dequantize",
    "Uniform",
    "DeadZone",
    "LloydMax",
    "Compander",
    "G711",
    "Float8",
]
