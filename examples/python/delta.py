"""Differences of encoded parameters, after docs/PROTOCOL.md."""
import numpy as np

FORMATS = {"f32": "<i4", "f16": "<i2", "bf16": "<i2"}  # of codes; those of the others are bytes
BLOCK, ZEROS, ESCAPE = 128, 32, 24

class Bits:
    def __init__(self, data):
        self.all, self.at = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little").tolist(), 0
    def take(self, count):
        if self.at + count > len(self.all): raise ValueError(f"expected a difference of more than {len(self.all) // 8} bytes")
        self.at += count
        return sum(bit << i for i, bit in enumerate(self.all[self.at - count:self.at]))
    def changes(self, count, width):
        """Differences of numbers, each a Rice code with the parameter of its block."""
        found = []
        while len(found) < count:
            size, k = min(BLOCK, count - len(found)), self.take(6)
            if k == ZEROS:
                found += [0] * size
                continue
            if k >= width: raise ValueError(f"expected a parameter below {width}, or {ZEROS}, got {k}")
            for _ in range(size):
                ones = 0
                while ones < ESCAPE and self.take(1): ones += 1
                z = ones << k | self.take(k) if ones < ESCAPE else self.take(width)
                if z >> width: raise ValueError(f"expected numbers of {width} bits, got {z}")
                found.append(z >> 1 if z % 2 == 0 else ~(z >> 1))
        return np.array(found, np.int64)
    def end(self):
        if len(self.all) - self.at > 7 or any(self.all[self.at:]):
            raise ValueError(f"expected a difference of {-(-self.at // 8)} bytes, got {len(self.all) // 8}")

def changed(bits, data, format, halves=False):
    """The bytes of an array after its difference, which is that of numbers in the order of their values."""
    numbers, width = np.frombuffer(data, format).astype(np.int64), 4 if halves else 8 * np.dtype(format).itemsize
    if halves: numbers = np.stack([numbers << 60 >> 60, numbers << 56 >> 60], axis=1).ravel()
    magnitude = (1 << width - 1) - 1 if width > 8 else 0
    ordered = numbers ^ (numbers >> 63 & magnitude)
    result = ordered + bits.changes(len(numbers), width) << 64 - width >> 64 - width
    result ^= result >> 63 & magnitude
    if halves: return (result[::2] & 15 | (result[1::2] & 15) << 4).astype(np.uint8).tobytes()
    return result.astype(format).tobytes()

def apply(codec, held, codes):
    """Scales and codes, as bytes, to which those that are held change; ValueError if `codes` are no difference."""
    if not codes: return held
    name, bits = codec.split(":")[0], Bits(codes)
    result = changed(bits, held[0], "<i4"), changed(bits, held[1], FORMATS.get(name, "<i1"), name == "int4")
    bits.end()
    return result
