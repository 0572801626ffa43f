import cv2
import numpy as np

from geo3d.ops import pixel_grid, undistort, unproject
from geo3d.types import PinholeCamera, RGBDFrame

LENS = PinholeCamera(160, 120, 120.0, 120.0, 79.5, 59.5, (-0.2, 0.05, 0.001, -0.002))


def test_colour_agrees_with_opencv():
    rng = np.random.default_rng(0)
    color = cv2.GaussianBlur(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8), (0, 0), 4)
    out = undistort(RGBDFrame(np.full((120, 160), 1000, np.uint16), LENS, color=color))
    truth = cv2.undistort(color, LENS.K, np.array(LENS.distortion))
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(out.color[inner].astype(int) - truth[inner]).max() <= 2  # OpenCV interpolates in 1/32 pixels
    assert out.camera.distortion == ()


def test_a_distorted_plane_becomes_the_same_plane():
    """Depth seen through the lens, undistorted, gives the tilted plane's depth to the width of a pixel."""
    n = np.array([0.2, 0.1, -1.0])
    rays, valid = unproject(pixel_grid(160, 120), np.ones((120, 160)), LENS)
    assert valid.all()
    depth = np.rint(-2000 / (rays @ n)).astype(np.uint16)
    out = undistort(RGBDFrame(depth, LENS))
    rays, _ = unproject(pixel_grid(160, 120), np.ones((120, 160)), out.camera)
    seen = out.depth > 0
    assert seen[20:-20, 20:-20].all()
    np.testing.assert_allclose(out.depth[seen], (-2000 / (rays @ n))[seen], rtol=3e-3)


def test_no_distortion_gives_the_frame_itself():
    frame = RGBDFrame(np.ones((4, 4), np.uint16), PinholeCamera(4, 4, 4.0, 4.0, 1.5, 1.5))
    assert undistort(frame) is frame


def test_colour_of_another_size():
    color = np.full((240, 320, 3), 9, np.uint8)
    out = undistort(RGBDFrame(np.full((120, 160), 1000, np.uint16), LENS, color=color))
    assert out.color.shape == (240, 320, 3)
    assert (out.color[60:180, 80:240] == 9).all()
