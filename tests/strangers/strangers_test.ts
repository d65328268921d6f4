import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { federate } from "./strangers.ts";

// The long form of this is `deno run -A tests/strangers/main.ts`.

const ROUNDS = 60;
const COMMON = { rounds: ROUNDS, held: 5000, addresses: 3, root: `${import.meta.dirname}/../..` };
const NOBODY = { ...COMMON, kind: "half requests", count: 0, descriptors: 1024 } as const;
const ignore = Deno.build.os !== "linux";

const alone = ignore ? undefined : await federate(NOBODY, false);

for (const kind of ["half requests", "half TLS handshakes"] as const) {
  Deno.test({
    name:
      `a WebSocket server without descriptors for ${kind} closes them and trains the same model`,
    ignore,
    async fn() {
      const trial = { ...COMMON, kind, count: 300, descriptors: 100 };
      const { status, digest, rounds, closed, lines } = await federate(trial, true);
      const last = lines.slice(-5).join("\n");
      assertEquals([status, rounds, digest], [0, ROUNDS, alone?.digest], last);
      assert(lines.some((line) => line.includes("Too many open files")), "it had enough of them");
      // More than fit in at once.
      assert(closed >= 300 - 256, `${closed} closed`);
    },
  });
}

for (const kind of ["endless fragments", "empty fragments", "large frames"] as const) {
  Deno.test({
    name: `a WebSocket server that is sent ${kind} stays small and trains the same model`,
    ignore,
    async fn() {
      const trial = { ...COMMON, kind, count: 20, descriptors: 1024 };
      const { status, digest, memory, lines } = await federate(trial, true);
      assertEquals([status, digest], [0, alone?.digest], lines.slice(-5).join("\n"));
      const growth = (memory.peak - (alone?.memory.peak ?? 0)) / 2 ** 20;
      // Twenty strangers send 60 MB each and more.
      assert(growth < 60, `${Math.round(growth)} MiB`);
    },
  });
}
