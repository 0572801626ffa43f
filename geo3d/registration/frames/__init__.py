"""Registration of RGB-D frames: pooled hypotheses, two-way projective verification, dense refinement, refusal."""

from geo3d.registration.frames.describe import FrameDescription as FrameDescription
from geo3d.registration.frames.describe import describe_frame as describe_frame
from geo3d.registration.frames.register_frames import register_descriptions as register_descriptions
