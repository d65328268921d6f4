"""Dense networks in PyTorch: the whole cohort at once by batched products, gradients by hand."""

import os

import torch

from task import BATCH, Figures, Task, arguments, load

torch.set_num_threads(os.cpu_count() or 1)
torch.set_grad_enabled(False)


def train(layers, x, y, rate):
    """`layers`: tensors with the cohort as first axis. `x`: cohort × rows × features."""
    for start in range(0, x.shape[1], BATCH):
        outputs = [x[:, start:start + BATCH]]
        target = y[:, start:start + BATCH]
        depth = len(layers) // 2
        for k in range(depth):
            z = torch.baddbmm(layers[2 * k + 1].unsqueeze(1), outputs[-1], layers[2 * k])
            outputs.append(z.relu_() if k < depth - 1 else z)
        delta = torch.softmax(outputs.pop(), 2)
        delta.scatter_add_(2, target.unsqueeze(2), torch.full((*target.shape, 1), -1.0))
        delta /= target.shape[1]
        for k in reversed(range(depth)):
            values = outputs[k]
            below = torch.bmm(delta, layers[2 * k].mT).mul_(values > 0) if k > 0 else None
            layers[2 * k].baddbmm_(values.mT, delta, alpha=-rate)
            layers[2 * k + 1].sub_(delta.sum(1), alpha=rate)
            delta = below


def forward(layers, x):
    depth = len(layers) // 2
    for k in range(depth):
        x = torch.addmm(layers[2 * k + 1], x, layers[2 * k])
        if k < depth - 1:
            x.relu_()
    return x


task = Task(arguments())
x, y = (torch.from_numpy(a) for a in load("train"))
y = y.long()
test_x, test_y = (torch.from_numpy(a) for a in load("t10k"))
parts = torch.from_numpy(task.deal(len(x)))
layers = [torch.from_numpy(layer) for layer in task.initial()]
figures = Figures()
for round in range(1, task.rounds + 1):
    rows = parts[torch.from_numpy(task.draw())]
    rows = rows.gather(1, torch.rand(rows.shape).argsort(1))
    own = [layer.expand(task.cohort, *layer.shape).clone() for layer in layers]
    train(own, x[rows], y[rows], task.learning_rate)
    layers = [tensor.mean(0) for tensor in own]
    if task.is_evaluated(round):
        figures.accuracy = (forward(layers, test_x).argmax(1) == test_y).float().mean()
    figures.round()
figures.print(task, "PyTorch", torch.__version__)
