"""Times SGD steps and evaluations of PyTorch on one thread, for bench/groups/train.ts to compare with.

Each line of standard input is "step MODEL ROWS COUNT" or "evaluate MODEL ROWS COUNT", with a model of lr, 2nn or
cnn; each line of standard output is the milliseconds that so many steps, or evaluations of so many batches, took. A
step is forward, backward and update on noise, in the fastest of the usual forms: gradients without hooks, and one
update of all parameters.
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
    if name == "cnn":
        model = model.to(memory_format=torch.channels_last)
    parameters = list(model.parameters())
    loss_of = nn.functional.cross_entropy

    def step(images, labels):
        gradients = torch.autograd.grad(loss_of(model(images), labels), parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-1e-3)

    def evaluate(images, labels):
        with torch.inference_mode():
            outputs = model(images)
            return loss_of(outputs, labels, reduction="sum").item(), (outputs.argmax(1) == labels).sum().item()

    return {"step": step, "evaluate": evaluate}


def main():
    images, labels = torch.rand(1000, 1, 28, 28), torch.randint(0, 10, (1000,))
    works = {name: prepare(name) for name in MODELS}
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        kind, name, rows, count = line.split()
        batch_images, batch_labels = images[: int(rows)], labels[: int(rows)]
        if name == "cnn":
            batch_images = batch_images.contiguous(memory_format=torch.channels_last)
        work = works[name][kind]
        start = time.perf_counter()
        for _ in range(int(count)):
            work(batch_images, batch_labels)
        print((time.perf_counter() - start) * 1000, flush=True)


main()
