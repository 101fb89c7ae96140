"""H.264 streams with known pictures: macroblocks are I_PCM or skipped, CAVLC coded and never filtered."""

import dataclasses

import numpy as np

from codec.h264.stream.nal import write_byte_stream, write_nal
from codec.h264.stream.parameter_sets import PPS, SPS, write_pps, write_sps
from codec.h264.stream.slice_header import I, P, SliceHeader, write_slice_header

I_PCM = 25  # mb_type, Table 7-11
UNFILTERED = dict(disable_deblocking_filter_idc=1)


def sps_of(width_in_mbs=2, height_in_mbs=2, **more):
    """An SPS for frames of this size in macroblocks; `more` are elements of the SPS."""
    more.setdefault("profile_idc", 77)
    more.setdefault("max_num_ref_frames", 4)
    more.setdefault("log2_max_pic_order_cnt_lsb_minus4", 4)
    units = height_in_mbs if more.get("frame_mbs_only_flag", 1) else height_in_mbs // 2
    return SPS(level_idc=31, pic_width_in_mbs_minus1=width_in_mbs - 1, pic_height_in_map_units_minus1=units - 1, **more)


def pps_of(**more):
    return PPS(deblocking_filter_control_present_flag=1, **more)


def macroblock_planes(planes, address, width_in_mbs):
    """The samples of a macroblock, addressed in raster order, plane by plane."""
    row, column = divmod(address, width_in_mbs)
    found = []
    for plane in planes:
        high, wide = 16 * plane.shape[0] // planes[0].shape[0], 16 * plane.shape[1] // planes[0].shape[1]
        found.append(plane[row * high : (row + 1) * high, column * wide : (column + 1) * wide])
    return found


def pcm_slice(c, planes, addresses, sps, kind=I):
    """Append slice_data (7.3.4) of I_PCM macroblocks to the Writer `c`, which has the header."""
    depths = (sps.BitDepthY, sps.BitDepthC, sps.BitDepthC)
    for address in addresses:
        if kind != I:
            c.ue({"mb_skip_run": 0}, "mb_skip_run", 0, "")
        c.ue({"mb_type": I_PCM + 5 * (kind == P)}, "mb_type", 30, "")
        c.put(0, -c.count % 8)  # pcm_alignment_zero_bit
        for block, depth in zip(macroblock_planes(planes, address, sps.PicWidthInMbs), depths):
            values = block.reshape(-1).tolist()
            c.put(int("".join(f"{value:0{depth}b}" for value in values), 2), depth * len(values))


def finished(c, header):
    c.rbsp_trailing_bits()
    return write_nal(header.nal_unit_type, header.nal_ref_idc, c.rbsp())


def slice_of(header, sps, pps, planes, addresses):
    """The NAL unit of a slice of I_PCM macroblocks."""
    header = dataclasses.replace(
        header, first_mb_in_slice=addresses[0], pic_parameter_set_id=pps.pic_parameter_set_id, **UNFILTERED
    )
    c = write_slice_header(header, sps, pps)
    pcm_slice(c, planes, addresses, sps, header.kind)
    return finished(c, header)


def skipped(header, sps, pps, count, first=0):
    """A P slice of `count` P_Skip macroblocks. Each copies refIdxL0 0, because no neighbour has a motion vector."""
    header = dataclasses.replace(
        header, first_mb_in_slice=first, slice_type=P, pic_parameter_set_id=pps.pic_parameter_set_id, **UNFILTERED
    )
    c = write_slice_header(header, sps, pps)
    c.ue({"mb_skip_run": count}, "mb_skip_run", count, "")
    return finished(c, header)


def header(frame_num=0, lsb=0, idr=False, ref=1, kind=I, **more):
    return SliceHeader(5 if idr else 1, ref, 0, kind, 0, frame_num, pic_order_cnt_lsb=lsb, **more)


def samples(sps, seed, field=False):
    """Random planes of a frame or field."""
    rng = np.random.default_rng(seed)
    high, wide = 16 * sps.FrameHeightInMbs >> field, 16 * sps.PicWidthInMbs
    chroma = [(high // sps.SubHeightC, wide // sps.SubWidthC)] * (2 if sps.ChromaArrayType else 0)
    depths = (sps.BitDepthY, sps.BitDepthC, sps.BitDepthC)
    deep = max(sps.BitDepthY, sps.BitDepthC if chroma else 8) > 8
    # pcm_sample values must not be 0 in the older profiles.
    return [
        rng.integers(1, 1 << depth, shape).astype(np.uint16 if deep else np.uint8)
        for shape, depth in zip([(high, wide), *chroma], depths)
    ]


class Stream:
    """A list of NAL units to append to, and the expected frames in decoding order."""

    def __init__(self, sps=None, pps=None):
        self.sps, self.pps = sps or sps_of(), pps or pps_of()
        self.nals, self.frames = [], []
        self.parameter_sets()

    def parameter_sets(self):
        self.nals += [write_sps(self.sps), write_pps(self.pps, self.sps)]

    @property
    def mbs(self):
        return self.sps.PicWidthInMbs * self.sps.FrameHeightInMbs

    def intra(self, head, slices=1, planes=None):
        """Append a frame of I_PCM macroblocks in equal slices."""
        planes = planes or samples(self.sps, len(self.nals))
        self.frames.append(planes)
        for part in np.array_split(np.arange(self.mbs), slices):
            self.nals.append(slice_of(head, self.sps, self.pps, planes, part.tolist()))
        return planes

    def copy(self, head, of):
        """Append a frame of skipped macroblocks, which equals the picture `of`."""
        self.frames.append(of)
        self.nals.append(skipped(head, self.sps, self.pps, self.mbs))
        return of

    @property
    def data(self):
        return write_byte_stream(self.nals)


def clip(count=6, **more):
    """An IDR picture, then copies and new pictures by turns; output order is decoding order."""
    stream = Stream(**more)
    last = stream.intra(header(0, 0, idr=True), slices=2)
    for i in range(1, count):
        head = header(i % 16, 2 * i % 256)
        last = stream.copy(head, last) if i % 2 else stream.intra(head, slices=2)
    return stream
