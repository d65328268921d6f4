import { liveRounds, type LiveTransport } from "../helpers/live_rounds.ts";
import { messageBytes, rawRounds } from "../helpers/raw_rounds.ts";
import { type BenchOptions, type BenchResult, mostResult, rateResult } from "../result.ts";

const VALUES = 2_000;
/** Least number of rounds, and of updates, that are not measured: V8 still compiles the code. */
const WARM_UP_ROUNDS = 30, WARM_UP_UPDATES = 10_000;
/** Numbers of clients, and of rounds that are measured. */
const SIZES = [[10, 500], [100, 300], [1000, 30]] as const;
/** Least share of the speed of raw sockets, and of that of TCP over a WebSocket. */
const OF_RAW = 0.3, OF_TCP = 0.5;

/**
 * Measures rounds of clients that do not train, with 2,000 parameters. Value: the bytes of all
 * messages over the time of the shortest round in the report, without evaluation. Ceilings: raw
 * sockets that move the same bytes, and TCP for WebSockets. For ten clients also the median time of
 * a round; ceiling: 5 ms.
 */
export async function* roundBench(options: BenchOptions): AsyncGenerator<BenchResult> {
  for (const [clients, rounds] of SIZES) {
    const { seed, signal } = options;
    const sizes = { clients, values: VALUES, rounds, signal };
    const warmUp = Math.max(WARM_UP_ROUNDS, WARM_UP_UPDATES / clients);
    const timesOver = async (transport: LiveTransport) =>
      (await liveRounds({ ...sizes, warmUp, seed, transport })).roundMillis;
    const raw = await rawRounds(sizes);
    const tcp = await timesOver("tcp");
    const websocket = await timesOver("websocket");
    raw.push(...await rawRounds(sizes));
    const bytes = 2 * clients * messageBytes(VALUES);
    const rate = (times: readonly number[]) => ({ bytes, times });
    const name = `round, ${clients.toLocaleString("en")} clients`;
    if (clients === SIZES[0][0]) yield mostResult("round-small", tcp, { unit: "ms", most: 5 });
    yield rateResult(`${name}, of raw sockets`, rate(tcp), rate(raw), OF_RAW);
    yield rateResult(`${name}, WebSocket, of TCP`, rate(websocket), rate(tcp), OF_TCP);
  }
}
