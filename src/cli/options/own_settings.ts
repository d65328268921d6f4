import { Random } from "../../base/random.ts";
import type { AllowedSettings, OwnSettings, SettingRange } from "../../plan/own_settings.ts";
import { option } from "./option.ts";
import { readableBy } from "./values.ts";

/** Options about settings that clients choose themselves. */
export const OWN_SETTINGS = {
  clientEpochs: option(readableBy((text) => parseRange(text, 1)), {
    value: "<a..b>",
    help: "range in which clients may choose their own --epochs",
    group: "Training",
    defaultText: "none: all use --epochs",
    isRare: true,
    commands: {
      server: {},
      simulate: {
        help: "range from which each client's local epochs are drawn",
        defaultText: "--epochs for all",
      },
    },
  }),
  clientBatchSize: option(readableBy((text) => parseRange(text, 0)), {
    value: "<a..b>",
    help: "range in which clients may choose their own --batch-size",
    group: "Training",
    defaultText: "none: all use --batch-size",
    isRare: true,
    commands: {
      server: {},
      simulate: {
        help: "range from which each client's batch size is drawn",
        defaultText: "--batch-size for all",
      },
    },
  }),
};

/** Values of these options. */
interface OwnSettingsFlags {
  readonly clientEpochs?: string;
  readonly clientBatchSize?: string;
}

/**
 * Reads a range of whole numbers, such as `"1..5"`, or a single number.
 *
 * @throws {RangeError} If the text is another one.
 */
function parseRange(text: string, least: number): SettingRange {
  const [, first = "", last = first] = /^(\d{1,10})(?:\.\.(\d{1,10}))?$/.exec(text) ?? [];
  const range = { least: Number(first), most: Number(last) };
  if (first !== "" && range.least >= least && range.most >= range.least && range.most < 2 ** 32) {
    return range;
  }
  throw new RangeError(`Expected a range A..B of whole numbers from ${least}, got ${text}`);
}

/** Returns the settings that clients may choose; `undefined` for none. */
export function allowedFrom(
  { clientEpochs, clientBatchSize }: OwnSettingsFlags,
): AllowedSettings | undefined {
  if (clientEpochs === undefined && clientBatchSize === undefined) return undefined;
  return {
    ...(clientEpochs !== undefined && { epochs: parseRange(clientEpochs, 1) }),
    ...(clientBatchSize !== undefined && { batchSize: parseRange(clientBatchSize, 0) }),
  };
}

/** Draws settings for the clients of a simulation, each uniformly from its range, by the seed. */
export function drawnSettings(
  flags: OwnSettingsFlags,
  { clients, seed }: { readonly clients: number; readonly seed: number },
): OwnSettings[] | undefined {
  const allowed = allowedFrom(flags);
  if (allowed === undefined) return undefined;
  return Array.from({ length: clients }, (_, i) => {
    const random = new Random(seed, "settings", { rank: i + 1 });
    const draw = ({ least, most }: SettingRange) => least + random.below(most - least + 1);
    return {
      ...(allowed.epochs && { epochs: draw(allowed.epochs) }),
      ...(allowed.batchSize && { batchSize: draw(allowed.batchSize) }),
    };
  });
}
