"""Reduce pictures to at most 256 colours with the least visible, or the least measured, error; write PNG-8, GIF and
APNG.

Names load on first use: whoever needs the chunks of PNG alone does not load the metrics.
"""

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from .animator import Animation, animate
    from .png8 import Png, write_png
    from .quantize import PaletteQuantizer, quantize_colors
    from .result import Quantized

__all__ = ["Animation", "PaletteQuantizer", "Png", "Quantized", "animate", "quantize_colors", "write_png"]

_MODULES = {
    **dict.fromkeys(("Animation", "animate"), "animator"),
    **dict.fromkeys(("Png", "write_png"), "png8"),
    **dict.fromkeys(("PaletteQuantizer", "quantize_colors"), "quantize"),
    "Quantized": "result",
}

__getattr__, __dir__ = lazy(__name__, _MODULES)
