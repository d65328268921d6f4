import { escapeMarkup } from "./markup.ts";

/**
 * Forms of a value by media type, of which a notebook shows the richest that it knows: always
 * `"text/plain"`, and `"text/html"` or `"image/svg+xml"`.
 */
export type MediaBundle = Readonly<Record<string, string>> & { readonly "text/plain": string };

/**
 * Embeds an SVG picture in HTML as an image, in which nothing can run.
 *
 * @param alt Text that stands for the picture.
 */
export function embeddedPicture(svg: string, alt: string): string {
  return embedded(`data:image/svg+xml,${encodeURIComponent(svg)}`, alt, "max-width: 100%");
}

/** Writes an image with a URL that holds its content. */
export function embedded(url: string, alt: string, style: string): string {
  return `<img src="${url.replaceAll("'", "%27")}" alt="${escapeMarkup(alt)}" style="${style}">`;
}
