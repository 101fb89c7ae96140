"""The deblocking filter of H.264 (8.7) for compiled code."""
from ._kernels cimport H264Dsp
from ..pictures._picture cimport PictureData

cdef int deblock_rows(PictureData *p, const H264Dsp *dsp, int first_row, int last_row, int colour_plane) noexcept nogil
