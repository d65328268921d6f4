import { InvalidArgumentError } from "../deps.ts";
import { option } from "./option.ts";
import { list, onOff, text, type ValueType, whole } from "./values.ts";

/** Amount of bytes as `nats-server` reads it. */
const size: ValueType<string> = {
  parse(text) {
    if (/^[1-9]\d{0,8}(MB|GB|TB)$/.test(text)) return text;
    throw new InvalidArgumentError("Expected an amount such as 500MB, 100GB or 2TB.");
  },
};

/** Time as `nats-server` reads it, or `always`. */
const syncTime: ValueType<string> = {
  parse(text) {
    if (/^(always|[1-9]\d{0,3}(s|m|h))$/.test(text)) return text;
    throw new InvalidArgumentError("Expected always, or a time such as 10s or 2m.");
  },
};

/** Host as a certificate names it. */
const hosts: ValueType<string[]> = {
  ...list,
  parse(text, previous) {
    const names = list.parse(text, previous);
    const wrong = names.find((name) => !/^(\*\.)?[A-Za-z0-9:._-]{1,253}$/.test(name));
    if (wrong === undefined) return names;
    throw new InvalidArgumentError("Expected host names or IP addresses, without ports.");
  },
};

/** Options about the configuration of a cluster's server. */
export const CLUSTER_CONFIG = {
  host: option(hosts, {
    value: "<names>",
    help: "names and IP addresses by which machines reach the server, for its certificate",
    group: "Joining",
    commands: { "cluster-config": { isRequired: true } },
  }),
  bind: option(text, {
    value: "<address>",
    help: "address to listen at",
    group: "Joining",
    default: "0.0.0.0",
    commands: { "cluster-config": {} },
  }),
  port: option(whole(1, 65_535), {
    value: "<n>",
    help: "port to listen at",
    group: "Joining",
    default: 4222,
    commands: { "cluster-config": {} },
  }),
  workerKeys: option(whole(0, 10_000), {
    value: "<n>",
    help: "number of users that do jobs",
    group: "Security",
    default: 1,
    commands: { "cluster-config": {} },
  }),
  coordinatorKeys: option(whole(0, 10_000), {
    value: "<n>",
    help: "number of users that conduct runs",
    group: "Security",
    default: 1,
    commands: { "cluster-config": {} },
  }),
  watcherKeys: option(whole(0, 10_000), {
    value: "<n>",
    help: "number of users that only follow runs",
    group: "Security",
    default: 1,
    commands: { "cluster-config": {} },
  }),
  plain: option(onOff, {
    help: "no TLS: for a network that others cannot listen to",
    group: "Security",
    isRare: true,
    commands: { "cluster-config": {} },
  }),
  certDays: option(whole(1, 3650), {
    unit: "days",
    help: "time for which the server's certificate is valid",
    group: "Security",
    default: 730,
    isRare: true,
    commands: { "cluster-config": {} },
  }),
  store: option(text, {
    value: "<dir>",
    help: "folder of the store on the server's machine",
    group: "Output",
    default: "/var/lib/fedlab-nats",
    commands: { "cluster-config": {} },
  }),
  maxStore: option(size, {
    value: "<size>",
    help: "most room of the store",
    group: "Output",
    default: "100GB",
    commands: { "cluster-config": {} },
  }),
  sync: option(syncTime, {
    value: "<time>",
    help: "time after which what was stored is on the disk; always for at once",
    group: "Output",
    default: "always",
    isRare: true,
    commands: { "cluster-config": {} },
  }),
  serverDir: option(text, {
    value: "<dir>",
    help: "folder of these files on the server's machine",
    group: "Output",
    defaultText: "that of --out",
    isRare: true,
    commands: { "cluster-config": {} },
  }),
};
