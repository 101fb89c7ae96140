"""What a frame of PyAV says beside its samples: colours, the light of HDR, and what is left out."""

import struct
from typing import NamedTuple

# Messages of frames that H.264 is not given here, by FFmpeg's names of them
LEFT_OUT = {
    "A53_CC": "closed captions are",
    "DYNAMIC_HDR_PLUS": "HDR10+ metadata is",
    "DYNAMIC_HDR_VIVID": "HDR Vivid metadata is",
    "DOVI_METADATA": "Dolby Vision metadata is",
    "SPHERICAL": "projection (360 degrees) is",
    "STEREO3D": "layout of two views (3D) is",
    "ICC_PROFILE": "ICC profile is",
}
MASTERING, CONTENT = struct.Struct("=22i"), struct.Struct("=2I")  # AVMasteringDisplayMetadata, AVContentLightMetadata
CHROMATICITY, LUMINANCE = 50_000, 10_000  # steps of 1, and of 1 cd/m2 (H.264 D.2.29)
MOST_U16, MOST_U32 = (1 << 16) - 1, (1 << 32) - 1


class Light(NamedTuple):
    """The static metadata of HDR10 (SMPTE ST 2086, CTA-861.3), in the order and the units of H.264 D.1.29 and D.1.31.

    Attributes
    ----------
    mastering : tuple of int
        Of the display it was made on: x and y of green, blue, red and white in 1/50000, most and least luminance in
        1/10000 cd/m2, 0 where unknown; () without any.
    content : tuple of int
        Light of the brightest sample and of the brightest frame, in cd/m2; () if unknown.
    """

    mastering: tuple = ()
    content: tuple = ()


def colour_of(frame):
    """(colour_primaries, transfer_characteristics) of H.273; 2 if unknown."""
    return int(frame.color_primaries), int(frame.color_trc)


def light_of(frame):
    """(Light, warnings about what is left out)"""
    try:
        found = {one.type.name: bytes(one) for one in frame.side_data}
    except ValueError:  # PyAV knows fewer kinds than FFmpeg, and then gives none
        return Light(), ["messages beside its frames are left out, which this PyAV cannot read: HDR metadata, if any"]
    mastering, content = found.get("MASTERING_DISPLAY_METADATA", b""), found.get("CONTENT_LIGHT_LEVEL", b"")
    light = Light(
        _mastering(mastering) if len(mastering) >= MASTERING.size else (),
        tuple(min(one, MOST_U16) for one in CONTENT.unpack_from(content)) if len(content) >= CONTENT.size else (),
    )
    return light, [f"its {words} left out" for name, words in LEFT_OUT.items() if name in found]


def _mastering(data):
    """`Light.mastering` of FFmpeg's struct: rationals of red, green, blue, white, least and most luminance."""
    *ratios, has_primaries, has_luminance = MASTERING.unpack_from(data)
    pairs = list(zip(ratios[::2], ratios[1::2]))
    red, green, blue, white, luminance = (pairs[at : at + 2] for at in range(0, 10, 2))
    points = [_steps(one, CHROMATICITY, MOST_U16) * bool(has_primaries) for one in green + blue + red + white]
    least, most = (_steps(one, LUMINANCE, MOST_U32) * bool(has_luminance) for one in luminance)
    return (*points, most, least)


def _steps(ratio, steps, most):
    """A rational number in steps, rounded; 0 for one that makes no sense."""
    number, divisor = ratio
    return min(max(round(number * steps / divisor), 0), most) if divisor else 0
