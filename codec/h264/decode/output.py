"""Decoded pictures to frames: reuse of picture memory, cropping, colour description, side data, lost macroblocks."""

import sys

import numpy as np

from ...color import H273_MATRICES
from ...errors import BitstreamError
from ...frame import Damage, default_matrix, plane_shapes, unchecked_frame
from ..pictures._picture import Picture
from ..pictures.references import BOTTOM, FRAME
from ..stream.parameter_sets import CHROMA_FORMATS
from .trust import INTACT, Lineage


def _holders(objects):
    """Reference counts, as a list comprehension sees them."""
    return [sys.getrefcount(one) for one in objects]


ALONE = _holders([object()])[0]  # the count of an object that only a list refers to


class PicturePool:
    """The pictures of a sequence, reused when neither the decoder nor an array of the user refers to them.

    observed: with the data that only `side_data_of` asks for.
    """

    def __init__(self, sps, spare, observed=False):
        self._key = (
            sps.PicWidthInMbs,
            sps.FrameHeightInMbs,
            sps.chroma_format_idc,
            sps.BitDepthY,
            sps.BitDepthC,
            bool(sps.separate_colour_plane_flag),
        )
        self._spare, self._observed, self._pictures = spare, observed, []

    def take(self):
        """A picture in which nothing is decoded yet."""
        free = [picture for picture in self._pictures if sys.getrefcount(picture) == ALONE]
        for picture in free[self._spare :]:
            self._pictures.remove(picture)
        if free:
            free[0].begin()
            return free[0]
        self._pictures.append(Picture(*self._key))
        if self._observed:
            self._pictures[-1].observe()
        return self._pictures[-1]


def picture_bytes(sps):
    """Approximate memory of a picture: samples, and 300 bytes per macroblock of data for pictures that refer to it."""
    samples = 256 * (1 + (0, 0.5, 1, 2)[sps.chroma_format_idc]) * (1 + (sps.BitDepthY > 8 or sps.BitDepthC > 8))
    return int((samples + 300) * sps.PicWidthInMbs * sps.FrameHeightInMbs)


def arrays(picture):
    """The planes of a picture before cropping, as arrays that share its memory."""
    return [np.asarray(plane) for plane in picture.planes()]


def macroblock_map(picture, value):
    """(rows, columns) bool."""
    return np.full([size // 16 for size in arrays(picture)[0].shape], value, bool)


# ---------------------------------------------------------------- frames


def matrix_of(sps):
    """(name of the matrix, full range) by the VUI, or the usual ones for the size."""
    code = sps.vui.matrix_coefficients if sps.vui else 2
    # matrices of Table E-5 that are unknown to `codec.color` count as unspecified
    name = H273_MATRICES.get(code, default_matrix(sps.height))
    if name == "GBR" and sps.chroma_format_idc != 3:
        name = default_matrix(sps.height)
    return name, bool(sps.vui and sps.vui.video_full_range_flag)


class FrameFormat:
    """The properties that all frames of a sequence share, and the conversion of a picture to a Frame."""

    def __init__(self, sps, monochrome):
        left, right, top, bottom = sps.crop
        steps = ((1, 1), *((sps.SubHeightC, sps.SubWidthC),) * 2) if sps.chroma_format_idc else ((1, 1),)
        self._shown = [  # cropping of each plane
            (slice(top // down, (16 * sps.FrameHeightInMbs - bottom) // down), slice(left // across, (16 * sps.PicWidthInMbs - right) // across))
            for down, across in steps
        ]  # fmt: skip
        depths = (sps.BitDepthY, sps.BitDepthC, sps.BitDepthC)[: len(steps)]
        self._depth, self._chroma = max(depths), CHROMA_FORMATS[sps.chroma_format_idc]
        self._shifts = [self._depth - depth for depth in depths]
        self._matrix, self._full_range = matrix_of(sps)
        self._colourless = None
        if self._chroma == "4:0:0" and monochrome != "4:0:0":
            self._chroma = monochrome
            self._colourless = plane_shapes(sps.height, sps.width, monochrome)[1:]

    def _planes(self, picture):
        """The cropped planes, as read-only views; a plane with fewer bits is scaled up to the depth of the others."""
        planes = [plane[shown] for plane, shown in zip(arrays(picture), self._shown)]
        if any(self._shifts):
            planes = [plane << shift for plane, shift in zip(planes, self._shifts)]
        if self._colourless:  # the chroma value of gray
            planes += [np.full(shape, 1 << (self._depth - 1), planes[0].dtype) for shape in self._colourless]
        for plane in planes:
            plane.setflags(write=False)
        return tuple(planes)

    def frame(self, store):
        """The Frame of a FrameStore whose `content` is a CodedFrame."""
        coded = store.content
        return unchecked_frame(
            planes=self._planes(store.picture), chroma=self._chroma, bit_depth=self._depth, matrix=self._matrix, full_range=self._full_range,
            poc=store.order, type=coded.type, key=coded.key, timestamp=coded.timestamp, damage=coded.damage, side_data=coded.side_data,
            user_data=tuple(coded.user_data),
        )  # fmt: skip


class CodedFrame:
    """A frame in the decoded picture buffer: everything but samples and marking.

    Attributes
    ----------
    format : FrameFormat
    number : int
        In decoding order.
    key : bool
        An IDR picture.
    type : "I", "P" or "B"
    lineage : Lineage or None
        What it is predicted from, until `damage` has been asked for.
    batch : Batch
        Slices of the frame: the batch that was started last.
    bits : list of int
        Of each slice, for the side data.
    """

    def __init__(self, format, number, picture, key, timestamp, user_data):
        self.format, self.number, self.key, self.timestamp, self.user_data = format, number, key, timestamp, user_data
        self.type, self.side_data = "I", None
        self.batch, self.bits = None, ()
        self.lineage, self.place = Lineage(picture), ("", 0)
        self._damage, self._origin = None, INTACT

    def add_type(self, slice_name):
        """Account for a slice: the type of a frame is the highest of I (and SI), P (and SP), B."""
        letter = slice_name[-1]
        if "IPB".index(letter) > "IPB".index(self.type):
            self.type = letter

    def add_damage(self, macroblocks, errors, origin):
        """Add damage of a field or frame: `macroblocks` (rows, columns) bool, `errors` as (offset, text).

        `origin`: see `trust`; INTACT if the errors left the samples intact.
        """
        before, self._origin = self._damage, max(self._origin, origin)
        if before:
            macroblocks = before.macroblocks | macroblocks
        texts, offsets = tuple(text for _, text in errors), tuple(offset for offset, _ in errors)
        self._damage = Damage(
            macroblocks, (before.errors if before else ()) + texts, (before.offsets if before else ()) + offsets
        )

    @property
    def damage(self):
        """Damage or None, with that of references; only valid when the frame is complete and in line to be decoded."""
        if self.lineage is not None:
            self._settle()
        return self._damage

    @property
    def origin(self):
        """Of its damage: see `trust`. Valid as `damage` is."""
        if self.lineage is not None:
            self._settle()
        return self._origin

    def _settle(self):
        lineage = self.lineage
        lineage.picture.wait()
        origin = lineage.origin(self)
        if origin != INTACT:
            layer, offset = self.place
            error = BitstreamError(
                "it is predicted from missing or damaged pictures", layer=layer, offset=offset, clause="H.264 8.4.2.1"
            )
            self.add_damage(macroblock_map(lineage.picture, False), [(offset, str(error))], origin)
        self.lineage = None


def side_data_of(picture, bits):
    """Arrays (rows, columns, ...) with an entry for each macroblock of the coded frame, by name.

    "slice" int32, "flags" uint16 and "qp" int8 as in `codec/h264/pictures/_picture.pxd`; "mv" int16 (rows, columns,
    list, block, x and y) in quarter samples; "ref_idx" int8 (rows, columns, list, quarter), -1 if the list is not used;
    "bits" int32; "part" uint8 (0 16x16, 1 16x8, 2 8x16, 3 8x8) and "sub_part" uint8 (rows, columns, quarter), with 8x8
    (0 8x8, 1 8x4, 2 4x8, 3 4x4, 4 direct); and "slice_bits" int64 by slice number.
    """
    rows, columns = (size // 16 for size in arrays(picture)[0].shape)
    types = {"slice": np.int32, "flags": np.uint16, "qp": np.int8}
    found = {
        name: np.frombuffer(data, types[name]).reshape(rows, columns) for name, data in picture.macroblocks().items()
    }
    types = {"bits": np.int32, "part": np.uint8, "sub_part": np.uint8}
    found |= {
        name: np.frombuffer(data, types[name]).reshape(rows, columns, -1) for name, data in picture.views().items()
    }
    found["bits"], found["part"] = found["bits"][..., 0], found["part"][..., 0]
    mv, ref_idx = picture.motion()
    found["mv"] = np.frombuffer(mv, np.int16).reshape(rows, columns, 2, 16, 2)
    found["ref_idx"] = np.frombuffer(ref_idx, np.int8).reshape(rows, columns, 2, 4)
    found["slice_bits"] = np.array(bits, np.int64)
    return found


# ---------------------------------------------------------------- lost macroblocks


def missing_macroblocks(picture, fields, mbaff):
    """(rows, columns) bool, in storage order: macroblocks of the frame or field that no slice contained.

    In MBAFF frames both macroblocks of a pair are lost if one is, because it is unknown which lines belong to which.
    """
    rows, columns = (size // 16 for size in arrays(picture)[0].shape)
    lost = np.frombuffer(picture.macroblocks()["slice"], np.int32).reshape(rows, columns) < 0
    if fields != FRAME:
        lost[1 - (fields == BOTTOM) :: 2] = False
    elif mbaff:
        lost[0::2] = lost[1::2] = lost[0::2] | lost[1::2]
    return lost


def sources_of(order, key, stores, last):
    """Pictures to conceal lost macroblocks from, with their order counts, the nearest in time first.

    Parameters
    ----------
    order : int
        PicOrderCnt of the damaged picture.
    key : bool
        It is an IDR picture: order counts start again with it, and all others precede it in output order.
    stores : list of FrameStore
        The decoded picture buffer before it.
    last : Picture or None
        The picture decoded last, which may have left the buffer.
    """
    found = [(store.picture, store.order) for store in stores if not store.non_existing]
    if last is not None and all(picture is not last for picture, _ in found):
        found.append((last, min(last.TopFieldOrderCnt, last.BottomFieldOrderCnt)))
    return sorted(found, key=lambda one: -one[1] if key else abs(one[1] - order))


def fill_field(picture, fields):
    """Fill the missing field of a frame: each line is a copy of the neighbouring line of the field in `fields`."""
    for plane in arrays(picture):
        plane[int(fields != BOTTOM) :: 2] = plane[int(fields == BOTTOM) :: 2]
