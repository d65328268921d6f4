"""Codecs of updates and parameters, after docs/COMMUNICATION.md: the same bytes as those of the Deno package."""
import numpy as np
import delta, eden

f4, NAMES = np.float32, ["f16", "bf16", "int8", "int4", "eden", "f32", "delta"]

class Integer:
    def __init__(self, bits, rounding="nearest"):
        self.bits, self.block, self.random = bits, 256 if bits == 8 else 64, rounding == "stochastic"
    def size(self, length):
        return -(-length // self.block), -(-length * self.bits // 8)
    def encode(self, x, key):
        most, count = f4((1 << self.bits - 1) - 1), self.size(len(x))[0]
        padded = np.zeros(count * self.block, f4)
        padded[:len(x)] = x
        scales = np.abs(padded).reshape(count, -1).max(axis=1) / most
        each = np.repeat(scales, self.block)[:len(x)]
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.where(each < f4(2.0 ** -100), x / each, x * (f4(1) / each))
        quotient = np.where(each > 0, quotient, f4(0))
        if self.random:
            draws = eden.words(key, "rounding", 0, -(-len(x) // 8)).ravel().astype("<u4").view("<u2")[:len(x)]
            whole = np.floor(quotient + (draws.astype(f4) + f4(0.5)) / f4(65536))
        else:
            whole = np.rint(quotient)
        codes = np.clip(whole, -most, most).astype(np.int8).view(np.uint8)
        if self.bits == 4:
            codes = np.append(codes, np.zeros(len(codes) % 2, np.uint8)) & 15
            codes = codes[::2] | codes[1::2] << 4
        return scales.astype("<f4"), codes.tobytes()
    def decode(self, scales, codes, length, key):
        whole = np.frombuffer(codes, np.uint8)
        if self.bits == 4:
            whole = np.stack([whole << 4, whole & 0xF0], axis=1).ravel()[:length]
        signed = whole.view(np.int8) >> (8 - self.bits)
        return signed.astype(f4) * np.repeat(scales, self.block)[:length]

class Half:
    def __init__(self, brain): self.brain = brain
    def size(self, length): return 0, 2 * length
    def encode(self, x, key):
        if not self.brain: return np.empty(0, "<f4"), x.astype("<f2").tobytes()
        bits = x.astype("<f4").view("<u4")
        return np.empty(0, "<f4"), (bits + 0x7FFF + (bits >> 16 & 1) >> 16).astype("<u2").tobytes()
    def decode(self, scales, codes, length, key):
        if not self.brain: return np.frombuffer(codes, "<f2").astype(f4)
        return (np.frombuffer(codes, "<u2").astype("<u4") << 16).view("<f4")

class Whole:
    def size(self, length): return 0, 4 * length
    def encode(self, x, key): return np.empty(0, "<f4"), x.astype("<f4").tobytes()
    def decode(self, scales, codes, length, key): return np.frombuffer(codes, "<f4")

def parse(text):
    """The codec of a name with its settings, such as `eden:bits=1,share=0.1`."""
    name, _, settings = text.partition(":")
    options = dict(pair.split("=") for pair in settings.split(",") if pair)
    makers = {"eden": eden.Eden, "int8": lambda **given: Integer(8, **given), "int4": lambda **given: Integer(4, **given),
              "f16": lambda: Half(False), "bf16": lambda: Half(True), "f32": Whole}
    return makers[name](**options)

def decode(name, scales, codes, length, key):
    """Decodes arrays from anyone; ValueError for what no vector of that length has."""
    codec = parse(name)
    if (len(scales), len(codes)) != codec.size(length):
        raise ValueError(f"expected {codec.size(length)} scales and bytes of {name}, got {(len(scales), len(codes))}")
    if not np.all((scales >= 0) & (scales < np.inf)): raise ValueError("expected finite scales of at least 0")
    return codec.decode(scales, codes, length, key)

class Coder:
    """What a client receives and sends, by the codecs of its assignment."""
    def __init__(self, given, length):
        self.given, self.length, self.round, self.sent = given, length, 0, None
        name = given.get("downlink", "")
        self.differs, self.held = name.endswith("+delta"), None
        self.downlink = name[:-6] if self.differs else name
    def received(self, asked, ahead=0):
        """The server's parameters; those to evaluate are encoded as those of the round after."""
        held, self.held = self.held, None
        if "codec" not in asked: return np.frombuffer(asked["parameters"].value, "<f4")
        if asked["codec"] != self.downlink:
            raise ValueError(f"expected parameters as {self.downlink or 'they are'}, got {asked['codec']}")
        number, coded = (asked["round"] + ahead) % 2 ** 32, (asked["scales"].value, asked["codes"].value)
        if "base" in asked:
            if not self.differs or held is None or held[0] != asked["base"] or coded[0]:
                raise ValueError(f"expected a difference to the parameters {held and held[0]}, got {asked['base']}")
            coded = delta.apply(self.downlink, held[1], coded[1])
        scales, key = np.frombuffer(coded[0], "<f4"), (self.given["seed"], number, 0)
        w = decode(self.downlink, scales, coded[1], self.length, key)
        if self.differs: self.held = number, coded
        return w
    def trains(self, asked):
        self.round, self.sent = asked["round"], self.received(asked)
        return self.sent
    def update(self, w):
        """Code, fields and arrays, with their tags, of what is sent of the parameters after training."""
        codec = self.given.get("uplink")
        if codec is None: return 2, {}, {"parameters": (85, w.astype("<f4").tobytes())}
        key = self.given["seed"], self.round, self.given["rank"]
        scales, codes = parse(codec).encode(w.astype("<f4") - self.sent, key)
        return 22, {"codec": codec}, {"scales": (85, scales.tobytes()), "codes": (64, codes)}
