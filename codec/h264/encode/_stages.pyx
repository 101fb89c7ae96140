"""Stages of the encoder's decisions, each as a `def` function on arrays, for tests: levels by trellis, motion search,
the planes of a reference."""
from libc.stdint cimport int16_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

import numpy as np

from codec._core cimport BitCounter, BitWriter, close_writer, open_writer, reserve
from codec.h264.encode._coder cimport PAD, SRC_STRIDE, Coder, Motion, RefPlanes
from codec.h264.encode._kernels cimport h264_enc
from codec.h264.encode._planes cimport Interpolated, fill_planes, weigh_samples
from codec.h264.encode._scales cimport Scales
from codec.h264.encode._search cimport search
from codec.h264.encode._trellis cimport trellis
from codec.h264.encode._trellis_cavlc cimport trellis_cavlc
from codec.h264.entropy._block_write cimport write_cabac_block, write_cavlc_block
from codec.h264.entropy._kinds cimport KIND_DC_420
from codec.h264.entropy._writer cimport (
    MACROBLOCK_BYTES, STATES, CabacCounter, CabacWriter, cabac_close, cabac_start,
)
from codec.h264.pictures._picture cimport Picture

from ... import cpu
from ...errors import ParameterError

cdef uint8_t[6] LENGTHS = [16, 15, 16, 4, 15, 64]       # by ctxBlockCat


cdef const int *steps_of(Scales scales, const int16_t[::1] d, const int16_t[::1] nearest, int kind, int qp) except NULL:
    """Steps of a block whose arguments are checked."""
    if not 0 <= kind <= 5 or not 0 <= qp <= 51:
        raise ParameterError("kinds are 0 to 5, QP 0 to 51")
    if not d.shape[0] == nearest.shape[0] == LENGTHS[kind]:
        raise ParameterError(f"a block of kind {kind} has {LENGTHS[kind]} coefficients")
    if kind == 5:
        return scales.tables.step8[0][qp]
    if kind == 0 or kind == 3:
        return scales.tables.step_dc[0][qp]
    return scales.tables.step4[0][qp]


def trellis_levels(const int16_t[::1] d, const int16_t[::1] nearest, int kind, int qp, int64_t lambda2, *,
                   const uint8_t[::1] states=None, nC=None):
    """The levels of a block of ctxBlockCat 0 to 5, from its coefficients and their nearest levels. Coefficient k is
    that of raster position k, and the k-th that is coded.

    qp: 0 to 51; lambda2: of squared differences, times 256. With CABAC, states: of all ctxIdx, as SliceReader.state.
    With CAVLC, nC: 0 to 16, not used with chroma DC.
    """
    cdef Scales scales = Scales(((16,) * 16,) * 6 + ((16,) * 64,) * 2)
    cdef const int *steps = steps_of(scales, d, nearest, kind, qp)
    cdef uint8_t[64] scan
    cdef uint8_t[32] cache
    cdef uint8_t *total_coeff = NULL
    cdef int k
    for k in range(64):
        scan[k] = <uint8_t>k
    made = np.zeros(d.shape[0], np.int16)
    cdef int16_t[::1] out = made
    if nC is not None:
        for k in range(32):
            cache[k] = nC
        if kind != KIND_DC_420:
            total_coeff = &cache[9]
        trellis_cavlc(&out[0], &nearest[0], &d[0], scan, 0, kind, steps, lambda2, total_coeff)
        return made
    if states is None or states.shape[0] != STATES:
        raise ParameterError(f"there are {STATES} states")
    cdef Coder *c = <Coder *>calloc(1, sizeof(Coder))
    if not c:
        raise MemoryError("no memory for an encoder")
    memcpy(c.cabac.state, &states[0], STATES)
    trellis(c, &out[0], &nearest[0], &d[0], scan, 0, kind, steps, lambda2)
    free(c)
    return made


def cavlc_bits(const int16_t[::1] levels, int kind, int nC):
    """Bits of a block of levels in scan order by CAVLC. kind: ctxBlockCat 0 to 4; nC: 0 to 16, -1 for chroma DC."""
    if not 0 <= kind <= 4 or levels.shape[0] != LENGTHS[kind]:
        raise ParameterError(f"kinds are 0 to 4, with {list(LENGTHS)[:5]} levels")
    cdef BitCounter counter
    cdef int16_t[16] block
    counter.bits = 0
    memcpy(block, &levels[0], 2 * levels.shape[0])
    write_cavlc_block(&counter, block, kind, nC)
    return counter.bits


def block_bits(const int16_t[:, ::1] levels, int kind, const uint8_t[::1] states):
    """(bits that decisions count, bits that are written) of blocks of levels in scan order by CABAC, one after the
    other; states: before the first, as SliceReader.state."""
    if not 0 <= kind <= 5 or states.shape[0] != STATES or levels.shape[1] != LENGTHS[kind]:
        raise ParameterError(f"kinds are 0 to 5, with {list(LENGTHS)} levels, and there are {STATES} states")
    cdef CabacCounter counter
    cdef CabacWriter writer
    cdef BitWriter out
    cdef Py_ssize_t i
    if open_writer(&out, 1 << 16):
        raise MemoryError("no memory for bits")
    cabac_start(&writer, &out)
    counter.cost = 0
    memcpy(counter.state, &states[0], STATES)
    memcpy(writer.state, &states[0], STATES)
    for i in range(levels.shape[0]):
        if reserve(&out, MACROBLOCK_BYTES):
            break
        write_cabac_block(&counter, &levels[i, 0], kind, 1, kind != 5)
        write_cabac_block(&writer, &levels[i, 0], kind, 1, kind != 5)
    cabac_close(&writer)
    written = 8 * (out.next - out.start)
    close_writer(&out)
    return counter.cost / 256, written


def reference_planes(Picture picture, steps):
    """The four Interpolated planes (4, height + 2 PAD, width + 2 PAD), filled as lines of luma become final: up to each
    of `steps`, the last of which is the height."""
    cdef Interpolated made = Interpolated(picture.data.width[0], picture.data.height[0])
    cdef int i, y, lines, width = picture.data.width[0] + 2 * PAD, height = picture.data.height[0] + 2 * PAD
    made.begin()
    for lines in steps:
        fill_planes(&made.planes, &made.filled, &picture.data, lines, h264_enc(cpu.level_index()))
    found = np.empty((4, height, width), np.uint8)
    cdef uint8_t[:, :, ::1] out = found
    for i in range(4):
        for y in range(height):
            memcpy(&out[i, y, 0], made.planes.plane[i] + (y - PAD) * made.planes.stride - PAD, width)
    return found


def weighted_samples(const uint8_t[::1] samples, int weight, int offset):
    """Samples with a weight."""
    found = np.empty(samples.shape[0], np.uint8)
    cdef uint8_t[::1] out = found
    weigh_samples(&out[0], &samples[0], samples.shape[0], weight, offset)
    return found


def search_vector(const uint8_t[:, ::1] block, Picture picture, int mb_x, int mb_y, mvp, tools, int lambda256):
    """The vector (x, y) of a 16x16 block in quarter samples, and its cost by SATD and bits.

    picture: the reference; mvp: the predicted vector; tools: `Tools` of settings.py.
    """
    if block.shape[0] != 16 or block.shape[1] != SRC_STRIDE:
        raise ParameterError("the block is 16x16")
    cdef Coder *c = <Coder *>calloc(1, sizeof(Coder))
    if not c:
        raise MemoryError("no memory for an encoder")
    cdef Interpolated planes = Interpolated(picture.data.width[0], picture.data.height[0])
    cdef RefPlanes r
    cdef Motion m
    cdef int room = PAD - 8, x = 16 * mb_x, y = 16 * mb_y
    planes.begin()
    c.enc = h264_enc(cpu.level_index())
    fill_planes(&planes.planes, &planes.filled, &picture.data, picture.data.height[0], c.enc)
    r = planes.planes
    r.picture, r.ready = &picture.data, 1 << 20
    memcpy(c.src, &block[0, 0], 256)
    c.s.place.mb_x, c.s.place.mb_row = mb_x, mb_y
    c.mv_low[0], c.mv_high[0] = -4 * (x + room), 4 * (picture.data.width[0] - 16 - x + room)
    c.mv_low[1], c.mv_high[1] = -4 * (y + room), 4 * (picture.data.height[0] - 16 - y + room)
    c.tools.search, c.tools.range, c.tools.half_steps = tools.search, tools.range, tools.half_steps
    c.tools.quarter_steps, c.lambda256 = tools.quarter_steps, lambda256
    m.mvp[0], m.mvp[1] = mvp
    m.bits = 0
    search(c, &r, 0, 0, 16, 16, &m, NULL, 0)
    free(c)
    return (m.mv[0], m.mv[1]), m.cost
