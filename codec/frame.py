"""Moving pictures as planes of samples: what a video codec takes and gives, and how its samples become colours."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .errors import ParameterError

# Samples of luma per sample of chroma, down and across.
CHROMA_STEPS = {"4:0:0": None, "4:2:0": (2, 2), "4:2:2": (1, 2), "4:4:4": (1, 1)}
# Weights of red and blue in luma: BT.601, BT.709, BT.2020 (non-constant luminance), H.273 table 4.
MATRICES = {"BT.601": (0.299, 0.114), "BT.709": (0.2126, 0.0722), "BT.2020": (0.2627, 0.0593)}


@dataclass(frozen=True, eq=False)
class Video:
    """A clip in memory.

    Attributes
    ----------
    frames : tuple
        In display order; each a tuple of planes, (Y,) or (Y, Cb, Cr): (H, W) arrays, uint8, or uint16 where `depth` is above 8. Chroma planes have
        ceil(H / steps) x ceil(W / steps) samples.
    chroma : str
        "4:0:0", "4:2:0", "4:2:2" or "4:4:4".
    fps : fractions.Fraction
        Frames per second.
    depth : int
        Bits per sample, 8 to 16.
    matrix : str
        "BT.601", "BT.709" or "BT.2020": what Y, Cb and Cr are of R, G and B.
    full_range : bool
        Whether black is 0 and white the largest sample, instead of 16 and 235 (times 2^(depth - 8)).
    warnings : tuple of str
        What was lost or guessed when it was read.

    Raises
    ------
    ParameterError
        If there are no frames, or these do not fit each other or the fields.
    """

    frames: tuple
    chroma: str
    fps: Fraction
    depth: int = 8
    matrix: str = "BT.601"
    full_range: bool = False
    warnings: tuple = ()

    def __post_init__(self):
        if self.chroma not in CHROMA_STEPS or self.matrix not in MATRICES or not 8 <= self.depth <= 16 or not self.fps > 0:
            raise ParameterError(f"no video has chroma {self.chroma}, matrix {self.matrix}, {self.depth} bits and {self.fps} frames per second")
        if not self.frames:
            raise ParameterError("a video without frames: there is nothing to encode or compare")
        wanted = self.plane_shapes(*self.frames[0][0].shape, self.chroma)
        for number, planes in enumerate(self.frames):
            found = [plane.shape for plane in planes]
            if found != wanted or any(plane.dtype != self.dtype for plane in planes):
                raise ParameterError(f"frame {number} has planes {found} of {planes[0].dtype}, not {wanted} of {self.dtype}")

    @staticmethod
    def plane_shapes(height, width, chroma):
        """[(rows, columns)] of the planes."""
        steps = CHROMA_STEPS[chroma]
        return [(height, width)] + ([(-(-height // steps[0]), -(-width // steps[1]))] * 2 if steps else [])

    @property
    def dtype(self):
        return np.dtype(np.uint8 if self.depth == 8 else np.uint16)

    @property
    def height(self):
        return self.frames[0][0].shape[0]

    @property
    def width(self):
        return self.frames[0][0].shape[1]

    def luma(self):
        """Y of every frame as it is coded, one after the other: (H, W), uint8; deeper samples are spread over 0..65535."""
        for planes in self.frames:
            yield planes[0] if self.depth == 8 else self._spread(planes[0])

    def _spread(self, plane):
        top = (1 << self.depth) - 1
        return ((plane.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)  # at most 65535^2 + 2^15 < 2^32

    def pictures(self):
        """Every frame as it is shown, one after the other: (H, W, 3) RGB, or (H, W) gray; uint8, or uint16 over 0..65535 above 8 bits.

        Chroma samples are repeated. What lies outside of the colours that R, G and B can say is clipped.
        """
        for planes in self.frames:
            yield self._shown(planes)

    def _shown(self, planes):
        """In float32: single operations of IEEE 754, the same on every machine; 24 bits hold 16 with eight to spare."""
        unit = 1 << (self.depth - 8)
        black, luma_span, chroma_span = (0, 256 * unit - 1, 256 * unit - 1) if self.full_range else (16 * unit, 219 * unit, 224 * unit)
        top = 255 if self.depth == 8 else 65535
        y = (planes[0].astype(np.float32) - np.float32(black)) * np.float32(top / luma_span)
        if len(planes) == 1:
            return self._samples(y, top)
        kr, kb = MATRICES[self.matrix]
        cb, cr = ((plane.astype(np.float32) - np.float32(128 * unit)) * np.float32(top / chroma_span) for plane in planes[1:])
        # R - Y = 2 (1 - kr) Cr, B - Y = 2 (1 - kb) Cb, and Y = kr R + kg G + kb B gives G.
        red, blue = cr * np.float32(2 * (1 - kr)), cb * np.float32(2 * (1 - kb))
        green = red * np.float32(-kr / (1 - kr - kb)) + blue * np.float32(-kb / (1 - kr - kb))
        return np.stack([self._samples(y + self._spread_out(plane, y.shape), top) for plane in (red, green, blue)], axis=2)

    def _spread_out(self, plane, shape):
        down, across = CHROMA_STEPS[self.chroma]
        return np.repeat(np.repeat(plane, down, 0), across, 1)[: shape[0], : shape[1]]

    def _samples(self, plane, top):
        return np.rint(plane).clip(0, top).astype(self.dtype)
