/**
 * Rounds with codecs over a slow link that loses packets.
 *
 * @module
 */

import { codedBytes } from "../../src/codec/coding.ts";
import { parseCodec } from "../../src/codec/registry.ts";
import { canMakeLinks, FIRST_ADDRESS, withTunLink } from "../helpers/tun_link.ts";
import { type BenchOptions, type BenchResult, median, mostResult } from "../result.ts";

const LINK = { bitsPerSecond: 20e6, delayMillis: 25, loss: 0.01 };
/** Values of the CNN for MNIST. */
const VALUES = 1_663_370;
/** The server finds out about the link, and connections about its rate. */
const WARM_UP_ROUNDS = 4;
const ROUNDS = 5;
/** Bytes of a packet, of which the data are what headers of IP and TCP leave. */
const PACKET = { bytes: 1500, data: 1448 };
/** Longest time of a round, as a multiple of that in theory. */
const MOST_OF_THEORY = 1.15;
/** Smallest factor by which codecs shorten a round. */
const LEAST_FASTER = 5;

/** Rounds over the link. */
interface CodedRounds {
  readonly name: string;
  /** Clients that share the link. */
  readonly clients: number;
  /** Codecs of updates and parameters, "" for none. */
  readonly uplink: string;
  readonly downlink: string;
}

const PLAIN: CodedRounds = { name: "link-lossy-plain", clients: 1, uplink: "", downlink: "" };
const CODED: CodedRounds = {
  ...{ name: "link-lossy-codecs", clients: 1 },
  ...{ uplink: "eden:bits=1", downlink: "int8" },
};
/** Clients that upload while others download: few bytes up, and as many as down. */
const BOTH_WAYS: readonly CodedRounds[] = [
  { ...CODED, name: "link-lossy-4-clients", clients: 4 },
  { name: "link-lossy-4-clients-both-ways", clients: 4, uplink: "int8", downlink: "int8" },
];

/**
 * Measures rounds of clients that do not train, over a link of 20 Mbit/s each way, a round trip of
 * 50 ms and 1% loss, with codecs and without: one client, whose parameters go down before its
 * update goes up, and four that share the link and use both directions at once. Value: the median
 * time of a round. Needs root, on Linux; else there are no rows.
 */
export async function* codedLinksBench({ seed }: BenchOptions): AsyncGenerator<BenchResult> {
  if (!await canMakeLinks()) return;
  const plain = await roundMillis(PLAIN, seed);
  yield result(PLAIN, plain);
  const coded = await roundMillis(CODED, seed), most = median(plain) / LEAST_FASTER;
  yield result(CODED, coded);
  yield mostResult(`${CODED.name}-of-plain`, coded, { unit: "ms", most });
  for (const one of BOTH_WAYS) yield result(one, await roundMillis(one, seed));
}

/** Compares the times of rounds with the least time in theory. */
function result(rounds: CodedRounds, times: readonly number[]): BenchResult {
  return mostResult(rounds.name, times, {
    unit: "ms",
    most: MOST_OF_THEORY * leastMillis(rounds),
  });
}

/**
 * Returns the least time of a round: clients that share a link download one after the other, and
 * each uploads while the next one downloads.
 */
function leastMillis({ clients, uplink, downlink }: CodedRounds): number {
  const millis = (codec: string) => {
    const bytes = codec === "" ? 4 * VALUES : codedBytes(parseCodec(codec), VALUES);
    return 8000 * bytes * PACKET.bytes / PACKET.data / LINK.bitsPerSecond;
  };
  const up = millis(uplink), down = millis(downlink);
  return Math.max(clients * down + up, down + clients * up) + 2 * LINK.delayMillis;
}

async function roundMillis(
  { clients, uplink, downlink }: CodedRounds,
  seed: number,
): Promise<number[]> {
  const module = new URL("../processes/coded_rounds.ts", import.meta.url);
  const address = `${FIRST_ADDRESS}:9000`;
  const rounds = String(WARM_UP_ROUNDS + ROUNDS);
  return await withTunLink({ ...LINK, seed }, async (first, second) => {
    const args = [address, String(VALUES), rounds, String(clients), uplink, downlink];
    const server = first(module, ["server", ...args]).spawn();
    const lines = server.stdout.pipeThrough(new TextDecoderStream());
    let text = "", others: Deno.ChildProcess | undefined;
    for await (const chunk of lines) {
      text += chunk;
      if (others === undefined && text.includes("\n")) {
        others = second(module, ["clients", ...args]).spawn();
      }
    }
    const [{ success }] = await Promise.all([server.status, others?.output()]);
    if (!success) throw new Error("Cannot measure: the server of the lossy link failed");
    const seconds = JSON.parse(text.split("\n")[1] ?? "[]") as number[];
    return seconds.slice(WARM_UP_ROUNDS).map((one) => 1000 * one);
  });
}
