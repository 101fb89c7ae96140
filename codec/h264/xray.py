"""How the macroblocks of a picture were coded: their types by name, and drawn over the picture. Works on the side data
of the decoder and of the encoder alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    import numpy.typing as npt

    from ..frame import Frame

# MB_... of pictures/_picture.pxd
INTRA, PCM, INTRA16, TRANSFORM8, SKIP, DIRECT = 1, 2, 4, 16, 64, 128
NO_SLICE = -1

MB_TYPES = (
    "none", "I_4x4", "I_8x8", "I_16x16", "I_PCM", "P_Skip", "B_Skip", "Direct", "16x16", "16x8", "8x16", "8x8",
)  # fmt: skip
COLOURS = np.array(
    [
        (0, 0, 0), (230, 60, 40), (240, 120, 40), (240, 180, 60), (255, 0, 160), (128, 128, 128), (110, 130, 110),
        (90, 200, 110), (60, 120, 240), (80, 170, 250), (80, 170, 250), (160, 90, 250),
    ],
    np.float32,
)  # fmt: skip
LAYERS = ("type", "bits", "qp", "mv")
TINT = 0.45  # share of the colour of a macroblock
# Corners of sub-macroblock partitions inside 8x8, in luma samples: x, y, width, height; by sub_part, direct as 8x8.
SUB_PARTS = (((0, 0, 8, 8),), ((0, 0, 8, 4), (0, 4, 8, 4)), ((0, 0, 4, 8), (4, 0, 4, 8)),
             tuple((x, y, 4, 4) for y in (0, 4) for x in (0, 4)), ((0, 0, 8, 8),))  # fmt: skip
PARTS = (((0, 0, 16, 16),), ((0, 0, 16, 8), (0, 8, 16, 8)), ((0, 0, 8, 16), (8, 0, 8, 16)))


def mb_types(side_data: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.uint8]:
    """The type of each macroblock.

    Parameters
    ----------
    side_data : dict
        `codec.Frame.side_data` of a decoder with `side_data=True`, or `codec.h264.PictureInfo.side_data`.

    Returns
    -------
    (rows, columns) uint8
        Indices into `codec.h264.MB_TYPES`: "I_4x4", "I_8x8" (Table 7-11: I_NxN), "I_16x16", "I_PCM", "P_Skip",
        "B_Skip", "Direct" (B_Direct_16x16), and by partitions "16x16", "16x8", "8x16", "8x8"; "none" if it was lost.

    Examples
    --------
    >>> import numpy as np, codec
    >>> video = codec.h264.encode_frames(np.zeros((2, 16, 32), np.uint8), fps=25, side_data=True)
    >>> [[codec.h264.MB_TYPES[one] for one in row] for row in codec.h264.mb_types(video[1].side_data)]
    [['P_Skip', 'P_Skip']]
    """
    flags, part = side_data["flags"], side_data["part"]
    has = lambda bit: flags & bit != 0
    cases = [
        (side_data["slice"] == NO_SLICE, "none"),
        (has(PCM), "I_PCM"),
        (has(INTRA16), "I_16x16"),
        (has(INTRA) & has(TRANSFORM8), "I_8x8"),
        (has(INTRA), "I_4x4"),
        (has(SKIP) & has(DIRECT), "B_Skip"),
        (has(SKIP), "P_Skip"),
        (has(DIRECT), "Direct"),
    ]
    numbers = [MB_TYPES.index(name) for _, name in cases]
    return np.select([case for case, _ in cases], numbers, MB_TYPES.index("16x16") + part.astype(int)).astype(np.uint8)


def overlay(frame: Frame, show: str | Iterable[str] = ("type", "mv"), *, scale: int = 2) -> npt.NDArray[np.uint8]:
    """Draw how a picture was coded over its luma.

    Parameters
    ----------
    frame : codec.Frame
        With side data.
    show : names
        "type": intra macroblocks are red to yellow, skipped ones gray, direct ones green, others blue, or violet in
        8x8, with the edges of partitions. "bits" and "qp": from blue (fewest) to red (most of this picture). The first
        of these three is drawn. "mv": lines from the middle of each partition to where it is predicted from, white
        from list 0, yellow from list 1.
    scale : int, default 2
        Pixels for a sample, 1 to 8.

    Returns
    -------
    (scale * H, scale * W, 3) uint8

    Raises
    ------
    ParameterError
        A frame without side data, an unknown name, or a wrong scale.

    Notes
    -----
    Macroblocks stand where they are stored: those of fields in pairs, one above the other.

    Examples
    --------
    >>> import numpy as np, codec
    >>> data = codec.encode_video(np.zeros((2, 16, 32), np.uint8), fps=25)
    >>> [codec.h264.overlay(frame).shape for frame in codec.decode_video(data, side_data=True)]
    [(32, 64, 3), (32, 64, 3)]
    """
    names = (show,) if isinstance(show, str) else tuple(show)
    unknown = [name for name in names if name not in LAYERS]
    if unknown:
        raise ParameterError(f"{unknown[0]!r} cannot be shown; there are {', '.join(LAYERS)}")
    if isinstance(scale, bool) or not isinstance(scale, int) or not 1 <= scale <= 8:
        raise ParameterError(f"scale is {scale!r}; it must be an integer from 1 to 8")
    side = frame.side_data
    if side is None:
        raise ParameterError("the frame has no side data: decode it with side_data=True")
    luma = frame.planes[0] >> (frame.bit_depth - 8)
    picture = np.repeat(np.repeat(luma, scale, 0), scale, 1)[..., None].repeat(3, 2).astype(np.float32)
    tint = next((name for name in names if name != "mv"), None)
    if tint:
        types = mb_types(side)
        colours = COLOURS[types] if tint == "type" else _heat(side[tint])
        size = 16 * scale
        cells = np.repeat(np.repeat(colours, size, 0), size, 1)[: picture.shape[0], : picture.shape[1]]
        picture[: cells.shape[0], : cells.shape[1]] *= 1 - TINT
        picture[: cells.shape[0], : cells.shape[1]] += TINT * cells
    pixels = picture.astype(np.uint8)
    for x, y, width, height, vectors in partitions(side):
        if tint == "type":
            _frame_of(pixels, scale * x, scale * y, scale * width, scale * height)
        if "mv" in names:
            for list_, vector in vectors:
                middle = scale * (x + width / 2), scale * (y + height / 2)
                _line(pixels, middle, vector * (scale / 4), ((255, 255, 255), (255, 230, 0))[list_])
    return pixels


def partitions(side_data: Mapping[str, npt.NDArray[Any]]):
    """Yield (x, y, width, height, [(list, vector)]) of every partition, in luma samples and quarter samples; intra
    macroblocks have no vectors.
    """
    for row, column in np.ndindex(side_data["flags"].shape):
        flags, part = side_data["flags"][row, column], side_data["part"][row, column]
        direct = flags & DIRECT and not flags & INTRA
        boxes: Iterable[tuple[int, int, int, int]] = PARTS[part] if part < 3 and not direct else ()
        if not boxes:
            subs = [0] * 4 if direct else side_data["sub_part"][row, column]
            corners = ((0, 0), (8, 0), (0, 8), (8, 8))
            boxes = [
                (left + x, top + y, width, height)
                for (left, top), sub in zip(corners, subs)
                for x, y, width, height in SUB_PARTS[sub]
            ]
        for x, y, width, height in boxes:
            refs = side_data["ref_idx"][row, column, :, 2 * (y // 8) + x // 8]
            block = 4 * (y // 4) + x // 4
            used = () if flags & INTRA else [i for i in range(2) if refs[i] >= 0]
            vectors = [(i, side_data["mv"][row, column, i, block].astype(float)) for i in used]
            yield 16 * int(column) + x, 16 * int(row) + y, width, height, vectors


def _heat(values):
    """Colours from blue to red, by the share of the largest value."""
    low, high = int(values.min()), int(values.max())
    share = (values - low) / max(high - low, 1)
    return np.stack([255 * share, 160 * (1 - np.abs(2 * share - 1)), 255 * (1 - share)], -1).astype(np.float32)


def _frame_of(pixels, x, y, width, height):
    """Darken the upper and the left edge of a box."""
    pixels[y : y + 1, x : x + width] //= 2
    pixels[y : y + height, x : x + 1] //= 2


def _line(pixels, begin, vector, colour):
    """A line, with its begin marked; what lies outside is not drawn."""
    steps = int(np.ceil(np.abs(vector).max())) + 1
    places = np.rint(np.asarray(begin) + np.linspace(0, 1, steps)[:, None] * vector).astype(int)
    inside = (places >= 0).all(1) & (places[:, 0] < pixels.shape[1]) & (places[:, 1] < pixels.shape[0])
    pixels[places[inside, 1], places[inside, 0]] = colour
