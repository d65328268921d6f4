"""Times PyTorch's recurrent layers and attention on one thread, for bench/groups/sequences.ts to compare with.

Each line of standard input is "step MODEL ROWS COUNT" or "evaluate MODEL ROWS COUNT"; each line of standard output is
the milliseconds of processor time, of all threads, that so many steps, or evaluations, took.

The model of a step is cell, layers, units, symbols and steps, such as lstm-2-256-90-80. A step is forward, backward and
update of a language model with an embedding of 8 values. That of an evaluation is bert, layers, width, heads, units of
the hidden layer and tokens, such as bert-6-384-12-1536-46: the mean vectors of texts that are padded to the longest.
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


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, inner: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inward, self.outward = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x, mask):
        rows, tokens, width = x.shape
        query, key, value = self.qkv(x).view(rows, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = self.norm1(x + self.output(attended.transpose(1, 2).reshape(rows, tokens, width)))
        return self.norm2(x + self.outward(nn.functional.gelu(self.inward(x))))


def encoder(sizes: list[int], rows: int):
    count, width, heads, inner, tokens = sizes
    layers = nn.ModuleList(Layer(width, heads, inner) for _ in range(count))
    x = torch.randn(rows, tokens, width)
    counts = torch.linspace(4, tokens, rows).int()
    kept = (torch.arange(tokens) < counts[:, None])[:, None, None, :]

    def evaluate():
        with torch.inference_mode():
            y = x
            for layer in layers:
                y = layer(y, kept)
            weights = kept[:, 0, 0, :, None].float()
            return (y * weights).sum(1) / weights.sum(1)

    return evaluate


@functools.cache
def prepare(name: str, rows: int):
    cell, *texts = name.split("-")
    sizes = list(map(int, texts))
    if cell == "bert":
        return encoder(sizes, rows)
    layers, units, symbols, steps = sizes
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
        work = prepare(name, int(rows))
        start = time.process_time()
        for _ in range(int(count)):
            work()
        print((time.process_time() - start) * 1000, flush=True)


main()
