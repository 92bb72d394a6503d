"""proxy: a TCP proxy that does harm when told to. For spec/support/proxy.lua.

    python3 proxy.py CONTROL HOST:PORT [segments]

Listens on any port of 127.0.0.1 and prints it; forwards to HOST:PORT. With "segments" that is a
master, no harm is done there, but every worker that joins through it is given a proxy of its own
before its segment port: the harm is done between workers.

Then it reads commands from the named pipe CONTROL, and prints each when it is done:

    cut           reset every connection; what comes next is a new one
    hold          forward nothing, without a word to anybody
    release       go on; nothing was lost
    delay MS      forward every piece so much later
    dribble N     forward N bytes at a time; 0: as they come
    flip          turn one bit in the next piece; done when that has passed
"""
import asyncio
import os
import random
import socket
import struct
import sys

FRAME_HEADER = struct.Struct("<IBBHQ")  # engine/rpc/frame.h: length, version, type, flags, id
WORKER_JOIN = 48                        # engine/rpc/message.h
SEGMENT_PORT = 4                        # its number in WorkerJoin, engine/rpc/messages.proto
FIXED_BYTES = {1: 8, 5: 4}              # protobuf's wire types; 0 is a varint, 2 has a length


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def write_varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def segment_port(payload):
    at = port = 0
    while at < len(payload):
        tag, at = read_varint(payload, at)
        if tag & 7 == 0:
            value, at = read_varint(payload, at)
            port = value if tag >> 3 == SEGMENT_PORT else port
        elif tag & 7 == 2:
            length, at = read_varint(payload, at)
            at += length
        else:
            at += FIXED_BYTES[tag & 7]
    return port


class Harm:
    """What is done to all that passes, by every proxy of this process."""

    def __init__(self):
        self.open = asyncio.Event()
        self.open.set()
        self.delay_s = 0.0
        self.dribble = 0
        self.flip = asyncio.Event()
        self.flipped = asyncio.Event()
        self.writers = set()

    def spoil(self, data):
        if not self.flip.is_set():
            return data
        self.flip.clear()
        self.flipped.set()
        spoilt = bytearray(data)
        spoilt[random.randrange(len(spoilt))] ^= 1 << random.randrange(8)
        return bytes(spoilt)

    def cut(self):
        for writer in list(self.writers):
            reset = struct.pack("ii", 1, 0)
            if not writer.transport.is_closing():
                plug = writer.get_extra_info("socket")
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                writer.transport.abort()


async def pump(harm, reader, writer):
    try:
        while data := await reader.read(65536):
            await asyncio.sleep(harm.delay_s)
            data = harm.spoil(data)
            step = harm.dribble or len(data)
            for at in range(0, len(data), step):
                await harm.open.wait()
                writer.write(data[at:at + step])
                await writer.drain()
    except OSError:
        pass
    writer.close()


async def pump_frames(harm, reader, writer):
    """From a worker to its master: as it comes, but for the segment port of a WorkerJoin."""
    try:
        while True:
            header = await reader.readexactly(FRAME_HEADER.size)
            length, version, kind, flags, request_id = FRAME_HEADER.unpack(header)
            rest = await reader.readexactly(length + 4 - FRAME_HEADER.size)
            if kind == WORKER_JOIN:
                _, port = await serve(harm, "127.0.0.1", segment_port(rest[:-4]))
                # Of two values of a field the last one counts.
                payload = rest[:-4] + bytes([SEGMENT_PORT << 3]) + write_varint(port)
                header = FRAME_HEADER.pack(len(payload) + FRAME_HEADER.size, version, kind, flags,
                                           request_id)
                rest = payload + struct.pack("<I", crc32c(header + payload))
            writer.write(header + rest)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        writer.close()


async def serve(harm, host, port, pump_up=pump):
    """A proxy before host:port; answers its own port."""

    async def link(reader, writer):
        try:
            other_reader, other_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        # What is between a worker and its master is to stay well when segments are not.
        passing = harm if pump_up is pump else Harm()
        writers = {writer, other_writer}
        passing.writers |= writers
        await asyncio.gather(pump_up(harm, reader, other_writer),
                             pump(passing, other_reader, writer))
        passing.writers -= writers

    server = await asyncio.start_server(link, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def obey(harm, words):
    name, *rest = words
    if name == "cut":
        harm.cut()
    elif name == "hold":
        harm.open.clear()
    elif name == "release":
        harm.open.set()
    elif name == "delay":
        harm.delay_s = int(rest[0]) / 1000
    elif name == "dribble":
        harm.dribble = int(rest[0])
    elif name == "flip":
        harm.flipped.clear()
        harm.flip.set()
        await harm.flipped.wait()
    else:
        raise SystemExit(f"proxy.py: no such command: {name}")


async def main(control, target, what="all"):
    random.seed(int(os.environ.get("SEED", "1")))
    host, port = target.rsplit(":", 1)
    harm = Harm()
    server, own_port = await serve(harm, host, int(port),
                                   pump_frames if what == "segments" else pump)
    print(own_port, flush=True)
    # Read and write: so the pipe never ends.
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), os.fdopen(os.open(control, os.O_RDWR)))
    async with server:
        while line := (await commands.readline()).decode():
            await obey(harm, line.split())
            print(line.strip(), flush=True)


asyncio.run(main(*sys.argv[1:]))
