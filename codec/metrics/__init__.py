"""How far two pictures are apart: figures for people, computed the same way on every machine.

Every function takes two arrays of one shape and dtype, reference first, and documents which published variant it computes.
"""
from .fidelity import mse, psnr
from .names import by_name
from .ssim import SsimPreset, ssim, wang2004
from .ssimulacra2 import ssimulacra2

__all__ = ["SsimPreset", "by_name", "mse", "psnr", "ssim", "ssimulacra2", "wang2004"]
