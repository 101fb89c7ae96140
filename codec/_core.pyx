"""Stages that every codec here shares. Contents, in the order in which a pixel meets them:

    transform       jpeg_dsp, idct_block_deep  T.81 A.3.3; 8-bit samples: codec/simd/jpegdsp.h
    quantization    prepare_quantizer          T.81 A.3.4
    Huffman         codes, readers, optimum    T.81 Annex C, K.2; package-merge (Larmore and Hirschberg, JACM 1990)
    bits            writer, padding, stuffing  T.81 F.1.2.3
    stages          each of the above over (N, 64) arrays, for notebooks and tests

Suffixes give the order of 64 coefficients: _nat row-major, _zz zig-zag. The parts that run per bit are in _core.pxd.
"""
from libc.stdlib cimport free, getenv, malloc, realloc
from libc.string cimport memchr, memcmp, memcpy, memset

import numpy as np

from .errors import BitstreamError, ParameterError

cdef extern from "cpu.h" nogil:
    int codec_cpu_level()
    const char *codec_cpu_level_name(int level)
    const char *codec_build()

cdef extern from "heap.h" nogil:
    int codec_keep_memory(int trim_bytes, int mmap_bytes, int heaps)

cdef extern from "huffman.h" nogil:
    uint64_t codec_tree_bits(const uint64_t *leaf, int n, int *height)

cdef extern from "shared.h" nogil:
    int shared_set(int *p)

cdef extern from "jpegdsp.h" nogil:
    const JpegDsp *codec_jpeg_dsp(int level)
    const codec_member codec_jpeg_members[]
    void codec_idct8x8_wide(const int32_t *coef_nat, int32_t *samples, int pass1_bits)

# Compiler and kind of build.
BUILD = codec_build().decode()

cdef tuple cpu_ladder():
    names = []
    while codec_cpu_level_name(<int>len(names)) != NULL:
        names.append(codec_cpu_level_name(<int>len(names)).decode())
    return tuple(names)


# The levels of this kind of CPU, lowest first, whether this machine has them or not. Compiled code takes a level as its
# position here.
CPU_LADDER = cpu_ladder()

# Positions of the levels for which CODEC_KERNEL compiles a variant in this build; scalar is the first.
BUILT_LEVELS = tuple([i for i in range(len(CPU_LADDER)) if i == 0 or codec_variant(i) != codec_variant(i - 1)])


def environment():
    """The value of the environment variable CODEC_CPU, or None. Small pictures notice the way through os.environ."""
    cdef const char *value = getenv("CODEC_CPU")
    return None if value == NULL else value.decode(errors="replace")


def keep_memory(int trim_bytes, int mmap_bytes, int heaps):
    """Set what glibc keeps of free memory (mallopt): whether this is glibc.

    Free memory goes back to the system from trim_bytes on, pieces of mmap_bytes always. At most `heaps` heaps.
    """
    return bool(codec_keep_memory(trim_bytes, mmap_bytes, heaps))


def detected_level():
    """Position on CPU_LADDER of the highest level that this machine has."""
    return codec_cpu_level()


cdef dict levels_of_members(const codec_member *members, const void *(*table)(int level) noexcept nogil):
    """{member: positions of the levels at which the table holds functions that the level below does not have}."""
    cdef const char *here
    cdef const char *below
    found = {}
    while members.name != NULL:
        levels = [0]
        for level in range(1, len(CPU_LADDER)):
            here, below = <const char *>table(level), <const char *>table(level - 1)
            if memcmp(here + members.offset, below + members.offset, members.size) != 0:
                levels.append(level)
        found[members.name.decode()] = tuple(levels)
        members += 1
    return found


# ================================================================ objects that compiled loops change


cdef int begin_use(int *busy) except -1:
    """For a method that changes memory of its object without the interpreter's lock. The caller ends with `end_use`."""
    if shared_set(busy):
        raise ParameterError("the object is at work in another thread; use it in one thread at a time")
    return 0


# ================================================================ transform

# Blocks of 8-bit samples are the business of codec/simd/jpegdsp.h.

cdef const JpegDsp *jpeg_dsp(int level) noexcept nogil:
    return codec_jpeg_dsp(level)


cdef const void *jpeg_table(int level) noexcept nogil:
    return codec_jpeg_dsp(level)


# Name -> positions of the levels that have a variant, lowest first: for codec.cpu.
KERNELS = {f"jpeg_{name}": levels for name, levels in levels_of_members(codec_jpeg_members, jpeg_table).items()}


cdef inline int32_t descale(int32_t x, int n) noexcept nogil:
    """x / 2^n, halves rounded up; >> of a negative number is arithmetic on every compiler that builds this."""
    return (x + (1 << (n - 1))) >> n


cdef void idct_block_deep(const int16_t *level_nat, const uint16_t *Q_nat, int precision, uint16_t *out,
                          Py_ssize_t stride) noexcept nogil:
    """Dequantize (A.3.4), transform, level shift (A.3.1) and clamp a block of 9 to 12 bits into `out`, rows `stride`
    samples apart."""
    cdef int32_t coef[64]
    cdef int32_t samples[64]
    cdef int16_t top = <int16_t>((1 << precision) - 1), half = <int16_t>(1 << (precision - 1))
    cdef uint64_t present = codec_nonzero_mask(level_nat, 0, 63)
    cdef int i, j
    cdef uint16_t *row
    cdef uint16_t flat
    codec_assert_range(9, precision, 12)
    codec_assert(stride >= 8)
    if present <= 1:                                # DC at most: both passes reduce to one rounding of it
        flat = <uint16_t>clamp16(<int16_t>(descale(<int32_t>level_nat[0] * Q_nat[0], 3) + half), top)
        for i in range(8):
            row = out + i * stride
            for j in range(8):
                row[j] = flat
        return
    for i in range(64):
        coef[i] = <int32_t>level_nat[i] * Q_nat[i]
    codec_idct8x8_wide(coef, samples, 1)
    for i in range(8):
        row = out + i * stride
        for j in range(8):
            row[j] = <uint16_t>clamp16(<int16_t>(<int16_t>samples[8 * i + j] + half), top)


# ================================================================ quantization

cdef void prepare_quantizer(const uint16_t *Q_nat, int scale, int ac_rounding, Quantizer *quantizer) noexcept nogil:
    """Table for steps Q_nat (1..65535) of coefficients that carry an additional factor `scale` (1 or 8).

    ac_rounding: 128 rounds AC levels to nearest, less widens the dead zone around zero; DC is always rounded to
    nearest.
    """
    cdef int i
    cdef int32_t d
    codec_assert_range(0, ac_rounding, ROUNDING_NEAREST)
    for i in range(64):
        codec_assert(Q_nat[i] >= 1)
        codec_assert((scale == 1) | (scale == 8))
        d = <int32_t>Q_nat[i] * scale
        quantizer.recip_nat[i] = <float>(1.0 / d)
        quantizer.bias_nat[i] = <float>(d * (ac_rounding if i else ROUNDING_NEAREST) >> 8) + 0.5


# ================================================================ Huffman

cdef generate_code_tables(BITS, HUFFVAL, symbols=256):
    """HUFFSIZE and HUFFCODE (Figures C.1, C.2), checked: lists by position in HUFFVAL."""
    if len(BITS) != 16 or sum(BITS) != len(HUFFVAL) or not 1 <= len(HUFFVAL) <= 256:
        raise BitstreamError(f"Huffman table with {len(HUFFVAL)} symbols, but BITS {list(BITS)}", layer="Huffman table",
                             clause="T.81 B.2.4.2")
    HUFFSIZE, HUFFCODE, code = [], [], 0
    for length in range(1, 17):
        for _ in range(BITS[length - 1]):
            HUFFSIZE.append(length)
            HUFFCODE.append(code)
            code += 1
        if code > 1 << length:
            raise BitstreamError(f"more codes of {length} bits than exist: BITS {list(BITS)}", layer="Huffman table",
                                 clause="T.81 C.2")
        code <<= 1
    return HUFFSIZE, HUFFCODE


cdef int set_entropy_table(EntropyTable *table, BITS, HUFFVAL) except -1:
    """Order_codes, Figure C.3: EHUFCO and EHUFSI by symbol."""
    cdef bytes lengths = bytes(BITS), symbols = bytes(HUFFVAL)
    cdef int length, n, p = 0
    cdef uint32_t code = 0
    memset(table, 0, sizeof(EntropyTable))
    if len(lengths) != 16 or not are_codes(<const uint8_t *><const char *>lengths, len(symbols)):
        generate_code_tables(BITS, HUFFVAL)                             # says what is wrong
    for length in range(1, 17):
        for n in range(<uint8_t>lengths[length - 1]):
            table.EHUFCO[<uint8_t>symbols[p]], table.EHUFSI[<uint8_t>symbols[p]] = code, length
            code += 1
            p += 1
        code <<= 1
    return 0


cdef int set_huffman_reader(HuffmanReader *h, BITS, HUFFVAL) except -1:
    """`fill_huffman_reader`, or an error that says what is wrong."""
    cdef bytes lengths = bytes(BITS), symbols = bytes(HUFFVAL)
    if len(lengths) != 16 or not fill_huffman_reader(h, <const uint8_t *><const char *>lengths,
                                                     <const uint8_t *><const char *>symbols, len(symbols)):
        generate_code_tables(BITS, HUFFVAL)
    return 0


cdef bint fill_huffman_reader(HuffmanReader *h, const uint8_t *BITS, const uint8_t *HUFFVAL,
                              Py_ssize_t symbols) noexcept nogil:
    """Decoder_tables, Figure F.15, left-justified, and the look-ahead tables; False for numbers of codes that cannot
    be."""
    cdef int p = 0, length, n
    cdef uint32_t code = 0
    if not are_codes(BITS, symbols):
        return False
    memset(h, 0, sizeof(HuffmanReader))
    memcpy(h.HUFFVAL, HUFFVAL, symbols)
    for length in range(1, 17):
        h.offset[length] = p - <int>code
        for n in range(BITS[length - 1]):
            if length <= LOOKAHEAD:
                set_lookahead(h, h.HUFFVAL[p], length, <int>code << (LOOKAHEAD - length))
            code += 1
            p += 1
        h.limit[length] = code << (16 - length)
        code <<= 1
    h.limit[17] = 0xFFFFFFFF
    return True


cdef bint are_codes(const uint8_t *BITS, Py_ssize_t symbols) noexcept nogil:
    """Whether `generate_code_tables` accepts 16 numbers of codes."""
    cdef Py_ssize_t length, total = 0, code = 0
    for length in range(1, 17):
        total += BITS[length - 1]
        code += BITS[length - 1]
        if code > 1 << length:
            return False
        code <<= 1
    return total == symbols and 1 <= total <= 256


cdef void set_lookahead(HuffmanReader *h, int symbol, int used, int first) noexcept nogil:
    """The entries of a code of `used` bits, from `first` on."""
    cdef int size = symbol & 15, free = LOOKAHEAD - used, i, half
    cdef int32_t entry
    cdef uint16_t *lookup = h.lookup + first
    cdef int32_t *lookup_ac = h.lookup_ac + first
    for i in range(1 << free):
        lookup[i] = <uint16_t>(symbol << 8 | used)
    if symbol == 0 or symbol == 0xF0:
        entry = (END_OF_BLOCK if symbol == 0 else 16) << 8 | used
        for i in range(1 << free):
            lookup_ac[i] = entry
    elif 0 < size <= free:
        entry = ((symbol >> 4) + 1) << 8 | used + size
        half = 1 << (free - 1)
        for i in range(half):                       # EXTEND of Figure F.12: the first half of values is negative
            lookup_ac[i] = ((i >> (free - size)) - (1 << size) + 1) * 65536 + entry
        for i in range(half, 2 * half):
            lookup_ac[i] = (i >> (free - size)) * 65536 + entry


cdef void set_skim(JpegSkim *skim, const HuffmanReader *h) noexcept nogil:
    """For an AC table of a sequential scan. At most six coefficients, of 2 bits each, fit: 96 positions."""
    cdef int look, bits, passed, symbol, used, entry
    for look in range(1 << JPEG_SKIM_BITS):
        bits = passed = entry = 0
        while bits < JPEG_SKIM_BITS:
            symbol = h.lookup[(look << bits & (1 << JPEG_SKIM_BITS) - 1) >> JPEG_SKIM_BITS - LOOKAHEAD]
            used = (symbol & 0xFF) + (symbol >> 8 & 15)
            if symbol == 0 or bits + used > JPEG_SKIM_BITS or (symbol >> 8 & 15 == 0 and symbol >> 8 not in (0, 0xF0)):
                break
            bits += used
            if symbol >> 8 == 0:
                entry = passed << 8 | JPEG_SKIM_END | bits
                break
            passed += 16 if symbol >> 8 == 0xF0 else (symbol >> 12) + 1
            entry = passed << 8 | bits
        skim.passed[look] = <uint16_t>entry


cdef void set_pairs(JpegPairs *pairs, const HuffmanReader *h) noexcept nogil:
    """For an AC table of a sequential scan. EOB alone is a zero in the next place, before it."""
    cdef int look, one, two, bits, first, last
    for look in range(1 << LOOKAHEAD):
        one = h.lookup_ac[look]
        bits, first = one & 0xFF, one >> 8 & 0xFF
        last, two = first, one
        if one == 0:
            first = last = JPEG_NO_PAIR
        elif first == END_OF_BLOCK:
            first = 1
        else:
            two = h.lookup_ac[look << bits & (1 << LOOKAHEAD) - 1]
            if two != 0 and bits + (two & 0xFF) <= LOOKAHEAD:
                bits += two & 0xFF
                last = END_OF_BLOCK if two >> 8 & 0xFF == END_OF_BLOCK else first + (two >> 8 & 0xFF)
            else:
                two = one
        pairs.entry[look] = (<uint64_t>(two >> 16 & 0xFFFF) << 48 | <uint64_t>(one >> 16 & 0xFFFF) << 32
                             | <unsigned int>(last << 16 | first << 8 | bits))


cdef int rarest_first(const uint32_t *freq, uint64_t *sorted) noexcept nogil:
    """Present symbols as count << 8 | symbol, ascending; returns their number. Shell's sort: 256 items at most, often
    30."""
    cdef int n = 0, i, j, gap = 57
    cdef uint64_t item
    for i in range(256):
        if freq[i]:
            sorted[n] = <uint64_t>freq[i] << 8 | i
            n += 1
    while gap:                                                          # 57, 22, 8, 3, 1
        for i in range(gap, n):
            item = sorted[i]
            j = i
            while j >= gap and sorted[j - gap] > item:
                sorted[j] = sorted[j - gap]
                j -= gap
            sorted[j] = item
        gap = 2 * gap // 5
    return n


cdef int optimal_lengths(const uint32_t *freq, uint8_t *lengths) noexcept nogil:
    """Code lengths by symbol (0: absent) of least total, at most 16 bits, no code all ones (C.2, K.2); returns the
    number of symbols.

    Package-merge: every symbol has a coin of each width 2^-16 .. 2^-1 worth its count; from the narrowest width on,
    packages of two neighbours join the coins of the next. The cheapest 2(n - 1) items of the widest row then buy a
    complete code: a symbol's length is the number of its coins among them, found by walking back (taking p packages of
    a row takes the 2p first items of the row before). A pseudo-symbol of count 0 comes first in every row, gets the
    longest code, and as the last of that length it takes the one of all ones; it is left out of the result.
    """
    cdef uint64_t coin[257]
    cdef uint64_t row[514]
    cdef uint64_t package[257]
    cdef uint8_t is_package[16][514]
    cdef uint8_t symbol[257]
    cdef int i, n, c, p, size, packages, width, taken, coins
    memset(lengths, 0, 256)
    n = 1 + rarest_first(freq, coin + 1)
    coin[0] = 0
    for i in range(1, n):
        symbol[i] = <uint8_t>(coin[i] & 0xFF)
        coin[i] >>= 8
    size = 0
    for width in range(16):
        packages = size // 2
        for i in range(packages):
            package[i] = row[2 * i] + row[2 * i + 1]
        size = n + packages
        c = p = 0
        for i in range(size):
            is_package[width][i] = c == n or (p < packages and package[p] < coin[c])
            if is_package[width][i]:
                row[i] = package[p]
                p += 1
            else:
                row[i] = coin[c]
                c += 1
    taken = 2 * n - 2
    for width in range(15, -1, -1):
        coins = 0
        for i in range(taken):
            coins += not is_package[width][i]
        for i in range(1, coins):
            lengths[symbol[i]] += 1
        taken = 2 * (taken - coins)
    return n - 1


cdef uint64_t optimal_bits(const uint32_t *freq) noexcept nogil:
    """Total bits of the codes of `optimal_lengths`, mostly without the lengths: a search needs this thousands of times.
    Only a tree higher than 16 needs package-merge."""
    cdef uint64_t leaf[257]
    cdef uint8_t lengths[256]
    cdef uint64_t total
    cdef int n = 1 + rarest_first(freq, leaf + 1), height, i
    leaf[0] = 0                                                         # the code of all ones, as above
    for i in range(1, n):
        leaf[i] >>= 8
    total = codec_tree_bits(leaf, n, &height)
    if height > 16:
        optimal_lengths(freq, lengths)
        total = 0
        for i in range(256):
            total += <uint64_t>freq[i] * lengths[i]
    return total


cdef optimal_table(const uint32_t *freq):
    """BITS and HUFFVAL of the codes of `optimal_lengths`."""
    cdef uint8_t lengths[256]
    cdef uint8_t HUFFVAL[256]
    cdef int BITS[16]
    cdef int length, symbol, n, symbols = optimal_lengths(freq, lengths), p = 0
    if symbols == 0:
        return [1] + [0] * 15, [0]          # a table that nothing uses must still be legal
    for length in range(1, 17):
        n = p
        for symbol in range(256 if p < symbols else 0):
            if lengths[symbol] == length:
                HUFFVAL[p] = <uint8_t>symbol
                p += 1
        BITS[length - 1] = p - n
    return [BITS[length] for length in range(16)], [HUFFVAL[n] for n in range(symbols)]


# ================================================================ bits

cdef int open_writer(BitWriter *w, Py_ssize_t size) noexcept nogil:
    codec_assert(size > 0)
    memset(w, 0, sizeof(BitWriter))
    w.start = <uint8_t *>malloc(size)
    if w.start == NULL:
        w.status = E_MEMORY
        return E_MEMORY
    w.next = w.start
    w.end = w.start + size
    return OK


cdef void close_writer(BitWriter *w) noexcept nogil:
    if not w.lent:
        free(w.start)
    w.start = w.next = w.end = NULL


cdef int reserve(BitWriter *w, Py_ssize_t size) noexcept nogil:
    """Make room for `size` more bytes; doubles, so that the cost stays linear."""
    cdef Py_ssize_t used = w.next - w.start, want = w.end - w.start
    cdef uint8_t *grown
    if w.end - w.next >= size:
        return OK
    codec_assert(not w.lent)
    while want - used < size:
        want *= 2
    grown = <uint8_t *>realloc(w.start, want) if not w.lent else NULL
    if grown == NULL:
        w.status = E_MEMORY
        return E_MEMORY
    w.start = grown
    w.next = grown + used
    w.end = grown + want
    return OK


cdef int end_segment(BitWriter *w) noexcept nogil:
    """F.1.2.3: fill the last byte with ones, and stuff."""
    if w.count:
        put_bits(w, (1u << (8 - w.count)) - 1, 8 - w.count)
    return stuff(w)


cdef enum:
    PIECE = 1 << 12             # bytes for which there is room, should all be FF

cdef int append(BitWriter *w, const BitWriter *more) noexcept nogil:
    """Append the bits of another writer, which has not stuffed any, and stuff them on the way. Lent memory has room for
    twice its bytes, two PIECEs and 32."""
    cdef const uint8_t *source = more.start
    cdef const uint8_t *stop
    cdef uint8_t *next
    cdef uint64_t before = w.acc, eight, shifted
    cdef int count = w.count, i
    if stuff(w):
        return E_MEMORY
    while more.next - source >= 8:
        if reserve(w, 2 * PIECE):
            return E_MEMORY
        next = w.next
        stop = source + min(<Py_ssize_t>PIECE, more.next - source & -8)
        while source < stop:
            eight = codec_load_be64(source)
            shifted = before << 63 - count << 1 | eight >> count
            before = eight
            source += 8
            if not codec_has_ff(shifted):
                codec_store_be64(next, shifted)
                next += 8
                continue
            for i in range(8):
                next[0] = <uint8_t>(shifted >> 56 - 8 * i)
                next[1] = 0
                next += 2 if next[0] == 0xFF else 1
        w.next = next
    w.acc, w.segment = before, w.next - w.start
    if reserve(w, 32):
        return E_MEMORY
    while source < more.next:
        put_bits(w, source[0], 8)
        source += 1
    if more.count:
        put_bits(w, <uint32_t>more.acc & ((1u << more.count) - 1), more.count)
    return stuff(w)


cdef int stuff(BitWriter *w) noexcept nogil:
    """F.1.2.3: a zero byte after every FF of the segment's whole bytes, backwards in place."""
    cdef uint8_t *begin
    cdef uint8_t *source
    cdef uint8_t *target
    cdef Py_ssize_t stuffed = 0
    cdef uint64_t eight
    cdef int i
    source = w.start + w.segment
    while source < w.next:
        source = <uint8_t *>memchr(source, 0xFF, w.next - source)
        if source == NULL:
            break
        stuffed += 1
        source += 1
    if reserve(w, stuffed + 8):
        return E_MEMORY
    begin = w.start + w.segment
    source = w.next
    w.next += stuffed
    target = w.next
    while target > source:
        if source - begin >= 8:
            eight = codec_load_be64(source - 8)
            if not codec_has_ff(eight):
                source -= 8
                target -= 8
                codec_store_be64(target, eight)
                continue
        for i in range(8 if source - begin >= 8 else <int>(source - begin)):
            source -= 1
            target -= 1
            if source[0] == 0xFF:
                target[0] = 0
                target -= 1
            target[0] = source[0]
    w.segment = w.next - w.start
    return OK


# ================================================================ stages, over arrays

ZIGZAG = [NAT_OF_ZZ[i] for i in range(64)]
"""Position along the zig-zag -> index in natural order (Figure A.6): `levels_nat[:, ZIGZAG]` is in zig-zag order."""


def _blocks(blocks, dtype, lowest, highest, name):
    array = np.asarray(blocks)
    if array.ndim != 2 or array.shape[1] != 64 or array.dtype.kind not in "iu":
        raise ParameterError(f"{name} must be integers of shape (N, 64), not {array.dtype} {array.shape}")
    if array.size and not lowest <= int(array.min()) <= int(array.max()) <= highest:
        raise ParameterError(f"{name} must lie in {lowest}..{highest}, not {array.min()}..{array.max()}")
    return np.ascontiguousarray(array, dtype)


def _steps(Q):
    array = np.asarray(Q)
    if array.size != 64 or array.dtype.kind not in "iu" or not 1 <= int(array.min()) <= int(array.max()) <= 65535:
        raise ParameterError("a quantization table has 64 steps of 1..65535, in natural order")
    return np.ascontiguousarray(array.reshape(64), np.uint16)


def fdct(samples, *, int level=0):
    """Forward 8x8 DCT of T.81 A.3.3, times 8.

    Parameters
    ----------
    samples : (N, 64) integers in -128..127, level-shifted, natural order
    level : instructions, as counted by `codec.cpu.level_index`

    Returns
    -------
    (N, 64) int16, natural order, 8 times the coefficients of the standard

    Examples
    --------
    >>> import numpy as np
    >>> from codec._core import fdct
    >>> int(fdct(np.full((1, 64), 100))[0, 0])      # 8 * 8 * 100
    6400
    """
    cdef const uint8_t[:, ::1] x = (_blocks(samples, np.int16, -128, 127, "samples") + 128).astype(np.uint8)
    out = np.empty((x.shape[0], 64), np.int16)
    cdef int16_t[:, ::1] y = out
    cdef const JpegDsp *dsp = codec_jpeg_dsp(level)
    cdef Py_ssize_t n
    with nogil:
        for n in range(x.shape[0]):
            dsp.fdct(&x[n, 0], 8, 128, &y[n, 0], 1)
    return out


def idct(coefficients):
    """Inverse 8x8 DCT of T.81 A.3.3: (N, 64) integers of 16 bits, natural order -> (N, 64) int32, not clamped or
    shifted.

    Examples
    --------
    >>> import numpy as np
    >>> from codec._core import idct
    >>> int(idct(np.eye(1, 64, dtype=int) * 800)[0, 63])
    100
    """
    cdef const int32_t[:, ::1] x = _blocks(coefficients, np.int32, -32768, 32767, "coefficients")
    out = np.empty((x.shape[0], 64), np.int32)
    cdef int32_t[:, ::1] y = out
    cdef Py_ssize_t n
    with nogil:
        for n in range(x.shape[0]):
            codec_idct8x8_wide(&x[n, 0], &y[n, 0], 2)
    return out


def quantize(coefficients, Q, *, scale=8, ac_rounding=ROUNDING_NEAREST, int level=0):
    """Quantize `fdct` output by the 64 steps Q (natural order): round(c / (scale Q)), halves away from zero; levels in
    zig-zag order.

    Parameters
    ----------
    coefficients : (N, 64) int16, natural order
    Q : 64 integers in 1..65535, natural order
    scale : the factor that the coefficients carry: 8 for `fdct`, 1 for plain ones
    ac_rounding : 0..128, in 256ths of a step: added to AC magnitudes before truncation. Less than 128 widens the dead
        zone around zero; the encoder uses 104.
    level : instructions, as counted by `codec.cpu.level_index`

    Returns
    -------
    (N, 64) int16, zig-zag order (T.81 A.3.4, A.3.6)
    """
    if isinstance(ac_rounding, bool) or not isinstance(ac_rounding, int) or not 0 <= ac_rounding <= ROUNDING_NEAREST:
        raise ParameterError(f"ac_rounding must be an integer within 0..128, not {ac_rounding!r}")
    cdef const int16_t[:, ::1] x = _blocks(coefficients, np.int16, -32768, 32767, "coefficients")
    cdef const uint16_t[::1] steps = _steps(Q)
    if scale not in (1, 8):
        raise ParameterError(f"scale must be 8 (as fdct gives them) or 1, not {scale!r}")
    out = np.empty((x.shape[0], 64), np.int16)
    cdef int16_t[:, ::1] y = out
    cdef Quantizer quantizer
    cdef const JpegDsp *dsp = codec_jpeg_dsp(level)
    prepare_quantizer(&steps[0], scale, ac_rounding, &quantizer)
    if x.shape[0]:
        with nogil:
            dsp.quantize(&x[0, 0], &quantizer, &y[0, 0], x.shape[0])
    return out


def dequantize(levels, Q):
    """Zig-zag levels times the steps Q (natural order): (N, 64) int32 in natural order, clipped to 16 bits for
    `idct`."""
    level_zz = _blocks(levels, np.int32, -32768, 32767, "levels")
    out = np.empty_like(level_zz)
    out[:, ZIGZAG] = np.clip(level_zz.astype(np.int64) * _steps(Q)[ZIGZAG], -32768, 32767)
    return out


def code_table(BITS, HUFFVAL):
    """Huffman codes by symbol (Annex C): dict symbol -> (code, length in bits)."""
    return {symbol: (code, size) for symbol, size, code in zip(HUFFVAL, *generate_code_tables(BITS, HUFFVAL))}


def _counts(counts):
    if type(counts) is np.ndarray and counts.dtype == np.uint32 and counts.shape == (256,):
        return np.ascontiguousarray(counts)         # the checks below take as long as the table
    array = np.asarray(counts)
    if array.shape != (256,) or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= 1 << 32:
        raise ParameterError("counts must be 256 integers in 0..2^32 - 1")
    return np.ascontiguousarray(array, np.uint32)


def optimal_huffman(counts):
    """BITS (16 counts of codes by length) and HUFFVAL (symbols) of least total length for 256 symbol counts: at most 16
    bits, no code all ones.

    Examples
    --------
    >>> from codec._core import optimal_huffman
    >>> optimal_huffman([5, 1, 1] + [0] * 253)
    ([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 2, 1])
    """
    cdef const uint32_t[::1] freq = _counts(counts)
    return optimal_table(&freq[0])


def table_bits(const uint32_t[::1] counts, const uint32_t[::1] others):
    """Bits of a table of `optimal_huffman` for the sums of 256 counts and 256 others, in a DHT segment (B.2.4.2: 17
    bytes, and one for each symbol, at least one), and of all codes; 2^62 where a sum has more than 32 bits."""
    cdef uint32_t freq[256]
    cdef uint64_t both
    cdef int i, symbols = 0
    if counts.shape[0] != 256 or others.shape[0] != 256:
        raise ParameterError("tables have 256 counts")
    for i in range(256):
        both = <uint64_t>counts[i] + others[i]
        if both >> 32:
            return 1 << 62
        freq[i] = <uint32_t>both
        symbols += both > 0
    return 8 * (17 + max(symbols, 1)) + optimal_bits(freq)


def pack_bits(values, lengths):
    """Write values[i] in lengths[i] bits (0..32), with byte stuffing and ones to the end of the last byte (F.1.2.3)."""
    cdef const uint32_t[::1] v = np.ascontiguousarray(values, np.uint32)
    cdef const uint8_t[::1] n = np.ascontiguousarray(lengths, np.uint8)
    cdef BitWriter w
    cdef Py_ssize_t i
    if (v.shape[0] != n.shape[0] or (n.shape[0] and np.max(lengths) > 32)
            or np.any(np.asarray(values, np.uint64) >> np.asarray(lengths, np.uint64))):
        raise ParameterError("values and lengths must be of one size, with lengths in 0..32 that hold the values")
    if open_writer(&w, 64):
        raise MemoryError
    try:
        for i in range(v.shape[0]):
            if reserve(&w, 16):
                raise MemoryError
            if n[i]:
                put_bits(&w, v[i], n[i])
        if end_segment(&w):
            raise MemoryError
        return w.start[:w.next - w.start]
    finally:
        close_writer(&w)


def unpack_bits(data, lengths):
    """Read lengths[i] bits (1..16) each from stuffed bytes: the reverse of `pack_bits`; zeros follow the end of the
    data."""
    cdef const uint8_t[::1] n = np.ascontiguousarray(lengths, np.uint8)
    if n.shape[0] and not 1 <= np.min(lengths) <= np.max(lengths) <= 16:
        raise ParameterError("lengths must be in 1..16")
    cdef bytes plain = bytes(data).replace(b"\xff\x00", b"\xff")
    size = len(plain)
    plain += bytes(8)
    out = np.empty(n.shape[0], np.uint32)
    cdef uint32_t[::1] v = out
    cdef BitReader r
    cdef Py_ssize_t i
    open_reader(&r, plain, size)
    for i in range(n.shape[0]):
        refill(&r)
        v[i] = get_bits(&r, n[i])
    return out
