"""Secure aggregation at a client, after docs/PROTOCOL.md. It needs the package cryptography."""
import os, struct
import numpy as np
from masks import LANES, Refusal, canonical, quantize, sha, split, text, u32
try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
    KNOWN = {"secure": 1}  # what a registration says of it
except ImportError: KNOWN = {}

KEYS, MEMBERS, SHARES, MASKED, _, _, REQUEST, REVEAL = range(24, 32)
ASKED, LEAST = (KEYS, MEMBERS, SHARES, REQUEST), 3

class Member:
    """Client's part in the rounds of a run."""
    def __init__(self, given, least):
        self.run, self.rank, self.settings, self.least = given["run"], given["rank"], given["plan"]["secure"], least
        self.told = {name: given[name] for name in ("manifest", "model", "schema") if name in given}
        self.assigned = self.plan = given["plan"]
        self.serial, self.revealed, self.id, self.early, self.update, self.trained = 0, {}, None, None, None, None

    def answer(self, code, asked, learn):
        """Code, fields and arrays of the answer to a message, or None; `learn` trains."""
        number, attempt = asked["round"], asked.get("attempt")
        if code not in ASKED: return self.keep(asked)
        if code == KEYS and (number, attempt) != self.id: self.begin(number, attempt)
        if (number, attempt) != self.id: raise Refusal(f"Cannot take part in attempt {attempt} of round {number}")
        if code == MEMBERS and (self.update is None or self.update["round"] != number):
            self.early = asked
            return None
        # A message that comes again, after a lost connection, has the same answer.
        seen, made = self.done.get(code, (asked, None))
        if seen != asked: raise Refusal("Cannot take another message of this kind in one attempt")
        if made is None:
            made = {KEYS: self.keys, MEMBERS: self.share, SHARES: self.mask, REQUEST: self.reveal}[code](asked, learn)
            self.done[code] = asked, made
        code, fields, arrays = made
        return code, {"round": number, "attempt": attempt, **fields}, arrays

    def keep(self, asked):
        if asked.get("plan", {}).get("secure", self.settings) != self.settings:
            raise Refusal("Cannot train: the round has other settings of secure aggregation than the run")
        last, self.update, before, self.plan = self.update, asked, self.plan, asked.get("plan", self.assigned)
        same = last is not None and last["round"] == asked["round"] and last["parameters"].value == asked["parameters"].value and before == self.plan
        self.trained = self.trained if same else None
        early, self.early = self.early, None
        return self.answer(MEMBERS, early, None) if early and early["round"] == asked["round"] else None

    def begin(self, number, attempt):
        if self.revealed.get(number, attempt) != attempt:
            raise Refusal(f"Cannot join another attempt of round {number}: shares were revealed for it")
        self.id, self.done, self.serial = (number, attempt), {}, self.serial + 1
        self.mask_key, self.seal_key = X25519PrivateKey.generate(), X25519PrivateKey.generate()
        self.public = [key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in (self.mask_key, self.seal_key)]

    def keys(self, asked, learn):
        return KEYS, {"serial": self.serial}, dict(zip(("maskKey", "sealKey"), ((64, key) for key in self.public)))

    def share(self, asked, learn):
        self.threshold, self.members = asked["threshold"], asked["members"]
        count, keys = len(self.members), [member[name] for member in self.members for name in ("maskKey", "sealKey")]
        own = [[member["serial"], member["maskKey"], member["sealKey"]] for member in self.members if member["rank"] == self.rank]
        if count < max(self.least, LEAST): raise Refusal(f"Cannot mask: expected {self.least} members, got {count}")
        if not count / 2 < self.threshold <= count: raise Refusal(f"Cannot share: a threshold of {self.threshold} of {count}")
        if len(set(keys)) < 2 * count or len({member["rank"] for member in self.members}) < count:
            raise Refusal("Cannot share: two members have one key or rank")
        if own != [[self.serial, *self.public]]: raise Refusal("Cannot share: the keys of this client were altered")
        base, ring = self.update["parameters"].value, self.settings
        self.base, self.bound = base, self.plan
        self.salt = sha(text("fedlab-secagg-v1"), text(self.run), u32(*self.id), sha(base), b"\x20",
                        struct.pack("<Q3dI", len(base) // 4 + LANES, ring["clip"], ring["maxSamples"], ring.get("maxLoss", 64), ring["maxMembers"]),
                        bytes([ring.get("rounding") == "toward-zero"]), sha(canonical({**self.told, "plan": self.plan})))
        self.seed, boxes = os.urandom(32), []
        secret = self.mask_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        pairs = zip(split(secret, count, self.threshold), split(self.seed, count, self.threshold))
        for member, pair in zip(self.members, pairs):
            rank = member["rank"]
            if rank == self.rank: self.own = pair
            else:
                nonce, content = os.urandom(12), u32(self.rank, rank) + b"".join(pair)
                boxes.append({"rank": rank, "box": nonce + self.box(member, self.rank, rank).encrypt(nonce, content, self.salt)})
        return SHARES, {"shares": boxes}, {}

    def derive(self, key, public, *info):
        try: secret = key.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError: raise Refusal("Cannot use a member's key: it is of low order")
        return self.hkdf(secret, *info)
    def hkdf(self, secret, *info): return HKDF(SHA256(), 32, self.salt, b"".join(info)).derive(secret)
    def box(self, member, sender, receiver):
        return AESGCM(self.derive(self.seal_key, member["sealKey"], b"seal", u32(sender, receiver)))

    def mask(self, asked, learn):
        by_rank, self.held = {member["rank"]: member for member in self.members}, {self.rank: self.own}
        for sealed in asked["shares"]:
            rank, box = sealed["rank"], sealed["box"]
            if rank not in by_rank or rank in self.held: raise Refusal(f"Cannot take a share of rank {rank}")
            try: content = self.box(by_rank[rank], rank, self.rank).decrypt(box[:12], box[12:], self.salt)
            except InvalidTag: raise Refusal(f"Cannot read the share of rank {rank}: its box does not open")
            if len(content) != 74 or content[:8] != u32(rank, self.rank): raise Refusal(f"Rank {rank} has sent a share of another")
            self.held[rank] = content[8:41], content[41:]
        if len(self.held) < max(self.threshold, LEAST): raise Refusal(f"Cannot mask: only {len(self.held)} members have shared")
        if (self.update["parameters"].value, self.plan) != (self.base, self.bound):
            raise Refusal("Cannot mask: other parameters have come since the secrets were shared")
        if self.trained is None: self.trained = learn(self.update)
        base, trained, told = self.trained
        masked = quantize(self.settings, trained.astype("<f4") - base, told["numSamples"], told.get("loss", np.inf), told["steps"])
        masked += self.stream(self.hkdf(self.seed, b"self", u32(self.rank)), len(masked))
        for rank in self.held.keys() - {self.rank}:
            theirs, low, high = by_rank[rank]["maskKey"], *sorted((self.rank, rank))
            keys = (self.public[0], theirs) if low == self.rank else (theirs, self.public[0])
            mask = self.stream(self.derive(self.mask_key, theirs, b"mask", u32(low, high), *keys), len(masked))
            masked = masked + mask if low == self.rank else masked - mask
        return MASKED, {}, {"seedDigest": (64, sha(self.seed)), "masked": (70, masked.astype("<u4").tobytes())}

    def stream(self, key, count):
        return np.frombuffer(Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor().update(bytes(4 * count)), "<u4")

    def reveal(self, asked, learn):
        dropped = asked["dropped"]
        if SHARES not in self.done: raise Refusal("Cannot reveal shares before the update was sent")
        if "votes" in asked or self.rank in dropped or len(set(dropped)) < len(dropped) or not set(dropped) <= self.held.keys():
            raise Refusal("Cannot reveal shares: the list of those that dropped out cannot be true")
        if len(self.held) - len(dropped) < max(self.threshold, LEAST): raise Refusal("Cannot reveal shares: too few members survive")
        self.revealed[asked["round"]] = asked["attempt"]
        ranks = [member["rank"] for member in self.members if member["rank"] in self.held]
        return REVEAL, {"shares": [self.held[rank][rank not in dropped] for rank in ranks]}, {}
