"""Rigid registration of clouds and RGB-D frames: right, or refused."""

from geo3d.registration.register import register as register
from geo3d.registration.result import RegistrationResult as RegistrationResult
