"""Deblocking of whole pictures against a literal 8.7: sample by sample, positions by the equations of 8.7.1."""

import numpy as np
import pytest
from codec.h264.macroblock._deblock import deblock, describe
from codec.h264.pictures._picture import Picture
from h264_samples import LEVELS, c_table

from codec.errors import ParameterError

INTRA, TRANSFORM8, FIELD, ONE_VECTOR, LIST1, SWITCHING, MOTION_8X8 = 1, 16, 32, 256, 512, 1024, 4096
ALPHA, BETA = c_table("H264_TABLE_8_16_ALPHA")[0], c_table("H264_TABLE_8_16_BETA")[0]
TC0 = np.reshape(c_table("H264_TABLE_8_17_TC0")[0], (52, 4))
SUB = {0: (0, 0), 1: (2, 2), 2: (2, 1), 3: (1, 1)}  # SubWidthC, SubHeightC


def clip3(low, high, v):
    return min(max(v, low), high)


class Model:
    """A picture, filtered by a literal 8.7."""

    def __init__(self, planes, size, chroma_format_idc, bit_depth, structure, mbaff, info, mv, ref_id, slices):
        self.planes = planes
        self.width, self.height = size
        self.format, self.bit_depth, self.structure, self.mbaff = chroma_format_idc, bit_depth, structure, mbaff
        self.info, self.mv, self.ref_id, self.slices = info, mv, ref_id, slices

    def flags(self, mb):
        return self.info[mb][1]

    def in_pairs(self):
        return self.mbaff or self.structure != 0

    def owner(self, x, y):
        """(mb, x and y within it) of a luma sample of the frame."""
        row, inside = y // 16, y % 16
        if self.in_pairs():
            pair, line = y // 32, y % 32
            if self.flags(2 * pair * self.width + x // 16) & FIELD:
                row, inside = 2 * pair + line % 2, line // 2
        return row * self.width + x // 16, x % 16, inside

    def addresses(self):
        """Macroblocks in the order of their addresses."""
        if self.structure:
            return [
                row * self.width + x for row in range(self.structure - 1, self.height, 2) for x in range(self.width)
            ]
        if self.mbaff:
            return [
                (row + bottom) * self.width + x
                for row in range(0, self.height, 2)
                for x in range(self.width)
                for bottom in range(2)
            ]
        return range(self.width * self.height)

    def run(self):
        for mb in self.addresses():
            self.macroblock(mb)

    def macroblock(self, mb):
        row, mb_x = divmod(mb, self.width)
        field = bool(self.flags(mb) & FIELD)
        slice_of = self.info[mb][0]
        idc = self.slices[slice_of][0]
        if idc == 1:
            return
        left = mb_x > 0 and (idc == 0 or self.info[mb - 1][0] == slice_of)
        if self.in_pairs() and (field or row % 2 == 0):
            above = mb - (row % 2 + 1) * self.width  # the bottom macroblock of the pair above
        else:
            above = mb - self.width
        if self.structure:
            above = mb - 2 * self.width
        top = above >= 0 and (idc == 0 or self.info[above][0] == slice_of)
        extra = self.mbaff and not field and row % 2 == 0 and top and self.flags(above) & FIELD
        self.mb, self.row, self.field, self.xI = mb, row, field, 16 * mb_x
        self.yI = 16 * (row & ~1) + (row & 1) if field else 16 * row
        t8 = bool(self.flags(mb) & TRANSFORM8)
        for plane in range(len(self.planes)):
            w, h, sub = 16, 16, (1, 1)
            if plane:
                sub = SUB[self.format]
                w, h = 16 // sub[0], 16 // sub[1]
            step = 8 if t8 and (plane == 0 or self.format == 3) else 4
            for x in range(0, w, step):
                if x or left:
                    for k in range(h):
                        self.sample(plane, sub, True, x, k, field)
            for y in range(0, h, step):
                if y == 0 and extra:
                    for parity in range(2):
                        for k in range(w):
                            self.sample(plane, sub, False, k, parity, True)
                elif y or top:
                    for k in range(w):
                        self.sample(plane, sub, False, k, y, field)

    def positions(self, vertical, xI, yI, xE, yE, i, field_mode):
        """Positions of q_i and p_i (8.7.1)."""
        dy = 1 + field_mode
        if vertical:
            return (xI + xE + i, yI + dy * yE), (xI + xE - i - 1, yI + dy * yE)
        return (xI + xE, yI + dy * (yE + i) - yE % 2), (xI + xE, yI + dy * (yE - i - 1) - yE % 2)

    def sample(self, plane, sub, vertical, xE, yE, field_mode):
        xI, yI = self.xI // sub[0], self.yI if self.field else self.yI // sub[1]
        if self.field:
            yI = (self.yI & ~1) // sub[1] + (self.yI & 1)
        q_at, p_at = zip(
            *[self.positions(vertical, xI, yI, xE, yE, i, field_mode) for i in range(4 if sub == (1, 1) else 2)]
        )
        # The luma line whose bS applies; it lies in the same field.
        xL, yL = sub[0] * xE, sub[1] * yE
        if vertical and sub[1] == 2:
            yL = 4 * (yE >> 1) + (yE & 1)
            if self.field and not self.flags(self.owner(self.xI - 1, self.yI)[0] if xE == 0 else self.mb) & FIELD:
                yL = 2 * yE
        if not vertical and yE == 1:
            yL = 1  # the second pass of a top edge
        q_luma, p_luma = self.positions(vertical, self.xI, self.yI, xL, yL, 0, field_mode)
        q, p = self.owner(*q_luma), self.owner(*p_luma)
        assert q[0] == self.mb
        bS = self.strength(p, q, vertical)
        if bS == 0:
            return
        samples = self.planes[plane]
        new_p, new_q = self.filtered(
            [int(samples[y, x]) for x, y in p_at], [int(samples[y, x]) for x, y in q_at], bS, p[0], plane, sub == (1, 1)
        )
        for (x, y), v in (*zip(p_at, new_p), *zip(q_at, new_q)):
            samples[y, x] = v

    def strength(self, p, q, vertical):
        """8.7.2.1."""
        (mb_p, xp, yp), (mb_q, xq, yq) = p, q
        field_p, field_q = bool(self.flags(mb_p) & FIELD), bool(self.flags(mb_q) & FIELD)
        mixedModeEdgeFlag, edge_of_mb = self.mbaff and field_p != field_q, mb_p != mb_q
        intra = (self.flags(mb_p) | self.flags(mb_q)) & (INTRA | SWITCHING)
        if intra and edge_of_mb and ((not field_p and not field_q) or vertical):
            return 4
        if intra:
            return 3
        b_p, b_q = yp // 4 * 4 + xp // 4, yq // 4 * 4 + xq // 4
        if self.info[mb_p][2] >> b_p & 1 or self.info[mb_q][2] >> b_q & 1:
            return 2
        if mixedModeEdgeFlag:
            return 1
        return self.motion_differs(self.motion(mb_p, b_p), self.motion(mb_q, b_q), 4 if not field_q else 2)

    def motion(self, mb, b):
        b8 = b // 8 * 2 + b % 4 // 2
        return [(self.ref_id[mb][i][b8], self.mv[mb][i][b]) for i in range(2) if self.ref_id[mb][i][b8] >= 0]

    @staticmethod
    def motion_differs(p, q, limit):
        def far(a, b):
            return abs(int(a[1][0]) - int(b[1][0])) >= 4 or abs(int(a[1][1]) - int(b[1][1])) >= limit

        if sorted(ref for ref, _ in p) != sorted(ref for ref, _ in q):
            return 1
        # In some pairing of vectors to the same picture, all pairs are close.
        pairings = [list(zip(p, q)), list(zip(p, q[::-1]))]
        return int(not any(all(a[0] == b[0] and not far(a, b) for a, b in pairing) for pairing in pairings))

    def filtered(self, p, q, bS, mb_p, plane, luma_style):
        """8.7.2.2 to 8.7.2.4."""
        qp = [self.info[mb][3 + plane] for mb in (mb_p, self.mb)]
        _, FilterOffsetA, FilterOffsetB = self.slices[self.info[self.mb][0]]
        qPav = (qp[0] + qp[1] + 1) >> 1
        indexA, indexB = clip3(0, 51, qPav + FilterOffsetA), clip3(0, 51, qPav + FilterOffsetB)
        scale, top = 1 << (self.bit_depth - 8), (1 << self.bit_depth) - 1
        alpha, beta = ALPHA[indexA] * scale, BETA[indexB] * scale
        if not (abs(p[0] - q[0]) < alpha and abs(p[1] - p[0]) < beta and abs(q[1] - q[0]) < beta):
            return p, q
        small = [luma_style and abs(side[2] - side[0]) < beta for side in (p, q)]
        if bS == 4:

            def strong(p, q, small):
                if small and abs(p[0] - q[0]) < (alpha >> 2) + 2:
                    return [
                        (p[2] + 2 * p[1] + 2 * p[0] + 2 * q[0] + q[1] + 4) >> 3,
                        (p[2] + p[1] + p[0] + q[0] + 2) >> 2,
                        (2 * p[3] + 3 * p[2] + p[1] + p[0] + q[0] + 4) >> 3,
                    ]
                return [(2 * p[1] + p[0] + q[1] + 2) >> 2]

            return strong(p, q, small[0]), strong(q, p, small[1])
        tc0 = int(TC0[indexA][bS]) * scale
        tc = tc0 + sum(small) if luma_style else tc0 + 1
        delta = clip3(-tc, tc, ((q[0] - p[0]) * 4 + p[1] - q[1] + 4) >> 3)
        new_p, new_q = [clip3(0, top, p[0] + delta)], [clip3(0, top, q[0] - delta)]
        for new, side, is_small in ((new_p, p, small[0]), (new_q, q, small[1])):
            if is_small:
                new.append(side[1] + clip3(-tc0, tc0, (side[2] + ((p[0] + q[0] + 1) >> 1) - 2 * side[1]) >> 1))
        return new_p, new_q


def made(rng, width, height, structure, mbaff, idc):
    """Macroblock data of every kind: several slices, intra, one vector and sixteen, both lists, some coefficients."""
    n = width * height
    slices = np.array([[idc, 2 * rng.integers(-6, 7), 2 * rng.integers(-6, 7)] for _ in range(3)], np.int32)
    slices[2, 0] = rng.integers(0, 3)
    order = np.arange(n) if not mbaff else np.array([(mb // width // 2 * width + mb % width) * 2 for mb in range(n)])
    info, mv, ref_id = np.zeros((n, 6), np.int32), np.zeros((n, 2, 16, 2), np.int16), np.full((n, 2, 4), -1, np.int32)
    info[:, 0] = np.minimum(order * 3 // n, 2)
    field = np.zeros(n, bool)
    if mbaff:
        pairs = rng.integers(0, 2, (height // 2, width)).astype(bool)
        field = np.repeat(pairs, 2, 0).ravel()
    if structure:
        field[:] = True
    for mb in range(n):
        kind = rng.integers(0, 8)
        flags = FIELD * int(field[mb]) | TRANSFORM8 * int(rng.integers(0, 2))
        nonzero = int(rng.integers(0, 1 << 16) & rng.integers(0, 1 << 16)) * int(rng.integers(0, 2))
        if flags & TRANSFORM8:
            nonzero = sum(0x33 << (2 * (b8 & 1) + 8 * (b8 >> 1)) for b8 in range(4) if rng.integers(0, 3) == 0)
        if kind == 0:
            flags |= INTRA
        elif kind == 1:
            flags |= SWITCHING
        if kind:
            ids = np.array([4, 8, 12]) + (rng.integers(1, 3) if field[mb] else 0)
            lists = (1, 2, 3)[rng.integers(0, 3)]
            base = rng.integers(-3, 4, (2, 1, 2))
            unit = ("one", "8x8", "4x4")[rng.integers(0, 2 if flags & TRANSFORM8 else 3)]
            v = base + (rng.integers(-3, 4, (2, 16, 2)) if unit != "one" else 0)
            r = rng.choice(ids[: rng.integers(1, 4)], (2, 4))
            if unit == "one":
                r, flags = np.repeat(r[:, :1], 4, 1), flags | ONE_VECTOR | MOTION_8X8
            if unit == "8x8":
                v, flags = v[:, [0, 0, 2, 2, 0, 0, 2, 2, 8, 8, 10, 10, 8, 8, 10, 10]], flags | MOTION_8X8
            for i in range(2):
                if lists >> i & 1:
                    mv[mb, i], ref_id[mb, i] = v[i], r[i]
            flags |= LIST1 * (lists >> 1)
        info[mb] = info[mb, 0], flags, nonzero, rng.integers(10, 52), *rng.integers(10, 40, 2)
    return info, mv, ref_id, slices


def smooth(rng, shape, bit_depth):
    """Samples that trigger the filter: close to each other, with small steps at block edges."""
    blocks = rng.integers(-6, 7, (shape[0] // 4, shape[1] // 4)).repeat(4, 0).repeat(4, 1)
    return ((128 + blocks + rng.integers(-2, 3, shape)) << (bit_depth - 8)).astype(
        np.uint8 if bit_depth == 8 else np.uint16
    )


STRUCTURES = {"frame": (0, False), "top field": (1, False), "bottom field": (2, False), "MBAFF": (0, True)}


@pytest.mark.parametrize("chroma_format_idc", range(4))
@pytest.mark.parametrize("kind", STRUCTURES)
def test_pictures(kind, chroma_format_idc):
    structure, mbaff = STRUCTURES[kind]
    width, height = 3, 4
    for seed in range(6 if mbaff else 3):
        rng = np.random.default_rng([seed, chroma_format_idc, structure, mbaff])
        bit_depth = (8, 10)[seed % 2]
        info, mv, ref_id, slices = made(rng, width, height, structure, mbaff, (0, 2)[seed // 2 % 2])
        picture = Picture(width, height, chroma_format_idc, bit_depth, bit_depth)
        planes = [np.asarray(plane) for plane in picture.planes()]
        start = [smooth(rng, plane.shape, bit_depth) for plane in planes]
        expected = [plane.copy() for plane in start]
        Model(
            expected,
            (width, height),
            chroma_format_idc,
            bit_depth,
            structure,
            mbaff,
            info.tolist(),
            mv,
            ref_id.tolist(),
            slices.tolist(),
        ).run()
        describe(picture, info, mv, ref_id, slices, structure, mbaff)
        assert not np.array_equal(expected[0], start[0])
        for level in LEVELS:
            for step in (2, height >> (structure > 0)):
                for plane, samples in zip(planes, start):
                    plane[...] = samples
                for row in range(0, height >> (structure > 0), step):
                    deblock(picture, row, row + step, level)
                for i, (plane, wanted) in enumerate(zip(planes, expected)):
                    np.testing.assert_array_equal(plane, wanted, err_msg=f"plane {i}, seed {seed}, level {level}")


def test_separate_planes_are_filtered_like_luma():
    rng = np.random.default_rng(1)
    info, mv, ref_id, slices = made(rng, 3, 4, 0, True, 0)
    picture = Picture(3, 4, 3, 8, 8, True)
    planes = [np.asarray(plane) for plane in picture.planes()]
    start = smooth(rng, planes[0].shape, 8)
    expected = start.copy()
    Model([expected], (3, 4), 0, 8, 0, True, info.tolist(), mv, ref_id.tolist(), slices.tolist()).run()
    describe(picture, info, mv, ref_id, slices, 0, True)
    for i in range(3):
        for plane in planes:
            plane[...] = start
        deblock(picture, 0, 4, 0, colour_plane=i)
        for j in range(3):
            np.testing.assert_array_equal(planes[j], expected if i == j else start)


def test_lost_macroblocks_are_left_alone():
    rng = np.random.default_rng(2)
    info, mv, ref_id, slices = made(rng, 2, 2, 0, False, 0)
    info[:, 0] = -1
    picture = Picture(2, 2, 1)
    for plane in picture.planes():
        np.asarray(plane)[...] = smooth(rng, np.asarray(plane).shape, 8)
    before = [np.asarray(plane).copy() for plane in picture.planes()]
    describe(picture, info, mv, ref_id, slices, 0, False)
    deblock(picture, 0, 2, 0)
    for plane, wanted in zip(picture.planes(), before):
        np.testing.assert_array_equal(np.asarray(plane), wanted)


def test_rows_that_do_not_exist_are_refused():
    picture = Picture(2, 2, 1)
    for first, last in ((-1, 1), (0, 3), (2, 1)):
        with pytest.raises(ParameterError, match="rows"):
            deblock(picture, first, last, 0)
    with pytest.raises(ParameterError, match="colour_plane"):
        deblock(picture, 0, 1, 0, colour_plane=1)
