import { ProtocolError } from "../../base/errors.ts";
import { BufferPool } from "../../params/buffer_pool.ts";
import { Manifest, type ParameterVector } from "../../params/manifest.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import {
  type HandlerState,
  ServerBackendHandler,
} from "../../round/handler/server_backend_handler.ts";

/** Handler of a server that has no model: its vector is empty, and every update is refused. */
export class NoModelHandler extends ServerBackendHandler {
  readonly manifest: Manifest = Manifest.of([]);
  readonly model = undefined;
  readonly strategyName = "statistics";
  readonly seed = 0;
  readonly plan: TrainSettings = {
    epochs: 1,
    batchSize: 0,
    learningRate: 1,
    momentum: 0,
    weightDecay: 0,
    keepMomentum: false,
  };
  readonly staging: BufferPool = new BufferPool(1, () => new Uint8Array(0));
  readonly kernels = "none";
  readonly evaluate = undefined;
  parameters: ParameterVector = new Float32Array(0);

  check(): void {
    throw new ProtocolError("unexpected-code", "Cannot take an update: this run has no model");
  }

  saveState(): HandlerState {
    return {};
  }

  restoreState(): void {}
}
