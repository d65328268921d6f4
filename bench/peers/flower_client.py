"""The client of `flower_ray.py`: a module that each process of Ray imports."""

from functools import cache

import numpy as np
from flwr.client import NumPyClient

from task import BATCH, Task, arguments, load

ARGUMENTS = arguments()


@cache
def train_data():
    """Read once in each process of Ray."""
    task = Task(ARGUMENTS)
    x, y = load("train")
    return x, y, task.deal(len(x))


def forward(layers, x):
    outputs = [x]
    for k in range(0, len(layers), 2):
        z = outputs[-1] @ layers[k] + layers[k + 1]
        outputs.append(np.maximum(z, 0) if k + 2 < len(layers) else z)
    return outputs


def train(layers, x, y, rate):
    for start in range(0, len(x), BATCH):
        target = y[start:start + BATCH]
        outputs = forward(layers, x[start:start + BATCH])
        delta = outputs.pop()
        delta = np.exp(delta - delta.max(1, keepdims=True))
        delta /= delta.sum(1, keepdims=True)
        delta[np.arange(len(target)), target] -= 1
        delta *= rate / len(target)
        for k in reversed(range(0, len(layers), 2)):
            values = outputs[k // 2]
            below = (delta @ layers[k].T) * (values > 0) if k > 0 else None
            layers[k] -= values.T @ delta
            layers[k + 1] -= delta.sum(0)
            delta = below


class Client(NumPyClient):
    def __init__(self, number):
        self.number = number

    def fit(self, parameters, config):
        x, y, parts = train_data()
        rows = np.random.permutation(parts[self.number])
        layers = [layer.copy() for layer in parameters]
        train(layers, x[rows], y[rows], Task(ARGUMENTS).learning_rate)
        return layers, len(rows), {}


def client_fn(context):
    return Client(int(context.node_config["partition-id"])).to_client()
