import type { Manifest } from "../../params/manifest.ts";
import type { TensorEntry } from "./entries.ts";
import {
  findWeight,
  type FoundWeight,
  isCounter,
  type WeightNames,
  withConvention,
} from "./names.ts";

/** Most names in a message. */
const MOST_NAMES = 5;

/** Tensors of a file with their places in a model. */
export interface MatchedNames {
  readonly found: ReadonlyMap<TensorEntry, FoundWeight>;
  /** Names of tensors that have no place. */
  readonly leftOver: readonly string[];
}

/**
 * Finds the place of each tensor of a file.
 *
 * @throws {SyntaxError} If two tensors have one place, or a name that is given stands for nothing.
 * @throws {RangeError} If the order of the axes cannot be known.
 */
export function matchNames(
  entries: readonly TensorEntry[],
  manifest: Manifest,
  names: WeightNames,
): MatchedNames {
  const found = new Map<TensorEntry, FoundWeight>();
  const takenBy = new Map<string, string>();
  const unused = new Set(Object.keys(names));
  const leftOver: string[] = [];
  for (const entry of entries) {
    const { name } = entry, key = keyOf(name, names);
    if (key !== undefined) unused.delete(key);
    if (isCounter(name)) continue;
    const weight = placeOf(entry, key, manifest, names);
    if (weight === null) continue;
    if (weight === undefined) {
      leftOver.push(name);
      continue;
    }
    const other = takenBy.get(weight.tensor.name);
    if (other !== undefined) {
      throw new SyntaxError(
        `expected one tensor for ${JSON.stringify(weight.tensor.name)}, got ${
          JSON.stringify(other)
        } and ${JSON.stringify(name)}`,
      );
    }
    takenBy.set(weight.tensor.name, name);
    found.set(entry, weight);
  }
  const [wrong] = unused;
  if (wrong === undefined) return { found, leftOver };
  throw new SyntaxError(
    `expected the names to be those of its tensors or layers, got ${
      JSON.stringify(wrong)
    }; it has ${listed(entries.map(({ name }) => name))}`,
  );
}

/** Returns the name that is given for a tensor: its own, or the longest of a layer. */
function keyOf(name: string, names: WeightNames): string | undefined {
  if (Object.hasOwn(names, name)) return name;
  return Object.keys(names)
    .filter((key) => name.startsWith(key) && /^[./]/.test(name.slice(key.length)))
    .sort((a, b) => b.length - a.length)[0];
}

/**
 * Finds the place of a tensor; `undefined` if the model has none, `null` if it is to be left out.
 *
 * @param key Name by which a place is given: of the tensor, or of its layer.
 */
function placeOf(
  entry: TensorEntry,
  key: string | undefined,
  manifest: Manifest,
  names: WeightNames,
): FoundWeight | undefined | null {
  const { name } = entry;
  if (key === undefined) return findWeight(name, entry, manifest);
  const given = names[key] ?? null;
  if (given === null) return null;
  if (key !== name) {
    if (typeof given === "string") {
      return findWeight(`${given}${name.slice(key.length)}`, entry, manifest);
    }
    throw new SyntaxError(
      `expected the layer ${JSON.stringify(key)} to be mapped to a name alone, got an object`,
    );
  }
  const place = typeof given === "string" ? { name: given } : given;
  const tensor = manifest.tensors.find((tensor) => tensor.name === place.name);
  if (tensor === undefined) {
    throw new SyntaxError(
      `expected ${JSON.stringify(name)} to be mapped to a tensor of the model, got ${
        JSON.stringify(place.name)
      }; it has ${listed(manifest.tensors.map(({ name }) => name))}`,
    );
  }
  if (typeof given === "string") return withConvention(tensor, entry, manifest);
  const { reshape, transpose } = given;
  return { tensor, ...(reshape && { reshape }), ...(transpose && { transpose }) };
}

/** Lists names for a message. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => JSON.stringify(name)).join(", ");
  const more = names.length - MOST_NAMES;
  return names.length === 0 ? "no tensors" : more > 0 ? `${shown} and ${more} more` : shown;
}
