/** Message of a run. */
export interface PictureMessage {
  readonly type: "message";
  /** Time at which it was sent, in seconds. */
  readonly at: number;
  /** Numbers of the lanes. */
  readonly from: number;
  readonly to: number;
  /** Code, or -1 for bytes that are no frame. */
  readonly code: number;
  readonly name: string;
  /** Fields that tell it from others, such as its round. */
  readonly detail: string;
  /** Time at which it has arrived, in seconds; absent if it never has. */
  arrived?: number;
}

/** Event of a process or a machine, or a line of its log. */
export interface PictureNote {
  /** `"up"` and `"down"` are the beginning and the end of a process. */
  readonly type: "up" | "down" | "fault" | "log";
  readonly at: number;
  /** Number of its lane; absent for a fault of no single one. */
  readonly lane?: number;
  readonly text: string;
}

/** Event that the server tells of: of rounds, members, checkpoints. */
export interface PictureEvent {
  readonly type: "event";
  readonly at: number;
  readonly text: string;
  /** Number of the round that begins or ends with it. */
  readonly round?: number;
  /** Set if a round begins with it, unset if it ends. */
  readonly begins?: boolean;
}

/** Row of a picture. */
export type PictureRow = PictureMessage | PictureNote | PictureEvent;

/** Picture of a run: all that a sequence diagram of it shows. */
export interface Picture {
  readonly title: string;
  /** Facts about the run, each with its name. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Breaches of rules. */
  readonly violations: readonly string[];
  /** Machines, the server first. */
  readonly lanes: readonly string[];
  /** Rows in the order of their times. */
  readonly rows: readonly PictureRow[];
}
