"""H.264 (Rec. ITU-T H.264, 08/2021): decoder, encoder, and their stages.

Data flow: decode/intake splits bytes into NAL units (stream/nal). decode/sequence parses parameter sets and slice
headers (stream/, one function for each table of 7.3), orders pictures (pictures/: order, references, dpb), and gives
the slices of each picture to a thread (decode/jobs), which decodes them (decode/_slice_dec). decode/output makes a
Frame of each picture. decode/decoder is the public class.

The encoder runs the same stages the other way: encode/encoder orders frames, encode/_decide fills the macroblocks that
the parser would, and entropy/_mb_write writes them. It loads on first use: decoding does not need it.
"""

from typing import TYPE_CHECKING

from .._lazy import lazy
from .decode.decoder import Decoder
from .decode.video import VideoInfo, decode_video, probe
from .inspect import inspect
from .xray import MB_TYPES, mb_types, overlay

if TYPE_CHECKING:
    from .encode.live import Encoder
    from .encode.result import EncodedPicture, EncodedVideo, PictureInfo
    from .encode.video import encode_frames, encode_video, write_video

__all__ = [
    "Decoder", "EncodedPicture", "EncodedVideo", "Encoder", "PictureInfo", "VideoInfo", "decode_video", "encode_frames",
    "encode_video", "inspect", "MB_TYPES", "mb_types", "overlay", "probe", "write_video",
]  # fmt: skip

# name -> module, which loads on first use
_ENCODER = {
    "Encoder": "encode.live",
    **dict.fromkeys(("EncodedPicture", "EncodedVideo", "PictureInfo"), "encode.result"),
    **dict.fromkeys(("encode_frames", "encode_video", "write_video"), "encode.video"),
}

__getattr__, __dir__ = lazy(__name__, _ENCODER)
