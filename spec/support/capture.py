"""What TCP carries over an interface, both ways, one stream after the other.

    capture.py INTERFACE FILE      prints "ready", then SIGTERM: writes FILE and ends

Each stream is put together by its sequence numbers, so a word that was cut into two packets is
found. On losses of its own it ends with an error: what was not seen would count as not sent.
"""

import signal
import socket
import struct
import sys

ETH_P_ALL, ETH_P_IP = 0x0003, 0x0800
SOL_PACKET, PACKET_STATISTICS = 263, 6
BUFFER_BYTES = 256 * 1024 * 1024
SO_RCVBUFFORCE = 33


def tcp_of(packet):
    """The stream, the sequence number and the payload of a TCP packet; else None."""
    if struct.unpack_from("!H", packet, 12)[0] != ETH_P_IP or packet[23] != socket.IPPROTO_TCP:
        return None
    at = 14 + (packet[14] & 15) * 4
    end = 14 + struct.unpack_from("!H", packet, 16)[0]
    sequence = struct.unpack_from("!I", packet, at + 4)[0]
    is_syn = packet[at + 13] & 2
    payload = packet[at + (packet[at + 12] >> 4) * 4:end]
    return packet[26:34] + packet[at:at + 4], sequence + (1 if is_syn else 0), payload


class Stream:
    def __init__(self, sequence):
        self.first, self.bytes = sequence, bytearray()

    def add(self, sequence, payload):
        at = (sequence - self.first) & 0xFFFFFFFF
        if at >= 1 << 31:  # from before it
            return
        if len(self.bytes) < at:
            self.bytes.extend(bytes(at - len(self.bytes)))
        self.bytes[at:at + len(payload)] = payload


def main(interface, path):
    plug = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    plug.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    plug.bind((interface, 0))
    plug.settimeout(0.05)
    streams, ends = {}, []
    signal.signal(signal.SIGTERM, lambda *_: ends.append(True))
    print("ready", flush=True)
    while True:
        try:
            packet = plug.recv(1 << 17)
        except socket.timeout:
            if ends:  # and nothing is left to be read
                break
            continue
        found = tcp_of(packet)
        if found:
            key, sequence, payload = found
            streams.setdefault(key, Stream(sequence)).add(sequence, payload)
    dropped = struct.unpack("II", plug.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
    with open(path, "wb") as file:
        for stream in streams.values():
            file.write(stream.bytes + b"\n")
    return f"capture.py: {dropped} packets were not seen" if dropped else 0


sys.exit(main(*sys.argv[1:]))
