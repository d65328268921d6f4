/** What a failed assertion throws. */
export class AssertionError extends Error {
  /** Makes an error that says which assertion failed and how. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}
