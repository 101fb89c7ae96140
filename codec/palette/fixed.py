"""Palettes that do not depend on the picture: by name, or given by the user."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParameterError

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_COLORS = 256


def _web_safe():
    steps = np.arange(0, 256, 51)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)


def _ega():
    """The 16 colours of EGA text modes: two bits per channel, but brown has half the green."""
    bright, r, g, b = np.meshgrid([0, 1], [0, 1], [0, 1], [0, 1], indexing="ij")
    colors = np.stack([r, g, b], -1).reshape(-1, 3) * 170 + 85 * bright.reshape(-1, 1)
    colors[6, 1] = 85
    return colors


FIXED = {
    "web-safe": _web_safe,
    "ega": _ega,
    "gray": lambda: np.arange(256).repeat(3).reshape(-1, 3),
    "gray-16": lambda: (17 * np.arange(16)).repeat(3).reshape(-1, 3),
    "black-white": lambda: np.array([[0, 0, 0], [255, 255, 255]]),
}


def as_palette(palette: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """A palette as (n, 3) or (n, 4) uint8, from a name, "#rrggbb" strings, or rows of three or four samples.

    Entries keep their places, also duplicates; no pixel is assigned to the later ones.

    Raises
    ------
    ParameterError
    """
    if isinstance(palette, str):
        if palette.startswith("#"):
            raise ParameterError(f"palette is a list of colours, and {palette!r} is one: pass [{palette!r}]")
        if palette not in FIXED:
            raise ParameterError(f"unknown palette {palette!r}; there are {', '.join(FIXED)}, or pass the colours")
        return FIXED[palette]().astype(np.uint8)
    if isinstance(palette, (list, tuple)) and any(isinstance(entry, str) for entry in palette):
        palette = [_from_hex(entry) for entry in palette]
    try:
        array = np.asarray(palette)
    except ValueError:
        raise ParameterError(
            "palette rows must have three (RGB) or four (RGBA) integers within 0..255; these differ in length"
        ) from None
    if array.ndim != 2 or array.shape[1] not in (3, 4) or not 1 <= len(array) <= MOST_COLORS:
        raise ParameterError(
            f"palette must have the shape (n, 3) or (n, 4) with n within 1..{MOST_COLORS}, not {array.shape}"
        )
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
        raise ParameterError(
            "palette must hold integers within 0..255, not "
            f"{array.dtype}{'' if array.dtype.kind == 'f' else ' beyond them'}"
        )
    return array.astype(np.uint8)


def _from_hex(text):
    match = isinstance(text, str) and re.fullmatch(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})", text)
    if not match:
        raise ParameterError(f"palette: {text!r} is no colour; write #rrggbb or #rrggbbaa")
    return tuple(bytes.fromhex(match[1]))
