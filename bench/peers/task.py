"""The task that all peers do: federated averaging of images, dealt evenly to the clients.

Each program is called with the arguments MODEL CLIENTS COHORT LEARNING_RATE ROUNDS EVALUATE_EVERY,
trains one epoch of batches of ten in each client of the cohort, and prints its figures as a line of
JSON. MNIST is read from `mnist` in the folder that FEDLAB_DATA names.
"""

import gzip
import json
import os
import sys
import time

import numpy as np

BATCH = 10
SIZES = {"lr": [784, 10], "2nn": [784, 200, 200, 10]}


def read_idx(name, header):
    folder = os.path.join(os.environ.get("FEDLAB_DATA", "../shared/data"), "mnist")
    with gzip.open(os.path.join(folder, name)) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def load(kind):
    """Images as rows of floats from 0 to 1, and their classes."""
    images = read_idx(f"{kind}-images-idx3-ubyte.gz", 16).reshape(-1, 784)
    labels = read_idx(f"{kind}-labels-idx1-ubyte.gz", 8).copy()
    return images.astype(np.float32) / np.float32(255), labels


class Task:
    def __init__(self, arguments):
        model, clients, cohort, learning_rate, rounds, every = arguments
        self.model, self.sizes = model, SIZES[model]
        self.clients, self.cohort = int(clients), int(cohort)
        self.learning_rate, self.rounds, self.every = float(learning_rate), int(rounds), int(every)
        self.rng = np.random.default_rng(1)

    def deal(self, length):
        """The rows of each client: a matrix of CLIENTS rows."""
        return self.rng.permutation(length).reshape(self.clients, -1)

    def draw(self):
        return self.rng.choice(self.clients, self.cohort, replace=False)

    def initial(self):
        """Weights and biases: zeros for logistic regression, Glorot's uniform ones otherwise."""
        layers = []
        for n, m in zip(self.sizes, self.sizes[1:]):
            bound = 0 if self.model == "lr" else np.sqrt(6 / (n + m))
            weights = self.rng.uniform(-bound, bound, (n, m)).astype(np.float32)
            layers += [weights, np.zeros(m, np.float32)]
        return layers

    def is_evaluated(self, round):
        return round % self.every == 0 or round == self.rounds


class Figures:
    """The seconds of all rounds, and of those after the first, in which programs are compiled."""

    def __init__(self):
        self.start = time.perf_counter()
        self.first = None
        self.accuracy = None

    def round(self):
        self.end = time.perf_counter()
        self.first = self.first or self.end

    def print(self, task, name, version):
        later = (self.end - self.first) / max(1, task.rounds - 1) * task.rounds
        seconds = self.end - self.start
        print(json.dumps({
            "name": f"{name} {version}",
            "seconds": seconds,
            "steadySeconds": later if task.rounds > 1 else seconds,
            "accuracy": float(self.accuracy),
        }))


def arguments():
    """The program's arguments, for the processes that it starts too."""
    if "FEDLAB_PEER_TASK" not in os.environ:
        os.environ["FEDLAB_PEER_TASK"] = " ".join(sys.argv[1:])
    return os.environ["FEDLAB_PEER_TASK"].split()
