/**
 * Base class of the handlers of asynchronous servers.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import { ServerBackendHandler } from "./server_backend_handler.ts";

/** Model version that an update was trained from. */
export interface UpdateOrigin {
  /** Parameters that the client started from, as long as the global vector. */
  readonly base: ParameterVector;
  /** Number of versions made since. */
  readonly staleness: number;
}

/** Handler of a server without rounds: takes updates in as they come and makes new versions. */
export abstract class AsyncServerBackendHandler extends ServerBackendHandler {
  /** Number of updates that make a version of the model, at least 1. */
  abstract readonly updatesPerVersion: number;

  /**
   * Selects the clients that may train next.
   *
   * @param draw Number of the draw, from 1.
   * @param waiting The ranks that ask for work.
   * @param most Maximum number of ranks to select.
   * @returns The selected ranks, in the order in which they were drawn.
   */
  abstract selectClients(draw: number, waiting: readonly Rank[], most: number): Rank[];

  /**
   * Checks an update without changing anything.
   *
   * @returns The L2 norm of the change from `origin.base`, by default from the global vector.
   * @throws {ProtocolError} If the update cannot be accepted.
   */
  abstract override check(
    sender: Rank,
    payload: ParameterUpdatePayload,
    origin?: Partial<UpdateOrigin>,
  ): number;

  /**
   * Takes in an update that passed `check`.
   *
   * @returns `true` when the global vector is a new version now.
   */
  abstract onReceive(
    sender: Rank,
    payload: ParameterUpdatePayload,
    origin: UpdateOrigin,
  ): boolean;

  /**
   * Called when an update is in the model, with the norm of its change: later updates may be
   * compared with it. Default: no-op.
   */
  noteUpdate(_sender: Rank, _norm: number, _payload: ParameterUpdatePayload): void {}

  /**
   * Takes back the version that is being made, or was made last: the global vector and the
   * algorithm's state are as they were before it.
   */
  abstract revertModel(): void;
}
