"""Secure aggregation at a client, after docs/PROTOCOL.md. It needs the package cryptography."""
import os
import numpy as np
import members, noise
from masks import Refusal, quantize, salt, sha, split, u32
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

KEYS, MEMBERS, SHARES, MASKED, SURVIVORS, VOTE, REQUEST, REVEAL = range(24, 32)
ASKED, LEAST = (KEYS, MEMBERS, SHARES, SURVIVORS, REQUEST), 3
SETTINGS = {"clip", "maxSamples", "maxMembers", "maxLoss", "rounding", "signed", "noise", "maxNorm"}

class Member:
    """Client's part in the rounds of a run."""
    def __init__(self, given, least, signer=None, listed=None, budget=None):
        self.run, self.rank, self.settings, self.least = given["run"], given["rank"], given["plan"]["secure"], least
        self.signer, self.listed, self.budget = signer, listed, budget or noise.Budget(None, None)
        if unknown := self.settings.keys() - SETTINGS: raise Refusal(f"Cannot join: unknown settings {', '.join(unknown)}")
        if noise.is_private(self.settings): noise.grid(self.settings)
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
            made = {KEYS: self.keys, MEMBERS: self.share, SHARES: self.mask, SURVIVORS: self.vote, REQUEST: self.reveal}[code](asked, learn)
            self.done[code] = asked, made
        return made[0], {"round": number, "attempt": attempt, **made[1]}, made[2]

    def keep(self, asked):
        if asked.get("plan", self.assigned).get("secure") != self.settings:
            raise Refusal("Cannot train: the round has other settings of secure aggregation than the run")
        last, self.update, before, self.plan = self.update, asked, self.plan, asked.get("plan", self.assigned)
        same = last is not None and before == self.plan and last["round"] == asked["round"]
        same = same and last["parameters"].value == asked["parameters"].value
        self.trained = self.trained if same else None
        early, self.early = self.early, None
        return self.answer(MEMBERS, early, None) if early and early["round"] == asked["round"] else None

    def begin(self, number, attempt):
        if self.revealed.get(number, attempt) != attempt:
            raise Refusal(f"Cannot join another attempt of round {number}: shares were revealed for it")
        self.budget.check(self.settings)
        self.id, self.done, self.serial = (number, attempt), {}, self.serial + 1
        self.mask_key, self.seal_key = X25519PrivateKey.generate(), X25519PrivateKey.generate()
        self.public = [key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in (self.mask_key, self.seal_key)]

    def keys(self, asked, learn):
        arrays = dict(zip(("maskKey", "sealKey"), ((64, key) for key in self.public)))
        if self.signer: arrays["signature"] = 64, self.signer.sign(members.of_keys(self.run, self.rank, self.serial, *self.public))
        return KEYS, {"serial": self.serial}, arrays

    def share(self, asked, learn):
        self.threshold, self.members = asked["threshold"], asked["members"]
        members.check_members(self.members, self.threshold, self.settings, max(self.least, LEAST))
        own = [[member["serial"], member["maskKey"], member["sealKey"]] for member in self.members if member["rank"] == self.rank]
        if own != [[self.serial, *self.public]]: raise Refusal("Cannot share: the keys of this client were altered")
        if self.listed: members.check_keys(self.run, self.members, self.listed)
        self.base, self.bound = self.update["parameters"].value, self.plan
        self.salt = salt(self.run, self.id, self.base, self.settings, {**self.told, "plan": self.plan})
        self.seed, boxes = os.urandom(32), []
        secret = self.mask_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        pairs = zip(*(split(one, len(self.members), self.threshold) for one in (secret, self.seed)))
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
    def open(self, by_rank, rank, box):
        if rank not in by_rank or rank == self.rank: return None
        try: content = self.box(by_rank[rank], rank, self.rank).decrypt(box[:12], box[12:], self.salt)
        except InvalidTag: return None
        return content if len(content) == 74 and content[:8] == u32(rank, self.rank) else None

    def mask(self, asked, learn):
        by_rank, self.held = {member["rank"]: member for member in self.members}, {self.rank: self.own}
        opened = {sealed["rank"]: self.open(by_rank, sealed["rank"], sealed["box"]) for sealed in asked["shares"]}
        accused = [rank for rank, content in opened.items() if not content]
        if accused: raise Refusal(f"Cannot read the shares of ranks {', '.join(map(str, accused))}", accused)
        if len(opened) < len(asked["shares"]): raise Refusal("Cannot take two boxes of one rank")
        self.held.update((rank, (content[8:41], content[41:])) for rank, content in opened.items())
        if len(self.held) < max(self.threshold, LEAST): raise Refusal(f"Cannot mask: only {len(self.held)} members have shared")
        if (self.update["parameters"].value, self.plan) != (self.base, self.bound):
            raise Refusal("Cannot mask: other parameters have come since the secrets were shared")
        if self.trained is None: self.trained = learn(self.update)
        base, trained, told = self.trained
        change = trained.astype("<f4") - base
        self.budget.spend(self.settings)
        masked = (noise.quantize if noise.is_private(self.settings) else quantize)(self.settings, change, told)
        masked += self.stream(self.hkdf(self.seed, b"self", u32(self.rank)), len(masked))
        for rank in self.held.keys() - {self.rank}:
            theirs, low, high = by_rank[rank]["maskKey"], *sorted((self.rank, rank))
            keys = (self.public[0], theirs) if low == self.rank else (theirs, self.public[0])
            mask = self.stream(self.derive(self.mask_key, theirs, b"mask", u32(low, high), *keys), len(masked))
            masked = masked + mask if low == self.rank else masked - mask
        return MASKED, {}, {"seedDigest": (64, sha(self.seed)), "masked": (70, masked.astype("<u4").tobytes())}

    def stream(self, key, count):
        return np.frombuffer(Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor().update(bytes(4 * count)), "<u4")

    def vote(self, asked, learn):
        if not self.signer or SHARES not in self.done: raise Refusal("Cannot sign the survivors without a key, or before the update")
        survivors, ranks = asked["survivors"], [member["rank"] for member in self.members]
        members.check_survivors(survivors, self.rank, ranks, self.held.keys(), max(self.threshold, LEAST))
        return VOTE, {}, {"signature": (64, self.signer.sign(members.of_survivors(self.run, self.id, survivors)))}
    def check_votes(self, asked):
        if SURVIVORS not in self.done: raise Refusal("Cannot reveal shares before there was a vote on the survivors")
        survivors = self.done[SURVIVORS][0]["survivors"]
        signed, held = members.of_survivors(self.run, self.id, survivors), self.held.keys()
        members.check_votes(signed, survivors, held, self.members, self.threshold, asked)

    def reveal(self, asked, learn):
        dropped = asked["dropped"]
        if SHARES not in self.done: raise Refusal("Cannot reveal shares before the update was sent")
        if self.listed: self.check_votes(asked)
        if self.rank in dropped or len(set(dropped)) < len(dropped) or not set(dropped) <= self.held.keys():
            raise Refusal("Cannot reveal shares: the list of those that dropped out cannot be true")
        if len(self.held) - len(dropped) < max(self.threshold, LEAST): raise Refusal("Cannot reveal shares: too few members survive")
        self.revealed[asked["round"]] = asked["attempt"]
        ranks = [member["rank"] for member in self.members if member["rank"] in self.held]
        return REVEAL, {"shares": [self.held[rank][rank not in dropped] for rank in ranks]}, {}
