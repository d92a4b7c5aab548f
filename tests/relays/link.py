"""Carries packets between two network namespaces, late and with loss, and records each one that enters.

It does what `tc netem delay … loss …` does, on kernels without netem too, and sees every packet.
Usage: link.py NAMESPACE DEVICE NAMESPACE DEVICE DELAY_MS LOSS_PERCENT PCAP
"""
import collections
import ctypes
import fcntl
import os
import random
import select
import signal
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
RAW_IP = 101
LONGEST_PACKET = 65535
# As netem has it: packets beyond these are lost.
MOST_ON_THE_WAY = 1000

libc = ctypes.CDLL(None, use_errno=True)


def device_in(namespace: str, name: str) -> int:
    with open(f"/var/run/netns/{namespace}") as there:
        if libc.setns(there.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_WITHOUT_HEADER))
    return device


one, one_name, other, other_name, delay_ms, loss_percent, path = sys.argv[1:]
delay, loss = float(delay_ms) / 1000, float(loss_percent) / 100
devices = (device_in(one, one_name), device_in(other, other_name))
ways = {devices[0]: (devices[1], collections.deque()), devices[1]: (devices[0], collections.deque())}
packets = lost = 0
running = True


def stop(*_) -> None:
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
with open(path, "wb") as record:
    record.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, LONGEST_PACKET, RAW_IP))
    print("ready", flush=True)
    while running:
        now = time.monotonic()
        due = [waiting[0][0] for _, waiting in ways.values() if waiting]
        readable, _, _ = select.select(devices, [], [], max(0, min(due) - now) if due else 0.2)
        for device in readable:
            _, waiting = ways[device]
            while True:
                try:
                    packet = os.read(device, LONGEST_PACKET)
                except BlockingIOError:
                    break
                now = time.monotonic()
                record.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(packet), len(packet)))
                record.write(packet)
                packets += 1
                if random.random() < loss or len(waiting) >= MOST_ON_THE_WAY:
                    lost += 1
                else:
                    waiting.append((now + delay, packet))
        now = time.monotonic()
        for to, waiting in ways.values():
            while waiting and waiting[0][0] <= now:
                try:
                    os.write(to, waiting.popleft()[1])
                except OSError:
                    lost += 1
print(f'{{"packets": {packets}, "lost": {lost}}}', flush=True)
