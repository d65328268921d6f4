import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  MessageCode,
  ServerSyncTop,
  type ServerTopologyOptions,
  type SyncParameterServerHandler,
} from "../../../mod.ts";
import { makeCredentials } from "../../helpers/keyed.ts";
import {
  clearModel,
  clientOf,
  refusalOf,
  runSecure,
  type SecureRunOptions,
  serverOf,
  WatchedClient,
} from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ALL = [1, 2, 3, 4, 5];
const credentials = await makeCredentials(6);
const listed = new Set(credentials.slice(0, 5).map(({ publicKey }) => publicKey));

const [key] = credentials;
assert(key !== undefined);

function signedServer(): SyncParameterServerHandler {
  return serverOf({
    secureAggregation: { minMembers: 3, maxMembers: 10, maxSamples: 200, signed: true },
  });
}

/** Run whose members sign, with the keys of the federation at each client. */
function signed(server: Partial<ServerTopologyOptions> = {}): SecureRunOptions {
  return {
    rounds: 1,
    handler: serverOf({
      secureAggregation: { minMembers: 3, maxMembers: 10, signed: true, maxSamples: 200 },
    }),
    server: {
      gatekeeper: { kind: "keys", allowed: new Set(credentials.map(({ publicKey }) => publicKey)) },
      ...server,
    },
    client: (rank) => {
      const credential = credentials[rank - 1];
      return { secureKeys: listed, ...(credential && { credential }) };
    },
  };
}

Deno.test("members that sign vote for the survivors, and the model is that of the clear sum", async () => {
  const votes: number[] = [];
  const { model, errors } = await runSecure({
    ...signed(),
    cut: (rank, code) => {
      if (code === MessageCode.SurvivorVote) votes.push(rank);
      return undefined;
    },
  });
  assertEquals([...errors], []);
  assertEquals(votes.sort(), ALL);
  assertEquals(model, clearModel([ALL]));
});

Deno.test("members that sign go on without one that is lost before its vote, or before its update", async () => {
  for (const code of [MessageCode.SurvivorList, MessageCode.SecureShares]) {
    const { model } = await runSecure({
      ...signed(),
      before: (rank, got) => {
        if (rank === 2 && got === code) throw new Error("gone");
      },
    });
    const survivors = code === MessageCode.SurvivorList ? ALL : [1, 3, 4, 5];
    assertEquals(model, clearModel([survivors]));
  }
});

Deno.test("a client that is cut off before its vote is taken votes again", async () => {
  let cuts = 0;
  const { model, errors } = await runSecure({
    ...signed({ timeouts: { heartbeatSeconds: 0.5 } }),
    distBackend: "tcp",
    cut: (rank, code) =>
      rank === 4 && code === MessageCode.SurvivorVote && cuts++ === 0 ? "before" : undefined,
  });
  assertEquals([...errors], []);
  assertEquals(cuts, 2);
  assertEquals(model, clearModel([ALL]));
});

Deno.test("clients with a list of keys mask nothing beside a member whose key has expired", async () => {
  const reasons = new Map<number, string>();
  const options = signed({ roundTries: 1 });
  const ended = new Map(credentials.map(({ publicKey }, i) => {
    const expires = i === 4 ? Date.now() - 1 : Date.now() + 1e9;
    return [publicKey, { name: `ward ${i}`, expires }];
  }));
  const { model } = await runSecure({
    ...options,
    client: (rank) => ({
      ...options.client?.(rank),
      ...(rank === 1 && { secureKeys: ended }),
      onEvent: (event) => event.type === "cannot-train" && reasons.set(rank, event.reason),
    }),
  });
  assert(reasons.get(1)?.includes("rank 5 is not among those"), reasons.get(1));
  assertEquals(model, clearModel([[2, 3, 4, 5]]));
});

Deno.test("clients with a list of keys mask nothing beside a member whose key is not on it", async () => {
  const reasons = new Map<number, string>();
  const options = signed({ roundTries: 1, minClients: 6 });
  const result = await runSecure({
    ...options,
    clients: 6,
    client: (rank) => ({
      ...options.client?.(rank),
      onEvent: (event) => event.type === "cannot-train" && reasons.set(rank, event.reason),
    }),
  }).catch((error) => error);
  assert(result instanceof Error, "too few take part");
  for (const rank of ALL) {
    assert(
      reasons.get(rank)?.includes("rank 6 is not among those of the federation"),
      reasons.get(rank),
    );
  }
});

Deno.test("a server whose members sign gives no key several ranks", () => {
  const gatekeeper = { kind: "keys", allowed: listed, seatsPerKey: 2 } as const;
  const options = { listen: "signed", worldSize: 6, rounds: 1, gatekeeper };
  assertThrows(
    () => new ServerSyncTop(signedServer(), options),
    RangeError,
    "expected one rank for each key where members sign, got seatsPerKey 2",
  );
});

Deno.test("clients refuse runs whose members do not sign, or for which they have no key", async () => {
  const unsigned = await refusalOf(serverOf(), { secureKeys: listed, credential: key });
  assertEquals(unsigned.fault, "secure-mismatch");
  assert(unsigned.message.includes("got one without signatures"), unsigned.message);
  const without = await refusalOf(signedServer(), {});
  assertEquals(without.fault, "secure-mismatch");
  assert(without.message.includes("expected a client with a key"), without.message);
  assertThrows(
    () => new WatchedClient(clientOf(1), { serverAddr: "a", secureKeys: listed }),
    RangeError,
    "expected a credential of a key with secureKeys",
  );
});
