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

from . import densities as densities
from .allocate import Allocation as Allocation
from .allocate import allocate_bits as allocate_bits
from .allocate import allocate_measured as allocate_measured
from .analysis import Report as Report
from .analysis import analyse as analyse
from .calibrate import Observer as Observer
from .densities import shannon_bound as shannon_bound
from .networks import Layer as Layer
from .networks import Result as Result
from .networks import post_training as post_training
from .recommendation import Recommendation as Recommendation
from .recommendation import recommend as recommend

__all__ += [
    "densities",
    "Allocation",
    "allocate_bits",
    "allocate_measured",
    "Report",
    "analyse",
    "Observer",
    "shannon_bound",
    "Layer",
    "Result",
    "post_training",
    "Recommendation",
    "recommend",
]
