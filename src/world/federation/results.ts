import { errorMessage } from "../../base/errors.ts";
import { replaceTextFile } from "../../base/files/whole_file.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { RunReport } from "../../round/report/report.ts";
import { writeSafetensors } from "../../store/safetensors/safetensors.ts";
import type { VirtualDisk } from "../disk/virtual_disk.ts";
import type { FederationPlan } from "./plan.ts";
import { stepManifest } from "./step_handler.ts";

/** Folder of the run on the server's disk. */
export const RUN_FOLDER = "/run";
/** File of the model, which the server replaces after each round. */
export const MODEL_FILE = `${RUN_FOLDER}/model.safetensors`;
/** File of the report, which it writes at the end of the run. */
export const REPORT_FILE = `${RUN_FOLDER}/report.json`;

/** Files of results that a server writes for others to read: one after the other. */
export class Results {
  readonly #plan: FederationPlan;
  readonly #warn: (text: string) => void;
  #writing: Promise<void> = Promise.resolve();

  /** Creates the files of a run, which are written later. */
  constructor(plan: FederationPlan, warn: (text: string) => void) {
    this.#plan = plan;
    this.#warn = warn;
  }

  /** Begins to write the model of a round. A write that fails is left to the next round. */
  write(round: number, model: ParameterVector): void {
    const parameters = model.slice();
    this.#writing = this.#writing.then(() => this.#writeModel(round, parameters))
      .catch((error) => this.#warn(errorMessage(error)));
  }

  /** Writes the model and the report at the end of the run. */
  async finish(report: RunReport, model: ParameterVector): Promise<void> {
    await this.#writing;
    await this.#writeModel(report.rounds.length, model);
    await replaceTextFile(REPORT_FILE, `${JSON.stringify(report)}\n`);
  }

  async #writeModel(round: number, parameters: ParameterVector): Promise<void> {
    const manifest = stepManifest(this.#plan.length), metadata = { round: String(round) };
    await writeSafetensors(MODEL_FILE, { manifest, parameters, metadata });
  }
}

/** Files of results on a disk, each with what makes it whole. */
const FORMS: readonly (readonly [path: string, isWhole: (bytes: Uint8Array) => boolean])[] = [
  [MODEL_FILE, isWholeModel],
  [REPORT_FILE, isWholeReport],
];

/** Looks at the files of results on a disk, and tells of each that is there. */
export function resultsOn(
  disk: VirtualDisk,
): readonly { readonly path: string; readonly isWhole: boolean }[] {
  return FORMS.flatMap(([path, isWhole]) => {
    const bytes = disk.read(path);
    return bytes === undefined ? [] : [{ path, isWhole: isWhole(bytes) }];
  });
}

/** Sizes of the files in the folder of a run, in bytes by path. */
export function sizesIn(disk: VirtualDisk): ReadonlyMap<string, number> {
  const paths = disk.paths.filter((path) => path.startsWith(`${RUN_FOLDER}/`));
  return new Map(paths.map((path) => [path, disk.read(path)?.length ?? 0]));
}

/** A length, so many bytes of JSON, and the tensors up to the end that the last one has. */
function isWholeModel(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const start = 8 + Number(view.getBigUint64(0, true));
  try {
    const header: Record<string, { readonly data_offsets?: readonly number[] }> = JSON.parse(
      new TextDecoder().decode(bytes.subarray(8, start)),
    );
    const ends = Object.values(header).map(({ data_offsets }) => data_offsets?.[1] ?? 0);
    return bytes.length === start + Math.max(...ends);
  } catch {
    return false;
  }
}

function isWholeReport(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  try {
    return text.endsWith("\n") && JSON.parse(text).schema === "fedlab.run/1";
  } catch {
    return false;
  }
}
