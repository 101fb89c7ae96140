"""H.264 (Rec. ITU-T H.264, 08/2021): the decoder and its stages.

Data flow: decode/intake splits bytes into NAL units (stream/nal). decode/sequence parses parameter sets and slice
headers (stream/, one function for each table of 7.3), orders pictures (pictures/: order, references, dpb), and gives
the slices of each picture to a thread (decode/jobs), which decodes them (decode/_slice_dec). decode/output makes a
Frame of each picture. decode/decoder is the public class.
"""

from .decode.decoder import Decoder
from .decode.video import VideoInfo, decode_video, probe
from .inspect import inspect

__all__ = ["Decoder", "VideoInfo", "decode_video", "inspect", "probe"]
