"""Salt of the keys of masks, shares of secrets, and updates as integers modulo 2^32, after docs/PROTOCOL.md."""
import hashlib, os, struct
import numpy as np

LANES = 4

class Refusal(Exception):  # the client has no update for the round, and stays
    def __init__(self, line, accused=()):  # accused: ranks whose boxes hold no share for it
        super().__init__(line)
        self.told = {"accused": [*accused]} if accused else {}

def canonical(value):
    """Bytes of a value of JSON's types, the same for equal values in every language."""
    if value is None or isinstance(value, bool): return {None: b"n", True: b"t", False: b"f"}[value]
    if isinstance(value, (int, float)): return b"d" + struct.pack("<d", value + 0.0)  # 0 for -0
    if isinstance(value, str): return b"s" + text(value)
    if isinstance(value, list): return b"a" + u32(len(value)) + b"".join(map(canonical, value))
    fields = sorted(value.items(), key=lambda field: field[0].encode("utf-16-be"))
    return b"o" + u32(len(fields)) + b"".join(text(name) + canonical(content) for name, content in fields)

def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()
def u32(*numbers): return struct.pack(f"<{len(numbers)}I", *numbers)
def text(value): return u32(len(value.encode())) + value.encode()

def salt(run, attempt, base, ring, told):
    """What all keys of an attempt depend on, from what this client was sent."""
    bounds = len(base) // 4 + LANES, ring["clip"], ring["maxSamples"], ring.get("maxLoss", 64), ring["maxMembers"]
    return sha(text("fedlab-secagg-v1"), text(run), u32(*attempt), sha(base), b"\x20", struct.pack("<Q3dI", *bounds),
               bytes([ring.get("rounding") == "toward-zero"]), sha(canonical(told)))

POWERS, LOGS = np.zeros(510, np.uint8), np.zeros(256, np.int64)  # of 3 in GF(2^8), polynomial 0x11b
value = 1
for power in range(255):
    POWERS[power] = POWERS[power + 255] = value
    LOGS[value] = power
    value ^= value << 1 ^ (0x11B if value & 0x80 else 0)

def split(secret, count, threshold):
    """Shares of 32 bytes by Shamir, of which `threshold` give them back."""
    rows = np.frombuffer(secret + os.urandom(32 * (threshold - 1)), np.uint8).reshape(threshold, 32)
    for x in range(1, count + 1):
        share = np.zeros(32, np.uint8)
        for row in rows[::-1]: share = np.where(share == 0, 0, POWERS[LOGS[share] + LOGS[x]]) ^ row
        yield share.astype(np.uint8).tobytes() + bytes([x])

def quantize(settings, update, figures):
    """Integers modulo 2^32 of an update, and the lanes behind them."""
    samples, loss, steps = figures["numSamples"], figures.get("loss", np.inf), figures["steps"]
    clip, most, members = settings["clip"], settings["maxSamples"], settings["maxMembers"]
    levels, lane, weight = (2**31 - 1) // members, (2**32 - 1) // members, min(samples, most)
    real = np.clip(update.astype(np.float64), -clip, clip) * (levels / clip * weight / most)
    if not np.isfinite(real).all(): raise Refusal("Cannot train: the update is not finite")
    if settings.get("rounding", "random") == "random": whole = np.floor(real + np.random.default_rng().random(len(real)))
    else: whole = np.trunc(real)
    bound = settings.get("maxLoss", 64)
    told = weight * min(max(loss, 0), bound) * lane / (most * bound)
    lanes = [min(number, lane) for number in (weight, int((np.abs(update) > clip).sum()), round(told), steps)]
    return np.append(np.clip(whole, -levels, levels).astype(np.int64), lanes).astype(np.uint32)
