"""A client that trains multinomial logistic regression (`--model lr`), after docs/PROTOCOL.md."""
import argparse, contextlib, hashlib, hmac, json, math, os, pathlib, signal, struct, sys, threading
try: import cbor2, numpy as np
except ImportError as error: sys.exit(f"Cannot begin: {error}; run: pip install numpy cbor2")
import coding, identity, noise, schema, secure, sums
from peer import ASSIGN, CHALLENGE, COMPRESSED, ERROR, EVALUATE, PROOF, READY, REGISTER, UPDATE, End, Server

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
              "codecs": coding.NAMES, **secure.KNOWN}
    server.send(REGISTER, {key: wish for key, wish in wishes.items() if wish is not None})
    code, given = server.receive(CHALLENGE, ASSIGN)
    if code == CHALLENGE:
        secret = {"ed25519": options.key, "token": options.token}
        method = next((name for name in given["methods"] if secret.get(name)), None)
        if method is None: raise End("Cannot prove who this is: the server asks for a key or a token", "not-authorized")
        names = given["server"].encode(), given["run"].encode()
        texts = b"fedlab-auth-v1", method.encode(), bytes.fromhex(given["nonce"]), *names
        signed = b"".join(struct.pack("<I", len(text)) + text for text in texts)
        if method == "token": proof = {"signature": hmac.digest(options.token.encode(), signed, "sha256").hex()}
        else: proof = {"publicKey": options.key.text(), "signature": options.key.sign(signed).hex()}
        server.send(PROOF, {"method": method, **proof})
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
    masks = plan.get("secure")
    if masks is None and (options.require_secure or options.secure_keys):
        raise End("Cannot join: expected a server with secure aggregation, got one that wants single updates", "secure-mismatch")
    if masks and (not secure.KNOWN or masks["maxMembers"] < options.secure_min_members):
        raise End(f"Cannot join: expected secure aggregation of {options.secure_min_members} members or more, "
                  "and the package cryptography: pip install cryptography", "secure-mismatch")
    signed = bool(masks and masks.get("signed"))
    if signed < bool(options.secure_keys) or signed > bool(options.key):
        raise End("Cannot join: expected a run whose members sign their keys, and a key by which this client signs", "secure-mismatch")
    if options.privacy_max_epsilon is not None:
        weak = noise.weakness(given.get("privacy"), masks, options.privacy_max_epsilon, options.privacy_max_delta)
        if weak: raise End(f"Cannot join: {weak}", "privacy-mismatch")
    budget = noise.Budget(options.privacy_max_epsilon, options.privacy_max_delta)
    try: member = secure.Member(given, options.secure_min_members, options.key, options.secure_keys, budget) if masks else None
    except secure.Refusal as refusal: raise End(str(refusal), "invalid-field")
    threading.Thread(target=server.beat, daemon=True).start()
    server.send(READY, {"manifestDigest": digest, "numSamples": 1 if masks else len(y), **told})
    print(f"Joined as rank {given['rank']} of {given['worldSize']}, with {len(y)} samples")
    v, random = 0, np.random.default_rng([given["seed"], given["rank"]])
    coder = coding.Coder(given, (x.shape[1] + 1) * classes)
    def learn(asked):
        nonlocal v
        now, base = asked.get("plan", plan), coder.trains(asked)
        w, v, told = train(base, v if now["keepMomentum"] else 0, x, y, classes, now, random)
        return base, w, {"numSamples": len(y), **told}
    while True:
        code, asked = server.receive(*((UPDATE, *secure.ASKED) if masks else (UPDATE, EVALUATE, COMPRESSED)))
        if masks:
            try: answer = member.answer(code, asked, learn)
            except secure.Refusal as refusal:
                print(refusal, file=sys.stderr)
                error = {"fault": "cannot-train", "message": str(refusal), "fatal": False, "round": asked["round"]}
                answer = ERROR, {**error, **refusal.told}, {}
            if answer: server.send(*answer)
            continue
        if code == EVALUATE and options.privacy_max_epsilon is not None:
            raise End("Cannot evaluate: the server asks for figures of the data, which have no noise", "privacy-mismatch")
        if code == EVALUATE:
            w, arrays = coder.received(asked, ahead=1), {}
            loss, _, accuracy = sums.loss_gradient_accuracy(w, x, y, classes)
            told = {"numSamples": len(y), "loss": loss, "accuracy": accuracy, "onTrainingRows": True}
            found = sums.of_classes(x @ w[:-classes].reshape(-1, classes) + w[-classes:], y)
            told = {**told, "sums": found} if found else told
        else:
            _, w, told = learn(asked)
            code, more, arrays = coder.update(w)
            told.update(more)
        server.send(code, {"round": asked["round"], **told}, arrays)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:9000", metavar="HOST:PORT")
    parser.add_argument("--data", required=True, help="a CSV file, or the folder of the digits' IDX files")
    parser.add_argument("--schema", help="a schema.json that the run must have; for a server that sends none")
    parser.add_argument("--scale", type=float, default=1, help="factor that a CSV file's numbers have been multiplied by")
    parser.add_argument("--part", default="1/1", metavar="I/N", help="rows I, I + N, … of the data")
    for name, kind in {"--name": str, "--rank": int, "--world-size": int}.items(): parser.add_argument(name, type=kind)
    parser.add_argument("--require-secure", action="store_true", help="refuse a server without secure aggregation")
    parser.add_argument("--secure-min-members", type=int, default=5, metavar="N", help="members that hide this client's update")
    parser.add_argument("--key", metavar="FILE", help="private key of this client, from deno task keygen")
    parser.add_argument("--secure-keys", metavar="FILE", help="public keys of all clients, by which members sign")
    parser.add_argument("--privacy-max-epsilon", type=float, metavar="X", help="take part only with differential privacy up to this")
    parser.add_argument("--privacy-max-delta", type=float, default=1e-5, metavar="X", help="largest delta of that; default: 1e-5")
    parser.add_argument("--token", default=os.environ.get("FEDLAB_TOKEN"), help="default: FEDLAB_TOKEN")
    options, server = parser.parse_args(), None
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.secure_keys and not options.key: raise End("Cannot begin: --secure-keys needs --key, by which this client signs")
        options.key = options.key and identity.Identity(options.key)
        options.secure_keys = options.secure_keys and identity.Listed(options.secure_keys)
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
