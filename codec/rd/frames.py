"""Clips in a report: the PSNR of every frame, how H.264 streams spend their bits, and one frame shown as a picture is.

Streams of H.264, whoever wrote them, are opened by our decoder: types of frames, quantizers, bits and macroblocks.
"""

from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np

from .. import jpeg, registry
from ..errors import CodecError
from ..frame import as_shown
from ..metrics import psnr
from ..registry.contract import byte_count
from . import crops
from .page import short

H264 = ("h264", "x264")  # codecs whose packets are an H.264 stream
SCALE = 2  # pixels of a drawing of macroblocks for a luma sample


@dataclass
class Take:
    """A clip encoded with the setting of a row, or why it cannot be shown."""

    codec: object = None
    data: object = None  # what the codec gave
    psnr: list = field(default_factory=list)  # of the luma of each frame, dB
    coded: list = field(default_factory=list)  # of each frame: type, bits, mean QP; empty if not H.264
    opened: object = None  # the shown frame with side data, if H.264
    reason: str = ""
    notes: list = field(default_factory=list)


def load(data, frames):
    """The first frames of a clip in a file."""
    from ..sources import clips

    return clips.load(data, frames=frames)


def show(picture, curves, rates, original, crop, budget):
    """One clip of the report as JSON types: every frame in numbers, and the frame with the largest errors as in
    `crops.show`.

    Parameters
    ----------
    picture, curves, rates, crop, budget
        As of `crops.show`.
    original : crops.Original
        `pixels` is a `codec.frame.Video`.

    Returns
    -------
    dict
        As of `crops.show`, with `frame`, the number of the frame that is shown, from 0, or None. Each version has
        `frames`, with the PSNR of luma, and for H.264 `type`, `bits` and mean `qp`; `modes`, for H.264 a picture of the
        macroblocks in the crop; and `qp`, for H.264 a map of the frame, from `low` to `top`.
    """
    clip = original.pixels
    if clip is None:
        return crops.show(picture, curves, rates, original, crop, budget) | {"frame": None}
    wanted = [crops.nearest(rows, rate) for rate in rates for rows in curves.values()]
    rows = {id(row): row for row in wanted}
    takes = {key: _take(row, clip) for key, row in rows.items()}
    number = _worst([takes[id(row)] for row in wanted[: len(curves)]])
    for key, made in takes.items():
        if made.coded:
            made.opened = next(islice(_opened(rows[key], made.data), number, None))
    still = crops.Original(np.ascontiguousarray(_shown(clip, number)))
    again = partial(_version, takes, number, clip)
    entry = crops.show(picture, curves, rates, still, crop, budget, again) | {"frame": number}
    for rate, one in zip(rates, entry["rates"]):
        made = {name: takes[id(crops.nearest(rows, rate))] for name, rows in curves.items()}
        maps = _quantizers(made, one["cell"] // 8, still.pixels.shape, budget)
        for name, version in one["versions"].items():
            version["frames"] = _numbers(made[name])
            version["modes"] = _modes(made[name], entry["crop"], budget)
            version["qp"] = maps.get(name)
    return entry


def _take(row, clip):
    """Encode a clip again as a row measured it."""
    made = Take()
    try:
        made.codec = registry.by_name(row.codec)
        made.codec.require()
        made.data = made.codec.run_encode(clip, made.codec.setting(**row.setting))
        decoded = made.codec.run_decode(made.data, clip)
        made.psnr = [psnr(a[0], b[0]) for a, b in zip(clip.frames, decoded.frames)]
        made.coded = [
            (one.type or "?", int(one.side_data["bits"].sum()), float(one.side_data["qp"].mean()))
            for one in _opened(row, made.data)
        ]
        made.notes = crops.size_note(made.codec, byte_count(made.data), row)
    except CodecError as error:
        made.reason = str(error)
    return made


def _opened(row, data):
    """The frames of an H.264 stream with side data; nothing of other codecs."""
    from ..h264 import decode_video

    if row.codec not in H264:
        return iter(())
    return decode_video(data if isinstance(data, bytes) else b"".join(data), side_data=True, monochrome="4:0:0")


def _worst(takes):
    """The frame with the largest mean squared error of luma, summed over the takes."""
    errors = [np.power(10.0, -np.array(one.psnr) / 10) for one in takes if one.psnr]
    return int(np.argmax(sum(errors))) if errors else 0


def _shown(clip, number):
    return as_shown(clip.frames[number], clip.chroma, clip.depth, clip.matrix, clip.full_range)


def _version(takes, number, clip, row, pixels):
    """The shown frame as it came back, with the bits of its macroblocks divided among their 8 x 8 squares."""
    made = takes[id(row)]
    version = crops.Version(row, reason=made.reason, notes=made.notes)
    if not made.reason:
        version.pixels = _shown(made.codec.run_decode(made.data, clip), number)
        version.error = crops.squared_error(pixels, version.pixels)
        if made.opened:
            version.block_bits = _squares(made.opened.side_data["bits"] / 4.0, pixels.shape)
    return version


def _squares(values, shape):
    """Values of macroblocks for the 8 x 8 squares of a frame of this shape."""
    return np.repeat(np.repeat(values, 2, 0), 2, 1)[: -(-shape[0] // 8), : -(-shape[1] // 8)]


def _numbers(made):
    """Every frame of a take, as lists."""
    found = {"psnr": [short(value) for value in made.psnr]}
    if made.coded:
        types, bits, qp = zip(*made.coded)
        found |= {"type": "".join(types), "bits": bits, "qp": [round(value, 1) for value in qp]}
    return found


def _modes(made, crop, budget):
    """Types and vectors of the macroblocks in the crop, as JPEG; None if the stream is not H.264."""
    from ..h264 import overlay

    if not made.opened:
        return None
    x, y, width, height = (SCALE * length for length in crop)
    pixels = overlay(made.opened, ("type", "mv"), scale=SCALE)[y : y + height, x : x + width]
    return {"data": budget.take("jpeg", jpeg.encode(np.ascontiguousarray(pixels), 85).data)}


def _quantizers(takes, blocks, shape, budget):
    """Maps of QP by family, in cells of `blocks` x `blocks` 8 x 8 squares; all on one scale, from the lowest QP to the
    highest.
    """
    quantizers = {name: _squares(one.opened.side_data["qp"], shape) for name, one in takes.items() if one.opened}
    low = min((int(qp.min()) for qp in quantizers.values()), default=0)
    top = max((int(qp.max()) for qp in quantizers.values()), default=0)
    maps = {}
    for name, qp in quantizers.items():
        means = crops.cells(qp, blocks) / crops.cells(np.ones_like(qp), blocks)
        uri = budget.take("png", crops.gray_png(means - low, top - low))
        maps[name] = {"data": uri, "low": low, "top": top, "mean": short(float(qp.mean()))} if uri else None
    return maps
