import { escapeMarkup } from "../../src/display/markup.ts";
import { drawDiagram } from "./diagram.ts";
import { GithubSlugger, Marked, type Tokens } from "./deps.ts";

/** A part of a page below a heading, as the search finds it. */
export interface Section {
  /** Anchor of the heading; empty for what is above the first one. */
  readonly id: string;
  /** Text of the heading. */
  readonly title: string;
  /** Level of the heading, from 1. */
  readonly depth: number;
  /** Text of the section, without markup. */
  text: string;
}

/** A text in Markdown as HTML. */
export interface Rendered {
  readonly html: string;
  readonly sections: readonly Section[];
}

/**
 * Converts Markdown to HTML. Headings get the anchors that GitHub gives them.
 *
 * @param rewrite Returns the link of the site in place of one in the text.
 */
export function renderMarkdown(text: string, rewrite: (href: string) => string): Rendered {
  const slugger = new GithubSlugger();
  const sections: Section[] = [{ id: "", title: "", depth: 0, text: "" }];
  const note = (words: string) => {
    const last = sections.at(-1);
    if (last) last.text += ` ${words}`;
  };
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }: Tokens.Heading): string {
        const title = plainText(this.parser.parseInline(tokens, this.parser.textRenderer));
        const id = slugger.slug(title);
        sections.push({ id, title, depth, text: "" });
        const inner = this.parser.parseInline(tokens);
        const anchor = `<a class="anchor" href="#${id}" aria-label="Link to ${
          escapeMarkup(title)
        }">#</a>`;
        return `<h${depth} id="${id}">${inner} ${depth === 1 ? "" : anchor}</h${depth}>\n`;
      },
      paragraph({ tokens }: Tokens.Paragraph): string {
        const html = this.parser.parseInline(tokens);
        note(plainText(html));
        return `<p>${html}</p>\n`;
      },
      listitem(item: Tokens.ListItem): string {
        const html = this.parser.parse(item.tokens);
        note(plainText(html));
        return `<li>${html}</li>\n`;
      },
      code({ text, lang = "" }: Tokens.Code): string {
        const [language = ""] = lang.split(" ");
        if (language === "mermaid") return drawDiagram(text);
        note(text);
        const name = language === "" ? "" : ` data-language="${escapeMarkup(language)}"`;
        return `<pre tabindex="0"${name}><code>${escapeMarkup(text)}</code></pre>\n`;
      },
      link({ href, title, tokens }: Tokens.Link): string {
        const hint = title ? ` title="${escapeMarkup(title)}"` : "";
        const inner = this.parser.parseInline(tokens);
        return `<a href="${escapeMarkup(rewrite(href))}"${hint}>${pageName(inner)}</a>`;
      },
      image({ href, text }: Tokens.Image): string {
        return `<img src="${escapeMarkup(rewrite(href))}" alt="${escapeMarkup(text)}">`;
      },
      table({ header, rows }: Tokens.Table): string {
        const cell = (name: string) => ({ tokens, align }: Tokens.TableCell) => {
          const html = this.parser.parseInline(tokens);
          note(plainText(html));
          return `<${name}${align ? ` class="${align}"` : ""}>${html}</${name}>`;
        };
        const head = header.map(cell("th")).join("");
        const body = rows.map((row) => `<tr>${row.map(cell("td")).join("")}</tr>`).join("\n");
        return `<div class="scroll" tabindex="0"><table><thead><tr>${head}</tr></thead>\n<tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
  const html = marked.parse(text, { async: false });
  return { html, sections: sections.filter(({ id, text }) => id !== "" || text.trim() !== "") };
}

/** Names a page in place of its file, such as "Security" for `docs/SECURITY.md`. */
function pageName(text: string): string {
  const [, first, rest] = /^(?:\w+\/)*([A-Z])([A-Z]+)\.md$/.exec(text) ?? [];
  return first === undefined ? text : `${first}${rest?.toLowerCase()}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
};

/** Returns the text of HTML that the renderer made. */
function plainText(html: string): string {
  return html.replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? "").trim();
}
