import {
  type RunReport,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import { vectorManifest } from "./fake_handler.ts";

/** Makes the handler of a server of one vector, which evaluates it itself. */
export function vectorHandler(
  parameters: Float32Array<ArrayBuffer>,
  more: Partial<SyncParameterServerHandlerOptions> = {},
): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    manifest: vectorManifest(parameters.length),
    parameters,
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    ...more,
  });
}

/**
 * Runs a synchronous server over TCP, by default for one round, whose clients are played by hand.
 * Rejects as the first of both that fails.
 *
 * @param play Plays all clients of the server at an address.
 */
export async function runPlayed(
  handler: SyncParameterServerHandler,
  { signal, onEvent, ...options }:
    & Pick<ServerTopologyOptions, "worldSize">
    & Partial<ServerTopologyOptions>
    & { readonly signal?: AbortSignal },
  play: (address: string) => Promise<void>,
): Promise<RunReport> {
  const played = Promise.withResolvers<void>();
  const server = new ServerSyncTop(handler, {
    ...{ listen: "127.0.0.1:0", rounds: 1, logger: silentLogger },
    ...options,
    onEvent: (event) => {
      onEvent?.(event);
      if (event.type === "listening") play(event.address).then(played.resolve, played.reject);
    },
  });
  const [report] = await Promise.all([server.run(signal ? { signal } : {}), played.promise]);
  return report;
}
