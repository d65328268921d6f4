"""Federated averaging by Flower's simulation on Ray, one processor a client.

The clients train by NumPy, on one thread.
"""

import logging
import os

for name in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]:
    os.environ[name] = "1"

import flwr
import numpy as np
from flwr.client import ClientApp
from flwr.common import ndarrays_to_parameters
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.simulation import run_simulation

from flower_client import client_fn, forward
from task import Figures, Task, arguments, load

if __name__ == "__main__":
    logging.getLogger("flwr").setLevel(logging.ERROR)
    task = Task(arguments())
    test_x, test_y = load("t10k")
    layers = task.initial()
    figures = None

    def evaluate(round, layers, config):
        global figures
        if round == 0:
            figures = Figures()
            return None
        if task.is_evaluated(round):
            figures.accuracy = (forward(layers, test_x)[-1].argmax(1) == test_y).mean()
        figures.round()
        return 0.0, {}

    def server_fn(context):
        strategy = FedAvg(
            fraction_fit=task.cohort / task.clients,
            fraction_evaluate=0,
            min_fit_clients=task.cohort,
            min_available_clients=task.clients,
            initial_parameters=ndarrays_to_parameters(layers),
            evaluate_fn=evaluate,
        )
        return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=task.rounds))

    run_simulation(
        server_app=ServerApp(server_fn=server_fn),
        client_app=ClientApp(client_fn=client_fn),
        num_supernodes=task.clients,
        backend_config={
            "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
            "init_args": {"logging_level": logging.ERROR, "log_to_driver": False},
        },
    )
    figures.print(task, "Flower", flwr.__version__)
