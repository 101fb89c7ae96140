"""Picture buffers: allocated once, reused through a pool.

Every plane has SLACK readable bytes before its first and after its last sample, so that vector kernels may load whole
registers anywhere in it.
"""
from libc.stdint cimport int8_t, uint8_t, int16_t, uint16_t, int32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset

from codec._team cimport shared_sleep
from ...errors import LimitError, ParameterError

cdef enum:
    ALIGNMENT = 64
    SLACK = 256

cdef int32_t next_unique = 0


cdef void *calloc_lines(size_t size) noexcept nogil:
    """calloc() aligned to cache lines: the vectors of a macroblock in one list fill one line. The byte before the
    memory is its offset, for free_lines()."""
    cdef uint8_t *memory = <uint8_t *>calloc(size + ALIGNMENT, 1)
    cdef size_t offset
    if memory == NULL:
        return NULL
    offset = ALIGNMENT - <size_t>memory % ALIGNMENT
    memory[offset - 1] = <uint8_t>offset
    return memory + offset


cdef void free_lines(void *lines) noexcept nogil:
    if lines != NULL:
        free(<uint8_t *>lines - (<uint8_t *>lines - 1)[0])


cdef class _Plane:
    """One plane through the buffer protocol; keeps its picture alive."""
    cdef Picture picture
    cdef int index
    cdef Py_ssize_t shape[2]
    cdef Py_ssize_t strides[2]

    def __getbuffer__(self, Py_buffer *view, int flags):
        cdef PictureData *p = &self.picture.data
        self.shape[0] = p.height[self.index]
        self.shape[1] = p.width[self.index]
        self.strides[0] = p.stride[self.index]
        self.strides[1] = 1 << p.pixel_shift
        view.buf = p.plane[self.index]
        view.obj = self
        view.len = self.shape[0] * self.shape[1] << p.pixel_shift
        view.itemsize = 1 << p.pixel_shift
        view.readonly = 0
        view.ndim = 2
        view.format = b"H" if p.pixel_shift else b"B"
        view.shape = self.shape
        view.strides = self.strides
        view.suboffsets = NULL
        view.internal = NULL


cdef class Picture:
    """Samples and macroblock data of one frame, or of both fields of a complementary pair.

    Parameters
    ----------
    width_in_mbs, height_in_mbs : int
        Size of the frame in macroblocks (PicWidthInMbs, FrameHeightInMbs), each 1 to 1055.
    chroma_format_idc : int
        0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    bit_depth_luma, bit_depth_chroma : int
        8 to 14. Samples are stored in 16 bits if either is above 8.
    separate_colour_planes : bool, default False
        Three planes coded as three monochrome pictures (separate_colour_plane_flag).

    Raises
    ------
    LimitError
        For a size that no level allows.
    """

    def __cinit__(self, int width_in_mbs, int height_in_mbs, int chroma_format_idc, int bit_depth_luma=8,
                  int bit_depth_chroma=8, bint separate_colour_planes=False):
        if not (0 < width_in_mbs <= 1055 and 0 < height_in_mbs <= 1055 and width_in_mbs * height_in_mbs <= 139264):
            raise LimitError(
                f"a picture of {width_in_mbs} x {height_in_mbs} macroblocks is larger than level 6.2 allows "
                "(H.264 Table A-1)"
            )
        if not (0 <= chroma_format_idc <= 3 and 8 <= bit_depth_luma <= 14 and 8 <= bit_depth_chroma <= 14):
            raise ParameterError("chroma_format_idc must be 0 to 3 and bit depths 8 to 14")
        cdef PictureData *p = &self.data
        cdef int i, sets
        self.key = (
            width_in_mbs, height_in_mbs, chroma_format_idc, bit_depth_luma, bit_depth_chroma,
            bool(separate_colour_planes),
        )
        self.tag = None
        p.mb_width, p.mb_height = width_in_mbs, height_in_mbs
        p.mb_count = width_in_mbs * height_in_mbs
        p.chroma_format_idc = chroma_format_idc
        p.separate_planes = separate_colour_planes
        p.bit_depth[0], p.bit_depth[1] = bit_depth_luma, bit_depth_chroma
        p.pixel_shift = bit_depth_luma > 8 or (bit_depth_chroma > 8 and chroma_format_idc != 0)
        for i in range(3):
            self._allocate_plane(i)
        sets = 3 if separate_colour_planes else 1
        p.all_mb = <MbInfo *>calloc(sets * p.mb_count, sizeof(MbInfo))
        p.all_mv = <int16_t (*)[2]>calloc_lines(sets * p.mb_count * 32 * 2 * sizeof(int16_t))
        p.all_refIdx = <int8_t *>calloc(sets * p.mb_count, 8)
        p.all_ref_id = <int32_t *>calloc_lines(sets * p.mb_count * 8 * sizeof(int32_t))
        if not (p.all_mb and p.all_mv and p.all_refIdx and p.all_ref_id):
            raise MemoryError("no memory for a picture")
        self.begin()

    cdef int _allocate_plane(self, int i) except -1:
        cdef PictureData *p = &self.data
        cdef Py_ssize_t size
        p.width[i], p.height[i] = p.mb_width * 16, p.mb_height * 16
        if i:
            if p.chroma_format_idc == 0:
                p.width[i] = p.height[i] = 0
                return 0
            p.width[i] >>= p.chroma_format_idc != 3
            p.height[i] >>= p.chroma_format_idc == 1
        p.stride[i] = ((<Py_ssize_t>p.width[i] << p.pixel_shift) + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        if p.stride[i] % 1024 == 0:
            p.stride[i] += ALIGNMENT            # lines a multiple of 1024 apart share few cache sets
        size = p.stride[i] * p.height[i]
        self.memory[i] = <uint8_t *>calloc(size + 2 * SLACK + ALIGNMENT, 1)
        if not self.memory[i]:
            raise MemoryError("no memory for a picture")
        p.plane[i] = self.memory[i] + SLACK
        p.plane[i] += (ALIGNMENT - <size_t>p.plane[i] % ALIGNMENT) % ALIGNMENT
        return 0

    def __dealloc__(self):
        cdef int i
        for i in range(3):
            free(self.memory[i])
        free(self.data.all_mb)
        free_lines(self.data.all_mv)
        free(self.data.all_refIdx)
        free_lines(self.data.all_ref_id)
        free(self.data.slices)
        free(self.data.views)

    def begin(self):
        """Make it a new picture: nothing decoded, a new identity. Samples keep their values."""
        global next_unique
        cdef PictureData *p = &self.data
        cdef int done = 1, n = p.mb_count * (3 if p.separate_planes else 1)
        next_unique = next_unique % 0x1FFFFFFE + 1      # times 4 still fits
        p.unique = next_unique
        p.poc[0] = p.poc[1] = 0
        p.long_term = 0
        p.structure = p.coded_as_fields = p.mbaff = 0
        p.slice_count = 0
        p.pending = p.lines = p.next_mb = p.filtered_rows = p.faults = 0
        select_plane(p, 0)
        if p.views != NULL:
            memset(p.views, 0, p.mb_count * sizeof(MbView))
        memset(p.mb, 0, sizeof(MbInfo))
        p.mb[0].slice = -1
        while done < n:                                 # the same in all
            memcpy(&p.mb[done], p.mb, min(done, n - done) * sizeof(MbInfo))
            done *= 2

    def observe(self):
        """Keep partitions and bits of macroblocks, from now on."""
        if self.data.views == NULL:
            self.data.views = <MbView *>calloc(self.data.mb_count, sizeof(MbView))
            if self.data.views == NULL:
                raise MemoryError("no memory for a picture")

    def views(self):
        """What `observe` kept, as bytes by name: "bits" (int32), "part" (uint8), "sub_part" (four of uint8)."""
        cdef PictureData *p = &self.data
        cdef int i, k
        cdef bytearray bits = bytearray(4 * p.mb_count), parts = bytearray(p.mb_count), subs = bytearray(4 * p.mb_count)
        cdef int32_t *b = <int32_t *><char *>bits
        if p.views != NULL:
            for i in range(p.mb_count):
                b[i], parts[i] = p.views[i].bits, p.views[i].part
                for k in range(4):
                    subs[4 * i + k] = p.views[i].sub_part[k]
        return {"bits": bits, "part": parts, "sub_part": subs}

    def forget_motion(self):
        """For a picture that nothing is decoded into: clear the references left from earlier use of the memory."""
        cdef PictureData *p = &self.data
        cdef size_t n = p.mb_count * (3 if p.separate_planes else 1)
        memset(p.all_refIdx, 0xFF, n * 8)
        memset(p.all_ref_id, 0xFF, n * 8 * sizeof(int32_t))

    def wait(self):
        """Wait until no batch is pending."""
        with nogil:
            while not has_lines(&self.data, 1 << 30):
                shared_sleep()

    @property
    def pic_id(self):
        """A number unique to this picture in the process."""
        return self.data.unique

    @property
    def TopFieldOrderCnt(self):
        """8.2.1; writable."""
        return self.data.poc[0]

    @TopFieldOrderCnt.setter
    def TopFieldOrderCnt(self, int value):
        self.data.poc[0] = value

    @property
    def BottomFieldOrderCnt(self):
        """8.2.1; writable."""
        return self.data.poc[1]

    @BottomFieldOrderCnt.setter
    def BottomFieldOrderCnt(self, int value):
        self.data.poc[1] = value

    @property
    def long_term(self):
        """Fields "used for long-term reference": 1 top field, 2 bottom field, 3 both, that is, the frame; writable."""
        return self.data.long_term

    @long_term.setter
    def long_term(self, int value):
        self.data.long_term = value & 3

    def planes(self):
        """Y, Cb, Cr as buffers of (height, width) in whole macroblocks, not copied; Y alone for monochrome."""
        cdef _Plane plane
        made = []
        for i in range(3 if self.data.chroma_format_idc else 1):
            plane = _Plane.__new__(_Plane)
            plane.picture = self
            plane.index = i
            made.append(plane)
        return made

    def macroblocks(self):
        """Side data of macroblocks, as bytes by name: "slice" (int32; -1: not decoded), "flags", "qp"."""
        cdef PictureData *p = &self.data
        cdef int i
        cdef bytearray slices = bytearray(4 * p.mb_count), flags = bytearray(2 * p.mb_count), qp = bytearray(p.mb_count)
        cdef int32_t *s = <int32_t *><char *>slices
        cdef uint16_t *f = <uint16_t *><char *>flags
        cdef int8_t *q = <int8_t *><char *>qp
        for i in range(p.mb_count):
            s[i], f[i], q[i] = p.mb[i].slice, p.mb[i].flags, p.mb[i].qp
        return {"slice": slices, "flags": flags, "qp": qp}

    def motion(self):
        """(vectors, refIdx): int16 as [mb][list][b4][x, y] and int8 as [mb][list][b8], as bytes objects."""
        cdef PictureData *p = &self.data
        return (<char *>p.mv)[:p.mb_count * 128], (<char *>p.refIdx)[:p.mb_count * 8]


cdef int add_slice(PictureData *p) noexcept nogil:
    """Add a SliceInfo: its index, or -1 without memory."""
    cdef SliceInfo *grown
    cdef int room
    if p.slice_count == p.slice_room:
        room = 2 * p.slice_room + 16
        grown = <SliceInfo *>realloc(p.slices, room * sizeof(SliceInfo))
        if grown == NULL:
            return -1
        p.slices = grown
        p.slice_room = room
    p.slice_count += 1
    return p.slice_count - 1
