/** Drawing of diagrams, by full specifier; loaded for pages that have one. */
export { renderMermaidSVG } from "npm:beautiful-mermaid@1.1.3";
