import { assertEquals } from "jsr:@std/assert@1.0.19";
import {
  CheckpointStore,
  ClientSyncTop,
  FedAvg,
  type ParameterVector,
  ServerSyncTop,
  silentLogger,
  type Strategy,
  type StrategyRound,
  type StrategyState,
  SyncParameterServerHandler,
} from "../mod.ts";
import { inFolder } from "./_command.ts";
import { FakeHandler, vectorManifest } from "./_fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Adds the number of its round to the mean: a strategy that has to know how far it is. */
class Counting implements Strategy {
  readonly name = "counting";
  readonly workingVectors = 1;
  #mean = new FedAvg();
  #rounds = 0;

  begin(global: ParameterVector): StrategyRound {
    const round = this.#mean.begin(global);
    return {
      accept: (update) => round.accept(update),
      finish: () => {
        this.#rounds++;
        return round.finish().map((value) => value + 100 * this.#rounds);
      },
    };
  }

  save(): StrategyState {
    return { json: this.#rounds };
  }

  restore({ json }: StrategyState): void {
    this.#rounds = Number(json);
  }
}

Deno.test("a resumed run goes on with what its strategy kept", () =>
  inFolder(async (folder) => {
    const manifest = vectorManifest(3);
    const store = new CheckpointStore(folder);
    const run = async (rounds: number) => {
      const resume = await store.latest();
      const parameters = new Float32Array(3);
      const handler = new SyncParameterServerHandler({
        manifest,
        parameters,
        strategy: new Counting(),
      });
      const group = { distBackend: "memory", logger: silentLogger } as const;
      let client: Promise<void> = Promise.resolve();
      await new ServerSyncTop(handler, {
        ...group,
        listen: "kept",
        worldSize: 2,
        rounds,
        checkpoints: store,
        timeouts: { joinSeconds: 5 },
        ...(resume && { resume }),
        onEvent: (event) => {
          if (event.type !== "listening") return;
          client = new ClientSyncTop(new FakeHandler(manifest), {
            ...group,
            serverAddr: "kept",
            rank: 1,
          }).run();
        },
      }).run();
      await client;
      return handler.parameters[0];
    };
    // Each round adds 1 by its client and 100 times its number by the strategy.
    assertEquals(await run(2), 2 + 100 * (1 + 2));
    assertEquals(await run(4), 4 + 100 * (1 + 2 + 3 + 4));
  }));
