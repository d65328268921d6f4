/** Third-party modules of the page, by full specifier. They are part of the bundle. */
export { render } from "npm:preact@10.27.2";
export { useEffect, useMemo, useState } from "npm:preact@10.27.2/hooks";
