"""The deblocking filter of H.264 (8.7) for compiled code."""
from codec.h264.macroblock._kernels cimport H264Dsp
from codec.h264.pictures._picture cimport PictureData

cdef int deblock_rows(PictureData *p, const H264Dsp *dsp, int first_row, int last_row, int colour_plane) noexcept nogil
