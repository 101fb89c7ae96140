"""Slice data partitions of the Extended profile (7.3.2.9): A has the slice header, macroblock types and prediction
(category 2), B the residual of intra macroblocks (category 3), C the residual of inter macroblocks (category 4).
"""

from .nal import PARTITION_B
from .syntax import Reader


def read_partition(nal, sps, pps):
    """Read a partition B or C (types 3 and 4) up to slice_data.

    Parameters
    ----------
    nal : codec.h264.stream.nal.NalUnit
    sps, pps : SPS, PPS
        Those of the picture.

    Returns
    -------
    ((int, int), int, int)
        (colour_plane_id, slice_id), redundant_pic_cnt, and the offset in bits of slice_data in `nal.rbsp`.
    """
    clause, c, s = "H.264 7.4.2.9.2", Reader(nal.rbsp, nal.layer(nal.name), nal.place), {}
    c.ue(s, "slice_id", sps.PicWidthInMbs * sps.FrameHeightInMbs - 1, clause)
    if sps.separate_colour_plane_flag:
        c.u(s, "colour_plane_id", 2, clause, 0, 2)
    if pps.redundant_pic_cnt_present_flag:
        c.ue(s, "redundant_pic_cnt", 127, clause)
    return (s.get("colour_plane_id", 0), s["slice_id"]), s.get("redundant_pic_cnt", 0), c.bit


class PartitionedSlice:
    """A slice whose partition A has arrived, and those of its partitions B and C that have.

    Parameters
    ----------
    slice
        Whatever the owner needs to decode partition A.

    Attributes
    ----------
    partitions : list
        B and C: (rbsp, offset in bits of slice_data), or None.
    """

    def __init__(self, slice):
        self.slice, self.partitions = slice, [None, None]

    def add(self, nal, bit):
        """Add partition B or C; true when both are there. A repeated partition is ignored."""
        k = nal.nal_unit_type - PARTITION_B
        self.partitions[k] = self.partitions[k] or (nal.rbsp, bit)
        return None not in self.partitions
