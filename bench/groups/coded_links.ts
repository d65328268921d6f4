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
const WARM_UP_ROUNDS = 2;
const ROUNDS = 5;
const UPLINK = "eden:bits=1", DOWNLINK = "int8";
/** Bytes of a packet, of which the data are what headers of IP and TCP leave. */
const PACKET = { bytes: 1500, data: 1448 };
/** Longest time of a round, as a multiple of that in theory. */
const MOST_OF_THEORY = 1.15;
/** Smallest factor by which codecs shorten a round. */
const LEAST_FASTER = 5;

/**
 * Measures rounds of a client that does not train, over a link of 20 Mbit/s each way, a round trip
 * of 50 ms and 1% loss, with codecs and without: the parameters go down, then the update goes up.
 * Value: the median time of a round. Needs root, on Linux; else there are no rows.
 */
export async function codedLinksBench({ seed }: BenchOptions): Promise<BenchResult[]> {
  if (!await canMakeLinks()) return [];
  const whole = 4 * VALUES;
  const coded = (name: string) => codedBytes(parseCodec(name), VALUES);
  const plain = await roundMillis(["", ""], seed);
  const encoded = await roundMillis([UPLINK, DOWNLINK], seed);
  return [
    result("link-lossy-plain", plain, 2 * whole),
    result("link-lossy-codecs", encoded, coded(UPLINK) + coded(DOWNLINK)),
    mostResult("link-lossy-codecs-of-plain", encoded, {
      unit: "ms",
      most: median(plain) / LEAST_FASTER,
    }),
  ];
}

/** Makes the result of rounds that move so many bytes, one direction after the other. */
function result(name: string, times: readonly number[], bytes: number): BenchResult {
  const wireBytes = bytes * PACKET.bytes / PACKET.data;
  const theory = 8000 * wireBytes / LINK.bitsPerSecond + 2 * LINK.delayMillis;
  return mostResult(name, times, { unit: "ms", most: MOST_OF_THEORY * theory });
}

async function roundMillis(codecs: readonly string[], seed: number): Promise<number[]> {
  const module = new URL("../processes/coded_rounds.ts", import.meta.url);
  const address = `${FIRST_ADDRESS}:9000`;
  const rounds = String(WARM_UP_ROUNDS + ROUNDS);
  return await withTunLink({ ...LINK, seed }, async (first, second) => {
    const args = [address, String(VALUES), rounds, ...codecs];
    const server = first(module, ["server", ...args]).spawn();
    const lines = server.stdout.pipeThrough(new TextDecoderStream());
    let text = "", client: Deno.ChildProcess | undefined;
    for await (const chunk of lines) {
      text += chunk;
      if (client === undefined && text.includes("\n")) {
        client = second(module, ["client", ...args]).spawn();
      }
    }
    const [{ success }] = await Promise.all([server.status, client?.output()]);
    if (!success) throw new Error("Cannot measure: the server of the lossy link failed");
    const seconds = JSON.parse(text.split("\n")[1] ?? "[]") as number[];
    return seconds.slice(WARM_UP_ROUNDS).map((one) => 1000 * one);
  });
}
