import type { Channel, Listener } from "../../../src/net/transport.ts";

/** Tools of a row: two ends of a connection, and calls whose outcomes are compared. */
export interface RowTools {
  readonly near: Channel;
  readonly far: Channel;
  /** Notes the outcome of a call. */
  see(label: string, call: Promise<unknown>): Promise<void>;
  /** Waits until all packets have arrived. */
  rest(): Promise<void>;
}

/** Row of the table of what TCP does: calls, and their outcomes on Linux. */
export interface Row {
  readonly title: string;
  readonly run: (tools: RowTools) => Promise<void>;
  readonly outcomes: readonly string[];
}

const RESET = "Connection reset by peer (os error 104)";
const PIPE = "Broken pipe (os error 32)";
const HERE = "it was closed on this side";
const bytes = (count = 5) => new Uint8Array(count);
const room = () => new Uint8Array(9);

/** Reads until the end or an error; tells whether it got all that was expected, some or none. */
async function readAll(channel: Channel, expected: number): Promise<string> {
  let count = 0;
  const into = new Uint8Array(100_000);
  const seen = () => count === expected ? "all" : count === 0 ? "none" : "a part";
  try {
    for (;;) {
      const got = await channel.read(into);
      if (got === null) return `${seen()}, then the end`;
      count += got;
    }
  } catch (error) {
    return `${seen()}, then ${error instanceof Error ? error.message.split(": ").at(-1) : error}`;
  }
}

/** Table of connections of which one end closes. */
export const ROWS: readonly Row[] = [
  {
    title: "close after write: the bytes arrive, then the end",
    async run({ near, far, see }) {
      await near.write(bytes());
      near.close();
      await see("read", far.read(room()));
      await see("read", far.read(room()));
      await see("read", far.read(room()));
    },
    outcomes: ["read 5", "read null", "read null"],
  },
  {
    title: "write after the other end has closed: one is taken, the next fails",
    async run({ near, far, see, rest }) {
      far.close();
      await rest();
      await see("write", near.write(bytes()));
      await rest();
      await see("write", near.write(bytes()));
      await see("read", near.read(room()));
      await see("write", near.write(bytes()));
      await see("closeWrite", near.closeWrite());
    },
    outcomes: ["write ok", `write ${PIPE}`, "read null", `write ${PIPE}`, "closeWrite ok"],
  },
  {
    title: "the same, with a reader that has seen the end",
    async run({ near, far, see, rest }) {
      far.close();
      await see("read", near.read(room()));
      await see("write", near.write(bytes()));
      await rest();
      await see("read", near.read(room()));
      await see("write", near.write(bytes()));
    },
    outcomes: ["read null", "write ok", "read null", `write ${PIPE}`],
  },
  {
    title: "a peer that closed: what it wrote is read although a write has failed",
    async run({ near, far, see, rest }) {
      await far.write(bytes(7));
      far.close();
      await rest();
      await see("write", near.write(bytes()));
      await rest();
      await see("write", near.write(bytes()));
      await see("read", near.read(room()));
      await see("read", near.read(room()));
    },
    outcomes: ["write ok", `write ${PIPE}`, "read 7", "read null"],
  },
  {
    title: "close with unread bytes: the end, and a reset behind it",
    async run({ near, far, see, rest }) {
      await near.write(bytes());
      await rest();
      await far.write(bytes(7));
      far.close();
      await rest();
      await see("write", near.write(bytes()));
      await see("read", near.read(room()));
      await see("read", near.read(room()));
    },
    outcomes: [`write ${PIPE}`, "read 7", "read null"],
  },
  {
    title: "close with unread bytes, while the peer reads",
    async run({ near, far, see, rest }) {
      const read = see("read", near.read(room()));
      await near.write(bytes());
      await rest();
      far.close();
      await read;
      await rest();
      await see("write", near.write(bytes()));
    },
    outcomes: ["read null", `write ${PIPE}`],
  },
  {
    title: "close with unread bytes, while the peer reads and writes more than fits",
    async run({ near, far, see, rest }) {
      const read = see("read", near.read(room()));
      const write = near.write(bytes(30_000_000));
      const written = write.catch(() => {});
      await rest();
      far.close();
      await read;
      await written;
      await see("write", write);
    },
    outcomes: ["read null", `write ${PIPE}`],
  },
  {
    title: "close with unread bytes in the middle of a write: the rest is lost, and a reset",
    async run({ near, far, see, rest }) {
      await far.write(bytes());
      const write = near.write(bytes(30_000_000));
      const written = write.catch(() => {});
      await rest();
      near.close();
      await written;
      await see("write", write);
      await rest();
      await see("readAll", readAll(far, 30_000_000));
    },
    outcomes: [`write ${HERE}`, `readAll a part, then ${RESET}`],
  },
  {
    title: "close in the middle of a write: what was taken arrives, then the end",
    async run({ near, far, see, rest }) {
      const write = near.write(bytes(30_000_000));
      const written = write.catch(() => {});
      await rest();
      near.close();
      await written;
      await see("write", write);
      await see("readAll", readAll(far, 30_000_000));
    },
    outcomes: [`write ${HERE}`, "readAll a part, then the end"],
  },
  {
    title: "closeWrite: the other direction stays open",
    async run({ near, far, see }) {
      await near.closeWrite();
      await see("closeWrite", near.closeWrite());
      await see("write", near.write(bytes()));
      await see("far read", far.read(room()));
      await see("far write", far.write(bytes(3)));
      await see("read", near.read(room()));
      far.close();
      await see("read", near.read(room()));
    },
    outcomes: [
      ...["closeWrite ok", `write ${PIPE}`, "far read null", "far write ok"],
      ...["read 3", "read null"],
    ],
  },
  {
    title: "calls on an end that was closed on this side",
    async run({ near, see }) {
      const read = see("read", near.read(room()));
      near.close();
      near.close();
      await read;
      await see("read", near.read(room()));
      await see("write", near.write(bytes()));
    },
    outcomes: [`read ${HERE}`, `read ${HERE}`, `write ${HERE}`],
  },
  {
    title: "empty calls",
    async run({ near, see }) {
      await see("write", near.write(bytes(0)));
      await see("read", near.read(bytes(0)));
    },
    outcomes: ["write ok", "read 0"],
  },
];

/** Returns the words of an outcome without the addresses, which differ. */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    const value = await call;
    return value === undefined ? "ok" : String(value);
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    return message.replace(/^.*? to [a-z]+ [^ ]+: /, "");
  }
}

/** Accepts a channel. */
export async function acceptedBy(listener: Listener): Promise<Channel> {
  const channel = await listener.accept();
  if (channel === null) throw new Error("The listener is closed");
  return channel;
}
