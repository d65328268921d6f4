import type { Rank } from "../base/rank.ts";
import { printable } from "../base/printable.ts";
import { runtime } from "../base/runtime/runtime.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { RoundReport } from "../round/report/report.ts";
import { SECONDS_BUCKETS } from "./buckets.ts";
import type { Attributes, Meter } from "./deps.ts";

/** State of a client. */
type ClientState = "present" | "away" | "left";

/** Most reasons of refusals that are told by name. */
const MOST_REASONS = 50;

/** Name of further reasons. */
const OTHER_REASONS = "other";

/** Metrics of a run at a server, or in a simulation. */
export class RunMetrics {
  readonly #attributes: Attributes;
  readonly #epsilonOf: () => number | undefined;
  readonly #rounds;
  readonly #seconds;
  readonly #updates;
  readonly #refusals;
  readonly #bytes;
  readonly #clients = new Map<Rank, ClientState>();
  readonly #reasons = new Set<string>();
  readonly #counts: Record<ClientState, number> = { present: 0, away: 0, left: 0 };
  readonly #tellClients;
  readonly #tellLoss;
  readonly #tellAccuracy;
  readonly #tellEpsilon;
  readonly #tellMemory;

  /**
   * Makes the metrics of a run.
   *
   * @param attributes Attributes of the run.
   * @param epsilon Returns the ε that is spent; `undefined` without a guarantee.
   */
  constructor(meter: Meter, attributes: Attributes, epsilon: () => number | undefined) {
    this.#attributes = attributes;
    this.#epsilonOf = epsilon;
    const counter = (name: string, unit: string, description: string) =>
      meter.createCounter(`fedlab.${name}`, { unit, description });
    this.#rounds = counter("rounds", "{round}", "Rounds that have ended.");
    this.#updates = counter("updates", "{update}", "Updates in the model.");
    this.#refusals = counter("refusals", "{refusal}", "Refused updates and connections.");
    this.#bytes = counter("bytes", "By", "Bytes of updates and parameters.");
    this.#seconds = meter.createHistogram("fedlab.round.duration", {
      unit: "s",
      description: "Time of a round.",
      advice: { explicitBucketBoundaries: SECONDS_BUCKETS },
    });
    // Deno asks for observed figures only every minute, and not at the end of a process.
    const gauge = (name: string, unit: string, description: string) => {
      const made = meter.createGauge(`fedlab.${name}`, { unit, description });
      return (value: number | undefined, more: Attributes = {}) => {
        if (value !== undefined) made.record(value, { ...attributes, ...more });
      };
    };
    this.#tellClients = gauge("clients", "{client}", "Clients by state.");
    this.#tellLoss = gauge("loss", "1", "Loss after the last round.");
    this.#tellAccuracy = gauge("accuracy", "1", "Accuracy after the last round.");
    this.#tellEpsilon = gauge("privacy.epsilon", "1", "Epsilon that is spent.");
    this.#tellMemory = gauge("memory", "By", "Resident memory of the process.");
    this.#tellMemory(runtime.process.memoryUsage().rss);
  }

  /** Takes an event, which must be one that may be told. */
  show(event: ServerEvent): void {
    switch (event.type) {
      case "client-joined":
        return this.#setState(event.rank, "present");
      case "client-away":
        return this.#setState(event.rank, "away");
      case "client-lost":
        return this.#setState(event.rank, "left");
      case "update-refused":
        return this.#countRefusal(event.fault);
      case "client-refused":
        return this.#countRefusal(event.fault ?? "connection lost");
      case "round-ended":
        return this.#countRound(event.report);
    }
  }

  #countRound(report: RoundReport): void {
    const attributes = this.#attributes;
    this.#tellLoss(report.loss);
    this.#tellAccuracy(report.accuracy);
    this.#tellEpsilon(this.#epsilonOf());
    this.#tellMemory(runtime.process.memoryUsage().rss);
    this.#rounds.add(1, attributes);
    this.#seconds.record(report.seconds, attributes);
    this.#updates.add(report.received, attributes);
    this.#bytes.add(report.bytesUp, { ...attributes, "fedlab.direction": "up" });
    this.#bytes.add(report.bytesDown, { ...attributes, "fedlab.direction": "down" });
  }

  #countRefusal(fault: string): void {
    const isKnown = this.#reasons.has(fault) || this.#reasons.size < MOST_REASONS;
    if (isKnown) this.#reasons.add(fault);
    const reason = isKnown ? printable(fault) : OTHER_REASONS;
    this.#refusals.add(1, { ...this.#attributes, "fedlab.reason": reason });
  }

  #setState(rank: Rank, state: ClientState): void {
    const before = this.#clients.get(rank);
    if (before !== undefined) this.#tellClients(--this.#counts[before], { "fedlab.state": before });
    this.#clients.set(rank, state);
    this.#tellClients(++this.#counts[state], { "fedlab.state": state });
  }
}
