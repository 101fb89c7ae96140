"""The Extended profile: SP and SI slices against a model of 8.6, data partitions against whole slices."""

import dataclasses

import numpy as np
import pytest
from crafted_h264 import UNFILTERED, Stream, finished, header, pps_of, samples, sps_of

import codec
from codec.h264.stream.nal import write_byte_stream, write_nal
from codec.h264.stream.slice_header import SI, SP, I, P, write_slice_header
from codec.h264.stream.syntax import Writer

QP, QS = 28, 25  # below 30 QPC is QPY (Table 8-15)
ZEROS = ["1", "011", "010", "0011"]  # total_zeros of a block with one level, Table 9-7
DC_ZEROS = ["1", "01", "001", "000"]  # Table 9-9
FORWARD = np.array([[1, 1, 1, 1], [2, 1, -1, -2], [1, -1, -1, 1], [1, -2, 2, -1]])
HADAMARD = np.array([[1, 1], [1, -1]])
NORM = [(10, 16, 13), (11, 18, 14), (13, 20, 16), (14, 23, 18), (16, 25, 20), (18, 29, 23)]  # (8-315)
SCALE2 = [
    (13107, 5243, 8066),
    (11916, 4660, 7490),
    (10082, 4194, 6554),
    (9362, 3647, 5825),
    (8192, 3355, 5243),
    (7282, 2893, 4559),
]
ZIGZAG = [(0, 0), (0, 1), (1, 0), (2, 0)]  # row, column of the first four
BLOCKS = [(4 * (k >> 1 & 1) + 8 * (k >> 3), 4 * (k & 1) + 8 * (k >> 2 & 1)) for k in range(16)]  # y, x by luma4x4BlkIdx


class Elements:
    """Slice data with each element in the partition of its category, or all in one piece."""

    def __init__(self, head, sps, pps, partitioned, slice_id=0):
        head = dataclasses.replace(
            head, nal_unit_type=2 if partitioned else head.nal_unit_type, slice_id=slice_id, **UNFILTERED
        )
        self.head, a = head, write_slice_header(head, sps, pps)
        self.writers = {2: a, 3: a, 4: a}
        if partitioned:
            self.writers.update({3: Writer(), 4: Writer()})
            for k in (3, 4):
                self.writers[k].ue({"slice_id": slice_id}, "slice_id", slice_id, "")

    def put(self, category, bits):
        self.writers[category].put(int(bits, 2), len(bits))

    def ue(self, *values):
        for value in values:
            self.writers[2].ue({"value": value}, "value", value, "")

    def nals(self):
        found = [finished(self.writers[2], self.head)]
        if self.head.nal_unit_type == 2:
            for k in (3, 4):
                self.writers[k].rbsp_trailing_bits()
                found.append(write_nal(k, self.head.nal_ref_idc, self.writers[k].rbsp()))
        return found

    def residual(self, category, levels):
        """One level of 1 or -1 in each block: (position, sign) for 16 luma, 2 chroma DC and 8 chroma AC blocks."""
        for i, (position, sign) in enumerate(levels):
            dc = 16 <= i < 18
            self.put(
                category, ("1" if dc else "01") + ("1" if sign < 0 else "0") + (DC_ZEROS if dc else ZEROS)[position]
            )


def random_levels(seed):
    rng = np.random.default_rng(seed)
    return [(int(rng.integers(0, 4 if i < 18 else 3)), int(rng.choice([-1, 1]))) for i in range(26)]


# ---------------------------------------------------------------- a model of 8.6


def by_position(row):
    return np.array([[row[0 if not (i | j) & 1 else 1 if i & j & 1 else 2] for j in range(4)] for i in range(4)])


def quantize(c, scale, shift):
    return np.sign(c) * ((np.abs(c) * scale + (1 << (shift - 1))) >> shift)


def switched(pred, levels, switch, scale_in, scale_out, down, shift):
    if switch:
        return levels + quantize(pred, scale_out, shift)
    return quantize(pred + ((levels * scale_in << QP // 6) >> down), scale_out, shift)


def inverse(d):
    """8.5.12.2"""
    for _ in range(2):
        e, f, g, h = d[:, 0] + d[:, 2], d[:, 0] - d[:, 2], (d[:, 1] >> 1) - d[:, 3], d[:, 1] + (d[:, 3] >> 1)
        d = np.stack([e + h, f + g, f - g, e - h], 1).T
    return np.clip((d + 32) >> 6, 0, 255)


def level_block(level, first=0):
    block = np.zeros((4, 4), int)
    if level:
        block[ZIGZAG[level[0] + first]] = level[1]
    return block


def switch_4x4(pred, levels, switch):
    """The scaled coefficients of a 4x4 block."""
    c = FORWARD @ pred.astype(int) @ FORWARD.T
    A = by_position((16, 25, 20))
    c = switched(c, levels, switch, by_position(NORM[QP % 6]) * A, by_position(SCALE2[QS % 6]), 6, 15 + QS // 6)
    return c * by_position(NORM[QS % 6]) << QS // 6


def switch_chroma(pred, dc, ac, switch):
    """8x8 samples."""
    quarters = [(y, x) for y in (0, 4) for x in (0, 4)]
    blocks = [switch_4x4(pred[y : y + 4, x : x + 4], level_block(one, 1), switch) for (y, x), one in zip(quarters, ac)]
    sums = np.array([pred[y : y + 4, x : x + 4].astype(int).sum() for y, x in quarters]).reshape(2, 2)
    levels = np.zeros(4, int)
    if dc:
        levels[dc[0]] = dc[1]
    f = switched(
        HADAMARD @ sums @ HADAMARD,
        levels.reshape(2, 2),
        switch,
        NORM[QP % 6][0] * 16,
        SCALE2[QS % 6][0],
        5,
        16 + QS // 6,
    )
    f = (HADAMARD @ f @ HADAMARD * NORM[QS % 6][0] << QS // 6) >> 1
    out = np.zeros((8, 8), int)
    for (y, x), d, value in zip(quarters, blocks, f.reshape(-1)):
        d[0, 0] = value
        out[y : y + 4, x : x + 4] = inverse(d)
    return out


def switch_macroblock(planes, levels, switch):
    luma = np.zeros((16, 16), int)
    for (y, x), level in zip(BLOCKS, levels[:16]):
        luma[y : y + 4, x : x + 4] = inverse(switch_4x4(planes[0][y : y + 4, x : x + 4], level_block(level), switch))
    return [
        luma,
        *(switch_chroma(planes[1 + c], levels[16 + c], levels[18 + 4 * c : 22 + 4 * c], switch) for c in range(2)),
    ]


# ---------------------------------------------------------------- SP and SI


def extended(width=1, height=1, **more):
    return Stream(sps_of(width, height, profile_idc=88), pps_of(**more))


def switching(kind, **more):
    return header(1, 2, kind=kind, slice_qp_delta=QP - 26, slice_qs_delta=QS - 26, **more)


def decoded(stream):
    return list(codec.decode_video(stream.data))


def assert_planes(frame, planes):
    for got, wanted in zip(frame.planes, planes):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("switch", [0, 1])
def test_skipped_macroblocks_of_sp_slices_are_quantized(switch):
    stream = extended()
    first = stream.intra(header(0, 0, idr=True))
    slice_ = Elements(switching(SP, sp_for_switch_flag=switch), stream.sps, stream.pps, False)
    slice_.ue(1)
    stream.nals += slice_.nals()
    wanted = switch_macroblock(first, [None] * 26, switch)
    assert_planes(decoded(stream)[1], wanted)
    assert (wanted[0] != first[0]).any()


@pytest.mark.parametrize("switch", [0, 1])
@pytest.mark.parametrize("partitioned", [False, True])
def test_levels_in_sp_slices(switch, partitioned):
    stream, levels = extended(), random_levels(switch)
    first = stream.intra(header(0, 0, idr=True))
    slice_ = Elements(switching(SP, sp_for_switch_flag=switch), stream.sps, stream.pps, partitioned)
    slice_.ue(0, 0, 0, 0, 12, 0)  # mb_skip_run, P_L0_16x16, mvd 0 0, coded_block_pattern 47, mb_qp_delta 0
    slice_.residual(4, levels)
    stream.nals += slice_.nals()
    assert_planes(decoded(stream)[1], switch_macroblock(first, levels, switch))


def si_macroblock(levels):
    """DC prediction, block by block."""
    luma = np.zeros((16, 16), int)
    for (y, x), level in zip(BLOCKS, levels):
        around = [*(luma[y - 1, x : x + 4] if y else ()), *(luma[y : y + 4, x - 1] if x else ())]
        dc = (sum(around) + len(around) // 2) // len(around) if around else 128
        luma[y : y + 4, x : x + 4] = inverse(switch_4x4(np.full((4, 4), dc), level_block(level), 1))
    gray = np.full((8, 8), 128)
    return [luma, *(switch_chroma(gray, levels[16 + c], levels[18 + 4 * c : 22 + 4 * c], 1) for c in range(2))]


def test_si_macroblocks():
    stream, levels = extended(), random_levels(7)
    stream.intra(header(0, 0, idr=True))
    slice_ = Elements(switching(SI), stream.sps, stream.pps, False)
    slice_.ue(0)  # SI
    slice_.put(2, "1" * 16)  # prev_intra4x4_pred_mode_flag
    slice_.ue(0, 0, 0)  # intra_chroma_pred_mode DC, coded_block_pattern 47, mb_qp_delta 0
    slice_.residual(3, levels)
    stream.nals += slice_.nals()
    assert_planes(decoded(stream)[1], si_macroblock(levels))


def test_other_macroblocks_of_si_slices_are_those_of_i_slices():
    stream = extended()
    planes = stream.intra(header(0, 0, idr=True))
    slice_ = Elements(switching(SI), stream.sps, stream.pps, False)
    slice_.ue(26)  # I_PCM
    pcm(slice_, planes)
    stream.nals += slice_.nals()
    assert_planes(decoded(stream)[1], planes)


# ---------------------------------------------------------------- data partitions


def pcm(slice_, planes):
    slice_.writers[3].put(0, -slice_.writers[3].count % 8)
    for plane in planes:
        for value in plane.reshape(-1).tolist():
            slice_.put(3, f"{value:08b}")


def mixed_slice(stream, partitioned, constrained=0, slice_id=0):
    """A P slice: P_L0_16x16 with two levels in the block from which the next Intra_16x16 derives nC, I_PCM, and
    P_L0_16x16 with 26.
    """
    slice_ = Elements(header(1, 2, kind=P), stream.sps, stream.pps, partitioned, slice_id)
    slice_.ue(0, 0, 0, 0, 3, 0)  # coded_block_pattern 2: luma blocks 4 to 7
    slice_.put(4, "1" + "00100111" + "1" + "1")
    slice_.ue(0, 8, 0, 0)  # Intra_16x16, DC prediction, without AC or chroma
    slice_.put(3, ("01" if partitioned and constrained else "10") + "0" + "1")  # nC is 0 or 2
    slice_.ue(0, 30)
    pcm(slice_, samples(sps_of(1, 1), 5))
    slice_.ue(1)  # P_Skip
    return slice_.nals()


@pytest.mark.parametrize("constrained", [0, 1])
def test_partitions_decode_as_the_whole_slice(constrained):
    found = []
    for partitioned in (False, True):
        stream = extended(2, 2, constrained_intra_pred_flag=constrained)
        stream.intra(header(0, 0, idr=True))
        stream.nals += mixed_slice(stream, partitioned, constrained)
        found.append(decoded(stream)[1])
    assert_planes(found[1], found[0].planes)


def test_partitions_of_two_slices_may_alternate():
    stream = extended(1, 2)
    stream.intra(header(0, 0, idr=True))
    planes, slices = samples(stream.sps, 9), []
    for i in range(2):
        slices.append(Elements(header(1, 2, kind=I), stream.sps, stream.pps, True, i))
        slices[i] = Elements(dataclasses.replace(slices[i].head, first_mb_in_slice=i), stream.sps, stream.pps, True, i)
        slices[i].ue(25)
        pcm(slices[i], [plane[len(plane) // 2 * i :][: len(plane) // 2] for plane in planes])
    (a0, b0, c0), (a1, b1, c1) = (one.nals() for one in slices)
    stream.nals += [a0, a1, b1, b0, c0, c1]
    assert_planes(decoded(stream)[1], planes)


def test_partitions_without_elements_may_be_absent():
    stream = extended()
    planes = stream.intra(header(0, 0, idr=True))
    slice_ = Elements(header(1, 2, kind=P), stream.sps, stream.pps, True)
    slice_.ue(1)
    stream.nals += slice_.nals()[:1]
    assert_planes(decoded(stream)[1], planes)


@pytest.mark.parametrize(
    "lost, match", [(1, "macroblock 1: .*partition B, which is missing"), (2, "macroblock 0: .*partition C")]
)
def test_missing_partitions_are_named(lost, match):
    stream = extended(2, 2)
    stream.intra(header(0, 0, idr=True))
    nals = mixed_slice(stream, True)
    del nals[lost]
    stream.nals += nals
    with pytest.raises(codec.BitstreamError, match=match):
        decoded(stream)
    frames = list(codec.decode_video(stream.data, on_error="conceal"))
    assert len(frames) == 2 and frames[1].damage


def test_a_partition_without_its_slice():
    stream = extended(2, 2)
    stream.intra(header(0, 0, idr=True))
    nals = mixed_slice(stream, True)
    with pytest.raises(codec.BitstreamError, match="no partition A before it"):
        list(codec.decode_video(write_byte_stream(stream.nals + nals[1:])))
    with pytest.raises(codec.BitstreamError, match="slice_id"):
        list(codec.decode_video(write_byte_stream([*stream.nals, nals[0], mixed_slice(stream, True, slice_id=3)[1]])))
