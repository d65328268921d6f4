import type { OwnSettings } from "../../plan/own_settings.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import type { JoinedClient } from "../sessions/registration.ts";

/**
 * Describes a client that has joined, for the log.
 *
 * @param showsSamples Set if the number of its samples has a meaning and may be told.
 */
export function describeJoined(
  client: JoinedClient,
  { codecs }: Pick<ServerBackendHandler, "codecs">,
  showsSamples: boolean,
): string {
  const { rank, identity, name, site, address, agent, numSamples, own } = client;
  const who = name === undefined ? identity : `${JSON.stringify(name)}, ${identity}`;
  const data = showsSamples ? ` with ${numSamples} samples` : "";
  const settings = ownText(own) + codecText(client, codecs);
  return `Rank ${rank}${
    siteText(site)
  } joined from ${address}${data}${settings} (${agent}; ${who})`;
}

/** Formats the name of a client's site, such as `" (Basel)"`. */
export function siteText(site: string | undefined): string {
  return site === undefined ? "" : ` (${site})`;
}

/** Formats a client's own settings, such as `", epochs 2"`. */
function ownText(own: OwnSettings): string {
  return Object.entries(own).map(([name, value]) => `, ${name} ${value}`).join("");
}

/** Formats what is not encoded for a client that does not know a codec of the server. */
function codecText({ codecs }: JoinedClient, own: ServerBackendHandler["codecs"]): string {
  return [
    ...(own?.uplink && codecs.uplink === undefined ? [", sends whole updates"] : []),
    ...(own?.downlink && codecs.downlink === undefined ? [", is sent whole parameters"] : []),
  ].join("");
}
