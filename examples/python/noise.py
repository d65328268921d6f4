"""Masked updates in a private run, clipped and with or without noise, after docs/PROTOCOL.md, "Noise of the members"."""
import math, secrets
import numpy as np
from masks import LANES, Refusal

LEAST_LOG, MOST_LOG, REACH = 4, 26, 12

def ring(settings):
    """Logarithm of a member's deviation to base 2, the unit of the ring, and the settings of it."""
    own, members = settings["noise"], settings["maxMembers"]
    if not 0.05 <= own["noise"] <= 1e4 or not 1 <= own["fewest"] <= min(own["threshold"], members) or not own["clip"] > 0:
        raise Refusal("Cannot join: the noise of the clients is out of range")
    for log in range(MOST_LOG, LEAST_LOG - 1, -1):
        most = math.sqrt(own["fewest"]) * 2.0**log / own["noise"]
        if members * most + REACH * math.sqrt(members) * 2.0**log > 2**31 - 1: continue
        unit, levels = own["clip"] / most, (2**31 - 1) // members
        made = {"clip": unit * levels, "maxSamples": 1, "maxLoss": unit * 2.0**log, "rounding": "toward-zero"}
        if any(settings.get(name) != value for name, value in made.items()):
            raise Refusal(f"Cannot join: expected a ring of {made} for the noise of the clients")
        return log, unit
    raise Refusal("Cannot join: the ring has no room for the noise of the clients")

def is_private(settings): return "noise" in settings or "maxNorm" in settings

def grid(settings):
    """Logarithm of the noise's deviation, None where the server adds the noise, the unit of the ring, and the largest norm."""
    if "maxNorm" not in settings: return *ring(settings), settings["noise"]["clip"]
    fits = "noise" not in settings and 0 < settings["maxNorm"] <= settings["clip"]
    if not fits or settings["maxSamples"] != 1 or settings.get("rounding") != "toward-zero":
        raise Refusal("Cannot join: expected a ring of clipped updates that count alike")
    return None, settings["clip"] / ((2**31 - 1) // settings["maxMembers"]), settings["maxNorm"]

def quantize(settings, update, told):
    """Integers modulo 2^32 of a clipped update, with its noise, and the lanes behind them, which tell nothing."""
    (log, unit, clip), real = grid(settings), update.astype(np.float64)
    norm, most = math.sqrt(float(real @ real)), math.floor((clip / unit)**2)
    if not math.isfinite(norm): raise Refusal("Cannot train: the update is not finite")
    factor = (1 if norm <= clip else clip / norm) / unit
    # Rounding errors of the floats may have made the norm too large.
    while sum(int(value)**2 for value in np.trunc(real * factor)) > most: factor *= 1 - 1e-9
    whole = np.trunc(real * factor).astype(np.int64)
    if log is not None: whole += [gaussian(log) for _ in real]
    return np.append(whole, [1] + [0] * (LANES - 1)).astype(np.uint32)

def gaussian(log):
    """Exact sample of the discrete Gaussian distribution of deviation 2^log, from random bits of the system (Canonne,
    Kamath and Steinke 2020, "The Discrete Gaussian for Differential Privacy", algorithms 1 to 3)."""
    scale = 1 << log
    while True:
        low, high = secrets.randbits(log) if log else 0, 0
        if not decays(low, scale): continue
        while decays(1, 1): high += 1
        size, sign = low + scale * high, secrets.randbits(1)
        if size == 0 and sign: continue
        if decays((size - scale)**2, 2 * scale**2): return -size if sign else size

def decays(numerator, denominator):
    """Is true with the probability exp(-numerator / denominator)."""
    while numerator > denominator:
        if not decays(1, 1): return False
        numerator -= denominator
    trials = 1
    while secrets.randbelow(denominator * trials) < numerator: trials += 1
    return trials % 2 == 1

def zcdp_epsilon(rho, delta):
    """Epsilon at a delta of rho of zCDP: that of the best order (Canonne et al. 2020, proposition 12)."""
    def at(log):
        over = math.exp(log)
        return (1 + over) * rho + math.log(over / (1 + over)) - math.log(delta * (1 + over)) / over
    low, high = math.log(1e-4), math.log(1e9)
    while high - low > 1e-9:  # each order gives a bound, of which this finds the least one
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if at(left) < at(right) else (left, high)
    return max(0, at(low))

class Budget:
    """Largest epsilon of a client that adds noise, counted by itself: each masked update counts."""
    def __init__(self, epsilon, delta): self.epsilon, self.delta, self.spent = epsilon, delta, 0
    def cost(self, settings): return 1 / (2 * settings["noise"]["noise"]**2) if "noise" in settings else 0
    def spend(self, settings): self.spent += self.cost(settings)
    def check(self, settings):
        rho = self.spent + self.cost(settings)
        if self.epsilon is None or rho == 0: return
        epsilon = zcdp_epsilon(rho, self.delta)
        if epsilon > self.epsilon + 1e-7:
            raise Refusal(f"Cannot mask an update: epsilon would become {epsilon:.6g} at delta {self.delta:g}, above {self.epsilon:g}")

def weakness(privacy, settings, epsilon, delta):
    """What an announced guarantee lacks of the one that is wanted; None if nothing."""
    wanted = f"expected privacy of epsilon {epsilon:g} and delta {delta:g} at most for all data of a client, got "
    if not privacy: return wanted + "none"
    if privacy.get("unit") != "client": return wanted + f"one for {privacy.get('unit')}s"
    if "epsilon" not in privacy or "guarantee" in privacy: return wanted + f"none: {privacy.get('guarantee')}"
    if privacy["epsilon"] > epsilon or privacy["delta"] > delta:
        return wanted + f"epsilon {privacy['epsilon']:g} and delta {privacy['delta']:g}"
    own = settings.get("noise", {}) if settings else {}
    if privacy["mechanism"] == "distributed" and any(own.get(name) != privacy.get(name) for name in ("noise", "clip")):
        return "the settings of the clients have other noise than was announced"
    if privacy["mechanism"] != "distributed" and settings and settings.get("maxNorm") != privacy.get("clip"):
        return "the settings of the clients have another clip than was announced"
