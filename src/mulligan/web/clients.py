"""What clients may do to a server besides asking: say nothing, read slowly or never, leave before the answer, come in crowds.

uvicorn waits for all of them without end, and an application is not told that the one who asked has left.
"""

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from mulligan.web.answers import problem
from mulligan.web.guard import Asgi, Message, Receive, Scope, Send

MOST_CONNECTIONS = 800  # beyond, callers are told to come back
MOST_OPEN = 900  # beyond, they are not even told: a process may usually have 1024 files open, and needs some for itself
LEAST_TAKEN = 65_536  # bytes of an answer that a client takes while one is patient

if TYPE_CHECKING:  # httptools or h11, whichever is installed, have these alike
    from uvicorn.protocols.http.h11_impl import H11Protocol as Http
else:
    Http = AutoHTTPProtocol


class Connection(Http):
    """A connection that ends where nothing is asked and nothing is taken for as long as one is patient.

    patience: seconds.
    """

    patience = 15.0
    _seen: tuple[object, int] = (None, 0)  # what had been answered, and what of it lay here, when it was last looked at

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look, unless there are too many already."""
        super().connection_made(transport)
        if len(self.connections) > MOST_OPEN:
            transport.abort()
        elif len(self.connections) > MOST_CONNECTIONS:
            self.app = _full
        self._later()

    def _later(self) -> None:
        self.loop.call_later(self.patience, self._look)

    def _look(self) -> None:
        if self not in self.connections:  # it has ended, or is a WebSocket by now
            return
        left = self.transport.get_write_buffer_size()
        busy = not getattr(self.cycle, "response_complete", True)  # there is no cycle before the first request
        before, left_before = self._seen
        silent = not busy and left == 0 and before is self.cycle and left_before == 0
        stuck = left > max(0, left_before - LEAST_TAKEN) and left_before > 0
        if silent or stuck:
            self.transport.abort()
            return
        self._seen = (None if busy else self.cycle, left)
        self._later()


async def _full(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(503, "too many are connected")(scope, receive, send)


class Leaving:
    """An ASGI layer that ends a request whose client has left, so that its work is freed."""

    def __init__(self, app: Asgi) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        messages: asyncio.Queue[Message] = asyncio.Queue()
        started = False

        async def listen() -> None:
            while True:
                message = await receive()
                messages.put_nowait(message)
                if message["type"] == "http.disconnect":
                    return

        async def told(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        answering = asyncio.ensure_future(self.app(scope, messages.get, told))
        listening = asyncio.ensure_future(listen())
        try:
            await asyncio.wait((answering, listening), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                listening.result()  # raises where the body was refused; else the client has left
                return
            answering.result()
        except asyncio.CancelledError:  # the server ends
            if not started:
                await problem(503, "the server ends")(scope, receive, send)
        finally:
            for task in (answering, listening):
                task.cancel()
                task.add_done_callback(lambda done: done.cancelled() or done.exception())  # which was told, or concerns nobody
