/**
 * Gives the address of a channel's `remote`, without transport and port: `"tcp 10.0.0.7:5123"` has
 * the address `"10.0.0.7"`. An IPv6 address is reduced to its network (`"2001:db8:0:1::/64"`),
 * because the owner of one address owns the whole network.
 *
 * @returns `undefined` where there is no port: such a peer is in this process.
 */
export function remoteAddress(remote: string): string | undefined {
  const match = /^(?:\S+ )?(?:\[([^\]]+)\]|([^\s[\]:]+)):\d+$/.exec(remote);
  const [, bracketed, plain] = match ?? [];
  if (bracketed === undefined) return plain;
  const address = bracketed.replace(/%.*$/, "").toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [left = "", right] = address.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right ? right.split(":") : [];
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  const groups = [...head, ...(right === undefined ? [] : zeros), ...tail].slice(0, 4);
  const network = groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":");
  // The loopback address shares its first 64 bits with no network.
  return network === "0:0:0:0" ? address : `${network}::/64`;
}
