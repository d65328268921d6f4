import { assert, assertEquals } from "@std/assert";
import { runtime } from "../../../src/base/runtime/runtime.ts";
import type { Channel } from "../../../src/net/transport.ts";
import { type ProcessContext, type VirtualProcess, World } from "../../../src/world/mod.ts";
import { acceptedBy, outcomeOf } from "./rows.ts";

/** Address of the listener of the machine `b`. */
export const ADDRESS = "b:9000";

/** Tools of a process. */
export interface Tools {
  /** Notes the outcome of a call, with its time in seconds. */
  see(label: string, call: Promise<unknown>): Promise<string>;
}

/** Main function of a process that has one end of the connection. */
export type Main = (channel: Channel, tools: Tools, context: ProcessContext) => Promise<void>;

/** Two machines with a process each, which are connected. */
export interface TwoMachines {
  readonly world: World;
  /** Process that connects, on the machine `a`. */
  readonly a: VirtualProcess;
  /** Process that listens, on the machine `b`. */
  readonly b: VirtualProcess;
  /** Outcomes that were noted, in order. */
  readonly seen: readonly string[];
  /** Times of the outcomes, in seconds. */
  readonly times: readonly number[];
  /** Log of the world. */
  readonly lines: readonly string[];
  /** Takes an action at a time in seconds. */
  at(seconds: number, action: () => void): void;
  /** Runs until nothing is left to do, or a time in seconds has come. */
  run(seconds?: number): Promise<void>;
}

/** Connects two processes; each goes on after its main function, so that its ends stay open. */
export function twoMachines(mains: { a: Main; b: Main }, seed = 1): TwoMachines {
  const lines: string[] = [];
  const world = new World({ seed, onLine: (line) => lines.push(line) });
  const seen: string[] = [], times: number[] = [];
  const toolsOf = (name: string): Tools => ({
    see: async (label, call) => {
      const outcome = await outcomeOf(call);
      seen.push(`${name} ${label} ${outcome}`);
      times.push(runtime.clock.now() / 1000);
      return outcome;
    },
  });
  const b = world.start(world.machine("b"), async (context) => {
    const listener = await context.transport.listen(ADDRESS);
    await mains.b(await acceptedBy(listener), toolsOf("b"), context);
    await forever();
  });
  const a = world.start(world.machine("a"), async (context) => {
    await new Promise<void>((resolve) => void runtime.timers.setTimeout(resolve, 10));
    await mains.a(await context.transport.connect(ADDRESS), toolsOf("a"), context);
    await forever();
  });
  return {
    ...{ world, a, b, seen, times, lines },
    at: (seconds, action) => void world.scheduler.after(1000 * seconds, action),
    run: async (seconds = Infinity) => {
      await world.run(() => false, 1000 * seconds);
      assertEquals(world.escapes, []);
    },
  };
}

/** Never resolves. */
export function forever(): Promise<void> {
  return new Promise(() => {});
}

/** Returns a row of different bytes. */
export function numbered(count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) bytes[i] = i * 31 + (i >> 8);
  return bytes;
}

/** Reads a number of bytes. */
export async function readBytes(channel: Channel, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const got = await channel.read(bytes.subarray(at));
    if (got === null) throw new Error(`The end came after ${at} bytes`);
    at += got;
  }
  return bytes;
}

/** Asserts that bytes are those of {@linkcode numbered}. `assertEquals` would be slow on many. */
export function assertNumbered(bytes: Uint8Array, count: number): void {
  const expected = numbered(count);
  assertEquals(bytes.length, count);
  assert(bytes.every((byte, i) => byte === expected[i]), "the bytes are others");
}
