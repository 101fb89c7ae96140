"""See _intra.pyx: which neighbours a block has is inline, once per block."""
from libc.stdint cimport uint8_t

from codec.h264.macroblock._kernels cimport H264_LEFT, H264_TOP, H264_TOPLEFT, H264_TOPRIGHT
from codec.h264.macroblock._slice cimport SliceContext

cdef enum:
    # blocks whose neighbours above right come later, by luma4x4BlkIdx; those of block 5 and the top row are outside
    NO_TOPRIGHT = 1 << 3 | 1 << 7 | 1 << 11 | 1 << 13 | 1 << 15

cdef inline int left_of(SliceContext *s, int y) noexcept nogil:
    """Whether samples left of block row y are available."""
    return H264_LEFT if s.around.left_half_avail >> (y >> 1) & 1 else 0

cdef inline int available_to(SliceContext *s, int k, int x, int y, bint eight) noexcept nogil:
    """Neighbours of the 4x4 (or 8x8) block k at block (x, y)."""
    cdef int avail = left_of(s, y) if x == 0 else H264_LEFT
    cdef int right = x + (2 if eight else 1)
    if y == 0:
        avail |= s.around.intra_avail & H264_TOP
        if right == 4:
            avail |= s.around.intra_avail & H264_TOPRIGHT
        elif s.around.intra_avail & H264_TOP:
            avail |= H264_TOPRIGHT
        if x:
            avail |= H264_TOPLEFT if s.around.intra_avail & H264_TOP else 0
        else:
            avail |= s.around.intra_avail & H264_TOPLEFT
        return avail
    avail |= H264_TOP
    if eight:
        if x == 0:
            avail |= H264_TOPRIGHT
    elif not NO_TOPRIGHT >> k & 1 and right < 4:
        avail |= H264_TOPRIGHT
    if x or left_of(s, y - 1):
        avail |= H264_TOPLEFT
    return avail

cdef uint8_t[9] MODE_NEEDS
cdef void reconstruct_intra(SliceContext *s) noexcept nogil
