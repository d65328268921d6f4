/**
 * The base of algorithms whose difference is on the clients' side.
 *
 * @module
 */

import type { ClientSettings } from "../strategy.ts";
import { WrappedStrategy, type WrappedStrategyOptions } from "../wrapped.ts";

/** Options of every {@linkcode ClientSideStrategy}. */
export interface ClientSideOptions extends WrappedStrategyOptions {}

/** A strategy that changes how clients train, and aggregates as another one does. */
export abstract class ClientSideStrategy extends WrappedStrategy {
  readonly #settings: ClientSettings;

  /**
   * Makes a strategy of the clients' settings and a mean.
   *
   * @throws {RangeError} If both have a rule for the clients.
   */
  constructor(name: string, settings: ClientSettings, options?: ClientSideOptions) {
    super(name, options);
    const { clientSettings: ofMean, name: meanName } = this.mean;
    if (settings.rule && ofMean?.rule) {
      throw new RangeError(
        `Cannot make ${name} of ${meanName}: its clients cannot follow the rules ${settings.rule.name} and ${ofMean.rule.name} at once`,
      );
    }
    const defaults = { ...ofMean?.defaults, ...settings.defaults };
    this.#settings = {
      ...ofMean,
      ...settings,
      ...(Object.keys(defaults).length > 0 && { defaults }),
    };
  }

  /** Settings of the clients that the strategy and its mean change. */
  override get clientSettings(): ClientSettings {
    return this.#settings;
  }
}
