"""Pictures of at most 256 colours, chosen and assigned so that the eye, or a figure, sees the least of it."""
from .quantize import PaletteQuantizer, quantize_colors
from .result import Quantized

__all__ = ["PaletteQuantizer", "Quantized", "quantize_colors"]
