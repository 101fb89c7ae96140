"""The bands of a picture on their way to pixels, for those who read them in other ways."""
from libc.stdint cimport int16_t, int64_t, uint16_t, uint8_t

from codec._core cimport JpegDsp, JpegReduced
from codec._team cimport Team
from codec.jpeg._planes cimport Upsampler
from codec.jpeg._scan_read cimport ReadScan

cdef enum:
    # what is to be done with a band
    READ, CONVERT, COMPOSE, READ_MORE, WAIT, END
    # what has been done with it
    BUSY = 0
    IS_READ, IS_CONVERTED, IS_COMPOSED
    BEING_COMPOSED          # its samples may serve the band below as well

cdef struct Part:           # a component
    Py_ssize_t wide, high   # blocks
    Py_ssize_t left, taken  # blocks of a row that are transformed: the first, and how many
    Py_ssize_t unit         # levels of a block in memory: 64, or 1, DC, where nothing else is needed
    int V                   # block rows in a row of MCUs
    int size                # samples on a side of a block; 0: none are needed
    const uint16_t *Q_nat
    int16_t *level_nat      # of the whole picture (`zigzag`: in that order), or of `slots` bands; those are clear
                            # before they are read
    uint8_t *samples        # of `slots` bands

cdef class BandTeam(Team):
    cdef ReadScan *scan         # NULL: all levels are there, or a subclass reads them
    cdef const JpegDsp *dsp
    cdef Part part[4]
    cdef JpegReduced *reduced   # owned, by component; NULL: all blocks have 8 x 8 samples
    cdef Upsampler upsamplers[4]
    cdef int parts_read, components     # those in the data, and those of the pixels, which come first
    cdef int transform, precision, Hmax, Vmax
    cdef Py_ssize_t height, width           # of the window
    cdef Py_ssize_t top         # its first row of MCUs; all other rows count from it
    cdef Py_ssize_t lead        # the row of the scan where reading begins
    cdef Py_ssize_t first_row, past_row     # of the pixels that are made
    cdef uint8_t *pixels
    cdef void *memory           # owned
    cdef bint zigzag            # whether all levels are there in that order
    cdef int16_t *natural       # a row of blocks for each slot, where levels are put into natural order
    cdef Py_ssize_t widest      # levels of such a row
    cdef int *done              # owned, by slot
    cdef Py_ssize_t mcus_high, rows         # of MCUs; rows of pixels of each
    cdef Py_ssize_t band, bands, slots      # MCU rows of a band; bands; bands in memory
    cdef Py_ssize_t begun, composed         # bands that reading began with; the first ones that are composed
    cdef bint ring              # levels are those of `slots` bands
    cdef bint several, any_order, reading

    cdef int allocate(self) except -1
    cdef bint can_read(self) noexcept nogil
    cdef void do_tasks(self, ReadScan *reader, void *room) noexcept nogil
    cdef void do_in_order(self, void *room) noexcept nogil
    cdef int next_task(self, Py_ssize_t *band) noexcept nogil
    cdef int next_of_read(self, Py_ssize_t *band) noexcept nogil
    cdef void finish_band(self, int task, Py_ssize_t band, int done, int status) noexcept nogil
    cdef void read_more(self) noexcept nogil
    cdef ReadScan *open_reader(self) noexcept nogil
    cdef void close_reader(self, ReadScan *own) noexcept nogil
    cdef int read_band(self, ReadScan *s, Py_ssize_t band) noexcept nogil
    cdef int16_t *levels_of(self, int i, Py_ssize_t band) noexcept nogil
    cdef int pass_rows(self, ReadScan *s, Py_ssize_t first, Py_ssize_t past) noexcept nogil
    cdef void convert(self, Py_ssize_t band) noexcept nogil
    cdef void clear(self, Py_ssize_t band) noexcept nogil
    cdef void compose(self, Py_ssize_t band, void *room) noexcept nogil

cdef int describe(BandTeam team, planes_shape, Q, color, sampling, Py_ssize_t height, Py_ssize_t width, int precision,
                  window=*) except -1
cdef void copy_description(BandTeam team, BandTeam model) noexcept
cdef object run(BandTeam team, int threads, out)
