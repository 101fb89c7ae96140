"""`codec video`: H.264 verbs, one file each."""

import importlib

import click

VERBS = {
    "decode": "Decode to YUV4MPEG2, raw planes, PNG pictures, or an MD5.",
    "encode": "Encode to MP4, Matroska or a byte stream.",
    "inspect": "Show NAL units, parameter sets, pictures, and where the bits went.",
}


class VideoVerbs(click.Group):
    """Load a verb when it is called."""

    def list_commands(self, ctx):
        return list(VERBS)

    def get_command(self, ctx, name):
        return getattr(importlib.import_module(f"codec.cli.video_{name}"), name) if name in VERBS else None

    def format_commands(self, ctx, formatter):
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=VideoVerbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def video():
    """Encode, decode and inspect H.264 video.

    \b
    Examples:
      codec video encode clip.y4m -o clip.mp4 --crf 23 --preset medium
      codec video decode clip.264 -o clip.y4m
      codec video decode clip.mp4 -o frames/%04d.png
      codec video inspect clip.264
    """
