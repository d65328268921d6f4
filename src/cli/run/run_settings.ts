import { runtime } from "../../base/runtime/runtime.ts";
import { replaceTextFile } from "../../base/files/whole_file.ts";
import { VERSION } from "../../base/version.ts";
import { v } from "../../plan/deps.ts";
import { shownSettings } from "../dashboard/shown_settings.ts";
import { faultOf, readJson } from "../output/json_file.ts";

/** Name of the file with the settings of a run. */
export const SETTINGS = "settings.json";

/** Name and version of its format. */
const SCHEMA = "fedlab.settings/1";

/** Command and settings of a run, which lie in its folder from the start. */
export interface RunSettings {
  /** Name of the command. */
  readonly command: string;
  /** Version of the program. */
  readonly version: string;
  /** Time at which the run began or was resumed, in ISO 8601. */
  readonly began: string;
  /** Values of the command's options, without paths of keys. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const line = v.pipe(v.string(), v.maxLength(1000), v.regex(/^\P{Cc}*$/u, "expected one line"));

const schema = v.looseObject({
  schema: v.literal(SCHEMA),
  command: line,
  version: line,
  began: line,
  settings: v.record(v.string(), v.unknown()),
});

/** Writes the settings of a run to its folder, in place of those of before it was resumed. */
export async function writeSettings(
  folder: string,
  command: string,
  flags: object,
): Promise<void> {
  const text = JSON.stringify(
    {
      ...{ schema: SCHEMA, command, version: VERSION },
      began: new Date(runtime.clock.unixMillis()).toISOString(),
      settings: shownSettings(flags),
    },
    null,
    2,
  );
  await replaceTextFile(`${folder}/${SETTINGS}`, `${text}\n`);
}

/**
 * Reads the settings in a run's folder; `undefined` for a run of a version that kept none.
 *
 * @throws {Error} If the file cannot be read or is of a later version. The message names it.
 */
export async function readSettings(folder: string): Promise<RunSettings | undefined> {
  const path = `${folder}/${SETTINGS}`;
  const isThere = await runtime.files.lstat(path).then((info) => info.isFile, () => false);
  if (!isThere) return undefined;
  const parsed = v.safeParse(schema, await readJson(path, "settings"));
  if (parsed.success) return parsed.output;
  throw new TypeError(
    `Cannot read the settings ${path}: expected "${SCHEMA}", but ${faultOf(parsed)}`,
  );
}
