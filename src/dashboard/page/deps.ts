/** Third-party modules of the page, by full specifier. They are part of the bundle. */
export { type ComponentChildren, Fragment, h, render } from "npm:preact@10.27.2";
export { useEffect, useMemo, useRef, useState } from "npm:preact@10.27.2/hooks";
export { default as Plot } from "npm:uplot@1.6.32";
