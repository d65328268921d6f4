import {
  ClientSyncTop,
  Dataset,
  type Manifest,
  type ModelDescription,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import type { Logger } from "../../src/base/log/log.ts";
import type { ClientBackendHandler, ClientTopologyOptions, RunReport } from "../../mod.ts";
import { arrangeTable } from "../../src/data/schema/arrange.ts";
import type { DataSource } from "../../src/data/schema/data_source.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import type { RawTable } from "../../src/data/formats/raw_table.ts";
import { FakeHandler, type FakeOptions } from "./fake_handler.ts";

/** Two named columns and two named classes. */
export const NAMED: Schema = {
  format: "fedlab.schema/1",
  inputs: [{ name: "age", kind: "number", unit: "years" }, { name: "smoker", kind: "boolean" }],
  target: { name: "ill", task: "classification", classes: ["no", "yes"] },
};

/** {@linkcode NAMED} with its columns in the other order. */
export const SWAPPED: Schema = { ...NAMED, inputs: NAMED.inputs.toReversed() };

/** Three features and two classes without names. */
export const UNNAMED: Schema = {
  format: "fedlab.schema/1",
  inputs: [{ name: "features", kind: "array", shape: [3] }],
  target: { name: "label", task: "classification", classes: ["0", "1"] },
};

/** Handler that says it has arranged its data by the schema that it is set up with. */
export class ArrangingHandler extends FakeHandler {
  /** Schemas that it was set up with. */
  readonly given: (Schema | undefined)[] = [];
  readonly #own: Schema | undefined;
  #schema: Schema | undefined;

  /** `own` is the schema of its data where the server has none. */
  constructor(manifest: Manifest, own?: Schema, options?: FakeOptions) {
    super(manifest, options);
    this.#own = own;
  }

  override setUp(_model: ModelDescription | undefined, schema?: Schema): Promise<void> {
    this.given.push(schema);
    this.#schema = schema ?? this.#own;
    return Promise.resolve();
  }

  override get schema(): Schema | undefined {
    return this.#schema;
  }
}

/** Source of a table in memory. */
export function sourceOf(table: RawTable): DataSource {
  return {
    name: table.name,
    arrange: (schema) => {
      if (schema === undefined) throw new TypeError("expected a schema");
      return Promise.resolve({ train: arrangeTable(table, schema).dataset, notes: [] });
    },
  };
}

/** Rows of features without names. */
export function arrays(shape: readonly number[], labels: readonly number[], schema?: Schema) {
  const width = shape.reduce((product, size) => product * size, 1);
  return Dataset.of({
    features: new Float32Array(width * labels.length),
    targets: Int32Array.from(labels),
    shape,
    task: "classification",
    numClasses: Math.max(...labels) + 1,
    ...(schema && { schema }),
  });
}

/** Logger that keeps its lines. */
export function recordingLogger(lines: string[]): Logger {
  const keep = (text: string) => void lines.push(text);
  return { ...silentLogger, debug: () => {}, info: keep, warn: keep, error: keep };
}

/** Outcome of {@linkcode federate}. */
export interface Outcome {
  readonly report: RunReport | undefined;
  readonly error: unknown;
  /** Error of each client, `undefined` for one that has ended well. */
  readonly fates: readonly unknown[];
  /** Lines of the server's log. */
  readonly lines: readonly string[];
  readonly handler: SyncParameterServerHandler;
}

/** Runs a server and its clients in memory, until all clients have ended. */
export async function federate(
  options: SyncParameterServerHandlerOptions,
  clients: readonly ClientBackendHandler[],
  { server = {}, client = {} }: {
    readonly server?: Partial<ServerTopologyOptions>;
    readonly client?: Partial<ClientTopologyOptions>;
  } = {},
): Promise<Outcome> {
  const handler = new SyncParameterServerHandler(options);
  const listen = `schemas-${crypto.randomUUID()}`, lines: string[] = [];
  const over = new AbortController();
  let running: Promise<unknown>[] = [];
  const topology = new ServerSyncTop(handler, {
    listen,
    distBackend: "memory",
    worldSize: clients.length + 1,
    rounds: 1,
    logger: recordingLogger(lines),
    ...server,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      running = clients.map((own, i) =>
        new ClientSyncTop(own, {
          serverAddr: listen,
          distBackend: "memory",
          rank: i + 1,
          logger: silentLogger,
          ...client,
        }).run().then(() => undefined, (error: unknown) => {
          // A server waits for others in the place of a client that it has refused.
          over.abort(new Error("a client was refused"));
          return error;
        })
      );
    },
  });
  let report: RunReport | undefined, error: unknown;
  try {
    report = await topology.run({ signal: over.signal });
  } catch (failure) {
    error = failure;
  }
  return { report, error, fates: await Promise.all(running), lines, handler };
}
