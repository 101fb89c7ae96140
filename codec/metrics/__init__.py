"""Full-reference picture quality metrics, with the same results on every machine.

Every function takes two arrays of the same shape and dtype, reference first, and documents which published variant it
computes.
"""

from .fidelity import mse, psnr
from .gradients import ssimulacra2_gradient
from .names import by_name
from .perceptual import ciede2000, psnr_hvs_m, psnr_y, psnr_ycbcr
from .ssim import SsimPreset, ffmpeg, ms_ssim, skimage, ssim, ssim_map, ssim_y, wang2004
from .ssimulacra2 import ssimulacra2
from .video import VideoScores, video

__all__ = [
    "SsimPreset",
    "VideoScores",
    "by_name",
    "ciede2000",
    "ffmpeg",
    "ms_ssim",
    "mse",
    "psnr",
    "psnr_hvs_m",
    "psnr_y",
    "psnr_ycbcr",
    "skimage",
    "ssim",
    "ssim_map",
    "ssim_y",
    "ssimulacra2",
    "ssimulacra2_gradient",
    "video",
    "wang2004",
]
