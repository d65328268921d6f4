import { issueCertificate, makeAuthority } from "../../auth/certificates/certificate.ts";
import { errorMessage } from "../../base/errors.ts";
import { replaceTextFile } from "../../base/files/whole_file.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { nkeys } from "../deps.ts";
import { type ClusterUser, natsConf, type NatsConfOptions } from "./nats_conf.ts";
import { type Role, ROLES } from "./roles.ts";

/** Name of the authority that vouches for the server of a cluster. */
const AUTHORITY = "FedLab cluster authority";
/** Days for which the authority is valid. */
const AUTHORITY_DAYS = 3650;
/** Mode of files that only their owner may read. */
const SECRET_MODE = 0o600;

/** Settings of a cluster's configuration. */
export interface ClusterConfigOptions extends Omit<NatsConfOptions, "users" | "folder"> {
  /** Folder for the files. */
  readonly out: string;
  /** Folder of the files on the server's machine, where it is another one. */
  readonly folder?: string | undefined;
  /** Names and addresses by which machines reach the server. */
  readonly hosts: readonly string[];
  /** Number of users of each role. */
  readonly counts: Readonly<Record<Role, number>>;
  /** Days for which the server's certificate is valid. */
  readonly days: number;
}

/** Files that were written, and users that the configuration has. */
export interface WrittenConfig {
  readonly files: readonly string[];
  readonly users: readonly ClusterUser[];
}

/**
 * Writes the configuration of a cluster's server, the seeds of its users, and certificates. In a
 * folder that has them already the keys and the authority stay, and users are added: a user is a
 * file `NAME.pub` with its public key, and one whose file was removed is no longer let in.
 *
 * @throws {Error} If a file cannot be written or read. The message has one line and names it.
 */
export async function writeClusterConfig(options: ClusterConfigOptions): Promise<WrittenConfig> {
  const { out, counts, tls } = options;
  const files: string[] = [];
  await runtime.files.mkdir(out, { recursive: true, mode: 0o700 });
  const write = async (name: string, text: string, isSecret = false) => {
    const path = `${out}/${name}`;
    const isNew = name !== "nats.conf" && !name.startsWith("server.");
    try {
      await replaceTextFile(path, text, {
        createNew: isNew,
        ...(isSecret && { mode: SECRET_MODE }),
      });
    } catch (cause) {
      throw new Error(`Cannot write ${path}: ${errorMessage(cause)}`, { cause });
    }
    files.push(path);
  };
  if (tls) await writeCertificates(options, write);
  const users = await knownUsers(out);
  for (const role of ROLES) {
    const missing = counts[role] - users.filter((user) => user.role === role).length;
    let number = await highestNumber(out, role);
    for (let i = 0; i < missing; i++) {
      const name = `${role}-${++number}`, pair = nkeys.createUser();
      const publicKey = pair.getPublicKey(), seed = new TextDecoder().decode(pair.getSeed());
      // The seed first: a user that is let in has one.
      await write(`${name}.seed`, `${seed}\n`, true);
      await write(`${name}.pub`, `${publicKey}\n`);
      users.push({ name, role, publicKey });
      pair.clear();
    }
  }
  const folder = options.folder ?? await runtime.files.realPath(out);
  await write("nats.conf", natsConf({ ...options, folder, users }));
  return { files, users };
}

/** Writes the authority, unless it is there, and the certificate that the server has by it. */
async function writeCertificates(
  { out, hosts, days }: ClusterConfigOptions,
  write: (name: string, text: string, isSecret?: boolean) => Promise<void>,
): Promise<void> {
  let authority = await readPair(`${out}/ca`);
  if (authority === undefined) {
    authority = await makeAuthority({ name: AUTHORITY, days: AUTHORITY_DAYS });
    await write("ca.key", authority.privateKey, true);
    await write("ca.pem", authority.certificate);
  }
  const [name = ""] = hosts;
  const issued = await issueCertificate({ ...authority, name: AUTHORITY }, { name, hosts, days });
  await write("server.key", issued.privateKey, true);
  await write("server.pem", issued.certificate);
}

async function readPair(
  path: string,
): Promise<{ certificate: string; privateKey: string } | undefined> {
  const [certificate, privateKey] = await Promise.all(
    [`${path}.pem`, `${path}.key`].map((file) => readIfThere(file)),
  );
  if (certificate === undefined && privateKey === undefined) return undefined;
  if (certificate !== undefined && privateKey !== undefined) return { certificate, privateKey };
  const [there, missing] = certificate === undefined ? ["key", "pem"] : ["pem", "key"];
  throw new Error(`Cannot go on with ${path}.${there}: expected ${path}.${missing} beside it`);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await runtime.files.readTextFile(path);
  } catch (error) {
    if (error instanceof runtime.errors.NotFound) return undefined;
    throw new Error(`Cannot read ${path}: ${errorMessage(error)}`, { cause: error });
  }
}

/** Reads the users of a folder, by role and number. */
async function knownUsers(folder: string): Promise<ClusterUser[]> {
  const users: ClusterUser[] = [];
  for await (const { name: file, isFile } of runtime.files.readDir(folder)) {
    const [, name, role] = /^((worker|coordinator|watcher)-\d+)\.pub$/.exec(file) ?? [];
    if (!isFile || name === undefined) continue;
    const publicKey = (await readIfThere(`${folder}/${file}`) ?? "").trim();
    try {
      if (!publicKey.startsWith("U")) throw new Error("expected the public key of a user");
      nkeys.fromPublic(publicKey);
    } catch (cause) {
      throw new Error(`Cannot read ${folder}/${file}: expected a public nkey "U…"`, { cause });
    }
    users.push({ name, role: role as Role, publicKey });
  }
  return users.sort((a, b) =>
    ROLES.indexOf(a.role) - ROLES.indexOf(b.role) || numberIn(a.name) - numberIn(b.name)
  );
}

/** Highest number of a user with a role, also of one whose public key was removed. */
async function highestNumber(folder: string, role: Role): Promise<number> {
  let highest = 0;
  for await (const { name } of runtime.files.readDir(folder)) {
    const [, number] = new RegExp(`^${role}-(\\d+)\\.(?:pub|seed)$`).exec(name) ?? [];
    highest = Math.max(highest, Number(number ?? 0));
  }
  return highest;
}

function numberIn(name: string): number {
  return Number(name.slice(name.lastIndexOf("-") + 1));
}
