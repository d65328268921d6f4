import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { silentLogger } from "../../../src/base/log/log.ts";
import { ClientFollowingTop } from "../../../src/client/following_topology.ts";
import type { ClientTopologyOptions } from "../../../src/client/options.ts";
import { Dataset } from "../../../src/data/dataset.ts";
import type { RawTable } from "../../../src/data/formats/raw_table.ts";
import { tableOf } from "../../../src/data/schema/table_of.ts";
import { tableSource } from "../../../src/data/sources/table_source.ts";
import { surveyTables } from "../../../src/data/statistics/local_survey.ts";
import { ClientSGDHandler } from "../../../src/engine/client_handler.ts";
import type { ServerEvent } from "../../../src/round/report/events.ts";
import {
  type ServerStatisticsOptions,
  ServerStatisticsTop,
} from "../../../src/server/statistics/statistics_topology.ts";
import type { StatisticsAnswer, StatisticsQuestion } from "../../../src/wire/messages.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const TABLES = [
  tableOf("a", { age: [63, 41, 50, null], sex: ["m", "f", "f", "m"], ill: [1, 0, 0, 2] }),
  tableOf("b", { age: [71, 39.5], sex: ["f", "x"], ill: [0, 1] }),
  tableOf("c", { age: [null, 28], sex: ["m", "m"], ill: [0, 0] }),
];

let address = 0;

function serverOf(options: Partial<ServerStatisticsOptions> = {}): ServerStatisticsTop {
  return new ServerStatisticsTop({
    distBackend: "memory",
    logger: silentLogger,
    listen: `statistics ${++address}`,
    worldSize: TABLES.length + 1,
    minCount: 1,
    ...options,
  });
}

function clientOf(
  server: ServerStatisticsTop,
  table: RawTable,
  options: Partial<ClientTopologyOptions> = {},
  Handler = ClientSGDHandler,
): ClientFollowingTop {
  const { listen: serverAddr, distBackend = "memory" } = server.options;
  const handler = new Handler({ data: tableSource({ train: table }) });
  return new ClientFollowingTop(handler, {
    ...{ serverAddr, distBackend, logger: silentLogger },
    ...options,
  });
}

Deno.test("ServerStatisticsTop gives the summary that surveyTables() gives", async () => {
  const target = () => "ill > 0";
  const server = serverOf({ survey: { target } });
  const clients = TABLES.map((table, i) => clientOf(server, table, { rank: i + 1 }));
  await Promise.all([server.run(), ...clients.map((client) => client.run())]);
  const expected = surveyTables(TABLES.map((table) => ({ table })), 1, { target });
  const { sites: _, ...summary } = server.summary ?? { sites: [] };
  const { sites: __, ...local } = expected;
  assertEquals(summary, local);
  assertEquals(server.summary?.classes, [["false", 5], ["true", 3]]);
  assertEquals(server.summary?.columns[0]?.missing, 2);
});

Deno.test("ServerStatisticsTop works over TCP", async () => {
  const listening = Promise.withResolvers<string>();
  const server = serverOf({
    distBackend: "tcp",
    listen: "127.0.0.1:0",
    onEvent: (event: ServerEvent) => {
      if (event.type === "listening") listening.resolve(event.address);
    },
  });
  const running = server.run();
  const serverAddr = await listening.promise;
  const clients = TABLES.map((table) => clientOf(server, table, { serverAddr }).run());
  await Promise.all([running, ...clients]);
  assertEquals(server.summary?.rows, 8);
});

Deno.test("a client raises minCount, shares all or nothing, and never lowers minCount", async () => {
  const server = serverOf({ minCount: 2 });
  const [a, b, c] = TABLES;
  assert(a && b && c);
  await Promise.all([
    server.run(),
    clientOf(server, a, { rank: 1, statistics: { minCount: 3, share: "site" } }).run(),
    clientOf(server, b, { rank: 2, statistics: { minCount: 1, share: "site" } }).run(),
    clientOf(server, c, { rank: 3, statistics: { share: "none" } }).run(),
  ]);
  const { sites: [one, two, three], rows } = server.summary ?? { sites: [] };
  assertEquals(rows, 6);
  assertEquals(one?.columns?.map(({ values }) => values), [[], [], []]);
  assertEquals(two?.columns?.map(({ unnamed }) => unnamed), [2, 2, 2]);
  assertEquals(three, { name: "rank 3" });
});

Deno.test("data without columns are summarized by shape and classes", async () => {
  const server = serverOf({ worldSize: 3 });
  const clients = [3, 4].map((rows) => {
    const data = new Dataset(new Float32Array(6 * rows), new Int32Array(rows).fill(1), [3, 2], 4);
    const { listen: serverAddr } = server.options;
    return new ClientFollowingTop(new ClientSGDHandler({ data }), {
      ...{ serverAddr, distBackend: "memory", logger: silentLogger },
    });
  });
  await Promise.all([server.run(), ...clients.map((client) => client.run())]);
  const { rows, shape, classes, columns } = server.summary ?? {};
  assertEquals({ rows, shape, classes, columns }, {
    ...{ rows: 7, shape: [3, 2], classes: [["1", 7]], columns: [] },
  });
});

Deno.test("a conflict of clients stops the run with one line, which clients are told", async () => {
  const server = serverOf({ worldSize: 3 });
  const other = tableOf("b", { age: ["old"], sex: ["f"], ill: [0] });
  const [a] = TABLES;
  assert(a);
  const conflict =
    "Cannot unite the column age: expected one kind and unit, got numbers at rank 1 and texts at rank 2";
  await Promise.all([
    assertRejects(() => server.run(), RangeError, conflict),
    ...[a, other].map((table, i) =>
      assertRejects(() => clientOf(server, table, { rank: i + 1 }).run(), Error, conflict)
    ),
  ]);
});

/** Server that cuts each client off once, in place of taking its answer. */
class CuttingTop extends ServerStatisticsTop {
  readonly cut = new Set<number>();

  override onReceive(...[rank, ...message]: Parameters<ServerStatisticsTop["onReceive"]>) {
    if (this.cut.has(rank) || this.cut.size === 2) return super.onReceive(rank, ...message);
    this.cut.add(rank);
    this.activeRun.disconnect(rank, "cut off");
    return Promise.resolve();
  }
}

Deno.test("a client that loses its connection is asked again, and counted once", async () => {
  const server = new CuttingTop({
    ...{
      distBackend: "memory",
      logger: silentLogger,
      listen: "cut off",
      worldSize: 4,
      minCount: 1,
    },
  });
  const clients = TABLES.map((table) => clientOf(server, table));
  await Promise.all([server.run(), ...clients.map((client) => client.run())]);
  assertEquals(server.cut.size, 2);
  assertEquals([server.summary?.rows, server.summary?.columns[0]?.missing], [8, 2]);
});

/** Client whose answers are spoiled. */
function lying(spoil: (answer: StatisticsAnswer, question: StatisticsQuestion) => unknown) {
  return class extends ClientSGDHandler {
    override async describeData(
      ...[question, rules]: Parameters<ClientSGDHandler["describeData"]>
    ): Promise<StatisticsAnswer> {
      const answer = await super.describeData(question, rules);
      return (spoil(structuredClone(answer), question) || answer) as StatisticsAnswer;
    }
  };
}

const LIES: Record<string, Parameters<typeof lying>[0]> = {
  "expected an answer about columns, got one about classes": () => ({
    ...{ kind: "classes", classes: [], distinct: 0 },
  }),
  "at most 4 missing values": (answer) =>
    answer.kind === "columns" && {
      ...answer,
      columns: answer.columns.map((column) => ({ ...column, missing: 9 })),
    },
  "expected sums that numbers can have": (answer) =>
    answer.kind === "deviations" && { ...answer, sums: answer.sums.map(() => 1e9) },
  "expected columns, as there are more, got none": (answer) =>
    answer.kind === "columns" && { ...answer, columns: [], hasMore: true },
  "rows in a histogram of the column": (answer) =>
    answer.kind === "histograms" && { ...answer, groups: answer.groups.map(() => [[0, 0, 77]]) },
  "expected each column once": (answer) =>
    answer.kind === "columns" && {
      ...answer,
      columns: [...answer.columns, ...answer.columns],
    },
  "at most 3 rows with the values": (answer) =>
    answer.kind === "columns" && {
      ...answer,
      columns: answer.columns.map((column) => ({ ...column, values: [["q", 1000]] })),
    },
};

for (const [text, spoil] of Object.entries(LIES)) {
  Deno.test(`a client whose answer is no possible one is refused: ${text}`, async () => {
    const warnings: string[] = [];
    const server = serverOf({
      worldSize: 4,
      minClients: 2,
      timeouts: { joinSeconds: 2 },
      onEvent: (event) => {
        if (event.type === "client-lost") warnings.push(`${event.rank}: ${event.reason}`);
      },
    });
    const [a, b, c] = TABLES;
    assert(a && b && c);
    await Promise.all([
      server.run(),
      assertRejects(() => clientOf(server, a, { rank: 1 }, lying(spoil)).run(), Error, text),
      clientOf(server, b, { rank: 2 }).run(),
      clientOf(server, c, { rank: 3 }).run(),
    ]);
    assert(
      warnings[0]?.startsWith("1: Cannot use the statistics of rank 1: expected"),
      warnings[0],
    );
    assertEquals(server.summary?.rows, 4);
  });
}
