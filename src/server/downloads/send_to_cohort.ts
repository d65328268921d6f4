import type { Rank } from "../../base/rank.ts";
import type { CohortCollector } from "../../round/cohort/cohort_collector.ts";
import type { Downloads } from "./downloads.ts";
import type { Download } from "./link_downloads.ts";

/** Largest model, in bytes, that is sent to all at once, whatever links they have. */
const MAX_BYTES_AT_ONCE = 64 * 1024;

/** Functions of {@linkcode sendToCohort}. */
export interface CohortSending {
  /** Bytes of the model. */
  readonly bytes: number;
  /** Returns the address of a client; `undefined` when it is away, or in this process. */
  addressOf(rank: Rank): string | undefined;
  /**
   * Sends a client the parameters. Returns `false` when it is away; otherwise `onEnd` is called
   * with whether all was sent.
   */
  sendTo(rank: Rank, onEnd?: (isSent: boolean) => void): boolean;
}

/**
 * Sends the parameters to a cohort that trains or evaluates: to clients of one address that share a
 * link one after the other. The time of each begins when the parameters are sent to it.
 */
export function sendToCohort(
  collector: CohortCollector,
  downloads: Downloads,
  { bytes, addressOf, sendTo }: CohortSending,
): void {
  const byAddress = new Map<string, Download[]>(), small: (() => void)[] = [];
  for (const rank of collector.cohort) {
    const address = bytes > MAX_BYTES_AT_ONCE ? addressOf(rank) : undefined;
    collector.markSent(rank, false);
    if (address === undefined) {
      small.push(() => {
        collector.markSent(rank);
        if (collector.isPending(rank)) sendTo(rank);
      });
      continue;
    }
    const download = {
      rank,
      start: (onEnd: (isSent: boolean) => void) => {
        collector.markSent(rank);
        if (collector.isPending(rank) && sendTo(rank, onEnd)) return;
        queueMicrotask(() => onEnd(false));
      },
    };
    const others = byAddress.get(address);
    if (others === undefined) byAddress.set(address, [download]);
    else others.push(download);
  }
  downloads.beginSmall(small);
  downloads.begin(byAddress);
}
