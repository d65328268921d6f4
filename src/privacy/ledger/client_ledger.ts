/**
 * Ledger of the privacy that a client has spent on its data.
 *
 * @module
 */

import { isInRange, SHARE } from "../../base/check.ts";
import { isRecord } from "../../base/json.ts";
import { zcdpEpsilon } from "../accounting/gaussian.ts";
import { pldEpsilon } from "../accounting/pld.ts";
import {
  type GaussianReleases,
  rdpToEpsilon,
  sampledGaussianRdp,
  WHOLE_ORDERS,
} from "../accounting/rdp.ts";

/** Slack for rounding errors where a plan has exactly its budget. */
const SLACK = 1e-7;
/** More kinds of releases than that are no ledger, and take too long to compose. */
const MOST_ENTRIES = 10_000;

/** A client would release more of its data than its privacy budget allows, and stops before. */
export class PrivacyBudgetError extends Error {
  /** Name of the class. */
  override readonly name = "PrivacyBudgetError";
}

/** Content of a ledger. */
export interface LedgerContent {
  /** Data that the guarantee is about: single records, or all data of the client. */
  readonly unit: "record" | "client";
  /** Releases so far, in their order. */
  readonly releases: readonly GaussianReleases[];
  /** Set if a noise was seeded: then nothing is guaranteed any more. */
  readonly isSeeded?: boolean;
}

/** Place where a ledger outlasts its process. */
export interface LedgerStore {
  /** Content, where it is known without reading. */
  readonly known?: LedgerContent | undefined;
  /** Reads the ledger; `undefined` if there is none yet. */
  read(): Promise<LedgerContent | undefined>;
  /** Writes the ledger such that it is found whole whatever happens to the process. */
  write(content: LedgerContent): Promise<void>;
}

/** Ledger of a client: what was released of its data, by which ε follows. */
export class ClientLedger {
  readonly #unit: LedgerContent["unit"];
  readonly #store: LedgerStore | undefined;
  #content: LedgerContent;
  #isOpen = false;
  #known: { readonly delta: number; readonly epsilon: number } | undefined;

  /** Makes a ledger; one without a store ends with its process. */
  constructor(unit: LedgerContent["unit"], store?: LedgerStore) {
    this.#unit = unit;
    this.#store = store;
    this.#content = store?.known ?? { unit, releases: [] };
    this.#isOpen = store?.known !== undefined;
  }

  /** Number of releases. */
  get count(): number {
    return this.#content.releases.reduce((sum, { count }) => sum + count, 0);
  }

  /** Set if a noise was seeded: then nothing is guaranteed. */
  get isSeeded(): boolean {
    return this.#content.isSeeded === true;
  }

  /**
   * Reads the store, for the first time.
   *
   * @throws {Error} If the ledger cannot be read, or is about another unit.
   */
  async open(): Promise<void> {
    if (this.#isOpen) return;
    const saved = await this.#store?.read();
    if (saved !== undefined && saved.unit !== this.#unit) {
      throw new Error(
        `Cannot use the privacy ledger: expected one about the unit ${this.#unit}, got ${saved.unit}`,
      );
    }
    if (saved) this.#content = saved;
    this.#isOpen = true;
  }

  /**
   * Computes ε at a δ after further releases.
   *
   * @param orders Orders of the divergences; a few of them give a bound in less time.
   */
  epsilonAfter(
    next: readonly GaussianReleases[],
    delta: number,
    orders: readonly number[] = WHOLE_ORDERS,
  ): number {
    return epsilonOf([...this.#content.releases, ...next], delta, orders);
  }

  /** Computes ε at a δ. */
  epsilon(delta: number): number {
    if (this.#known?.delta !== delta) {
      this.#known = { delta, epsilon: this.epsilonAfter([], delta) };
    }
    return this.#known.epsilon;
  }

  /** Computes ε at a δ as if the noise were continuous, by privacy loss distributions. */
  epsilonContinuous(delta: number): number {
    const { releases } = this.#content;
    return releases.length === 0 ? 0 : pldEpsilon(releases, delta);
  }

  /**
   * Checks that further releases are within a budget.
   *
   * @throws {PrivacyBudgetError} If they are not.
   */
  checkBudget(
    next: GaussianReleases,
    { maxEpsilon, delta }: { readonly maxEpsilon: number | undefined; readonly delta: number },
  ): void {
    if (maxEpsilon === undefined) return;
    const after = this.epsilonAfter([next], delta);
    if (after <= maxEpsilon + SLACK) return;
    throw new PrivacyBudgetError(
      `The privacy budget of this client is spent: another round would make epsilon ${
        after.toPrecision(6)
      }, above ${maxEpsilon}`,
    );
  }

  /**
   * Enters releases, and resolves when they are in the store. Until then nothing may be released.
   *
   * @throws {Error} If the store cannot be written to.
   */
  async enter(next: GaussianReleases, isSeeded: boolean): Promise<void> {
    await this.open();
    const releases = [...this.#content.releases], last = releases.at(-1);
    const isSame = last?.noise === next.noise && last.rate === next.rate;
    if (isSame) releases.pop();
    releases.push(isSame ? { ...next, count: last.count + next.count } : next);
    const content = {
      unit: this.#unit,
      releases,
      ...((isSeeded || this.isSeeded) && { isSeeded: true }),
    };
    await this.#store?.write(content);
    this.#content = content;
    this.#known = undefined;
  }
}

/** ε of discrete noise: at all real orders where nothing is sampled, else at whole ones. */
function epsilonOf(
  releases: readonly GaussianReleases[],
  delta: number,
  orders: readonly number[] = WHOLE_ORDERS,
): number {
  if (releases.every(({ rate }) => rate === 1)) {
    const rho = releases.reduce((sum, { noise, count }) => sum + count / (2 * noise * noise), 0);
    return zcdpEpsilon(rho, delta);
  }
  const sums = new Array<number>(orders.length).fill(0);
  for (const { count, ...kind } of releases) {
    const divergences = divergencesOf(kind, orders);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + count * (divergences[i] ?? 0);
  }
  return rdpToEpsilon(orders, sums, delta).epsilon;
}

/** Divergences of kinds of releases, which many clients of a simulation share. */
const known = new Map<string, readonly number[]>();
const MOST_KNOWN = 1000;

function divergencesOf(
  kind: Omit<GaussianReleases, "count">,
  orders: readonly number[],
): readonly number[] {
  const compute = () => orders.map((order) => sampledGaussianRdp(kind, order));
  if (orders !== WHOLE_ORDERS) return compute();
  const key = `${kind.noise}/${kind.rate}`, found = known.get(key);
  if (found) return found;
  const made = compute();
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(key, made);
  return made;
}

/**
 * Reads the content of a ledger from a JSON value.
 *
 * @throws {TypeError} If it is none.
 */
export function readLedger(value: unknown): LedgerContent {
  const { unit, releases, isSeeded = false } = isRecord(value) ? value : {};
  if (unit !== "record" && unit !== "client") {
    throw new TypeError(`expected the unit record or client, got ${JSON.stringify(unit)}`);
  }
  if (!Array.isArray(releases) || releases.length > MOST_ENTRIES) {
    throw new TypeError(`expected a list of at most ${MOST_ENTRIES} releases`);
  }
  if (typeof isSeeded !== "boolean") throw new TypeError("expected isSeeded to be true or false");
  return { unit, releases: releases.map(readReleases), ...(isSeeded && { isSeeded }) };
}

function readReleases(value: unknown): GaussianReleases {
  const { noise, rate, count } = isRecord(value) ? value : {};
  const isSound = isInRange(noise, { above: 0 }) && isInRange(rate, SHARE) &&
    isInRange(count, { whole: true, least: 1 });
  if (isSound) return { noise, rate, count };
  throw new TypeError(
    `expected releases of a noise above 0, a rate up to 1 and a count from 1, got ${
      JSON.stringify(value)
    }`,
  );
}
