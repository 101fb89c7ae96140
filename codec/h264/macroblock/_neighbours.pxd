"""See _neighbours.pyx: what entropy coders ask the caches for is inline, once per block."""
from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libc.string cimport memcpy

from codec._core cimport codec_assert_range
from codec.h264.macroblock._slice cimport CACHE, SLICE_B, SliceContext, context_of
from codec.h264.pictures._picture cimport MB_INTRA

cdef inline int nC_of(const uint8_t *cache) noexcept nogil:
    """nC of 9.2.1 for the block of this entry: mean of A and B, or the one that is available (the other counts 64)."""
    cdef int sum = cache[-1] + cache[-8]
    codec_assert_range(0, sum, 128)
    return (sum + 1) >> 1 if sum < 64 else sum & 31

cdef inline int flag_inc_of(const uint8_t *cache) noexcept nogil:
    """ctxIdxInc of coded_block_flag (9.3.3.1.1.9) for the block of this entry, with CABAC."""
    codec_assert_range(0, cache[-1] | cache[-8], 1)
    return cache[-1] + 2 * cache[-8]

cdef inline int dc_inc(SliceContext *s, int c) noexcept nogil:
    """ctxIdxInc of coded_block_flag for the DC block of a component: bit c of dc_flag of A and B."""
    cdef int missing = s.mb.flags & MB_INTRA
    cdef int a = context_of(s, s.around.left_mb[0]).dc_flag >> c & 1 if s.around.left_mb[0] >= 0 else missing
    cdef int b = context_of(s, s.around.top_mb).dc_flag >> c & 1 if s.around.top_mb >= 0 else missing
    return a + 2 * b

cdef inline void set_nnz_8x8(uint8_t *cache, int n) noexcept nogil:
    """total_coeff or coded_block_flag of four blocks."""
    cache[0] = cache[1] = cache[8] = cache[9] = <uint8_t>n

cdef void enter(SliceContext *s) noexcept nogil
cdef void left_location(SliceContext *s, int yN, int *mb, int *y) noexcept nogil
cdef void set_intra_availability(SliceContext *s) noexcept nogil
cdef void fill_modes(SliceContext *s) noexcept nogil
cdef void fill_nnz(SliceContext *s) noexcept nogil
cdef void fill_corners(SliceContext *s) noexcept nogil
cdef void fill_motion(SliceContext *s) noexcept nogil
cdef void fill_mvd(SliceContext *s, int list, int step) noexcept nogil
cdef void fill_direct(SliceContext *s) noexcept nogil

cdef inline void fill_direct_flags(SliceContext *s) noexcept nogil:
    """Direct flags in the cache: of the neighbours, and of the macroblock itself."""
    cdef int i
    if s.slice.slice_type != SLICE_B:
        return
    fill_direct(s)
    for i in range(4):
        s.cache.direct[CACHE + 8 * i] = s.cache.direct[CACHE + 8 * i + 1] = s.mb.direct[i & 2] != 0
        s.cache.direct[CACHE + 8 * i + 2] = s.cache.direct[CACHE + 8 * i + 3] = s.mb.direct[(i & 2) + 1] != 0

cdef inline void set_mvd(SliceContext *s, int list, int x, int y, int w, int h, int mvdx, int mvdy) noexcept nogil:
    """Put |mvd| of w x h blocks into the cache."""
    cdef int entry = CACHE + x + 8 * y, row
    cdef uint8_t parts[2]
    cdef uint16_t one
    cdef uint64_t four
    parts[0], parts[1] = <uint8_t>mvdx, <uint8_t>mvdy
    memcpy(&one, parts, 2)
    four = one * 0x0001000100010001ull
    for row in range(h):
        if w == 4:
            memcpy(s.cache.mvd[list][entry], &four, 8)
        elif w == 2:
            memcpy(s.cache.mvd[list][entry], &four, 4)
        else:
            memcpy(s.cache.mvd[list][entry], &four, 2)
        entry += 8
