import type { MediaBundle } from "../display/media.ts";
import { shownBy } from "../base/lazy.ts";

/**
 * Something that a notebook shows: as the last expression of a cell, or by
 * `Deno.jupyter.display()`.
 */
export class View {
  /** Forms by media type. */
  readonly media: MediaBundle;

  /** Wraps the forms. */
  constructor(media: MediaBundle) {
    this.media = media;
  }

  static {
    shownBy(this.prototype, ({ media }) => Promise.resolve(media));
  }

  /** Returns the form as text. */
  toString(): string {
    return this.media["text/plain"];
  }
}
