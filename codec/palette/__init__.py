"""Pictures of at most 256 colours, chosen and assigned so that the eye, or a figure, sees the least of it; their files and animations."""

from .animator import Animation, animate
from .png8 import Png, write_png
from .quantize import PaletteQuantizer, quantize_colors
from .result import Quantized

__all__ = ["Animation", "PaletteQuantizer", "Png", "Quantized", "animate", "quantize_colors", "write_png"]
