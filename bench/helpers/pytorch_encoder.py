"""Times PyTorch on an encoder of the shape of all-MiniLM-L6-v2, for bench/groups/encoder.ts to compare with.

Each line of standard input is "evaluate LENGTHS ROWS COUNT" or "step LAYERS/LENGTHS ROWS COUNT", where LENGTHS are the
numbers of tokens of the texts, such as 11-25-14, and LAYERS the number of last layers with adapters, whose input is
given. Each line of standard output is the milliseconds of processor time that so many took, on one thread. The texts
are padded to the longest of the batch.
"""

import functools
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(1)
WIDTH, HEADS, INNER, LAYERS, RANK, SCALE, CLASSES = 384, 12, 1536, 6, 8, 2, 77


class Dense(nn.Module):
    def __init__(self, inputs: int, outputs: int, adapts: bool = False):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * 0.05, requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(outputs), requires_grad=False)
        self.a = nn.Parameter(torch.randn(RANK, inputs) * 0.05) if adapts else None
        self.b = nn.Parameter(torch.zeros(outputs, RANK)) if adapts else None

    def forward(self, x):
        y = F.linear(x, self.weight, self.bias)
        return y if self.a is None else y + SCALE * F.linear(F.linear(x, self.a), self.b)


class Layer(nn.Module):
    def __init__(self, adapts: bool):
        super().__init__()
        self.query, self.value = Dense(WIDTH, WIDTH, adapts), Dense(WIDTH, WIDTH, adapts)
        self.key, self.output = Dense(WIDTH, WIDTH), Dense(WIDTH, WIDTH)
        self.ffn_in, self.ffn_out = Dense(WIDTH, INNER), Dense(INNER, WIDTH)
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, 1e-12).requires_grad_(False) for _ in range(2))

    def forward(self, x, mask):
        def heads(values):
            return values.view(*x.shape[:2], HEADS, -1).transpose(1, 2)

        parts = heads(self.query(x)), heads(self.key(x)), heads(self.value(x))
        attended = F.scaled_dot_product_attention(*parts, attn_mask=mask).transpose(1, 2).reshape(x.shape)
        hidden = self.norm1(x + self.output(attended))
        return self.norm2(hidden + self.ffn_out(F.gelu(self.ffn_in(hidden))))


@functools.cache
def prepare(kind: str, name: str):
    count, lengths = name.split("/") if "/" in name else ("0", name)
    lengths = torch.tensor([int(length) for length in lengths.split("-")])
    counted = (torch.arange(int(lengths.max())) < lengths[:, None]).float()
    mask = (counted == 0)[:, None, None, :].float() * -1e9
    layers = nn.ModuleList(Layer(kind == "step") for _ in range(int(count) or LAYERS))
    head = nn.Linear(WIDTH, CLASSES)
    x, labels = torch.randn(*counted.shape, WIDTH), torch.arange(len(lengths))
    optimizer = torch.optim.Adam([p for p in [*layers.parameters(), *head.parameters()] if p.requires_grad], 1e-3)

    def vectors():
        y = x
        for layer in layers:
            y = layer(y, mask)
        return (y * counted[..., None]).sum(1) / lengths[:, None]

    def evaluate():
        with torch.no_grad():
            vectors()

    def step():
        optimizer.zero_grad()
        F.cross_entropy(head(vectors()), labels).backward()
        optimizer.step()

    return evaluate if kind == "evaluate" else step


def main():
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        kind, name, _, count = line.split()
        work = prepare(kind, name)
        start = time.process_time()
        for _ in range(int(count)):
            work()
        print((time.process_time() - start) * 1000, flush=True)


main()
