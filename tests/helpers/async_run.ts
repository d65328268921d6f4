import {
  AsyncParameterServerHandler,
  type AsyncParameterServerHandlerOptions,
  ClientAsyncTop,
  type ClientBackendHandler,
  type ClientTopologyOptions,
  type Manifest,
  type RunReport,
  type ServerAsyncOptions,
  ServerAsyncTop,
  type ServerEvent,
  silentLogger,
} from "../../mod.ts";

/** What a run of {@linkcode runAsync} is made of. */
export interface AsyncRunOptions {
  manifest: Manifest;
  clients: readonly ClientBackendHandler[];
  versions: number;
  /** Whether the server evaluates. Default true. */
  evaluates?: boolean;
  handler?: Partial<AsyncParameterServerHandlerOptions>;
  server?: Partial<ServerAsyncOptions>;
  client?: Partial<ClientTopologyOptions>;
  /** Where a client finds the server, by rank; told the server's own address. */
  addressOf?: (rank: number, address: string) => string;
  signal?: AbortSignal;
  onEvent?: (event: ServerEvent) => void;
}

/** What came of it. */
export interface AsyncRun {
  report: RunReport;
  parameters: Float32Array<ArrayBuffer>;
  events: ServerEvent[];
  fates: PromiseSettledResult<void>[];
}

let runs = 0;

/**
 * Runs an asynchronous server and its clients in this thread, to the end of all; in memory unless
 * the options say otherwise.
 */
export async function runAsync(options: AsyncRunOptions): Promise<AsyncRun> {
  const { manifest, clients, versions, addressOf = (_, address) => address } = options;
  const handler = new AsyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(manifest.length),
    ...(options.evaluates !== false && {
      evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    }),
    ...options.handler,
  });
  const distBackend = options.server?.distBackend ?? "memory";
  const events: ServerEvent[] = [];
  let running: Promise<void>[] = [];
  const server = new ServerAsyncTop(handler, {
    listen: distBackend === "memory" ? `async-${runs++}` : "127.0.0.1:0",
    worldSize: clients.length + 1,
    versions,
    distBackend,
    logger: silentLogger,
    ...options.server,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
      if (event.type !== "listening") return;
      running = clients.map((client, i) =>
        new ClientAsyncTop(client, {
          serverAddr: addressOf(i + 1, event.address),
          rank: i + 1,
          distBackend,
          logger: silentLogger,
          ...options.client,
        }).run()
      );
      for (const client of running) client.catch(() => {});
    },
  });
  let fates: PromiseSettledResult<void>[] = [];
  const run = server.run(options.signal ? { signal: options.signal } : {})
    .finally(async () => fates = await Promise.allSettled(running));
  const report = await run;
  return { report, parameters: handler.parameters.slice(), events, fates };
}
