/** Returns true if a host name or address is one that only this machine can reach. */
export function isLoopbackHost(hostname: string): boolean {
  return /^(localhost|\[?::1\]?|127\..*)$/.test(hostname);
}
