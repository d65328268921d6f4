"""Sums of an evaluation, from which the server derives the metrics of all clients together: the
field `sums` of EvaluateParams in docs/PROTOCOL.md. docs/METRICS.md has the formulas."""
import numpy as np

SCORE_BINS, RESOLUTION, LINEAR, MOST_BINS, CALIBRATION_BINS = 1 << 23, 1 << 16, 8, 6000, 15
MOST_COUNTED, MOST_SCORED, MOST_OUTPUTS = 50, 20, 1000

def histogram(logits, positive, most):
    """Histogram of the scores of a class, given whether each row is of the class."""
    size = np.abs(logits)
    place = np.where(size <= LINEAR, size, LINEAR * (1 + np.log(np.maximum(size, LINEAR) / LINEAR)))
    bins = SCORE_BINS // 2 + np.floor(np.sign(logits) * place * RESOLUTION)
    bins, shift = np.clip(bins, 0, SCORE_BINS - 1).astype(np.int64), 0
    while len(np.unique(bins)) > most:
        bins, shift = bins // 2, shift + 1
    occupied, index = np.unique(bins, return_inverse=True)
    counts = np.zeros((len(occupied), 2), np.int64)
    np.add.at(counts, (index, positive.astype(np.int64)), 1)
    return {"shift": shift, "bins": np.column_stack([np.diff(occupied, prepend=0), counts]).ravel().tolist()}

def of_classes(z, y):
    """Sums of a classifier's logits, one row each and one column for each class, and true classes."""
    (n, classes), rows = z.shape, np.arange(len(y))
    if classes > MOST_OUTPUTS or not np.isfinite(z).all(): return None
    answers, z = z.argmax(axis=1), z.astype(np.float64) - z.max(axis=1, keepdims=True)
    powers = np.exp(z)
    others = powers.copy()
    others[rows, answers] = 0
    # The sum of all other powers, without the cancellation of 1 + rest - 1.
    rest = 1 + others.sum(axis=1, keepdims=True) - powers
    rest[rows, answers] = others.sum(axis=1)
    with np.errstate(divide="ignore"): logits = z - np.log(rest)
    shares, right = powers / powers.sum(axis=1, keepdims=True), answers == y
    brier = ((shares - np.eye(classes)[y]) ** 2).sum() / (2 if classes == 2 else 1)
    confidence = shares[rows, answers]
    at = np.minimum(CALIBRATION_BINS - 1, (confidence * CALIBRATION_BINS).astype(np.int64))
    calibration = np.zeros((CALIBRATION_BINS, 3))
    np.add.at(calibration, at, np.column_stack([np.ones(n), confidence, right]))
    sums = {"task": "classification", "outputs": classes, "samples": n, "correct": int(right.sum()),
            "logLoss": float(np.logaddexp(0, -logits[rows, y]).sum()), "brier": float(brier),
            "calibration": calibration.ravel().tolist()}
    if classes <= MOST_COUNTED:
        sums["confusion"] = np.bincount(y * classes + answers, minlength=classes * classes).tolist()
    if classes <= MOST_SCORED:
        scored = [1] if classes == 2 else range(classes)
        sums["scores"] = [histogram(logits[:, c], y == c, MOST_BINS // len(scored)) for c in scored]
    return sums

def loss_gradient_accuracy(w, x, y, classes):
    rows, logs = np.arange(len(y)), x @ w[:-classes].reshape(-1, classes) + w[-classes:]
    logs -= np.logaddexp.reduce(logs, axis=1, keepdims=True)
    loss, right, error = -logs[rows, y].mean(), logs.argmax(axis=1) == y, np.exp(logs)
    error[rows, y] -= 1
    return float(loss), np.append(x.T @ error, error.sum(axis=0)) / len(y), float(right.mean())
