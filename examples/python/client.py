"""A client that trains multinomial logistic regression (`--model lr`), after docs/PROTOCOL.md."""
import argparse, contextlib, hashlib, hmac, json, math, os, pathlib
import select, signal, socket, struct, sys, threading, time
try: import cbor2, numpy as np
except ImportError as error: sys.exit(f"Cannot begin: {error}; run: pip install numpy cbor2")
import coding, schema, sums

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
        for pad, (name, (tag, data)) in zip(("pad", "pad2"), arrays.items()):  # data at a multiple of 8
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
            if unfit := ", ".join(sorted(PLAN ^ fields.get("plan", dict.fromkeys(PLAN)).keys())):
                raise End(f"Cannot train by the plan: unknown or missing {unfit}", "invalid-field")
            if code in awaited:
                return code, fields
    def close(self, end):
        error = {"fault": end.fault, "message": end.line, "fatal": True}
        self.send(*((ERROR, error) if end.fault else (EXIT, {"reason": end.line[:1024]})))
        self.socket.shutdown(socket.SHUT_WR)
        while select.select([self.socket], [], [], 5)[0] and self.socket.recv(1 << 16):
            pass

def train(w, v, x, y, classes, plan, random):
    steps, size = 0, plan["batchSize"] or len(y)
    for _ in range(plan["epochs"]):
        loss = 0
        for rows in np.split(random.permutation(len(y)), range(size, len(y), size)):
            batch_loss, gradient, _ = sums.loss_gradient_accuracy(w, x[rows], y[rows], classes)
            v = plan["momentum"] * v + gradient + plan["weightDecay"] * w
            w = w - plan["learningRate"] * v
            steps, loss = steps + 1, loss + batch_loss * len(rows) / len(y)
    return w, v, {"steps": steps, **({"loss": loss} if math.isfinite(loss) else {})}

def run(server, options, data, own):
    wishes = {"agent": "python-example/1", "site": options.name, "rank": options.rank, "worldSize": options.world_size,
              "codecs": coding.NAMES}
    server.send(REGISTER, {key: wish for key, wish in wishes.items() if wish is not None})
    code, given = server.receive(CHALLENGE, ASSIGN)
    if code == CHALLENGE:
        if "token" not in given["methods"] or not options.token:
            raise End("Cannot prove who this is: the server asks for a key or a token", "not-authorized")
        names = given["server"].encode(), given["run"].encode()
        texts = b"fedlab-auth-v1", b"token", bytes.fromhex(given["nonce"]), *names
        signed = b"".join(struct.pack("<I", len(text)) + text for text in texts)
        proof = hmac.digest(options.token.encode(), signed, "sha256")
        server.send(PROOF, {"method": "token", "signature": proof.hex()})
        code, given = server.receive(ASSIGN)
    if given.get("mode") == "statistics":
        raise End("Cannot give figures of the data: start this client when the run has its schema", "mode-mismatch")
    try: x, y, told = schema.agree(data, given, own, options.data)
    except schema.Refusal as refusal: raise End(str(refusal), "schema-mismatch")
    layers, loss = given["model"]["topology"]["config"]["layers"], given["model"]["loss"]
    kinds, out = [layer["class_name"] for layer in layers], layers[-1]["config"]
    name, classes = out["name"], out["units"]
    text = f"{name}/kernel\tfloat32\t{x.shape[1]},{classes}\t1\n{name}/bias\tfloat32\t{classes}\t1\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    simple = {*kinds} <= {"InputLayer", "Flatten", "Dense"} and out.get("activation", "linear") == "linear"
    simple = simple and not any(value for key, value in out.items() if key.endswith("regularizer"))
    fits = digest == given["manifestDigest"] and 0 <= y.min() <= y.max() < classes
    if not simple or not fits or loss != "softmaxCrossEntropy":
        raise End(f"Cannot join: expected logistic regression on {x.shape[1]} features and labels to "
                  f"{y.max()}, got {', '.join(kinds)} of {classes} units and {loss}", "manifest-mismatch")
    plan, server.interval = given["plan"], given["heartbeatSeconds"]
    threading.Thread(target=server.beat, daemon=True).start()
    server.send(READY, {"manifestDigest": digest, "numSamples": len(y), **told})
    print(f"Joined as rank {given['rank']} of {given['worldSize']}, with {len(y)} samples")
    v, random = 0, np.random.default_rng([given["seed"], given["rank"]])
    coder = coding.Coder(given, (x.shape[1] + 1) * classes)
    while True:
        code, asked = server.receive(UPDATE, EVALUATE, COMPRESSED)
        if code == EVALUATE:
            w, arrays = coder.received(asked, ahead=1), {}
            loss, _, accuracy = sums.loss_gradient_accuracy(w, x, y, classes)
            told = {"loss": loss, "accuracy": accuracy, "onTrainingRows": True}
            found = sums.of_classes(x @ w[:-classes].reshape(-1, classes) + w[-classes:], y)
            told = {**told, "sums": found} if found else told
        else:
            now = asked.get("plan", plan)
            w, v, told = train(coder.trains(asked), v if now["keepMomentum"] else 0, x, y, classes, now, random)
            code, more, arrays = coder.update(w)
            told.update(more)
        server.send(code, {"round": asked["round"], "numSamples": len(y), **told}, arrays)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:9000", metavar="HOST:PORT")
    parser.add_argument("--data", required=True, help="a CSV file, or the folder of the digits' IDX files")
    parser.add_argument("--schema", help="a schema.json that the run must have; for a server that sends none")
    parser.add_argument("--scale", type=float, default=1, help="factor that a CSV file's numbers have been multiplied by")
    parser.add_argument("--part", default="1/1", metavar="I/N", help="rows I, I + N, … of the data")
    for name, kind in {"--name": str, "--rank": int, "--world-size": int}.items(): parser.add_argument(name, type=kind)
    parser.add_argument("--token", default=os.environ.get("FEDLAB_TOKEN"), help="default: FEDLAB_TOKEN")
    options, server = parser.parse_args(), None
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        data = schema.read(pathlib.Path(options.data), *map(int, options.part.split("/")), options.scale)
        own = options.schema and json.loads(pathlib.Path(options.schema).read_text(encoding="utf-8"))
        server = Server(options.server)
        run(server, options, data, own)
    except KeyboardInterrupt:
        end = End("Stopped by a signal", code=130)
    except Exception as error:
        end = error if isinstance(error, End) else End(
            f"Cannot go on with {options.data} and {options.server}: {error}", "handler-failed")
    with contextlib.suppress(OSError, AttributeError):
        server.close(end)
    print(end.line, file=sys.stderr)
    sys.exit(end.code)
