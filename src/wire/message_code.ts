/**
 * Numbers of the messages.
 *
 * @module
 */

/** The message codes, with the numbers that FedLab's early design gave the first seven. */
export const MessageCode = {
  /** A client asks for the current model. */
  ParameterRequest: 0,
  /** A client's gradient. */
  GradientUpdate: 1,
  /** Parameters: the server's to train on, a client's after training. */
  ParameterUpdate: 2,
  /** Parameters to evaluate, and the figures in answer. */
  EvaluateParams: 3,
  /** The run is over; the answer to it is the same. */
  Exit: 4,
  /** A client asks to join. */
  Registration: 5,
  /** The server's answer: rank, model, manifest, training plan. */
  IdAssignment: 6,
  /** Sign of life. */
  Heartbeat: 7,
  /** What the other side did wrong. */
  Error: 8,
  /** A client has built the model and is ready to train. */
  Ready: 9,
  /** The server asks a client to prove who it is. */
  Challenge: 10,
  /** The proof. */
  Proof: 11,
} as const;

/** One of the {@linkcode MessageCode} numbers. */
export type MessageCode = typeof MessageCode[keyof typeof MessageCode];

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(MessageCode).map(([name, code]) => [code, name]),
);

/** Whether the number is a message code. */
export function isMessageCode(code: number): code is MessageCode {
  return NAMES.has(code);
}

/** The name of a message code, such as `"ParameterUpdate"`; of another number, `"code 77"`. */
export function messageName(code: number): string {
  return NAMES.get(code) ?? `code ${code}`;
}

/** The codes whose messages carry a vector as long as the model. */
export function isBulk(code: MessageCode): boolean {
  return code === MessageCode.ParameterUpdate || code === MessageCode.GradientUpdate ||
    code === MessageCode.EvaluateParams;
}
