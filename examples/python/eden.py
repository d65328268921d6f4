"""The codec EDEN, after docs/COMMUNICATION.md: the same bytes as those of the Deno package."""
import numpy as np

LEVELS = [[0.7978845608], [0.4527800346, 1.5104176085], [0.2450941789, 0.7560052812, 1.3439092785, 2.1519457045],
          [0.1283950299, 0.3880482995, 0.6567591185, 0.9423404565, 1.2562311973, 1.6180463860, 2.0690172265, 2.7325895710]]
CHUNK, f4 = 4096, np.float32

def words(key, purpose, first, count):
    """Blocks of four words of Philox4x32-10, from block `first` on; key is (seed, round, rank)."""
    seed, round, rank = key
    name = 0x811C9DC5
    for byte in purpose.encode():
        name = (name ^ byte) * 0x01000193 & 0xFFFFFFFF
    low = np.uint64(0xFFFFFFFF)
    a = np.arange(first, first + count, dtype=np.uint64)
    b, c, d = (np.full(count, value, np.uint64) for value in (0, round, rank))
    for _ in range(10):
        p, q = np.uint64(0xD2511F53) * a, np.uint64(0xCD9E8D57) * c
        a, b, c, d = q >> np.uint64(32) ^ b ^ np.uint64(seed), q & low, p >> np.uint64(32) ^ d ^ np.uint64(name), p & low
        seed, name = seed + 0x9E3779B9 & 0xFFFFFFFF, name + 0xBB67AE85 & 0xFFFFFFFF
    return np.stack([a, b, c, d], axis=1)

def signs(key, purpose, chunk, count):
    blocks = words(key, purpose, chunk * CHUNK // 128, -(-count // 128)).ravel()
    return (1 - 2 * (blocks[:, None] >> np.arange(32, dtype=np.uint64) & np.uint64(1)).astype(f4)).ravel()[:count]

def hadamard(x):
    stride = 1
    while stride < len(x):
        pairs = x.reshape(-1, 2, stride)
        x, stride = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).ravel(), 2 * stride
    return x

def rotated(x, key, chunk):
    return hadamard(hadamard(x) * signs(key, "second-rotation", chunk, len(x)) + f4(0))

def total(x):  # four sums by lane, each in order
    a, b, c, d = np.cumsum(x.astype(np.float64).reshape(-1, 4), axis=0)[-1]
    return (a + c) + (b + d)

class Eden:
    def __init__(self, bits=1, share=1):
        self.bits, self.share = int(bits), float(share)
        self.levels = np.array(LEVELS[self.bits - 1], f4)
    def chunks(self, length):
        for chunk, start in enumerate(range(0, length, CHUNK)):
            count = min(CHUNK, length - start)
            padded = max(32, 1 << (count - 1).bit_length())
            kept = max(1, int(self.share * padded + 0.5))
            yield chunk, start, count, padded, kept, -(-kept * self.bits // 8)
    def size(self, length):
        return -(-length // CHUNK), sum(count for *_, count in self.chunks(length))
    def places(self, key, chunk, padded, kept):
        if kept == padded: return np.arange(padded)
        first, second, added, _ = map(int, words(key, "kept", chunk, 1)[0])
        shift, mask = -(-(padded.bit_length() - 1) // 2), padded - 1
        x = np.arange(kept) * (first % padded | 1) & mask
        x = (x ^ x >> shift) * (second % padded | 1) & mask
        return (x ^ x >> shift) + added % padded & mask
    def encode(self, x, key):
        scales, codes = [], b""
        for chunk, start, count, padded, kept, size in self.chunks(len(x)):
            part = np.zeros(padded, f4)
            part[:count] = x[start:start + count]
            square = total(part.astype(np.float64) ** 2)
            h = rotated(part * signs(key, "rotation", chunk, padded), key, chunk)
            bounds = (self.levels[1:] + self.levels[:-1]) / f4(2) * np.sqrt(f4(square * padded))
            number = (np.abs(h)[:, None] > bounds).sum(axis=1)
            scales.append(square / total(np.abs(h) * self.levels[number]) * padded if square else 0)
            code = (number + (h < 0) * len(self.levels))[self.places(key, chunk, padded, kept)] * (square > 0)
            codes += np.packbits((code[:, None] >> np.arange(self.bits) & 1).astype(np.uint8), bitorder="little").tobytes()
        return np.array(scales, "<f4"), codes
    def decode(self, scales, codes, length, key):
        values, at, levels = np.empty(length, f4), 0, np.concatenate([self.levels, -self.levels])
        for chunk, start, count, padded, kept, size in self.chunks(length):
            bits = np.unpackbits(np.frombuffer(codes, np.uint8, size, at), bitorder="little")[:kept * self.bits]
            code, c = bits.reshape(kept, self.bits) @ (1 << np.arange(self.bits)), np.zeros(padded, f4)
            c[self.places(key, chunk, padded, kept)] = levels[code]
            x = rotated(c, key, chunk) * f4(float(scales[chunk]) / kept) * signs(key, "rotation", chunk, padded)
            values[start:start + count], at = x[:count], at + size
        return values
