"""Forwards packets between two TUN devices, late and not all of them. Needs root, and a network namespace of its own.

Writes the number of each device's namespace once they are up. Each line of standard input is how long a packet takes, in
milliseconds, and the share of packets that is lost.
"""
import collections, fcntl, os, random, select, struct, subprocess, sys, time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
pid, near, far, seed = sys.argv[1:]
chance = random.Random(int(seed))


def device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def run(*words):
    subprocess.run(words, check=True)


a, b = device("chaos-near"), device("chaos-far")
run("ip", "link", "set", "chaos-far", "netns", pid)
run("ip", "addr", "add", near, "peer", far, "dev", "chaos-near")
run("ip", "link", "set", "chaos-near", "up")
inside = ("nsenter", "-t", pid, "-n", "ip")
run(*inside, "link", "set", "lo", "up")
run(*inside, "addr", "add", far, "peer", near, "dev", "chaos-far")
run(*inside, "link", "set", "chaos-far", "up")
print("up", flush=True)

delay, loss = 0.0, 0.0
waiting = collections.deque()
while True:
    now = time.monotonic()
    while waiting and waiting[0][0] <= now:
        _, to, packet = waiting.popleft()
        try:
            os.write(to, packet)
        except OSError:
            pass
    pause = max(0, waiting[0][0] - now) if waiting else None
    for fd in select.select([a, b, 0], [], [], pause)[0]:
        if fd == 0:
            words = sys.stdin.readline().split()
            if not words:
                sys.exit()
            delay, loss = float(words[0]) / 1000, float(words[1])
            continue
        packet = os.read(fd, 65536)
        if chance.random() >= loss:
            waiting.append((time.monotonic() + delay, b if fd == a else a, packet))
