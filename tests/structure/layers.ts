/** Rooms of `src/`, from the ground up: a room imports only from layers below its own. */
export const LAYERS: readonly (readonly string[])[] = [
  ["generated"],
  ["base"],
  ["params", "display"],
  ["codec", "secure"],
  ["plan"],
  ["wire"],
  ["net", "auth", "data", "store"],
  ["strategy", "train"],
  ["tfjs", "privacy"],
  ["engine"],
  ["encoder"],
  ["round", "worker", "predict"],
  ["client", "server", "dashboard", "telemetry"],
  ["sim"],
  ["testing", "notebook", "cluster"],
  ["cli", "world"],
];

/** Rooms below that a room must not import all the same, with the reason. */
export const FORBIDDEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  strategy: { net: "algorithms know no sockets", wire: "settings of training live in plan" },
  train: { net: "training knows no sockets", auth: "training knows no keys" },
  engine: { net: "training knows no sockets", wire: "training knows no frames" },
  encoder: { net: "training knows no sockets", wire: "training knows no frames" },
  tfjs: { net: "training knows no sockets", wire: "training knows no frames" },
  round: { net: "rounds know no sockets", auth: "rounds know no keys" },
  telemetry: { net: "what is observed is told by events" },
  predict: { net: "predictions know no sockets", wire: "predictions know no frames" },
  sim: {
    net: "a simulation has no sockets",
    auth: "a simulation has no keys",
    server: "a simulation shares rounds with a server, not its sessions",
  },
};

/** The layer of a room, from 0; -1 for one that is not listed. */
export function layerOf(room: string): number {
  return LAYERS.findIndex((layer) => layer.includes(room));
}

/** The reason why `from` must not import `to`; `undefined` where it may. */
export function whyForbidden(from: string, to: string): string | undefined {
  if (from === to) return undefined;
  const [upper, lower] = [layerOf(from), layerOf(to)];
  if (upper < 0 || lower < 0) return `${upper < 0 ? from : to} is in no layer`;
  if (lower > upper) return `${to} lies above ${from}`;
  if (lower === upper) return `${to} lies beside ${from}`;
  return FORBIDDEN[from]?.[to];
}
