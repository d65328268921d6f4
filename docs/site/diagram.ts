import { renderMermaidSVG } from "./diagram_deps.ts";

/** Rule that loads a font from elsewhere, and the rule that names the font. */
const FONTS = /@import url\('[^']*'\);|text \{ font-family:[^}]*\}/g;

/**
 * Draws a diagram in the language of Mermaid as a picture in the page, in its colours. Pages show
 * it without a script.
 *
 * @throws {Error} If the text is no diagram.
 */
export function drawDiagram(text: string): string {
  let svg: string;
  try {
    svg = renderMermaidSVG(text, {
      ...{
        transparent: true,
        bg: "var(--panel)",
        fg: "var(--ink)",
        line: "var(--soft)",
        accent: "var(--soft)",
      },
    });
  } catch (cause) {
    throw new Error(`Cannot draw the diagram ${JSON.stringify(text.slice(0, 40))}`, { cause });
  }
  const drawn = svg.replaceAll(FONTS, "")
    .replace(/<svg /, `<svg role="img" aria-label="Diagram" `);
  return `<div class="diagram" tabindex="0">${drawn}</div>\n`;
}
