"""Codecs by name: each turns files of one kind into the chunks of a container item, and back."""

from geo3d_compression.codecs.codec import Codec as Codec
from geo3d_compression.codecs.codec import Outcome as Outcome
from geo3d_compression.codecs.codec import Request as Request
from geo3d_compression.codecs.codec import View as View
from geo3d_compression.codecs.registry import CODECS as CODECS
from geo3d_compression.codecs.registry import codec_for as codec_for
from geo3d_compression.codecs.registry import codec_of as codec_of
