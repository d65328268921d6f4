import { ClientLedger, readLedger } from "../../privacy/ledger/client_ledger.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { parsePrivacy } from "../../privacy/parse.ts";
import { parseClientPrivacy } from "../../privacy/client/parse.ts";
import { LEDGER_FILE } from "../federation/client_program.ts";
import type { Invariant, Judged } from "./invariant.ts";
import { hasLyingDisk } from "./results_whole.ts";

/** Slack for rounding errors of an ε. */
const SLACK = 1e-6;

/**
 * The account of a private run has each model that was told, those of rounds that were made again
 * included, and its ε is within the budget.
 */
export const privacyIsAccounted: Invariant = {
  name: "the privacy of a run is accounted",
  breaches({ federation: { history, plan }, schedule }) {
    if (hasLyingDisk(schedule)) return [];
    const [finished] = history.of("finished"), { privacy } = finished?.report ?? {};
    if (plan.privacy === undefined || privacy === undefined) return [];
    const told = new Set(
      history.of("round").map(({ report, model }) => `${report.round} ${textOf(model)}`),
    );
    const { epsilon: most = Infinity } = parsePrivacy(plan.privacy);
    const { releases, epsilon = Infinity } = privacy;
    return [
      ...told.size > releases ? [`${told.size} models were told, and ${releases} accounted`] : [],
      ...epsilon > most + SLACK ? [`epsilon is ${epsilon}, and the budget ${most}`] : [],
    ];
  },
};

/** The ledger of a client that keeps its data private has each update that it has sent. */
export const ledgersAreComplete: Invariant = {
  name: "the ledger of a client has what it has sent",
  breaches(judged) {
    const { federation: { plan, clientMachines }, schedule } = judged;
    if (hasLyingDisk(schedule)) return [];
    if (plan.clientPrivacy === undefined || plan.rogue !== undefined) return [];
    return clientMachines.flatMap((machine) => breachesOf(machine, judged));
  },
};

function breachesOf(machine: string, { federation: { history, plan, world } }: Judged): string[] {
  const { epsilon: most = Infinity, delta } = parseClientPrivacy(plan.clientPrivacy ?? "");
  const sent = new Set<string>();
  for (const entry of history.of("sent")) {
    if (entry.machine === machine) sent.add(textOf(entry.vector));
  }
  const bytes = world.machine(machine).disk.read(LEDGER_FILE);
  if (bytes === undefined) return sent.size === 0 ? [] : [`${machine} has no ledger any more`];
  const known = readLedger(JSON.parse(new TextDecoder().decode(bytes)));
  const ledger = new ClientLedger("client", {
    known,
    read: () => Promise.resolve(known),
    write: () => Promise.resolve(),
  });
  const epsilon = ledger.epsilon(delta);
  return [
    ...sent.size > ledger.count
      ? [`${machine} has sent ${sent.size} updates, and its ledger has ${ledger.count}`]
      : [],
    ...epsilon > most + SLACK ? [`${machine} has spent ${epsilon}, and its budget is ${most}`] : [],
  ];
}

function textOf(vector: ParameterVector): string {
  return new Uint8Array(vector.slice().buffer).toHex();
}
