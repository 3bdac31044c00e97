"""Writes of one turn of the event loop, which go out as one."""

import asyncio
from typing import Any, cast

from shared.http.joined_writes import EndOfTurn, JoinedWrites


class Socket:
    """Keeps what each call sent."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def close(self) -> None:
        self.calls.append(b"closed")

    def is_closing(self) -> bool:
        return b"closed" in self.calls


def joined(socket: Socket) -> JoinedWrites:
    return JoinedWrites(cast("asyncio.Transport", socket), EndOfTurn(asyncio.get_running_loop()))


async def test_a_head_and_its_body_are_one_write() -> None:
    socket = Socket()
    transport = joined(socket)

    transport.write(b"head ")
    transport.write(b"body")
    await asyncio.sleep(0)

    assert socket.calls == [b"head body"]


async def test_a_head_does_not_wait_for_a_body_that_comes_later() -> None:
    socket = Socket()
    transport = joined(socket)

    transport.write(b"head")
    await asyncio.sleep(0)
    transport.write(b"body")
    await asyncio.sleep(0)

    assert socket.calls == [b"head", b"body"]


async def test_a_large_answer_is_not_held_back() -> None:
    socket = Socket()
    transport = joined(socket)
    piece = b"x" * 40_000

    transport.write(piece)
    transport.write(piece)

    assert socket.calls == [piece + piece]


async def test_closing_sends_what_is_held_first_and_nothing_twice() -> None:
    socket = Socket()
    transport = joined(socket)

    transport.write(b"answer")
    transport.close()
    await asyncio.sleep(0)

    assert socket.calls == [b"answer", b"closed"]
    assert transport.is_closing()


async def test_answers_of_several_connections_go_out_at_the_end_of_the_same_turn() -> None:
    end_of_turn = EndOfTurn(asyncio.get_running_loop())
    sockets = [Socket(), Socket()]
    transports = [JoinedWrites(cast("asyncio.Transport", socket), end_of_turn) for socket in sockets]

    for answer in (b"first", b"second"):
        for transport in transports:
            transport.write(answer)
        await asyncio.sleep(0)

    assert [socket.calls for socket in sockets] == [[b"first", b"second"]] * 2


async def test_a_connection_whose_write_fails_takes_no_other_answer_with_it() -> None:
    loop = asyncio.get_running_loop()
    told: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: told.append(context))

    class Broken(Socket):
        def write(self, data: bytes) -> None:
            raise RuntimeError(data)

    end_of_turn = EndOfTurn(loop)
    sockets = [Broken(), Socket()]
    for socket in sockets:
        JoinedWrites(cast("asyncio.Transport", socket), end_of_turn).write(b"answer")
    await asyncio.sleep(0)
    loop.set_exception_handler(None)

    assert [socket.calls for socket in sockets] == [[], [b"answer"]]
    assert [type(context["exception"]) for context in told] == [RuntimeError]
