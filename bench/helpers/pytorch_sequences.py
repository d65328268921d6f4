"""Times SGD steps of PyTorch's recurrent layers on one thread, for bench/groups/sequences.ts to compare with.

Each line of standard input is "step MODEL ROWS COUNT", where MODEL is cell, layers, units, symbols and steps, such as
lstm-2-256-90-80; each line of standard output is the milliseconds of processor time, of all threads, that so many
steps took. A step is forward, backward and update of a language model with an embedding of 8 values.
"""

import functools
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)


class Language(nn.Module):
    def __init__(self, cell: str, layers: int, units: int, symbols: int):
        super().__init__()
        self.embedding = nn.Embedding(symbols, 8)
        self.recurrent = getattr(nn, cell.upper())(8, units, layers, batch_first=True)
        self.logits = nn.Linear(units, symbols)

    def forward(self, words):
        return self.logits(self.recurrent(self.embedding(words))[0])


@functools.cache
def prepare(name: str, rows: int):
    cell, *sizes = name.split("-")
    layers, units, symbols, steps = map(int, sizes)
    model = Language(cell, layers, units, symbols)
    parameters = list(model.parameters())
    words, labels = torch.randint(0, symbols, (2, rows, steps))

    def step():
        loss = nn.functional.cross_entropy(model(words).flatten(0, 1), labels.flatten())
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-1e-3)

    return step


def main():
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        _, name, rows, count = line.split()
        step = prepare(name, int(rows))
        start = time.process_time()
        for _ in range(int(count)):
            step()
        print((time.process_time() - start) * 1000, flush=True)


main()
