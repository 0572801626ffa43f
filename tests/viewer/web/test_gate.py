"""The gate lets nobody in without the token."""

from __future__ import annotations

import gc
import http.server
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from geo3d_viewer.web.gate import Gate, judge, new_token, one_request, view_of
from hypothesis import given
from hypothesis import strategies as st

TOKEN = new_token()


def request(target: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def test_a_token_in_the_address_becomes_a_cookie_and_leaves_the_address() -> None:
    answer = judge(request(f"/?token={TOKEN}"), TOKEN)
    assert not answer.is_passed
    assert b"303" in answer.reply.split(b"\r\n")[0]
    assert b"Location: /\r\n" in answer.reply
    assert f"Set-Cookie: geo3d_view={TOKEN}; HttpOnly; SameSite=Strict".encode() in answer.reply
    assert judge(request("/", f"Cookie: a=b; geo3d_view={TOKEN}"), TOKEN).is_passed


# Names of its own: the token differs between the processes that run tests in parallel.
@pytest.mark.parametrize(
    "target",
    ["/", "/?token=", f"/?token={TOKEN[:-1]}", "/?token=é", f"/{TOKEN}"],
    ids=["none", "empty", "shortened", "not ascii", "as path"],
)
def test_without_it_all_is_forbidden(target: str) -> None:
    answer = judge(request(target, "Cookie: geo3d_view=wrong"), TOKEN)
    assert not answer.is_passed
    assert answer.reply.startswith(b"HTTP/1.1 403")


def test_the_redirect_stays_on_this_host() -> None:
    assert b"Location: /\r\n" in judge(request(f"//evil.example/?token={TOKEN}"), TOKEN).reply


@given(st.binary(max_size=300))
def test_no_bytes_get_through_or_break_it(head: bytes) -> None:
    assert not judge(head, TOKEN).is_passed


def test_a_request_is_the_last_of_its_connection_but_web_sockets_live_on() -> None:
    head = request("/", "Connection: keep-alive", "Accept: */*")
    assert one_request(head) == b"GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    socket_head = request("/", "Connection: Upgrade", "Upgrade: websocket")
    assert one_request(socket_head) == socket_head


class Inner(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            # The gate waits meanwhile, with nothing more to hear from the client.
            time.sleep(0.5)
            gc.collect()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"inner page")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gate() -> Iterator[Gate]:
    with http.server.HTTPServer(("127.0.0.1", 0), Inner) as inner:
        thread = threading.Thread(target=inner.serve_forever)
        thread.start()
        opened = Gate("127.0.0.1", 0, [inner.server_port], TOKEN)
        yield opened
        opened.close()
        inner.shutdown()
        thread.join()


def talk(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        parts = []
        while part := s.recv(4096):
            parts.append(part)
    return b"".join(parts)


def test_bytes_pass_with_the_cookie_only(gate: Gate) -> None:
    assert b"403" in talk(gate.port, request("/"))
    assert b"inner page" in talk(gate.port, request("/", f"Cookie: geo3d_view={TOKEN}"))
    # A second request smuggled behind a refused one is not read.
    both = request("/") + request("/", f"Cookie: geo3d_view={TOKEN}")
    assert b"inner page" not in talk(gate.port, both)
    assert talk(gate.port, b"GET / HTTP") == b""


def test_a_page_that_takes_its_time_is_waited_for(gate: Gate) -> None:
    for _ in range(3):
        assert b"inner page" in talk(gate.port, request("/slow", f"Cookie: geo3d_view={TOKEN}"))


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/view/1/", (1, "/")),
        ("/view/0/a/b?c=d", (0, "/a/b?c=d")),
        ("/view/1", (1, "/")),
        ("/view/2/", None),
        ("/view/-1/", None),
        ("/view/99999/", None),
        ("/", None),
        ("/view/0/ /x", None),
        ("/view/0x", None),
    ],
)
def test_a_view_of_its_own_sees_its_own_root(target: str, found: tuple[int, str] | None) -> None:
    head = request(target, "Upgrade: websocket")
    seen = view_of(head, 2)
    if found is None:
        assert seen is None
    else:
        assert seen == (found[0], request(found[1], "Upgrade: websocket"))


def test_without_a_token_everybody_may_pass() -> None:
    assert judge(request("/"), None).is_passed
    assert not judge(b"nonsense\r\n\r\n", None).is_passed
