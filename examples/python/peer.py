"""Connection of a client to its server, after docs/PROTOCOL.md."""
import contextlib, select, socket, struct, sys, threading, time
import cbor2

UPDATE, EVALUATE, EXIT, REGISTER, ASSIGN, HEARTBEAT, ERROR, READY, CHALLENGE, PROOF = range(2, 12)
COMPRESSED = 22
PLAN = {"epochs", "batchSize", "learningRate", "momentum", "weightDecay", "keepMomentum"}

class End(Exception):  # fault: what the server is told, if anything; code: the exit code
    def __init__(self, line, fault=None, code=1):
        self.line, self.fault, self.code = line, fault, code

class Server:
    def __init__(self, address):
        self.socket = socket.create_connection(address.rsplit(":", 1))
        self.lock, self.interval = threading.Lock(), 5
    def beat(self):
        with contextlib.suppress(OSError):  # the main thread meets it too
            while not time.sleep(self.interval):
                self.send(HEARTBEAT, {})
    def send(self, code, fields, arrays={}):
        for pad, (name, (tag, data)) in zip(("pad", "pad2", "pad3"), arrays.items()):  # data at a multiple of 8
            fields.update({pad: b"", name: cbor2.CBORTag(tag, data)})
            fields[pad] = bytes((len(data) - len(cbor2.dumps(fields))) % 8)
        body = cbor2.dumps(fields)
        with self.lock:  # no frame stands inside another
            self.socket.sendall(struct.pack("<4sHHQ", b"FLab", 1, code, len(body)) + body)
    def read(self, size):
        heard = select.select([self.socket], [], [], 6 * self.interval)[0]
        data = self.socket.recv(size, socket.MSG_WAITALL) if heard else b""
        if len(data) < size:
            raise End(f"The server is gone: it {'closed the connection' if heard else 'fell silent'}")
        return data
    def receive(self, *awaited):
        while True:
            magic, version, code, length = struct.unpack("<4sHHQ", self.read(16))
            fault = ("bad-magic" if magic != b"FLab" else "unsupported-version" if version != 1 else
                     "unexpected-code" if code not in (*awaited, EXIT, HEARTBEAT, ERROR) else
                     "frame-too-large" if length > 1 << 20 else None)
            if fault:
                raise End(f"Cannot take what the server sent: {fault}", fault)
            fields = cbor2.loads(self.read(length))
            if code == EXIT:
                raise End(f"The server ends the run: {fields['reason']!r}", code=int(not fields.get("over", True)))
            if code == ERROR and fields["fatal"]:
                raise End(f"The server says {fields['fault']!r}: {fields['message']!r}")
            if code == ERROR:
                print(f"The server says {fields['fault']!r}: {fields['message']!r}", file=sys.stderr)
            if unfit := ", ".join(sorted(PLAN ^ fields.get("plan", dict.fromkeys(PLAN)).keys() - {"secure"})):
                raise End(f"Cannot train by the plan: unknown or missing {unfit}", "invalid-field")
            if code in awaited:
                return code, fields
    def close(self, end):
        error = {"fault": end.fault, "message": end.line, "fatal": True}
        self.send(*((ERROR, error) if end.fault else (EXIT, {"reason": end.line[:1024]})))
        self.socket.shutdown(socket.SHUT_WR)
        while select.select([self.socket], [], [], 5)[0] and self.socket.recv(1 << 16):
            pass
