"""Dense networks in JAX: a scan over the steps of one client, mapped over the cohort, compiled."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from task import BATCH, Figures, Task, arguments, load


def forward(layers, x):
    depth = len(layers) // 2
    for k in range(depth):
        x = x @ layers[2 * k] + layers[2 * k + 1]
        if k < depth - 1:
            x = jax.nn.relu(x)
    return x


def loss(layers, x, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(forward(layers, x)), y[:, None], 1).mean()


@partial(jax.jit, static_argnames="rate")
def round_of(layers, x, y, rows, rate):
    """`rows`: cohort × steps × batch."""

    def client(rows):
        def step(layers, batch):
            gradients = jax.grad(loss)(layers, x[batch], y[batch])
            return [w - rate * g for w, g in zip(layers, gradients)], None

        return jax.lax.scan(step, layers, rows)[0]

    return [w.mean(0) for w in jax.vmap(client)(rows)]


@jax.jit
def accuracy(layers, x, y):
    return (forward(layers, x).argmax(1) == y).mean()


task = Task(arguments())
x, y = (jnp.asarray(a) for a in load("train"))
y = y.astype(jnp.int32)
test_x, test_y = (jnp.asarray(a) for a in load("t10k"))
parts = task.deal(len(x))
batch = min(BATCH, parts.shape[1])
layers = [jnp.asarray(layer) for layer in task.initial()]
figures = Figures()
for round in range(1, task.rounds + 1):
    rows = task.rng.permuted(parts[task.draw()], axis=1)
    rows = rows.reshape(task.cohort, -1, batch).astype(np.int32)
    layers = round_of(layers, x, y, rows, task.learning_rate)
    if task.is_evaluated(round):
        figures.accuracy = accuracy(layers, test_x, test_y)
    jax.block_until_ready(layers)
    figures.round()
figures.print(task, "JAX", jax.__version__)
