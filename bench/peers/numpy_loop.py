"""Logistic regression in NumPy: a loop over the clients, on one thread."""

import os

for name in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]:
    os.environ[name] = "1"

import numpy as np

from task import BATCH, Figures, Task, arguments, load


def train(w, b, x, y, rate, order):
    w, b = w.copy(), b.copy()
    for start in range(0, len(order), BATCH):
        rows = order[start:start + BATCH]
        batch = x[rows]
        z = batch @ w
        z += b
        z -= z.max(1, keepdims=True)
        np.exp(z, z)
        z /= z.sum(1, keepdims=True)
        z[np.arange(len(rows)), y[rows]] -= 1
        z *= rate / len(rows)
        w -= batch.T @ z
        b -= z.sum(0)
    return w, b


task = Task(arguments())
x, y = load("train")
test_x, test_y = load("t10k")
parts = task.deal(len(x))
w, b = task.initial()
figures = Figures()
for round in range(1, task.rounds + 1):
    mean_w, mean_b = np.zeros_like(w), np.zeros_like(b)
    for client in task.draw():
        order = task.rng.permutation(parts[client])
        trained = train(w, b, x, y, task.learning_rate, order)
        mean_w += trained[0]
        mean_b += trained[1]
    w, b = mean_w / task.cohort, mean_b / task.cohort
    if task.is_evaluated(round):
        figures.accuracy = ((test_x @ w + b).argmax(1) == test_y).mean()
    figures.round()
figures.print(task, "NumPy", np.__version__)
