"""A screen without a monitor (Xvfb) whose pixels can be read, and a hand for keys and clicks (xdotool)."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class VirtualScreen:
    """Xvfb with its picture in a file in `folder`; `display` is its name."""

    def __init__(self, folder: Path, size: tuple[int, int] = (800, 600)) -> None:
        self.folder, self.size = folder, size
        read, write = os.pipe()
        depth = f"{size[0]}x{size[1]}x24"
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", depth, "-fbdir", str(folder)]
        self._server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.display = f":{pipe.readline().strip()}"

    def bytes(self) -> NDArray[np.uint8]:
        """[H, W, 3] what is on the screen now (an XWD file, 32 bits a pixel, BGRX)."""
        width, height = self.size
        data = (self.folder / "Xvfb_screen0").read_bytes()
        header, colors = struct.unpack(">I", data[:4])[0], struct.unpack(">I", data[76:80])[0]
        image = np.frombuffer(data, np.uint8, width * height * 4, header + 12 * colors).reshape(height, width, 4)
        return image[:, :, 2::-1]

    def pixels(self) -> NDArray[np.int64]:
        """[H, W, 3] the same, to reckon with."""
        return self.bytes().astype(np.int64)

    def do(self, *arguments: str) -> None:
        """Call xdotool."""
        subprocess.run(["xdotool", *arguments], check=True, env=os.environ | {"DISPLAY": self.display})

    def close(self) -> None:
        """End the server."""
        self._server.terminate()
        self._server.wait()
