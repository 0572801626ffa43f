"""Plausible whole shapes for points that show a part: a flow-matching prior over coarse signed-distance latents.

    points ─▶ cube around them ─▶ unsigned distance, 30³ ─▶ patches ─┐ condition
                                                                     ▼
    noise, 6³ patches × 24 ─▶ transformer, integrated from t = 0 to 1 ─▶ patches ─▶ signed distance, 30³
                                                                                     │ bent onto the points
                  learned surface of both ◀── oriented points where none was seen ◀──┘

Each sample of noise gives another shape.  What was seen is left to the samples themselves.
"""

from geo3d_recon.completion.complete import complete as complete
