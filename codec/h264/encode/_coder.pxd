"""The encoder of one slice: what its stages share, around the SliceContext that they fill.

    _scales         steps of the quantizer
    _lossless       residual without transforms
    _quantize       forward transforms, quantization, and back into Macroblock.coef
    _search         motion vectors of one block; _inter: partitions and references of P and B macroblocks
    _intra          prediction modes
    _decide         the choice among them: SATD plus bits, or distortion plus true bits
    _slice_enc      the loop over macroblocks, and Python's side

A mode is tried in place: its prediction and residual go into the picture, as the decoder would put them there, its
levels into `levels`. `Trial` keeps the best one; whatever tried later is overwritten by it.
"""
from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint16_t
from libc.string cimport memcpy

from codec._core cimport BitWriter
from codec.h264.encode._kernels cimport H264Enc
from codec.h264.entropy._writer cimport CabacCounter, CabacWriter, Levels
from codec.h264.macroblock._slice cimport CACHE_SIZE, Macroblock, SliceContext
from codec.h264.pictures._picture cimport PictureData

cdef enum:
    SRC_STRIDE = 16         # of Coder.src, .pred: luma at 0, Cb at CB, Cr at CR, all with this stride; see offset_of
    CB = 256
    CR = 264
    MB_SAMPLES = 768        # 16 lines of luma, then 8 lines of Cb and Cr side by side, or 16 of each

    PAD = 48                # samples around the planes of a reference
    MAX_REFS = 16
    ALL_LINES = 1 << 20     # RefPlanes.ready of a whole picture; -ALL_LINES: not even the lines above it

cdef extern from *:
    """
    static const unsigned char NOTHING[16] = {0};
    """
    const uint8_t NOTHING[16]   # a line, repeated with stride 0

# Full, horizontal, vertical and centre half-sample planes (G, b, h, j of Figure 8-4), padded on all sides by PAD.
cdef struct RefPlanes:
    uint8_t *plane[4]       # sample (0, 0)
    Py_ssize_t stride
    int width, height
    int16_t *sums           # work of the filters, two lines
    const PictureData *picture      # another thread may be at work on it
    int ready               # lines of all planes that are known to be there

# How far the planes are filled: lines of luma, and the line after the last one of half samples.
cdef struct Filled:
    int lines, halves

# A vector of one block and what it costs, in SATD plus lambda times bits.
cdef struct Motion:
    int16_t mv[2]           # quarter samples
    int16_t mvp[2]
    int ref
    int cost
    int bits                # of ref_idx and mvd in `cost`, times lambda

# One partition: where it is predicted from, bit 0 list 0, bit 1 list 1; 0: direct.
cdef struct Part:
    int pred
    Motion m[2]
    int cost                # with the bits of its type
    int sub                 # SUB_...: of an 8x8 block of P
    int16_t sub_mv[4][2]    # by 4x4 block, if divided; each first block of a part has its vector

# All that a mode decision decides.
cdef struct Trial:
    int64_t cost
    int skip
    Macroblock mb           # without coef
    Levels levels
    uint8_t samples[MB_SAMPLES]
    int8_t ref[2][CACHE_SIZE]
    int16_t mv[2][CACHE_SIZE][2]

# The planes of a frame, which may end within macroblocks.
cdef struct Source:
    const uint8_t *plane[3]
    Py_ssize_t stride[3]
    int width[3]
    int height[3]

cdef struct Tools:
    int search              # 0 diamond, 1 hexagon (of parts, diamond), 2 thorough: rings, and all vectors near
    int range               # in samples
    int half_steps, quarter_steps
    int last_steps          # of quarter samples, for the partitions that SATD has chosen alone; 0 with `rd`
    int rd                  # 0 SATD, 1 distortion and bits of the best modes, 2 of more modes with both transforms
    int trellis             # 0 dead zone, 1 the final choice, 2 all trials
    int partitions          # bit 0 16x8, 8x16 and 8x8 of P, bit 1 of B, bit 2 Intra_4x4, bit 3 Intra_8x8, bit 4 below
                            # 8x8 of P
    int transform8
    int early_skip          # squared differences in lambda2 up to which a macroblock whose residual vanishes is skipped
                            # without a look at its vector; 0: nothing is skipped so
    int mixed_refs
    int refine              # rounds of vectors by distortion and bits
    int psy_rd              # weight of lost or added detail against squared differences, times 256; needs `rd`

# Steps in 1/256 and 2^16 over a step, by list (4x4: Table 7-2; 8x8: intra, inter of Y), QP (of the component) and
# raster position; scale and bias of 4x4 blocks hold four in a row. bias: [intra, inter, nearest]. dc: of
# Intra16x16DCLevel and ChromaDCLevel.
cdef struct QuantizerTables:
    uint16_t scale4[6][52][64]
    uint16_t scale8[2][52][64]
    uint16_t scale_dc[6][52][16]
    uint16_t bias4[6][3][52][64]
    uint16_t bias8[2][3][52][64]
    uint16_t bias_dc[6][3][52][16]
    int step4[6][52][16]
    int step8[2][52][64]
    int step_dc[6][52][16]

cdef struct Coder:
    SliceContext s
    Levels levels
    Trial best
    int placed              # the best is in place, whether `best` has all of it or not
    const H264Enc *enc
    const QuantizerTables *quant
    Source source
    RefPlanes refs[2][MAX_REFS]
    int chain               # planes of the reference are filled here, as its lines are awaited
    Filled filled           # the same planes
    Tools tools
    uint8_t src[MB_SAMPLES]
    uint8_t pred[MB_SAMPLES]
    uint8_t direct[MB_SAMPLES]      # the direct prediction of B
    uint8_t block[3][256]   # scratch of interpolation, stride 16
    uint8_t around[4][256]
    int16_t d[3][256]       # coefficients, by component and transform block, raster order in each
    BitWriter out
    CabacWriter cabac
    CabacCounter trial
    int skip_run            # CAVLC
    int last_qp_delta       # of the macroblock before
    int qp_before           # QPY,PRED (7.4.5)
    const int8_t *qps       # QPY wanted of each macroblock; NULL: that of the slice
    int slice_lambda256     # the two below at the QP of the slice
    int64_t slice_lambda2
    int lambda256           # lambda of SATD, times 256
    int64_t lambda2         # lambda of squared differences, times 256
    int detail[4]           # of the 8x8 blocks of luma of `src`, if Tools.psy_rd
    int64_t lambda_trellis[2][2]    # the same of trellis, of luma and chroma, of inter and intra macroblocks
    int chroma_weight       # of squared differences of chroma against those of luma, times 256
    int lossless            # every macroblock has TransformBypassModeFlag 1
    int planes              # components that are coded like luma: 1, or 3 in 4:4:4
    int states              # of CABAC that are in use
    int use_trellis         # levels of what is tried now are chosen by it
    int mv_low[2]           # range of vectors in quarter samples
    int mv_high[2]
    int mv_limit_y          # MaxVmvR of the level, in quarter samples
    const int16_t (*ahead[2])[2]    # by list, vectors of the lookahead in samples by macroblock; NULL: none
    int skip_mv[2]
    int vectors_before      # of the macroblock before
    int most_vectors        # of two macroblocks: MaxMvsPer2Mb of the level
    int vectors_left        # for dividing 8x8 blocks of this macroblock
    Motion whole[2][MAX_REFS]       # 16x16 by list and reference
    Part parts[4][4]        # by PART_... and partition
    int mode_cost[9]        # of Intra_4x4 and Intra_8x8 of one block by SATD
    int part_cost[4]        # of all partitions, with the bits of mb_type
    int best_ref[2]         # of 16x16
    int direct_cost         # of B_Direct_16x16
    int8_t direct_ref[2][CACHE_SIZE]        # the motion caches with direct prediction, of B
    int16_t direct_mv[2][CACHE_SIZE][2]

cdef inline int offset_of(const Coder *c, int component) noexcept nogil:
    """Of a component in Coder.src."""
    if c.planes == 3:
        return 256 * component
    return 0 if component == 0 else CB if component == 1 else CR

cdef inline void copy_block(uint8_t *dst, Py_ssize_t dst_stride, const uint8_t *src, Py_ssize_t src_stride, int w,
                            int h) noexcept nogil:
    cdef int y
    for y in range(h):
        memcpy(dst + y * dst_stride, src + y * src_stride, w)

cdef inline void save_samples(Coder *c, uint8_t *out) noexcept nogil:
    """The macroblock's samples in the picture, into a block like Coder.src."""
    cdef SliceContext *s = &c.s
    cdef int i
    for i in range(c.planes):                           # constant sizes: one move a line
        copy_block(out + 256 * i, SRC_STRIDE, s.place.dst[i], s.place.stride[i], 16, 16)
    if s.seq.ChromaArrayType == 1:
        copy_block(out + CB, SRC_STRIDE, s.place.dst[1], s.place.stride[1], 8, 8)
        copy_block(out + CR, SRC_STRIDE, s.place.dst[2], s.place.stride[2], 8, 8)

cdef inline void load_samples(Coder *c, const uint8_t *samples) noexcept nogil:
    """The reverse."""
    cdef SliceContext *s = &c.s
    cdef int i
    for i in range(c.planes):
        copy_block(s.place.dst[i], s.place.stride[i], samples + 256 * i, SRC_STRIDE, 16, 16)
    if s.seq.ChromaArrayType == 1:
        copy_block(s.place.dst[1], s.place.stride[1], samples + CB, SRC_STRIDE, 8, 8)
        copy_block(s.place.dst[2], s.place.stride[2], samples + CR, SRC_STRIDE, 8, 8)

cdef inline int detail_of(const Coder *c, const uint8_t *samples, Py_ssize_t stride) noexcept nogil:
    """How much an 8x8 block varies: its SATD against nothing, less the part of its means; 0 to 16320."""
    return c.enc.satd[1](samples, stride, NOTHING, 0, 8) - (c.enc.sad[1](samples, stride, NOTHING, 0, 8) >> 1)

cdef inline int bits_cost(const Coder *c, int bits) noexcept nogil:
    """Lambda times bits, in units of SATD."""
    return c.lambda256 * bits >> 8
