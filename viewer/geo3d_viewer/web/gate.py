"""A door in front of the page's servers: whoever has no token is turned away before a byte reaches them.

viser has no access control of its own.  It listens on the loopback interface only; the gate listens where the
user said, takes the token from the URL once, gives the browser a cookie, and from then on passes bytes through.
Where there are several views, each has a server; the gate gives the page that holds them, and passes `/view/K/` to
the K-th.
"""

from __future__ import annotations

import asyncio
import hmac
import http.cookies
import re
import secrets
import threading
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass

_LARGEST_HEAD = 32 << 10
_COOKIE = "geo3d_view"


def new_token() -> str:
    """A token that cannot be guessed, fit for a URL."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Answer:
    """What the gate does with a request: pass it on, or reply itself with these bytes."""

    is_passed: bool
    reply: bytes = b""


def judge(head: bytes, token: str | None) -> Answer:
    """Decide on the head of an HTTP request (all up to the empty line); no token: everybody may pass."""
    try:
        request, *lines = head.decode("latin-1").split("\r\n")
        _method, target, _version = request.split(" ")
    except ValueError:
        return Answer(False, _plain("400 Bad Request", "this is not an HTTP request"))
    if token is None:
        return Answer(True)
    headers = [line.partition(":") for line in lines]
    for name, _, value in headers:
        if name.strip().lower() == "cookie" and _holds(value, token):
            return Answer(True)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
    given = query.get("token", [""])[0]
    if hmac.compare_digest(given.encode(), token.encode()):
        cookie = f"{_COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/"
        location = urllib.parse.urlsplit(target).path or "/"
        if not location.startswith("/") or location.startswith("//"):
            location = "/"
        head_out = f"HTTP/1.1 303 See Other\r\nLocation: {location}\r\nSet-Cookie: {cookie}\r\n"
        return Answer(False, (head_out + "Content-Length: 0\r\nConnection: close\r\n\r\n").encode())
    return Answer(False, _plain("403 Forbidden", "open the address with its token, as geo3d printed it"))


def _holds(cookies: str, token: str) -> bool:
    try:
        morsel = http.cookies.SimpleCookie(cookies).get(_COOKIE)
    except http.cookies.CookieError:
        return False
    return morsel is not None and hmac.compare_digest(morsel.value.encode(), token.encode())


def _plain(status: str, text: str) -> bytes:
    return _reply(status, "text/plain", (text + "\n").encode())


def _reply(status: str, kind: str, body: bytes) -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    ).encode() + body


def view_of(head: bytes, views: int) -> tuple[int, bytes] | None:
    """(which view a request is for, its head as that view's server is to see it); None: the page itself, or nothing."""
    request, _, rest = head.partition(b"\r\n")
    found = re.fullmatch(rb"(\S+) /view/(\d{1,4})(/\S*|\?\S*|) (\S+)", request)
    if found is None or int(found[2]) >= views:
        return None
    path = found[3] if found[3].startswith(b"/") else b"/" + found[3]
    return int(found[2]), b" ".join((found[1], path, found[4])) + b"\r\n" + rest


def one_request(head: bytes) -> bytes:
    """The head of a passed request, made the connection's last one unless it becomes a web socket."""
    lines = head.split(b"\r\n")
    if any(line.lower().startswith(b"upgrade:") for line in lines):
        return head
    kept = [line for line in lines if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    # The head ends in two empty pieces, after which nothing may stand.
    return b"\r\n".join([*kept[:-2], b"Connection: close", b"", b""])


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


class Gate:
    """Listens on `host:port` in a thread of its own and passes what has the token on to ports of 127.0.0.1.

    inner_ports  of the views' servers
    page         what `/` gives; None: there is one view, and `/` is its own
    """

    def __init__(
        self, host: str, port: int, inner_ports: Sequence[int], token: str | None, page: bytes | None = None
    ) -> None:
        self._inner_ports, self._token, self._page = tuple(inner_ports), token, page
        # The loop itself knows tasks weakly: one that waits, its client having sent all, would be collected as garbage.
        self._serving: set[asyncio.Task[None] | None] = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, host, port))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            await self._pass(reader, writer)
        finally:
            self._serving.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), timeout=10)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
            writer.close()
            return
        answer = judge(head, self._token) if len(head) <= _LARGEST_HEAD else Answer(False, _plain("431 Too Large", ""))
        view = (0, head) if self._page is None else view_of(head, len(self._inner_ports))
        if not answer.is_passed or view is None:
            writer.write(self._own(head) if answer.is_passed else answer.reply)
            await writer.drain()
            writer.close()
            return
        number, head = view
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._inner_ports[number])
        inner_writer.write(one_request(head))
        try:
            await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))
        finally:
            inner_writer.close()
            writer.close()

    def _own(self, head: bytes) -> bytes:
        path = urllib.parse.urlsplit(head.split(b" ", 2)[1].decode("latin-1")).path
        if path != "/" or self._page is None:
            return _plain("404 Not Found", "there is nothing here; the views are at /")
        return _reply("200 OK", "text/html", self._page)

    def close(self) -> None:
        """Stop listening and drop the connections."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
