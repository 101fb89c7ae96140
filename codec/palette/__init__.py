"""Reduce pictures to at most 256 colours with the least visible, or the least measured, error; write PNG-8, GIF and
APNG.
"""

from .animator import Animation, animate
from .png8 import Png, write_png
from .quantize import PaletteQuantizer, quantize_colors
from .result import Quantized

__all__ = ["Animation", "PaletteQuantizer", "Png", "Quantized", "animate", "quantize_colors", "write_png"]
