"""What other modules must know of the writer: the search for a scan script, and the encoder that writes row by row."""
from codec._core cimport RAW_TOKEN, BitWriter, EntropyTable, JpegCodes, JpegDsp, JpegRow

cdef class Tables:
    cdef EntropyTable table[RAW_TOKEN]      # four of class 0, four of class 1
    cdef JpegCodes *codes                   # likewise, after prepare(); else NULL

# A sequential scan, written a row of MCUs at a time.
cdef struct RowWriter:
    BitWriter writer            # owned
    const JpegDsp *dsp
    JpegRow rows[4]
    JpegCodes *codes            # room for DC and AC of each component, for set_row_tables
    const EntropyTable *tables[4][2]    # from which they were made
    int Ns
    Py_ssize_t mcus_wide, restart_interval

cdef void describe_rows(RowWriter *r, const JpegDsp *dsp, int Ns, Py_ssize_t mcus_wide,
                        Py_ssize_t restart_interval) noexcept nogil
cdef int put_mcu_row(RowWriter *r, Py_ssize_t my, Py_ssize_t mx) noexcept nogil
cdef int check_written(int status) except -1
cdef bytes finished(BitWriter *w, int status)

cdef enum:
    # correction bits buffered for an end-of-band run; T.81 sets no bound, this one keeps memory fixed
    MAX_BE = 1000


cdef inline int extra_bits(int Tc, int symbol) noexcept nogil:
    """Bits after a symbol: SSSS for a DC difference or an AC coefficient, n for EOBn, none for EOB, EOB0 and ZRL."""
    if Tc == 0:
        return min(symbol, 16)
    return symbol & 15 if symbol & 15 else (symbol >> 4 if symbol < 0xF0 else 0)
