"""Synthetic RGB-D walks through random rooms, with exact poses: training data and tests that no licence restricts."""

from geo3d.synthetic.kinds import any_room as any_room
from geo3d.synthetic.kinds import repeats as repeats
from geo3d.synthetic.room import Room as Room
from geo3d.synthetic.room import random_room as random_room
from geo3d.synthetic.sensor import SENSORS as SENSORS
from geo3d.synthetic.sensor import DepthCamera as DepthCamera
from geo3d.synthetic.sensor import Sensor as Sensor
from geo3d.synthetic.unseen_sensors import UNSEEN_SENSORS as UNSEEN_SENSORS
from geo3d.synthetic.walk import random_walk as random_walk
from geo3d.synthetic.walk import render_frame as render_frame
from geo3d.synthetic.walk import write_sequence as write_sequence
