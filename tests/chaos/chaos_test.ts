import { assertEquals } from "jsr:@std/assert@1.0.19";
import { chaos, faultsOf } from "./chaos.ts";
import { type ChaosPlan, drawPlan, type Given } from "./plan.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const PLAIN: Given = {
  strategy: "fedavg",
  transport: "tcp",
  security: "open",
  quorum: 1,
  model: "mlp",
  hostile: false,
  partitions: false,
};

async function assertUnharmed(plan: ChaosPlan): Promise<void> {
  const folder = await Deno.makeTempDir();
  const log: string[] = [];
  try {
    const outcome = await chaos({ plan, folder, log: (line) => log.push(line) });
    assertEquals(faultsOf(outcome), [], log.join("\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a federation whose processes are killed and whose connections are troubled ends with the model it would have had", () =>
  assertUnharmed(drawPlan(3, 4, PLAIN)));

Deno.test("so does one with clients that keep vectors, over TLS, whose server is stopped and finds its checkpoint torn", () => {
  const plan = drawPlan(1, 1, {
    ...PLAIN,
    strategy: "scaffold",
    transport: "websocket",
    security: "keys over TLS",
    clients: 3,
  });
  return assertUnharmed({
    ...plan,
    rounds: 14,
    steps: [
      { atRound: 2, afterMillis: 0, trouble: "stop server", millis: 800 },
      { atRound: 5, afterMillis: 0, trouble: "kill server, tear its checkpoint", at: 0.6 },
      { atRound: 7, afterMillis: 0, trouble: "stop client", client: 1, millis: 500 },
      { atRound: 8, afterMillis: 0, trouble: "cut all off", millis: 400 },
    ],
  });
});

Deno.test("an asynchronous federation makes all of its versions though processes are killed", () => {
  const plan = drawPlan(1, 1, { ...PLAIN, strategy: "fedbuff:size=3", clients: 3 });
  return assertUnharmed({
    ...plan,
    rounds: 24,
    steps: [
      { atRound: 4, afterMillis: 0, trouble: "kill server", millis: 100 },
      { atRound: 8, afterMillis: 0, trouble: "kill client", client: 0 },
      { atRound: 12, afterMillis: 0, trouble: "take the disk away", millis: 400 },
      { atRound: 14, afterMillis: 0, trouble: "hold", client: 2, millis: 500 },
    ],
  });
});

Deno.test("a federation with masked updates ends with the model it would have had, and no client reveals twice", () => {
  const plan = drawPlan(1, 1, { ...PLAIN, masked: true, clients: 4 });
  return assertUnharmed({
    ...plan,
    rounds: 12,
    steps: [
      { atRound: 2, afterMillis: 0, trouble: "kill client", client: 0 },
      { atRound: 4, afterMillis: 30, trouble: "cut inside a frame", client: 1, at: 0.3 },
      { atRound: 5, afterMillis: 0, trouble: "kill server at a reveal", millis: 5 },
      { atRound: 6, afterMillis: 60, trouble: "kill client", client: 2 },
      { atRound: 8, afterMillis: 0, trouble: "stop client", client: 3, millis: 400 },
    ],
  });
});

Deno.test("drawPlan() draws the same plan for the same seed, with as many kills as were asked for", () => {
  const plan = drawPlan(5, 9);
  assertEquals(plan, drawPlan(5, 9));
  assertEquals(JSON.parse(JSON.stringify(plan)), plan);
  assertEquals(plan.steps.filter(({ trouble }) => trouble.startsWith("kill")).length, 9);
});
