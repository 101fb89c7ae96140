"""What `codec/__init__.py` loads when it is first used, for type checkers and editors."""

from . import cpu as cpu
from . import h264 as h264
from . import jpeg as jpeg
from . import metrics as metrics
from . import palette as palette
from . import quantizers as quantizers
from . import rd as rd
from . import registry as registry
from .api import decode as decode
from .api import decode_many as decode_many
from .api import encode as encode
from .api import encode_many as encode_many
from .api import probe as probe
from .api import read as read
from .api import write as write
from .errors import BitstreamError as BitstreamError
from .errors import CodecError as CodecError
from .errors import DamageWarning as DamageWarning
from .errors import FileError as FileError
from .errors import LimitError as LimitError
from .errors import MissingPackageError as MissingPackageError
from .errors import ParameterError as ParameterError
from .errors import PeerError as PeerError
from .errors import TruncatedError as TruncatedError
from .errors import UnsupportedError as UnsupportedError
from .formats.animation import animate as animate
from .frame import Frame as Frame
from .h264.decode.video import decode_video as decode_video
from .h264.encode.video import encode_video as encode_video
from .h264.encode.video import write_video as write_video
from .jpeg.planes import decode_planes as decode_planes
from .limits import Limits as Limits
from .palette import PaletteQuantizer as PaletteQuantizer
from .palette import quantize_colors as quantize_colors

__version__: str
