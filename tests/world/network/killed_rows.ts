import type { Channel } from "../../../src/net/transport.ts";
import type { RowTools } from "./rows.ts";

/** Row of the table of what the peer of a killed process sees. */
export interface KilledRow {
  readonly title: string;
  /** Bytes that the process has not read when it is killed. It has written 7. */
  readonly unread: number;
  /** Begins calls before the process is killed; their outcomes are seen by the function it returns. */
  readonly before?: (near: Channel) => (see: RowTools["see"]) => Promise<void>;
  /** Makes calls after the process was killed. */
  readonly run: (tools: Omit<RowTools, "far">) => Promise<void>;
  readonly outcomes: readonly string[];
}

/** Error of the first call after a reset. */
const RESET = "Connection reset by peer (os error 104)";
const PIPE = "Broken pipe (os error 32)";
const room = () => new Uint8Array(9);

/** Table of connections of which one end is killed (SIGKILL). */
export const KILLED_ROWS: readonly KilledRow[] = [
  {
    title: "all was read: the end; a write is taken, and the next fails",
    unread: 0,
    async run({ near, see, rest }) {
      await see("read", near.read(room()));
      await see("read", near.read(room()));
      await see("write", near.write(room()));
      await rest();
      await see("write", near.write(room()));
    },
    outcomes: ["read 7", "read null", "write ok", `write ${PIPE}`],
  },
  {
    title: "bytes were unread: what it wrote, then a reset, which is told once",
    unread: 5,
    async run({ near, see }) {
      await see("read", near.read(room()));
      await see("read", near.read(room()));
      await see("read", near.read(room()));
      await see("write", near.write(room()));
    },
    outcomes: ["read 7", `read ${RESET}`, "read null", `write ${PIPE}`],
  },
  {
    title: "bytes were unread: a writer is told of the reset, and a reader sees an end",
    unread: 5,
    async run({ near, see }) {
      await see("write", near.write(room()));
      await see("write", near.write(room()));
      await see("read", near.read(room()));
      await see("read", near.read(room()));
    },
    outcomes: [`write ${RESET}`, `write ${PIPE}`, "read 7", "read null"],
  },
  {
    title: "a reader and a writer wait: the reader is told of the reset",
    unread: 30_000_000,
    before: (near) => {
      const write = near.write(new Uint8Array(30_000_000));
      const read = near.read(room()).then(() => near.read(room()));
      write.catch(() => {});
      read.catch(() => {});
      return async (see) => {
        await see("read", read);
        await see("write", write);
      };
    },
    run: async ({ near, see }) => await see("read", near.read(room())),
    outcomes: [`read ${RESET}`, `write ${PIPE}`, "read null"],
  },
];
