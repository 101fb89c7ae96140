"""What side data says of a macroblock beside what later stages need: partitions and bits (MbView of _picture.pxd)."""
from libc.stdint cimport int32_t, int64_t

from codec.h264.macroblock._slice cimport PART_8X8, SliceContext
from codec.h264.pictures._picture cimport MB_DIRECT, MB_INTRA, MB_SKIP, MbView, VIEW_DIRECT


cdef inline void observe_parts(SliceContext *s) noexcept nogil:
    """The partitions as coded: inter prediction merges equal ones."""
    cdef MbView *view
    cdef int i
    if s.pic.views == NULL:
        return
    view = &s.pic.views[s.place.mb]
    view.part = 0 if s.mb.flags & (MB_INTRA | MB_SKIP | MB_DIRECT) else s.mb.part
    for i in range(4):
        view.sub_part[i] = 0 if view.part != PART_8X8 else VIEW_DIRECT if s.mb.direct[i] else s.mb.sub_part[i]


cdef inline void observe_bits(SliceContext *s, int64_t position) noexcept nogil:
    """The slice is coded up to here, in bits from its start or another fixed place."""
    cdef MbView *view
    if s.pic.views == NULL:
        return
    view = &s.pic.views[s.place.mb]
    view.bits = <int32_t>(position - s.place.position) + (view.bits if s.slice.colour_plane else 0)
    s.place.position = position
