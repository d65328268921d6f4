"""Ed25519 keys by which clients prove who they are and sign, after docs/PROTOCOL.md. It needs the
package cryptography."""
import base64, datetime, math, pathlib, time
from peer import End
try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
except ImportError: Ed25519PrivateKey = None

PRIME = 2**255 - 19
SMALL = {0, 1, PRIME - 1} | {int.from_bytes(bytes.fromhex(y), "little") for y in (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")}  # points of small order

class Identity:
    """Private key of a client, from a file of `deno task keygen`."""
    def __init__(self, path):
        if Ed25519PrivateKey is None: raise End(f"Cannot use the key in {path}: run: pip install cryptography")
        try: self.private = load_pem_private_key(read(path).encode(), None)
        except (ValueError, TypeError): self.private = None  # no part of a key gets into a message
        if not isinstance(self.private, Ed25519PrivateKey):
            raise End(f"Cannot read the private key in {path}: expected an Ed25519 key in PKCS#8 PEM")
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    def text(self): return base64.urlsafe_b64encode(self.public).decode().rstrip("=")
    def sign(self, signed): return self.private.sign(signed)

class Listed:
    """Public keys of a list such as that of a server: one a line, with a name and options behind it."""
    def __init__(self, path):
        self.ends = {}
        for number, line in enumerate(read(path).split("\n"), 1):
            word, *options = line.split() or "#"
            if word.startswith("#"): continue
            try:
                key = base64.urlsafe_b64decode(word + "=")
                ends = [end_of(option[8:]) for option in options if option.startswith("expires=")]
            except ValueError: key, ends = b"", []
            y = int.from_bytes(key, "little") % 2**255
            is_key = len(key) == 32 and base64.urlsafe_b64encode(key).decode() == word + "=" and y < PRIME
            if not is_key or y in SMALL or key in self.ends:
                raise End(f"Cannot read the list of keys in {path}: line {number} has no key or date, or the key of another line")
            self.ends[key] = min([math.inf, *ends])
        if not self.ends: raise End(f"Cannot use the list of keys in {path}: it has none")
    def __contains__(self, key): return time.time() < self.ends.get(key, 0)

def end_of(value):
    """Seconds since 1970 of a time, or of the end of a day, in UTC."""
    day = datetime.timedelta(days=len(value) == 10)
    return (datetime.datetime.fromisoformat(value.replace("Z", "")).replace(tzinfo=datetime.timezone.utc) + day).timestamp()

def read(path):
    try: return pathlib.Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error: raise End(f"Cannot read the keys in {path}: {error}")

def is_signed(public, signature, text):
    """True if the holder of a public key has signed the text."""
    try: Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError): return False
    return True
