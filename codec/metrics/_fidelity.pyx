"""Sum of squared differences of two contiguous rows of samples: exact for integers, in a fixed order for floats."""
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef uint64_t sse_u8(const uint8_t* a, const uint8_t* b, Py_ssize_t n) noexcept nogil:
    """65536 squares of at most 255^2 sum to 4 261 478 400 < 2^32, so blocks of 65536 samples are summed in 32 bits."""
    cdef Py_ssize_t start, i, end
    cdef uint32_t block
    cdef int16_t d
    cdef uint64_t total = 0
    for start in range(0, n, 65536):
        block = 0
        end = min(n, start + 65536)
        for i in range(start, end):
            d = <int16_t>(a[i] - b[i])
            block += <uint32_t>(<int32_t>d * d)
        total += block
    return total


cdef uint64_t sse_u16(const uint16_t* a, const uint16_t* b, Py_ssize_t n) noexcept nogil:
    """One square is at most 65535^2 = 4 294 836 225 < 2^32; the sum overflows 64 bits only beyond 2^32 samples."""
    cdef Py_ssize_t i
    cdef uint32_t d
    cdef uint64_t total = 0
    for i in range(n):
        d = <uint32_t>(<int32_t>a[i] - <int32_t>b[i])
        total += d * d  # modulo 2^32 the square of a negative difference is that of its magnitude
    return total


ctypedef fused real:
    float
    double


cdef double sse_real(const real* a, const real* b, Py_ssize_t n) noexcept nogil:
    """Differences and squares in double, summed in eight lanes, then in pairs."""
    cdef Py_ssize_t i, lane
    cdef double d
    cdef double[8] sums
    for lane in range(8):
        sums[lane] = 0
    for i in range(0, n - 7, 8):
        for lane in range(8):
            d = <double>a[i + lane] - <double>b[i + lane]
            sums[lane] += d * d
    for i in range(n & ~7, n):
        d = <double>a[i] - <double>b[i]
        sums[i & 7] += d * d
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))


ctypedef fused sample:
    uint8_t
    uint16_t
    float
    double


def sum_squared_error(const sample[::1] a, const sample[::1] b):
    """Sum of (a - b)^2 over two arrays of one length: an exact int for uint8 and uint16, a float for float32 and
    float64."""
    cdef Py_ssize_t n = a.shape[0]
    cdef uint64_t exact = 0
    cdef double rounded = 0
    assert b.shape[0] == n and n > 0
    with nogil:
        if sample is uint8_t:
            exact = sse_u8(&a[0], &b[0], n)
        elif sample is uint16_t:
            exact = sse_u16(&a[0], &b[0], n)
        else:
            rounded = sse_real(&a[0], &b[0], n)
    if sample is uint8_t or sample is uint16_t:
        return exact
    return rounded
