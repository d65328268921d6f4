/**
 * Process of clients that do not train, one for each address or several at the same ones. They
 * share a vector and a buffer, so that this process stays small.
 */
import { Connection } from "../../src/net/connection.ts";
import { tcpTransport } from "../../src/net/tcp.ts";
import { DEFAULT_TIMEOUTS } from "../../src/net/timeouts.ts";
import type { ParameterVector } from "../../src/params/manifest.ts";
import { FIELDS_BYTES } from "../../src/wire/limits.ts";
import { MessageCode } from "../../src/wire/message_code.ts";

interface Shared {
  vector: ParameterVector;
  /** Buffer that all clients read into; the bytes are the same for each client. */
  buffer: Uint8Array<ArrayBuffer>;
}

async function takePart(
  address: string,
  manifestDigest: string,
  { vector, buffer }: Shared,
): Promise<void> {
  const { heartbeatSeconds } = DEFAULT_TIMEOUTS;
  await using connection = new Connection(await tcpTransport.connect(address), {
    heartbeatSeconds,
  });
  await connection.send({ code: MessageCode.Registration, payload: { agent: "fedlab-bench" } });
  await connection.receive();
  await connection.send({ code: MessageCode.Ready, payload: { manifestDigest, numSamples: 1 } });
  for (;;) {
    const message = (await connection.receive({ place: () => buffer }))?.message;
    if (message?.code === MessageCode.ParameterUpdate) {
      const { round } = message.payload;
      const payload = { round, numSamples: 1, steps: 1, loss: 0, metrics: {}, parameters: vector };
      await connection.send({ code: MessageCode.ParameterUpdate, payload });
    } else if (message?.code === MessageCode.EvaluateParams) {
      const payload = { round: message.payload.round, numSamples: 1, loss: 0 };
      await connection.send({ code: MessageCode.EvaluateParams, payload });
    } else {
      if (message?.code === MessageCode.Exit) await connection.send(message);
      return;
    }
  }
}

if (import.meta.main) {
  const [list = "", count, values, digest = ""] = Deno.args;
  const vector = new Float32Array(Number(values)).fill(1);
  const buffer = new Uint8Array(vector.byteLength + FIELDS_BYTES);
  const addresses = list.split(",");
  await Promise.all(
    Array.from(
      { length: Number(count) },
      (_, i) => takePart(addresses[i % addresses.length] ?? "", digest, { vector, buffer }),
    ),
  );
}
