import { DEFAULT_MIN_COUNT } from "../../data/statistics/limits.ts";
import { InvalidArgumentError } from "../deps.ts";
import { type FlagsIn, option } from "./option.ts";
import { choice, real, text, type ValueType, whole } from "./values.ts";

/** Shares between 0 and 1, separated by commas. */
const shares: ValueType<number[]> = {
  parse(text) {
    const numbers = text.split(",").map(Number);
    if (numbers.length <= 20 && numbers.every((x) => x >= 0 && x <= 1)) return numbers;
    throw new InvalidArgumentError("Expected at most 20 numbers from 0 to 1, as in 0.25,0.5,0.75.");
  },
  several: "joined",
  json: { type: "number", minimum: 0, maximum: 1 },
};

const UNITES = { server: {}, stats: {} } as const;

/** Options about figures of the clients' data. */
export const STATISTICS = {
  minCount: option(whole(1), {
    value: "<n>",
    help: "fewest rows of a client that a category, class or other figure may be about",
    group: "Data",
    commands: {
      server: {
        help: "with --schema federated: fewest rows of a client that a figure may be about",
      },
      stats: {},
      simulate: {
        help: "with --schema federated: fewest rows of a site that a figure may be about",
      },
      client: {
        help:
          "fewest rows that a figure for the server may be about, if more than the server asks for",
        defaultText: "the server's",
      },
    },
    defaultText: `${DEFAULT_MIN_COUNT}`,
    isRare: true,
  }),
  shareStatistics: option(choice(["none", "total", "site"]), {
    value: "<extent>",
    help:
      "figures of its data that the client gives a server: none (none), those that are only added to the other clients' (total), or also those that the server shows for this site alone (site)",
    group: "Data",
    default: "total",
    isRare: true,
    commands: { client: {} },
  }),
  columns: option(choice(["all", "common"]), {
    value: "<choice>",
    help:
      "columns of the clients' tables to use: all, which must be the same for each client (all), or those that all clients have (common)",
    group: "Data",
    default: "all",
    isRare: true,
    commands: UNITES,
  }),
  columnOrder: option(choice(["first", "name"]), {
    value: "<order>",
    help:
      "order of those columns: that of the client of the lowest rank (first), or by name (name)",
    group: "Data",
    default: "first",
    isRare: true,
    commands: UNITES,
  }),
  quantiles: option(shares, {
    value: "<shares>",
    help: "quantiles of numbers, as shares of the rows below",
    group: "Data",
    defaultText: "0.25,0.5,0.75",
    commands: { stats: {} },
  }),
  bins: option(whole(1, 200), {
    value: "<n>",
    help: "number of bins of the histograms",
    group: "Data",
    default: 20,
    commands: { stats: {} },
  }),
  quantileError: option(real({ least: 1 / 2048, most: 1 }), {
    value: "<share>",
    help: "error of quantiles, as a share of the range, where each bin has enough rows",
    group: "Data",
    default: 0.001,
    isRare: true,
    commands: { stats: {} },
  }),
  svg: option(text, {
    value: "<file>",
    help: "draw the histograms (SVG)",
    group: "Output",
    commands: { stats: {} },
    path: "output",
  }),
};

/** Collects the limits that a client sets on figures of its data. */
export function clientStatisticsFrom(
  { minCount, shareStatistics: share }: FlagsIn<typeof STATISTICS, "client">,
) {
  return { share, ...(minCount !== undefined && { minCount }) };
}
