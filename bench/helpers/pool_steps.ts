import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { Simulation } from "../../src/sim/simulation.ts";
import { initialParameters } from "../../src/engine/model_evaluator.ts";
import { DESCRIPTIONS, noise, ROWS } from "./step.ts";

const ROUNDS = 8;
const EPOCHS = 5;

/** Measures the milliseconds per step of two clients on a pool of workers, in several rounds. */
export async function poolSteps(workers: number, signal: AbortSignal): Promise<number[]> {
  const model = DESCRIPTIONS["2nn"];
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, 1),
    model,
    plan: { epochs: EPOCHS, learningRate: 1e-3 },
  });
  const half = ROWS / 2;
  const parts = [0, half].map((start) => Array.from({ length: half }, (_, i) => start + i));
  const simulation = new Simulation(handler, {
    train: noise(),
    parts,
    rounds: ROUNDS,
    evaluateEvery: ROUNDS,
    workers,
  });
  const { rounds } = await simulation.run({ signal });
  // The first round warms up, and the last one evaluates.
  return rounds.slice(1, -1).map(({ seconds }) => seconds * 1000 / (EPOCHS * ROWS / 10));
}
