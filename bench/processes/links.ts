/**
 * Process of the links between clients and a server on this machine: a link for each client, or
 * one for all. Prints the address of each client's link, separated by commas, and goes on until it
 * is killed.
 */
import { Line, Link } from "../helpers/link.ts";

if (import.meta.main) {
  const [port = 0, clients = 0, isShared = 0, bitsPerSecond = 0, delayMillis = 0] = Deno.args.map(
    Number,
  );
  // As a router has it: the bytes of a tenth of a second.
  const line = () => new Line({ bitsPerSecond, delayMillis, queueBytes: bitsPerSecond / 80 });
  const shared: [Line, Line] = [line(), line()];
  const links = Array.from(
    { length: clients },
    () => new Link(port, ...(isShared ? shared : [line(), line()] as const)),
  );
  console.log(links.map(({ address }) => address).join(","));
}
