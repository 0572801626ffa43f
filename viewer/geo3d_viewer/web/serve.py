"""Serve a scene to browsers until interrupted."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from geo3d.console import say
from geo3d.errors import Geo3DError
from geo3d.optional import require, require_major
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.linked import View
from geo3d_viewer.scene import Scene, as_scene
from geo3d_viewer.web.gate import Gate, new_token
from geo3d_viewer.web.page import Page
from geo3d_viewer.web.split import split_page


@dataclass(frozen=True, eq=False)
class Served:
    """A page that is being served.

    url  what to open; holds the token where the page is reachable from other machines
    """

    url: str
    page: Page
    gate: Gate | None

    def close(self) -> None:
        """Stop serving."""
        if self.gate is not None:
            self.gate.close()
        for server in self.page.servers:
            server.stop()


def serve(
    x: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    camera: Literal["auto"] | ViewCamera = "auto",
    views: Sequence[View] = (),
) -> Served:
    """Serve `x` (see `as_scene`) as a page and return at once.

    On the loopback interface, everybody on this machine may look.  On any other `host` (0.0.0.0: all interfaces) a
    random token in the URL is required.  Port 0 takes a free one.

    views  (title, layer names) of several views side by side, which have one camera; none: one view of everything
    """
    viser = require("viser", "web", "the browser page")
    require_major("viser", 1, "the browser page", "use --snapshot or the window, or an environment of its own")
    scene = as_scene(x)
    is_local = host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
    _check_free(host, port)
    is_bare = is_local and len(views) < 2
    inner = [port if is_bare and port else _free_port() for _ in views or (None,)]
    # viser prints a banner with an address that would lack the token.
    with contextlib.redirect_stdout(io.StringIO()):
        servers = [viser.ViserServer(host=host if is_bare else "127.0.0.1", port=p, verbose=False) for p in inner]
    page = Page(servers, scene, None if camera == "auto" else camera, views)
    if is_bare:
        return Served(f"http://{host}:{inner[0]}/", page, None)
    token = None if is_local else new_token()
    gate = Gate(host, port, inner, token, split_page(views, scene.title or "geo3d view") if len(views) > 1 else None)
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host
    return Served(f"http://{name}:{gate.port}/" + ("" if token is None else f"?token={token}"), page, gate)


def serve_forever(
    x: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    camera: Literal["auto"] | ViewCamera = "auto",
    later: Callable[[], Iterable[Scene]] | None = None,
    views: Sequence[View] = (),
) -> None:
    """Serve `x` until Ctrl-C, saying where; what `later` gives is shown in its place, one scene after the other."""
    served = serve(x, host=host, port=port, camera=camera, views=views)
    say(f"geo3d view: open {served.url}   (Ctrl-C ends it)")
    try:
        if later is not None:
            for scene in later():
                served.page.refined(scene)
        while True:
            time.sleep(3600)
    finally:
        served.close()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _check_free(host: str, port: int) -> None:
    if not 0 <= port <= 65535:
        raise Geo3DError(f"--port must be 0 (any free one) to 65535, got {port}")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise Geo3DError(f"cannot listen on {host}:{port} ({error.strerror or error}); give another --port") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
