"""Clips in the format that decoders of H.264 everywhere show: 8 bits, 4:2:0 or gray."""

from dataclasses import replace
from itertools import chain

import numpy as np

from ..frame import CHROMA_STEPS, unchecked_frame

SHOWN_EVERYWHERE = ("4:2:0", "4:0:0")
HDR = {16: "PQ", 18: "HLG"}  # transfer_characteristics of H.273


def reduced(clip):
    """The `Clip` with 8 bits in 4:2:0 or 4:0:0, what that loses in its warnings. The first frame is read.

    Samples of more bits are rounded. A chroma sample of 4:2:0 is the mean of those that share its place; luma stays.
    """
    try:
        first = next(clip.frames, None)
    except BaseException:
        clip.close()
        raise
    if first is None:
        return clip
    frames, lost = chain([first], clip.frames), []
    if first.bit_depth > 8:
        lost.append(f"{first.bit_depth} bits are reduced to 8")
        if clip.colour[1] in HDR:
            lost.append(
                f"it stays HDR ({HDR[clip.colour[1]]}): 8 bits show steps in smooth parts, players without HDR show it "
                "pale"
            )
    if first.chroma not in SHOWN_EVERYWHERE:
        lost.append(f"{first.chroma} is converted to 4:2:0: chroma loses resolution")
    return replace(clip, frames=map(_reduced, frames) if lost else frames, warnings=(*clip.warnings, *lost))


def _reduced(frame):
    luma, *chroma = frame.planes
    spare, kept = frame.bit_depth - 8, frame.chroma in SHOWN_EVERYWHERE
    steps = (1, 1) if kept else tuple(2 // step for step in CHROMA_STEPS[frame.chroma])
    planes = _mean(luma, (1, 1), spare), *(_mean(plane, steps, spare) for plane in chroma)
    fields = {"planes": planes, "chroma": frame.chroma if kept else "4:2:0", "bit_depth": 8}
    return unchecked_frame(**(vars(frame) | fields))


def _mean(plane, steps, spare):
    """Each sample the mean of a block of `steps` rows and columns, without its `spare` lowest bits, rounded."""
    (rows, columns), (down, across) = plane.shape, steps
    plane = np.pad(plane, ((0, rows % down), (0, columns % across)), "edge").astype(np.uint32)
    sums = sum(plane[row::down, column::across] for row in range(down) for column in range(across))
    divisor = down * across << spare
    made = np.minimum((sums + divisor // 2) // divisor, 255).astype(np.uint8)
    made.flags.writeable = False
    return made
