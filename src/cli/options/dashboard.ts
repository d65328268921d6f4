import { option } from "./option.ts";
import { onOff, optionalText } from "./values.ts";

/** Address of the dashboard where none is given. */
export const DASHBOARD_ADDRESS = "127.0.0.1:9100";

/** Options about the dashboard. */
export const DASHBOARD = {
  dashboard: option(optionalText, {
    value: "[host:port]",
    help: `show the run in a web page at this address, ${DASHBOARD_ADDRESS} if none is given`,
    group: "Output",
    commands: { demo: {}, server: {}, simulate: {} },
    onResume: "any",
    isAnnounced: true,
  }),
  dashboardControl: option(onOff, {
    help: "let the dashboard's page pause and stop the run, and drop clients",
    group: "Output",
    isRare: true,
    commands: { demo: {}, server: {}, simulate: {} },
    onResume: "any",
  }),
};
