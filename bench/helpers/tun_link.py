"""A link between two network namespaces, each with a TUN device: rate, delay and loss in each direction.

Usage: tun_link.py NAME BITS_PER_SECOND DELAY_MILLIS LOSS SEED. Makes the namespaces NAME-a (192.0.2.1) and
NAME-b (192.0.2.2), prints a line, and passes packets on until standard input ends. Needs root.
"""
import collections, fcntl, os, random, select, struct, subprocess, sys, time

TUNSETIFF, TUN, NO_INFO = 0x400454CA, 1, 0x1000

def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, stderr=subprocess.PIPE)

def device(space, name, address):
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), TUN | NO_INFO))
    ip("netns", "add", space)
    ip("link", "set", name, "netns", space)
    ip("-n", space, "address", "add", address, "dev", name)
    ip("-n", space, "link", "set", name, "up")
    ip("-n", space, "link", "set", "lo", "up")
    return tun

class Direction:
    def __init__(self, to, rate, delay, loss, draws):
        self.to, self.rate, self.delay, self.loss, self.draws = to, rate / 8, delay, loss, draws
        self.free, self.waiting = 0, collections.deque()
    def accept(self, packet, now):
        # As a router has it: the packets of a tenth of a second.
        if self.free - now > 0.1 or self.draws.random() < self.loss: return
        self.free = max(now, self.free) + len(packet) / self.rate
        self.waiting.append((self.free + self.delay, packet))
    def deliver(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            try: os.write(self.to, self.waiting.popleft()[1])
            except OSError: pass

def main(name, rate, delay, loss, seed):
    draws, spaces = random.Random(int(seed)), (f"{name}-a", f"{name}-b")
    try:
        a = device(spaces[0], f"{name}a", "192.0.2.1/30")
        b = device(spaces[1], f"{name}b", "192.0.2.2/30")
        settings = float(rate), float(delay) / 1000, float(loss), draws
        links = {a: Direction(b, *settings), b: Direction(a, *settings)}
        print("ready", flush=True)
        while True:
            now = time.monotonic()
            for link in links.values(): link.deliver(now)
            due = [link.waiting[0][0] for link in links.values() if link.waiting]
            ready = select.select([a, b, 0], [], [], max(0, min(due) - now) if due else None)[0]
            if 0 in ready and not os.read(0, 64): return
            for tun in {a, b} & set(ready):
                try:
                    while True: links[tun].accept(os.read(tun, 65536), time.monotonic())
                except BlockingIOError: pass
    finally:
        for space in spaces: subprocess.run(["ip", "netns", "delete", space], stderr=subprocess.DEVNULL)

if __name__ == "__main__": main(*sys.argv[1:])
