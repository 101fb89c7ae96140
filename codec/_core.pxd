"""Bit-level building blocks, inlined into every module that cimports them: a call per bit or symbol costs too much.

    statuses      errors inside `nogil` code; raised once, at the `def` boundary
    BitWriter     entropy-coded bytes with byte stuffing           T.81 F.1.2.3
    sinks         BitWriter | BitCounter | SymbolCounter | TokenBuffer: one syntax writer, four answers
    BitReader     sticky reader over unstuffed bytes               T.81 F.2.2.5
    Huffman       EHUFCO/EHUFSI to write, look-ahead to read       T.81 Annex C, F.2.2.3
"""
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "bits.h" nogil:
    # One plain comparison: `and`, `or` and chains would leave code in the normal build.
    void codec_assert(bint condition)
    void codec_assert_range(int64_t low, int64_t value, int64_t high)
    int codec_bit_length(uint32_t v)
    int codec_lowest_bit(uint64_t v)
    int codec_count_bits(uint64_t v)
    uint64_t codec_load_be64(const uint8_t *p)
    void codec_store_be64(uint8_t *p, uint64_t v)
    int codec_has_ff(uint64_t v)
    uint64_t codec_nonzero_mask(const int16_t *level, int first, int last)
    const uint8_t NAT_OF_ZZ[80]         # Figure A.6: zig-zag position -> natural index

cdef extern from "prefetch.h" nogil:
    void prefetch(const void *p)
    void prefetch_to_write(const void *p)

cdef extern from "levels.h" nogil:
    int codec_variant(int level)        # index into a table of CODEC_KERNEL for a position on the CPU ladder
    struct codec_member:
        const char *name
        size_t offset, size

cdef dict levels_of_members(const codec_member *members, const void *(*table)(int level) noexcept nogil)

cdef enum:
    OK = 0
    E_MEMORY = 1            # the output buffer could not grow
    E_TRUNCATED = 2         # the data ended inside a block
    E_HUFFMAN = 3           # the next bits are not a code of the table
    E_RANGE = 4             # a run leads past coefficient 63, or a magnitude category is out of range
    E_MARKER = 6            # a restart marker is missing or out of sequence
    E_NO_CODE = 5           # the table has no code for a symbol that must be written

# ---------------------------------------------------------------- writing

cdef struct BitWriter:
    uint8_t *start          # owned; malloc'ed, grows in reserve(); or `lent`
    uint8_t *next
    uint8_t *end
    Py_ssize_t segment      # start of the bytes that end_segment() has yet to stuff
    uint64_t acc            # its `count` low bits are pending, the others written
    int count               # 0..7 between calls
    int status
    bint lent               # the memory is another's, who makes room in it

cdef int reserve(BitWriter *w, Py_ssize_t size) noexcept nogil
cdef int open_writer(BitWriter *w, Py_ssize_t size) noexcept nogil
cdef void close_writer(BitWriter *w) noexcept nogil
cdef int stuff(BitWriter *w) noexcept nogil
cdef int end_segment(BitWriter *w) noexcept nogil
cdef int append(BitWriter *w, const BitWriter *more) noexcept nogil

cdef inline void put_bits(BitWriter *w, uint32_t bits, int n) noexcept nogil:
    """Append the n low bits (1 <= n <= 32; higher bits must be zero). The caller has reserve()d 8 bytes.

    All pending bytes are stored every time, and the pointer moves by the whole ones: no branch to mispredict. Stuffing
    waits for end_segment(), where FF is searched eight bytes at a time.
    """
    cdef int total = w.count + n                    # at most 7 + 32
    codec_assert_range(1, n, 32)
    codec_assert(<uint64_t>bits >> n == 0)
    codec_assert(w.end - w.next >= 8)
    w.acc = (w.acc << n) | bits
    codec_store_be64(w.next, w.acc << (64 - total))
    w.next += total >> 3
    w.count = total & 7


# A Huffman table for writing (Annex C.2: codes ordered by symbol), and the counts for an optimal one.
cdef struct EntropyTable:
    uint32_t EHUFCO[256]
    uint8_t EHUFSI[256]     # 0: no code for this symbol
    uint32_t freq[256]

cdef struct BitCounter:
    int64_t bits

cdef struct SymbolCounter:
    int64_t raw             # bits outside symbols; symbols are counted in their tables

cdef extern from "jpegdsp.h" nogil:
    enum:
        RAW_TOKEN "JPEG_RAW_TOKEN"
        RESTART_TOKEN "JPEG_RESTART_TOKEN"

# The symbols of a scan, kept until its tables are known: tokens of jpegdsp.h. Tables are numbered from `tables`.
cdef struct TokenBuffer:
    uint32_t *start         # owned; malloc'ed
    uint32_t *next
    uint32_t *end
    EntropyTable *tables    # RAW_TOKEN of them

ctypedef BitWriter* BitWriter_p
ctypedef BitCounter* BitCounter_p
ctypedef SymbolCounter* SymbolCounter_p
ctypedef TokenBuffer* TokenBuffer_p

ctypedef fused Sink:
    BitWriter_p
    BitCounter_p
    SymbolCounter_p
    TokenBuffer_p

cdef inline void put_symbol(Sink sink, EntropyTable *table, int symbol, uint32_t extra, int n) noexcept nogil:
    """Send a Huffman symbol, then the n low bits of `extra` (n <= 16, higher bits zero), to any sink."""
    cdef int size
    codec_assert_range(0, symbol, 255)
    codec_assert_range(0, n, 16)
    codec_assert(extra >> n == 0)
    if Sink is SymbolCounter_p:
        table.freq[symbol] += 1
    elif Sink is TokenBuffer_p:
        codec_assert(sink.next < sink.end)
        table.freq[symbol] += 1
        sink.next[0] = <uint32_t>(table - sink.tables) << 28 | <uint32_t>symbol << 20 | extra
        sink.next += 1
    else:
        size = table.EHUFSI[symbol]
        if Sink is BitCounter_p:
            sink.bits += size + n
        else:
            if size == 0:
                sink.status = E_NO_CODE
            put_bits(sink, (table.EHUFCO[symbol] << n) | extra, size + n)

cdef inline void put_raw(Sink sink, uint32_t bits, int n) noexcept nogil:
    """Bits that no table codes: the refinement bits of Annex G. 1 <= n <= 16."""
    if Sink is BitWriter_p:
        put_bits(sink, bits, n)
    elif Sink is TokenBuffer_p:
        codec_assert(sink.next < sink.end)
        sink.next[0] = <uint32_t>RAW_TOKEN << 28 | <uint32_t>n << 20 | bits
        sink.next += 1
    elif Sink is BitCounter_p:
        sink.bits += n
    else:
        sink.raw += n

cdef inline int64_t bits_so_far(Sink sink) noexcept nogil:
    """Bits sent to this sink, without stuffed zeros."""
    if Sink is BitWriter_p:
        return (sink.next - sink.start) * 8 + sink.count
    elif Sink is BitCounter_p:
        return sink.bits
    else:
        return 0


# ---------------------------------------------------------------- reading

cdef struct BitReader:
    # One entropy-coded segment without stuffing; at least 8 readable bytes follow data[size - 1].
    const uint8_t *data
    Py_ssize_t size
    # Next byte to load. Runs past `size` when the data ends early; zeros are read there.
    Py_ssize_t pos
    uint64_t acc            # the bits not yet consumed, first one in the top bit
    int count               # how many of them are valid
    int status

cdef inline void open_reader(BitReader *r, const uint8_t *data, Py_ssize_t size) noexcept nogil:
    codec_assert(size >= 0)
    r.data = data
    r.size = size
    r.pos = 0
    r.acc = 0
    r.count = 0
    r.status = OK

cdef inline void refill(BitReader *r) noexcept nogil:
    """At least 56 bits afterwards: enough for a code (16) and its extra bits (16) with 24 to spare."""
    codec_assert_range(0, r.count, 63)
    codec_assert(r.pos >= 0)
    if r.pos <= r.size:
        r.acc |= codec_load_be64(r.data + r.pos) >> r.count
    r.pos += (63 - r.count) >> 3
    r.count |= 56

cdef inline bint exhausted(BitReader *r) noexcept nogil:
    """True once more bits were consumed than the segment holds."""
    return r.pos * 8 - r.count > r.size * 8

cdef inline void skip_bits(BitReader *r, int n) noexcept nogil:
    codec_assert_range(0, n, r.count)
    r.acc <<= n
    r.count -= n

cdef inline uint32_t get_bits(BitReader *r, int n) noexcept nogil:
    """RECEIVE of F.2.2.4, n = 1..16, after a refill."""
    codec_assert_range(1, n, 16)
    cdef uint32_t v = <uint32_t>(r.acc >> (64 - n))
    skip_bits(r, n)
    return v

cdef inline int extend(uint32_t v, int n) noexcept nogil:
    """EXTEND of Figure F.12, n = 1..16: values below half the range represent negative ones."""
    codec_assert_range(1, n, 16)
    codec_assert(v >> n == 0)
    return <int>v - (((1 << n) - 1) if v < (1u << (n - 1)) else 0)


cdef extern from "jpegdsp.h" nogil:
    enum:
        LOOKAHEAD "JPEG_LOOKAHEAD"
        END_OF_BLOCK "JPEG_END_OF_BLOCK"
    ctypedef struct HuffmanReader "JpegHuffman":
        uint16_t lookup[1 << 10]
        int32_t lookup_ac[1 << 10]
        uint32_t limit[18]
        int32_t offset[17]
        uint8_t HUFFVAL[256]

cdef inline int read_symbol(BitReader *r, const HuffmanReader *h) noexcept nogil:
    """DECODE of Figure F.16 after a refill; a code outside the table sets the status, gives 0 and takes 16 bits."""
    cdef uint32_t entry = h.lookup[r.acc >> (64 - LOOKAHEAD)]
    cdef uint32_t code
    cdef int n
    codec_assert(r.count >= 16)
    if entry:
        skip_bits(r, entry & 0xFF)
        return entry >> 8
    code = <uint32_t>(r.acc >> 48)
    n = LOOKAHEAD + 1
    while code >= h.limit[n]:           # limit[17] is above every code
        n += 1
    if n > 16:
        if r.status == OK:
            r.status = E_HUFFMAN
        skip_bits(r, 16)
        return 0
    skip_bits(r, n)
    return h.HUFFVAL[(<int>(code >> (16 - n)) + h.offset[n]) & 0xFF]


# ---------------------------------------------------------------- transform and quantization

ctypedef fused Sample:
    uint8_t                 # precision 8
    uint16_t                # precision 9..16

cdef inline int16_t clamp16(int16_t x, int16_t top) noexcept nogil:
    """x within 0..top, in 16 bits, where every vector unit has a minimum and a maximum."""
    x = x if x > 0 else 0
    return x if x < top else top


cdef extern from "jpegdsp.h" nogil:
    ctypedef struct Quantizer "JpegQuantizer":
        float recip_nat[64]
        float bias_nat[64]
    ctypedef void (*jpeg_to_ycc_fn)(const uint8_t *rgb, Py_ssize_t step, uint8_t *Y, uint8_t *Cb, uint8_t *Cr,
                                    Py_ssize_t n) noexcept nogil
    ctypedef void (*jpeg_to_rgb_fn)(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb,
                                    Py_ssize_t step, Py_ssize_t n) noexcept nogil
    ctypedef void (*jpeg_downsample_fn)(const uint8_t *row0, const uint8_t *row1, uint8_t *out,
                                        Py_ssize_t n_out) noexcept nogil
    ctypedef void (*jpeg_pair_rows_fn)(const uint8_t *row, Py_ssize_t stride, int16_t *sums,
                                       Py_ssize_t n) noexcept nogil
    ctypedef void (*jpeg_pair_columns_fn)(const int16_t *sums, uint8_t *out, uint8_t *sixteenths,
                                          Py_ssize_t n_out) noexcept nogil
    ctypedef void (*jpeg_upsample_fn)(const uint8_t *near_row, const uint8_t *far_row, uint8_t *out,
                                      Py_ssize_t n) noexcept nogil
    ctypedef void (*jpeg_fdct_fn)(const uint8_t *samples, Py_ssize_t stride, int offset, int16_t *coef_nat,
                                  Py_ssize_t n) noexcept nogil
    ctypedef void (*jpeg_quantize_fn)(const int16_t *coef_nat, const Quantizer *quantizer, int16_t *level_zz,
                                      Py_ssize_t n) noexcept nogil
    ctypedef void (*jpeg_idct_fn)(const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out, Py_ssize_t stride,
                                  Py_ssize_t n) noexcept nogil
    enum:
        JPEG_REDUCED_MOST
    ctypedef struct JpegReduced:
        int size, first, second
        int32_t rows[JPEG_REDUCED_MOST * 8]
        int32_t columns[8 * JPEG_REDUCED_MOST]
        int32_t row_pairs[JPEG_REDUCED_MOST][4]
        int32_t column_pairs[4][JPEG_REDUCED_MOST]
    ctypedef void (*jpeg_reduced_fn)(const JpegReduced *t, const int16_t *level_nat, const uint16_t *Q_nat,
                                     uint8_t *out, Py_ssize_t stride, Py_ssize_t n) noexcept nogil
    enum:
        JPEG_BLOCK_BYTES
    ctypedef struct JpegBits:
        uint8_t *next
        uint64_t acc
        uint64_t has_code
        int count
    enum:
        JPEG_SMALL
    ctypedef uint64_t JpegWord
    ctypedef struct JpegCodes:
        JpegWord word[256]
        JpegWord small[16][32]
    ctypedef struct JpegRow:
        const int16_t *level_zz
        Py_ssize_t wide
        int high, H, V, pred
        const JpegCodes *dc
        const JpegCodes *ac
    ctypedef void (*jpeg_put_fn)(JpegBits *bits, JpegRow *rows, int Ns, Py_ssize_t first, Py_ssize_t to) noexcept nogil
    enum:
        JPEG_BLOCK_TOKENS
        JPEG_CORRECTION_WORDS
    ctypedef struct JpegTokens:
        uint32_t *next
        Py_ssize_t step
        uint32_t *counts
        uint32_t table
        int Ss, Se, Al, pred, most
        uint64_t band
        uint32_t EOBRUN
        int BE
        uint64_t corrections[JPEG_CORRECTION_WORDS]
    ctypedef void (*jpeg_dc_tokens_fn)(JpegTokens *t, const int16_t *dc, Py_ssize_t pitch,
                                       Py_ssize_t n) noexcept nogil
    ctypedef void (*jpeg_first_tokens_fn)(JpegTokens *t, const int16_t *level_zz, const uint64_t *now,
                                          Py_ssize_t n) noexcept nogil
    ctypedef void (*jpeg_refined_tokens_fn)(JpegTokens *t, const int16_t *level_zz, const uint64_t *now,
                                            const uint64_t *before, Py_ssize_t n) noexcept nogil
    ctypedef const uint32_t *(*jpeg_put_tokens_fn)(JpegBits *bits, const uint32_t *token, const uint32_t *stop,
                                                   const JpegWord *words) noexcept nogil
    enum:
        JPEG_SKIM_BITS
        JPEG_SKIM_END
    ctypedef struct JpegSkim:
        uint16_t passed[1 << JPEG_SKIM_BITS]
    enum:
        JPEG_NO_PAIR
    ctypedef struct JpegPairs:
        uint64_t entry[1 << 10]
    ctypedef struct JpegReader:
        const uint8_t *next
        const uint8_t *limit
        uint64_t acc
        int count
    ctypedef struct JpegReadRow:
        int16_t *level_nat
        Py_ssize_t wide
        int high, H, V, pred
        const HuffmanReader *dc
        const HuffmanReader *ac
        const JpegSkim *skim
        const JpegPairs *pairs
    ctypedef Py_ssize_t (*jpeg_read_fn)(JpegReader *reader, JpegReadRow *rows, int Ns, Py_ssize_t first,
                                        Py_ssize_t to) noexcept nogil
    ctypedef struct JpegBand:
        int16_t *level_nat
        uint64_t *present
        const HuffmanReader *ac
        int Ss, Se, Al
        uint32_t EOBRUN
    ctypedef Py_ssize_t (*jpeg_band_fn)(JpegReader *reader, JpegBand *band, Py_ssize_t first,
                                        Py_ssize_t to) noexcept nogil
    ctypedef Py_ssize_t (*jpeg_dc_fn)(JpegReader *reader, JpegReadRow *rows, int Ns, Py_ssize_t first, Py_ssize_t to,
                                      int Ah, int Al) noexcept nogil
    ctypedef void (*jpeg_mask_fn)(const int16_t *level_zz, int least, uint64_t *masks, Py_ssize_t n) noexcept nogil
    ctypedef Py_ssize_t (*jpeg_marker_fn)(const uint8_t *data, Py_ssize_t n) noexcept nogil
    ctypedef Py_ssize_t (*jpeg_unstuff_fn)(const uint8_t *data, Py_ssize_t n, uint8_t *plain) noexcept nogil
    enum: JPEG_SIZES
    enum: JPEG_TOP_LEVEL
    float JPEG_NO_PATH
    ctypedef struct JpegRates:
        float ac[JPEG_SIZES][64]
        float zrl, eob, least
    ctypedef void (*jpeg_trellis_fn)(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates,
                                     const float *weights, int16_t *level_zz, Py_ssize_t n) noexcept nogil
    ctypedef void (*jpeg_count_fn)(const int16_t *coef_zz, const float *recip_zz, float rounding, uint32_t *counts,
                                   Py_ssize_t n) noexcept nogil
    ctypedef struct JpegDsp:
        jpeg_to_ycc_fn rgb_to_ycc
        jpeg_to_rgb_fn ycc_to_rgb
        jpeg_fdct_fn fdct
        jpeg_quantize_fn quantize
        jpeg_idct_fn idct
        jpeg_trellis_fn trellis
        jpeg_mask_fn significance
        jpeg_first_tokens_fn first_tokens
        jpeg_refined_tokens_fn refined_tokens
        jpeg_downsample_fn downsample_h2v2
        jpeg_pair_rows_fn pair_rows
        jpeg_pair_columns_fn pair_columns
        jpeg_upsample_fn upsample_h2v2
        jpeg_reduced_fn idct_reduced
        jpeg_put_fn put_mcus
        jpeg_dc_tokens_fn dc_tokens
        jpeg_put_tokens_fn put_tokens
        jpeg_read_fn read_mcus
        jpeg_read_fn skim_mcus
        jpeg_band_fn read_bands
        jpeg_band_fn refine_bands
        jpeg_dc_fn read_dcs
        jpeg_marker_fn next_marker
        jpeg_unstuff_fn unstuff
        jpeg_count_fn count_levels

# The kernels for 8-bit samples that are allowed at a CPU level; jpegdsp.h has their contracts.
cdef const JpegDsp *jpeg_dsp(int level) noexcept nogil
cdef void idct_block_deep(const int16_t *level_nat, const uint16_t *Q_nat, int precision, uint16_t *out,
                          Py_ssize_t stride) noexcept nogil

cdef enum:
    ROUNDING_NEAREST = 128      # of 256: added before truncation, as a part of the step
    ROUNDING_DEAD_ZONE = 104

cdef void prepare_quantizer(const uint16_t *Q_nat, int scale, int ac_rounding, Quantizer *quantizer) noexcept nogil

cdef int begin_use(int *busy) except -1

cdef extern from "shared.h" nogil:
    void shared_store(int *p, int v)

cdef inline void end_use(int *busy) noexcept nogil:
    shared_store(busy, 0)

cdef int set_entropy_table(EntropyTable *table, BITS, HUFFVAL) except -1
cdef int set_huffman_reader(HuffmanReader *h, BITS, HUFFVAL) except -1
cdef bint fill_huffman_reader(HuffmanReader *h, const uint8_t *BITS, const uint8_t *HUFFVAL,
                              Py_ssize_t symbols) noexcept nogil
cdef void set_skim(JpegSkim *skim, const HuffmanReader *h) noexcept nogil
cdef void set_pairs(JpegPairs *pairs, const HuffmanReader *h) noexcept nogil
cdef int optimal_lengths(const uint32_t *freq, uint8_t *lengths) noexcept nogil
cdef uint64_t optimal_bits(const uint32_t *freq) noexcept nogil
cdef optimal_table(const uint32_t *freq)
