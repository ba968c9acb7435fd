"""Frames on the socket to the front door: two little-endian lengths, a JSON head, a body."""
import json
import os
import socket
import struct

_LENGTHS = struct.Struct("<II")
_BUFFER = 1 << 16


class Closed(Exception):
    """The front door has closed the socket."""


class Channel:
    """The socket that the worker got as standard input."""

    def __init__(self):
        self._socket = socket.socket(fileno=os.dup(0))
        # User code that reads standard input gets nothing instead of frames.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        # A process that user code forks must not answer for this one, nor keep the socket open (Python 3.7 on).
        self._process = os.getpid()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._socket.close)
        self._pending = b""

    def receive(self):
        """Waits for a frame and returns its head and body. Raises Closed at the end."""
        head_length, body_length = _LENGTHS.unpack(self._read(_LENGTHS.size))
        head = json.loads(self._read(head_length).decode("utf-8"))
        return head, self._read(body_length)

    def send(self, head, body=b""):
        """Sends a frame. Raises Closed in a forked process."""
        if os.getpid() != self._process:
            raise Closed()
        head = json.dumps(head).encode("utf-8")
        lengths = _LENGTHS.pack(len(head), len(body))
        if len(body) < _BUFFER:
            self._socket.sendall(lengths + head + body)
        else:
            self._socket.sendall(lengths + head)
            self._socket.sendall(body)

    def _read(self, length):
        pending = self._pending
        if len(pending) >= length:
            self._pending = pending[length:]
            return pending[:length]
        if length <= _BUFFER:
            # A small frame arrives with one call.
            while len(pending) < length:
                more = self._socket.recv(_BUFFER)
                if not more:
                    raise Closed()
                pending += more
            self._pending = pending[length:]
            return pending[:length]
        data = bytearray(length)
        data[: len(pending)] = pending
        self._pending = b""
        view, at = memoryview(data), len(pending)
        while at < length:
            count = self._socket.recv_into(view[at:])
            if not count:
                raise Closed()
            at += count
        return bytes(data)
