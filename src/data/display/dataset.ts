import { counted } from "../../display/amounts.ts";
import { headedTables } from "../../display/headed_tables.ts";
import type { MediaBundle } from "../../display/media.ts";
import type { Cell, RichCell, TableContent } from "../../display/table.ts";
import type { Dataset } from "../dataset.ts";
import { featureNames, outputNames } from "../schema/features.ts";
import { shownName } from "../schema/names.ts";
import { isPicture, pictureImages } from "./pictures.ts";

/** Number of rows that are shown. */
const ROWS = 8;
/** Largest number of features that are shown. */
const FEATURES = 10;
/** Largest number of classes whose rows are counted. */
const CLASSES = 20;

/** Shows a data set: its size, its first rows and its classes. */
export function datasetMedia(data: Dataset): MediaBundle {
  const classes = classTables(data);
  const first = data.select(Array.from({ length: Math.min(ROWS, data.length) }, (_, i) => i));
  return headedTables(headingOf(data), [rowTable(data, first), ...classes], {
    rich: [isPicture(data.shape) ? pictureTable(data, first) : rowTable(data, first), ...classes],
  });
}

function headingOf({ length, shape, task, numClasses, outputs, weights }: Dataset): string {
  const target = task === "classification"
    ? counted(numClasses, "class", "classes")
    : task === "multi-label"
    ? counted(outputs, "label")
    : counted(outputs, "measure");
  return `${counted(length, "row")} of the shape [${shape.join(", ")}], ${task} with ${target}${
    weights ? ", rows with weights" : ""
  }`;
}

/** Names of the classes, labels or measures. */
function targetNames({ schema, numClasses, outputs, task }: Dataset): readonly string[] {
  if (schema) return outputNames(schema);
  const count = task === "classification" ? numClasses : outputs;
  return Array.from({ length: count }, (_, i) => `${i}`);
}

/** Target of a row as cells: the name of its class, or its values. */
function targetCells(data: Dataset, names: readonly string[], row: number): Cell[] {
  const { targets, outputs, task } = data;
  const own = Array.from(targets.subarray(row * outputs, (row + 1) * outputs));
  if (task !== "classification") return own.map(rounded);
  return own.map((label) => names[label] ?? `${label}`);
}

function rowTable(data: Dataset, first: Dataset): TableContent {
  const { rowLength, schema } = data, names = targetNames(data);
  const features = schema && featureNames(schema);
  const shown = Array.from({ length: Math.min(FEATURES, rowLength) }, (_, i) => i);
  const left = rowLength - shown.length, notes = notesAbout(data, left);
  const targets = data.task === "classification" ? [schema?.target.name ?? "label"] : names;
  return {
    head: [...shown.map((i) => features?.[i] ?? `feature ${i + 1}`), ...targets],
    rows: Array.from({ length: first.length }, (_, row) => [
      ...shown.map((i) => rounded(first.features[row * rowLength + i] ?? NaN)),
      ...targetCells(first, names, row),
    ]),
    notes,
  };
}

function pictureTable(data: Dataset, first: Dataset): TableContent {
  const names = targetNames(data), { shape, features } = first;
  const cells = Array.from(
    { length: first.length },
    (_, row) => targetCells(first, names, row).map((cell) => shownName(`${cell}`)).join(", "),
  );
  const images = isPicture(shape) ? pictureImages({ values: features, shape }, cells) : [];
  return {
    head: cells,
    rows: [images.map((html, i): RichCell => ({ text: cells[i] ?? "", html }))],
    notes: notesAbout(data, 0),
  };
}

function notesAbout({ length }: Dataset, features: number): string[] {
  const rows = length - ROWS;
  return [
    ...(rows > 0 ? [`${counted(rows, "more row")}`] : []),
    ...(features > 0 ? [`${counted(features, "more feature")}`] : []),
  ];
}

/** Counts the rows of each class, and those on which each label holds. */
function classTables(data: Dataset): TableContent[] {
  const { task, targets, outputs, length } = data, names = targetNames(data);
  if (task === "regression" || length === 0) return [];
  const counts = new Array<number>(names.length).fill(0);
  targets.forEach((value, i) => {
    const name = task === "classification" ? value : i % outputs;
    if (task === "classification" || value === 1) counts[name] = (counts[name] ?? 0) + 1;
  });
  const left = names.length - CLASSES;
  return [{
    head: [task === "classification" ? "class" : "label", ...names.slice(0, CLASSES)],
    rows: [["rows", ...counts.slice(0, CLASSES)]],
    notes: left > 0 ? [counted(left, "more class", "more classes")] : [],
  }];
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
