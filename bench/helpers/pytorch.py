"""Times SGD steps of PyTorch on one thread, for bench/groups/train.ts to compare with.

Each line of standard input is "MODEL BATCH STEPS", with a model of lr, 2nn or cnn; each line of standard output
is the milliseconds that so many steps took: forward, backward and update on noise.
"""

import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)

MODELS = {
    "lr": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
    "2nn": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10)
    ),
    "cnn": lambda: nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10),
    ),
}


def prepare(name: str):
    model = MODELS[name]()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    loss_of = nn.CrossEntropyLoss()

    def step(images, labels):
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(images), labels).backward()
        optimizer.step()

    return step


def main():
    steps = {name: prepare(name) for name in MODELS}
    images, labels = torch.rand(600, 1, 28, 28), torch.randint(0, 10, (600,))
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        name, batch, count = line.split()
        batch_images, batch_labels = images[: int(batch)], labels[: int(batch)]
        start = time.perf_counter()
        for _ in range(int(count)):
            steps[name](batch_images, batch_labels)
        print((time.perf_counter() - start) * 1000, flush=True)


main()
