/**
 * Rules of the clients: their part of algorithms such as SCAFFOLD.
 *
 * @module
 */

import { finiteNumber, text } from "../schemas.ts";
import { v } from "../deps.ts";

/**
 * What a client does beside descending on its own loss; it travels with the settings of training. In the equations `x` are the
 * round's global parameters, `y` what the client makes of them in `K` steps of size `η`.
 *
 * - `scaffold`: adds `c - c_i` to every gradient, then `c_i ← c_i - c + (x - y) / (K η)` (Karimireddy et al. 2020, "SCAFFOLD", option II of
 *   algorithm 1). The server sends `c`; `c_i` stays on the client and begins as 0. Takes plain SGD.
 * - `feddyn`: adds `α (y - x) - h_i` to every gradient, then `h_i ← h_i - α (y - x)` (Acar et al. 2021, "Federated Learning Based on Dynamic
 *   Regularization"). `h_i` stays on the client and begins as 0.
 * - `ditto`: trains beside the global parameters its own, `v_i`, whose gradient has `λ (v_i - x)` added, and is evaluated by them (Li et al.
 *   2021, "Ditto: Fair and Robust Federated Learning Through Personalization"). `v_i` begins as the first `x`.
 * - `fedper`: the named tensors stay on the client; it is evaluated with its own, and sends the global ones back as they came (Arivazhagan et
 *   al. 2019, "Federated Learning with Personalization Layers").
 * - `gradient`: does not train, and sends the gradient of the mean loss over all of its data at `x`, in a `GradientUpdate` (FedSGD, McMahan et
 *   al. 2017, section 2).
 * - `initial-loss`: measures the loss of `x` on the client's training data first, as the figure `initialLoss` (q-FedAvg needs it).
 */
export type LocalRule =
  | { readonly name: "scaffold" }
  | {
    readonly name: "feddyn";
    /** Strength of the pull, above 0. */
    readonly alpha: number;
  }
  | {
    readonly name: "ditto";
    /** Strength of the pull towards the global parameters, from 0. */
    readonly lambda: number;
  }
  | {
    readonly name: "fedper";
    /** Beginnings of the names of the tensors that stay, such as `"logits/"`. */
    readonly local: readonly string[];
  }
  | { readonly name: "gradient" }
  | { readonly name: "initial-loss" };

/** Check of a rule that comes from the wire. */
export const localRuleSchema = v.variant("name", [
  v.strictObject({ name: v.literal("scaffold") }),
  v.strictObject({ name: v.literal("feddyn"), alpha: v.pipe(finiteNumber, v.gtValue(0)) }),
  v.strictObject({ name: v.literal("ditto"), lambda: v.pipe(finiteNumber, v.minValue(0)) }),
  v.strictObject({
    name: v.literal("fedper"),
    local: v.pipe(v.array(text(256)), v.minLength(1), v.maxLength(256)),
  }),
  v.strictObject({ name: v.literal("gradient") }),
  v.strictObject({ name: v.literal("initial-loss") }),
]);
