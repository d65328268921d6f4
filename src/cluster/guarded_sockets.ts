import { NodeTransport } from "./deps.ts";

/** Socket of the client of NATS, as far as it is used here. */
interface GuardedSocket {
  on(event: "error", listener: () => void): unknown;
  removeAllListeners(event?: string | symbol): unknown;
}

let isDone = false;

/**
 * Keeps a listener of errors on each socket of the client of NATS. The client removes its own for a
 * moment while it connects and when it closes a connection; a server that is killed just then would
 * end the whole program with "read ECONNRESET". The client learns of the loss by the event `close`.
 */
export function guardSockets(): void {
  if (isDone) return;
  isDone = true;
  const { prototype } = NodeTransport, { dial } = prototype;
  prototype.dial = async function (address) {
    const socket = await dial.call(this, address);
    guard(socket as unknown as GuardedSocket);
    return socket;
  };
}

function guard(socket: GuardedSocket): void {
  const ignore = () => {}, remove = socket.removeAllListeners;
  socket.on("error", ignore);
  socket.removeAllListeners = function (...events) {
    remove.apply(this, events);
    this.on("error", ignore);
    return this;
  };
}
