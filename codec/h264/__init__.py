"""H.264 (Rec. ITU-T H.264, 08/2021): the decoder and its stages.

Bytes in: nal -> parameter_sets, slice_header (one function of `syntax` for each table of 7.3) -> decoder, which orders pictures by order,
references and dpb and gives the slices of each picture to a thread of jobs, which decodes them by _slice_dec; pictures out: output -> Frame.
"""

from .decode.decoder import Decoder
from .decode.video import VideoInfo, decode_video, probe
from .inspect import inspect

__all__ = ["Decoder", "VideoInfo", "decode_video", "inspect", "probe"]
