"""proxy: a TCP proxy that does harm when told to. For spec/support/proxy.lua.

    python3 proxy.py CONTROL HOST:PORT

Listens on any port of 127.0.0.1 and prints it; forwards to HOST:PORT. Then reads commands from the
named pipe CONTROL, and prints each when it is done:

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
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
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


async def serve(harm, host, port):
    """A proxy before host:port; answers its own port."""

    async def link(reader, writer):
        harm.writers.add(writer)
        try:
            other_reader, other_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
        else:
            harm.writers.add(other_writer)
            await asyncio.gather(pump(harm, reader, other_writer),
                                 pump(harm, other_reader, writer))
            harm.writers.discard(other_writer)
        harm.writers.discard(writer)

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


async def main(control, target):
    random.seed(int(os.environ.get("SEED", "1")))
    host, port = target.rsplit(":", 1)
    harm = Harm()
    server, own_port = await serve(harm, host, int(port))
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
