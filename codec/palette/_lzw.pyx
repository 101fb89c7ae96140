"""LZW of GIF (GIF89a, appendix F) with deferred clear codes. Contents:

    Table           phrases as a trie, and the bits of their codes
    lzw_encode      indices to codes, exactly
    lzw_paint       colours to codes: chooses the index of each pixel together with the phrases, by rate and distortion

Why a clear is deferred: once all 4096 codes are taken, phrases stay as useful as they are until the picture changes,
while a new table starts with short phrases. By the marginal value theorem the best moment to clear a table is when its
current cost per pixel exceeds its mean cost per pixel since it was started.
"""
from libc.stdint cimport INT32_MAX, INT64_MAX, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from codec._core cimport codec_variant
from codec._stop cimport raise_stopped, stopped
from .. import cpu
from .._core import BUILT_LEVELS
from ..errors import ParameterError

cdef extern from "phrases.h" nogil:
    void (*codec_near_entries[2])(const int16_t *palette, Py_ssize_t n, const int16_t *point, int32_t reach,
                                  uint8_t *near)

KERNELS = ("near_entries",)
cpu.register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    BETWEEN = 1 << 12           # pixels from one look for signals to the next
    CODES = 4096                # of 12 bits at most
    NONE = 0xFFFF               # no node
    WINDOW_CODES = 256          # codes of a full table between checks of its cost per pixel
    FORGET = 5                  # the running cost per pixel is over about 2^5 phrases
    FRACTION = 8                # fraction bits of costs per pixel
    FREE = 0                    # states of a pixel (lzw_paint)
    MAY_STAY = 1
    MUST_STAY = 2
    ENTRIES = 256               # of a palette
    GROUP = 16                  # entries that are compared together
    WORTH = 8                   # of them take the time of a phrase that is considered
    COORDINATE_MAX = 8191       # so that squared distances stay below 2^31: 3 (2 x 8191 + 4095)^2
    CLAMP_MAX = 4095


# ================================================================ Table

cdef struct Table:
    uint16_t child[CODES]       # the newest phrase one symbol longer
    uint16_t sibling[CODES]     # the next phrase one symbol longer than the same parent
    uint16_t parent[CODES]
    uint8_t symbol[CODES]       # last symbol of the phrase
    uint8_t head[CODES]         # first symbol
    uint16_t height[CODES]      # symbols that the longest phrase beginning with this one has more, or an upper bound
    int clear                   # the clear code: 2^min_code_size; the end code follows it
    int next                    # code of the next phrase
    int width                   # current width of codes in bits
    uint8_t *out
    Py_ssize_t used
    uint32_t pending            # bits that do not fill a byte yet, lowest first
    int pending_bits            # 0..7 between codes
    int64_t window_cost, window_pixels, table_cost, table_pixels
    int window_codes


cdef void put_code(Table *t, int code) noexcept nogil:
    t.pending |= <uint32_t>code << t.pending_bits       # at most 7 + 12 bits
    t.pending_bits += t.width
    while t.pending_bits >= 8:
        t.out[t.used] = t.pending & 0xFF
        t.used += 1
        t.pending >>= 8
        t.pending_bits -= 8


cdef void begin_table(Table *t) noexcept nogil:
    """Write a clear code and forget all phrases but the single symbols."""
    cdef int i
    put_code(t, t.clear)
    memset(t.child, 0xFF, sizeof(t.child))
    for i in range(t.clear):
        t.symbol[i] = t.head[i] = i
        t.parent[i] = NONE
        t.height[i] = 0
    t.next, t.width = t.clear + 2, 0
    while (1 << t.width) < t.next:
        t.width += 1
    t.window_cost = t.window_pixels = t.table_cost = t.table_pixels = 0
    t.window_codes = 0


cdef void link(Table *t, int parent, int node, uint8_t symbol) noexcept nogil:
    cdef int longer = 1
    t.symbol[node], t.head[node], t.parent[node], t.child[node] = symbol, t.head[parent], parent, NONE
    t.sibling[node] = t.child[parent]
    t.child[parent] = node
    t.height[node] = 0
    while parent != NONE and t.height[parent] < longer:
        t.height[parent] = longer
        parent = t.parent[parent]
        longer += 1


cdef int child_of(Table *t, int node, uint8_t symbol) noexcept nogil:
    cdef int child = t.child[node]
    while child != NONE and t.symbol[child] != symbol:
        child = t.sibling[child]
    return child


cdef void grow(Table *t) noexcept nogil:
    """Assign a code. The reader, one code behind, widens its codes on the preceding one, so
    both widen at once (F 5)."""
    if t.next < CODES:
        if t.next == 1 << t.width:
            t.width += 1
        t.next += 1


cdef bint spent(Table *t, int64_t cost, int64_t pixels) noexcept nogil:
    """Record the cost of a phrase. Returns whether the table is full and now costs more per pixel than on average."""
    cdef bint over = False
    t.table_cost += cost
    t.table_pixels += pixels
    if t.next < CODES:
        return False
    t.window_cost += cost
    t.window_pixels += pixels
    t.window_codes += 1
    if t.window_codes == WINDOW_CODES:
        # In doubles: 53 bits hold both sides for pictures of up to 2^24 pixels.
        over = <double>t.window_cost * t.table_pixels > <double>t.table_cost * t.window_pixels
        t.window_cost = t.window_pixels = t.window_codes = 0
    return over


cdef void end_data(Table *t) noexcept nogil:
    put_code(t, t.clear + 1)
    if t.pending_bits:
        t.out[t.used] = t.pending & 0xFF
        t.used += 1


cdef Table *new_table(int min_code_size, Py_ssize_t pixels) noexcept nogil:
    """A table at its first clear code; with room for 12 bits per pixel and for the clear codes, at
    most one per 3000 codes."""
    cdef Table *t = <Table *>calloc(1, sizeof(Table))
    if t == NULL:
        return NULL
    t.out = <uint8_t *>malloc(pixels // 2 * 3 + pixels // 1000 + 64)
    if t.out == NULL:
        free(t)
        return NULL
    t.clear, t.width = 1 << min_code_size, min_code_size + 1
    begin_table(t)
    return t


cdef bytes taken(Table *t):
    """The bytes of a table; frees the table."""
    try:
        return t.out[:t.used]
    finally:
        free(t.out)
        free(t)


# ================================================================ lzw_encode

def lzw_encode(const uint8_t[::1] indices, int min_code_size):
    """Codes of indices, without the lengths of sub-blocks.

    Parameters
    ----------
    indices : uint8 (n,), below 2^min_code_size
    min_code_size : 2..8

    Returns
    -------
    bytes
    """
    cdef Py_ssize_t n = indices.shape[0], i
    cdef Table *t
    cdef int over = 0
    check_code_size(min_code_size)
    if n == 0:
        raise ParameterError("there are no indices to encode: a picture has one pixel at least")
    for i in range(n):
        over |= indices[i] >> min_code_size
    if over:
        raise ParameterError(f"an index does not fit {min_code_size} bits")
    with nogil:
        t = new_table(min_code_size, n)
        if t != NULL:
            encode(t, &indices[0], n)
    if t == NULL:
        raise MemoryError(f"no memory to encode {n} pixels")
    codes = taken(t)
    raise_stopped()
    return codes


cdef int check_code_size(int min_code_size) except -1:
    if not 2 <= min_code_size <= 8:
        raise ParameterError(f"the minimum code size is 2 to 8, not {min_code_size} (GIF89a appendix F)")
    return 0


cdef void encode(Table *t, const uint8_t *indices, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t at = 0, look = 0, begin
    cdef int node, child, width
    while at < n:
        if at >= look:
            look = at + BETWEEN
            if stopped():
                return
        begin, node = at, indices[at]
        at += 1
        while at < n:
            child = child_of(t, node, indices[at])
            if child == NONE:
                break
            node = child
            at += 1
        width = t.width
        put_code(t, node)
        if t.next < CODES and at < n:
            link(t, node, t.next, indices[at])
        grow(t)
        if spent(t, width, at - begin) and at < n:
            begin_table(t)
    end_data(t)


# ================================================================ lzw_paint

cdef struct Step:
    uint16_t node
    int depth                   # pixels of the phrase
    int64_t distortion
    int32_t red, green, blue    # error of its last pixel in the three coordinates


cdef struct Canvas:
    Py_ssize_t width, pixels
    Py_ssize_t row, column      # of the pixel where a phrase begins
    const int16_t *target       # three coordinates per pixel
    const int16_t *held
    const uint8_t *state
    const uint8_t *weight       # 64 is 1
    const int32_t *reach        # greatest squared distance of a pixel from its target
    int16_t palette[3][ENTRIES]  # whole groups: the last colour repeats
    int colors, transparent, strength, clamp, variant
    int64_t cost_of_bit
    int32_t *above              # errors diffused to this row and the next: two rows of three, in 1/4096
    int32_t right[3]            # errors diffused to the next pixel
    Step *stack
    uint8_t *chosen
    int64_t work                # phrases that were considered, once with their parent; colours, in WORTH


def lzw_paint(const int16_t[:, :, ::1] target, const int16_t[:, :, ::1] held, const uint8_t[:, ::1] state,
              const uint8_t[:, ::1] weight, const int32_t[:, ::1] reach, const int16_t[:, ::1] palette,
              int min_code_size, *, int transparent, int64_t cost_of_bit, int strength, int clamp):
    """Choose an index for every pixel, and write the codes of the choice.

    A walk over the trie finds the phrases whose colours are near enough to the targets of the next pixels. The chosen
    one minimises bits and distortion minus the average cost of as many pixels. The error of a pixel is diffused to its
    neighbours (Floyd and Steinberg 1976, left to right in every row, the pixel order of GIF).

    Parameters
    ----------
    target : int16 (H, W, 3), within -8191..8191 as all coordinates
        The wanted pixels, in a space where distance corresponds to visible difference.
    held : int16 (H, W, 3)
        The pixels as they appear if they stay as they are, that is, get the index `transparent`.
    state : uint8 (H, W)
        0: the pixel gets a colour; 1: it may stay; 2: it must stay.
    weight : uint8 (H, W)
        Weight of the distortion; 64 is 1.
    reach : int32 (H, W)
        Greatest acceptable squared distance from the target. For the first pixel of a phrase the nearest
        colour is always acceptable.
    palette : int16 (n, 3), n <= 2^min_code_size
    min_code_size : 2..8
    transparent : int
        The transparent index, which has no colour; -1 if there is none.
    cost_of_bit : int
        Distortion (squared distance times weight / 64) equivalent to one bit: 0 or more.
    strength : 0..256
        Strength of the diffusion.
    clamp : int
        Largest error of a coordinate that is diffused.

    Returns
    -------
    (codes, indices, work) : bytes, without the lengths of sub-blocks; uint8 (H, W); what it took, in proportion to
        the time
    """
    cdef Canvas canvas
    cdef Table *t
    cdef uint8_t[:, ::1] indices
    cdef int i
    height, width = target.shape[0], target.shape[1]
    check_code_size(min_code_size)
    check_canvas(target, held, state, weight, reach, palette, min_code_size, transparent)
    if cost_of_bit < 0 or not 0 <= strength <= 256 or not 0 <= clamp <= CLAMP_MAX:
        raise ParameterError(f"a bit costs 0 or more, strength is 0..256, clamp 0..{CLAMP_MAX}; not {cost_of_bit}, "
                             f"{strength}, {clamp}")
    chosen = np.empty((height, width), np.uint8)
    indices = chosen
    canvas.width, canvas.pixels = width, height * width
    canvas.target, canvas.held = &target[0, 0, 0], &held[0, 0, 0]
    canvas.state, canvas.weight = &state[0, 0], &weight[0, 0]
    canvas.reach, canvas.colors, canvas.transparent = &reach[0, 0], palette.shape[0], transparent
    for i in range(3 * ENTRIES):
        canvas.palette[i // ENTRIES][i % ENTRIES] = palette[min(i % ENTRIES, canvas.colors - 1), i // ENTRIES]
    canvas.variant = codec_variant(cpu.level_index())
    canvas.strength, canvas.clamp, canvas.cost_of_bit, canvas.chosen = strength, clamp, cost_of_bit, &indices[0, 0]
    canvas.row = canvas.column = canvas.work = 0
    with nogil:
        t = new_table(min_code_size, canvas.pixels)
        canvas.above = <int32_t *>calloc(6 * (canvas.width + 2), sizeof(int32_t))
        canvas.stack = <Step *>malloc((CODES + 1) * sizeof(Step))
        if t != NULL and canvas.above != NULL and canvas.stack != NULL:
            paint(t, &canvas)
        elif t != NULL:
            free(t.out)
            free(t)
            t = NULL
        free(canvas.above)
        free(canvas.stack)
    if t == NULL:
        raise MemoryError(f"no memory to encode {canvas.pixels} pixels")
    codes = taken(t)
    raise_stopped()
    return codes, chosen, canvas.work


cdef int check_canvas(const int16_t[:, :, ::1] target, const int16_t[:, :, ::1] held, const uint8_t[:, ::1] state,
                      const uint8_t[:, ::1] weight, const int32_t[:, ::1] reach, const int16_t[:, ::1] palette,
                      int min_code_size, int transparent) except -1:
    cdef Py_ssize_t height = target.shape[0], width = target.shape[1], i, j
    cdef int most = 0
    if height < 1 or width < 1 or target.shape[2] != 3:
        raise ParameterError(f"the target is (H, W, 3) of one pixel at least, not {(height, width, target.shape[2])}")
    heights = {held.shape[0], state.shape[0], weight.shape[0], reach.shape[0]}
    widths = {held.shape[1], state.shape[1], weight.shape[1], reach.shape[1]}
    if heights != {height} or widths != {width}:
        raise ParameterError(f"held, state, weight and reach are as large as the target, {(height, width)}")
    if held.shape[2] != 3 or palette.shape[1] != 3 or not 1 <= palette.shape[0] <= 1 << min_code_size:
        raise ParameterError(f"held has three coordinates, and so has the palette, of 1 to {1 << min_code_size} "
                             "colours")
    if transparent >= 1 << min_code_size:
        raise ParameterError(f"the transparent index {transparent} does not fit {min_code_size} bits")
    for i in range(height):
        for j in range(width):
            most = max(most, state[i, j])
    if most > (MUST_STAY if transparent >= 0 else FREE):
        raise ParameterError("states are 0, 1 or 2, and 0 where no index is transparent")
    i = 3 * height * width
    if beyond(&target[0, 0, 0], i) or beyond(&held[0, 0, 0], i) or beyond(&palette[0, 0], 3 * palette.shape[0]):
        raise ParameterError(f"coordinates are within -{COORDINATE_MAX}..{COORDINATE_MAX}")
    return 0


cdef bint beyond(const int16_t *values, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef int16_t least = 0, most = 0
    for i in range(n):
        least, most = min(least, values[i]), max(most, values[i])
    return least < -COORDINATE_MAX or most > COORDINATE_MAX


cdef inline int32_t bounded(int32_t value, int32_t most) noexcept nogil:
    return most if value > most else -most if value < -most else value


cdef inline int32_t square(int32_t red, int32_t green, int32_t blue) noexcept nogil:
    return red * red + green * green + blue * blue


cdef void wanted(Canvas *c, Py_ssize_t at, const int32_t *above, const int32_t *right, int32_t *want) noexcept nogil:
    """Target plus the errors of the neighbours. Sums of errors: at most 4095 x 256 x 16 in 1/4096, 24 bits."""
    cdef int i
    for i in range(3):
        want[i] = c.target[3 * at + i] + bounded((above[i] + right[i] + 2048) >> 12, c.clamp)


cdef int32_t distance(Canvas *c, Py_ssize_t at, int symbol, const int32_t *want, Step *to) noexcept nogil:
    """Squared distance of a symbol from the wanted values, or -1 if the symbol is not allowed. Stores the error."""
    if symbol == c.transparent:
        if c.state[at] == FREE:
            return -1
        # A pixel that stays is compared with its target alone: it was chosen under other errors.
        to.red = c.target[3 * at] - c.held[3 * at]
        to.green = c.target[3 * at + 1] - c.held[3 * at + 1]
        to.blue = c.target[3 * at + 2] - c.held[3 * at + 2]
        return 0 if c.state[at] == MUST_STAY else square(to.red, to.green, to.blue)
    if c.state[at] == MUST_STAY or symbol >= c.colors:
        return -1
    to.red, to.green = want[0] - c.palette[0][symbol], want[1] - c.palette[1][symbol]
    to.blue = want[2] - c.palette[2][symbol]
    return square(to.red, to.green, to.blue)


cdef inline int32_t *row_above(Canvas *c, Py_ssize_t row) noexcept nogil:
    """Errors diffused to a row, from x = -1 on."""
    return &c.above[(row & 1) * 3 * (c.width + 2)]


cdef int push_first(Canvas *c, Py_ssize_t at) noexcept nogil:
    """Push the phrases of one pixel that are near enough; the nearest always is."""
    cdef int symbol, group, entries = (c.colors + GROUP - 1) // GROUP * GROUP, count = 0
    cdef int32_t d
    cdef int32_t want[3]
    cdef int16_t point[3]
    cdef uint8_t near[ENTRIES]
    cdef uint64_t any_near
    if c.state[at] != MUST_STAY:
        wanted(c, at, row_above(c, c.row) + 3 * (c.column + 1), c.right, want)
        # Differences are at most 2 x 8191 + 4095.
        point[0], point[1], point[2] = want[0], want[1], want[2]
        c.work += entries // WORTH
        codec_near_entries[c.variant](&c.palette[0][0], entries, point, c.reach[at], near)
        for group in range(0, entries, 8):
            memcpy(&any_near, &near[group], 8)
            if not any_near:
                continue
            for symbol in range(group, min(group + 8, c.colors)):
                # The transparent index may lie among the colours but is not one.
                if near[symbol] and symbol != c.transparent:
                    begin_phrase(c, at, symbol, want, &c.stack[count])
                    count += 1
    if c.state[at] != FREE:
        d = distance(c, at, c.transparent, want, &c.stack[count])
        if count == 0 or d <= c.reach[at]:
            begin_phrase(c, at, c.transparent, want, &c.stack[count])
            count += 1
    return count


cdef void begin_phrase(Canvas *c, Py_ssize_t at, int symbol, const int32_t *want, Step *step) noexcept nogil:
    step.distortion = (<int64_t>distance(c, at, symbol, want, step) * c.weight[at]) >> 6
    step.node, step.depth = symbol, 1


cdef int push_longer(Canvas *c, Py_ssize_t begin, Table *t, const Step *phrase, int count) noexcept nogil:
    """Push the phrases one pixel longer than `phrase` that are near enough; returns the number on the stack."""
    cdef Py_ssize_t at = begin + phrase.depth, x = c.column + phrase.depth, rows = 0
    cdef int child = t.child[phrase.node]
    cdef int32_t d
    cdef int32_t want[3]
    cdef int32_t right[3]
    cdef int32_t none[3]
    cdef const int32_t *above = none
    cdef Step step
    memset(none, 0, sizeof(none))
    memset(right, 0, sizeof(right))
    if child == NONE or at >= c.pixels:
        return count
    if x >= c.width:
        rows = x // c.width
        x -= rows * c.width
    if rows <= 1:                                       # errors for rows further down are not known yet
        above = row_above(c, c.row + rows) + 3 * (x + 1)
    if x:
        right[0], right[1] = 7 * c.strength * phrase.red, 7 * c.strength * phrase.green
        right[2] = 7 * c.strength * phrase.blue
    wanted(c, at, above, right, want)
    step.depth = phrase.depth + 1
    while child != NONE:
        c.work += 1
        d = distance(c, at, t.symbol[child], want, &step)
        if 0 <= d <= c.reach[at]:
            step.node, step.distortion = child, phrase.distortion + ((<int64_t>d * c.weight[at]) >> 6)
            c.stack[count] = step
            count += 1
        child = t.sibling[child]
    return count


cdef inline int64_t cost_of(const Step *phrase, int64_t cost_of_code, int64_t per_pixel) noexcept nogil:
    """Cost of a phrase minus `per_pixel` for each of its pixels, in 1/256 units. Costs of 2^24 pixels: 2^59 at most."""
    return ((phrase.distortion + cost_of_code) << FRACTION) - per_pixel * phrase.depth


cdef Step best_phrase(Canvas *c, Py_ssize_t begin, Table *t, int64_t per_pixel) noexcept nogil:
    """The phrase of least cost; the longest of equals, then the first found.

    Distortion is not negative, so no continuation of a phrase costs less than the phrase minus `per_pixel` for each
    pixel of the longest one. Phrases that cannot reach the least cost found so far are left out.
    """
    cdef int count = push_first(c, begin), i
    cdef int64_t cost, least = INT64_MAX, cost_of_code = c.cost_of_bit * t.width
    cdef Step best, step
    best = c.stack[0]
    best.depth = 0
    for i in range(count):
        least = min(least, cost_of(&c.stack[i], cost_of_code, per_pixel))
    while count:
        count -= 1
        c.work += 1
        step = c.stack[count]
        cost = cost_of(&step, cost_of_code, per_pixel)
        if cost < least or (cost == least and step.depth > best.depth):
            least, best = cost, step
        if cost - per_pixel * t.height[step.node] <= least:
            count = push_longer(c, begin, t, &step, count)
    return best


cdef int64_t commit(Canvas *c, Py_ssize_t begin, Table *t, const Step *phrase) noexcept nogil:
    """Set the indices of the phrase's pixels and diffuse their errors; go to the pixel behind it. Returns the
    distortion."""
    cdef int node = phrase.node, i
    cdef Py_ssize_t at
    cdef int32_t want[3]
    cdef int32_t *here
    cdef int32_t *below
    cdef int32_t error[3]
    cdef int32_t d
    cdef int64_t sum = 0
    cdef Step step
    for at in range(begin + phrase.depth - 1, begin - 1, -1):
        c.chosen[at] = t.symbol[node]
        node = t.parent[node]
    for at in range(begin, begin + phrase.depth):
        here, below = row_above(c, c.row) + 3 * c.column, row_above(c, c.row + 1) + 3 * c.column
        if c.column == 0:
            memset(c.right, 0, sizeof(c.right))
            memset(below, 0, 3 * (c.width + 2) * sizeof(int32_t))
        wanted(c, at, here + 3, c.right, want)
        d = distance(c, at, c.chosen[at], want, &step)
        sum += (<int64_t>d * c.weight[at]) >> 6
        error[0], error[1], error[2] = step.red, step.green, step.blue
        for i in range(3):
            error[i] = bounded(error[i], c.clamp) * c.strength
            below[i] += 3 * error[i]
            below[i + 3] += 5 * error[i]
            below[i + 6] += error[i]
            c.right[i] = 7 * error[i]
        c.column += 1
        if c.column == c.width:
            c.row, c.column = c.row + 1, 0
    return sum


cdef bint foresee(Table *t, int before, int code) noexcept nogil:
    """Add the phrase that the reader learns with the next code: `before` plus the first symbol of the next phrase. It
    can be the next phrase itself only if that symbol is the first of `before`, so add it in that form. Returns
    whether no such phrase existed."""
    if child_of(t, before, t.head[before]) != NONE:
        return False
    link(t, before, code, t.head[before])
    return True


cdef void settle(Table *t, int before, int code, bint foreseen, uint8_t symbol) noexcept nogil:
    """Correct the phrase now that its last symbol is known. A phrase that exists already takes
    a code and is not linked."""
    if foreseen:
        if symbol == t.head[before]:
            return
        t.child[before] = t.sibling[code]
    if child_of(t, before, symbol) == NONE:
        link(t, before, code, symbol)


cdef void paint(Table *t, Canvas *c) noexcept nogil:
    cdef Py_ssize_t at = 0, look = 0
    cdef int before = NONE, code = NONE, width
    cdef bint foreseen = False
    cdef int64_t cost, cost_sum = (4 * c.cost_of_bit) << FRACTION, pixel_sum = 1 << FRACTION
    cdef Step phrase
    memset(c.right, 0, sizeof(c.right))
    while at < c.pixels:
        if code != NONE:
            foreseen = foresee(t, before, code)
        if at >= look:
            look = at + BETWEEN
            if stopped():
                return
        phrase = best_phrase(c, at, t, (cost_sum << FRACTION) // pixel_sum)
        cost = commit(c, at, t, &phrase)
        if code != NONE:
            settle(t, before, code, foreseen, c.chosen[at])
        width, before = t.width, phrase.node
        put_code(t, before)
        code = t.next if t.next < CODES else NONE
        grow(t)
        cost += c.cost_of_bit * width
        cost_sum += ((cost << FRACTION) - cost_sum) >> FORGET
        pixel_sum += ((<int64_t>phrase.depth << FRACTION) - pixel_sum) >> FORGET
        at += phrase.depth
        if spent(t, cost, phrase.depth) and at < c.pixels:
            begin_table(t)
            code = NONE
    end_data(t)
