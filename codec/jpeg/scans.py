"""Scan scripts: in which scans the coefficients of a picture are sent (T.81 Annex G)."""
from dataclasses import dataclass
from typing import Tuple


@dataclass(frozen=True)
class ScanSpec:
    """One scan: indices of its components in the frame, spectral band Ss..Se, successive approximation from bit Ah to Al."""

    components: Tuple[int, ...]
    Ss: int = 0
    Se: int = 63
    Ah: int = 0
    Al: int = 0


def sequential_script(components):
    """Everything in one interleaved scan."""
    return (ScanSpec(tuple(range(components))),)


def arithmetic_script(components, color):
    """For arithmetic coding: DC at once, for its last bit has context there and none apart; AC undivided, luminance in four steps.

    Measured on six Kodak pictures against `progressive_script`, arithmetic coded too: 1.0 % smaller at quality 30, 0.6 % at 75, 0.7 % at 95.
    """
    chroma = (1, 2) if color in ("ycbcr", "ycck") else ()
    full = tuple(i for i in range(components) if i not in chroma)
    return (
        ScanSpec(tuple(range(components)), 0, 0),
        *(ScanSpec((i,), 1, 63, 0, 3) for i in full), *(ScanSpec((i,), 1, 63, 0, 1) for i in chroma),
        *(ScanSpec((i,), 1, 63, Ah, Ah - 1) for Ah in (3, 2) for i in full),
        *(ScanSpec((i,), 1, 63, 1, 0) for i in (*chroma, *full)),
    )


def progressive_script(components, color):
    """DC first, then AC from coarse to fine; the last bit of luminance, the dearest, comes last.

    For YCbCr the order of the IJG's script: a rough luminance, then all of chrominance but its last bit (small, and colours
    appear early), then the rest of luminance bit by bit.
    """
    everything = tuple(range(components))
    if color == "ycbcr":
        Y, Cb, Cr = (0,), (1,), (2,)
        return (
            ScanSpec(everything, 0, 0, 0, 1),
            ScanSpec(Y, 1, 5, 0, 2), ScanSpec(Cr, 1, 63, 0, 1), ScanSpec(Cb, 1, 63, 0, 1), ScanSpec(Y, 6, 63, 0, 2),
            ScanSpec(Y, 1, 63, 2, 1),
            ScanSpec(everything, 0, 0, 1, 0),
            ScanSpec(Cr, 1, 63, 1, 0), ScanSpec(Cb, 1, 63, 1, 0), ScanSpec(Y, 1, 63, 1, 0),
        )
    each = [(i,) for i in everything]
    return (
        ScanSpec(everything, 0, 0, 0, 1),
        *(ScanSpec(c, 1, 5, 0, 2) for c in each), *(ScanSpec(c, 6, 63, 0, 2) for c in each), *(ScanSpec(c, 1, 63, 2, 1) for c in each),
        ScanSpec(everything, 0, 0, 1, 0),
        *(ScanSpec(c, 1, 63, 1, 0) for c in each),
    )
