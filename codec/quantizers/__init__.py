"""Quantizers of numbers: choose, fit, apply, with named conventions of other libraries; and of blocks of samples.

Scalar quantizers share one protocol (`Quantizer`): `fit` to data, `encode` to integer codes, `decode` to values.
`kmeans` finds centres of weighted points, `vector` quantizes blocks of samples. Names load on first use.

Around them: `Observer` calibrates ranges, `analyse` measures what a quantizer does, `shannon_bound` is what none beats,
`allocate_bits` distributes a budget over components.
"""

from .._lazy import lazy

# name -> module that defines it; None: the name is itself a module.
_PUBLIC = {
    **dict.fromkeys(("kmeans", "vector"), None),
    "Quantizer": "protocol",
    **dict.fromkeys(("Affine", "quantize", "dequantize"), "affine"),
    **dict.fromkeys(("Uniform", "DeadZone"), "uniform"),
    "LloydMax": "lloyd_max",
    "EntropyCoded": "entropy_coded",
    "Compander": "companding",
    "G711": "g711",
    "Float8": "float8",
    "FixedPoint": "fixed_point",
    "Dithered": "dither",
    **dict.fromkeys(("fake_quantize", "lsq_gradient", "torch_fake_quantize"), "training"),
}
_PUBLIC |= {
    "densities": None,
    **dict.fromkeys(("Allocation", "allocate_bits", "allocate_measured"), "allocate"),
    **dict.fromkeys(("Report", "analyse"), "analysis"),
    "Observer": "calibrate",
    "shannon_bound": "densities",
    **dict.fromkeys(("Recommendation", "recommend"), "recommendation"),
    **dict.fromkeys(("Layer", "Result", "post_training"), "networks"),
}
__all__ = [*_PUBLIC]

__getattr__, __dir__ = lazy(__name__, _PUBLIC)
