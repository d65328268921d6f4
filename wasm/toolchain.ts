/**
 * Rust toolchains that build the kernels.
 *
 * @module
 */

/** Target of the kernels. */
export const TARGET = "wasm32-unknown-unknown";
const DEBIAN_PACKAGES = "rustc-web, rust-web-src and lld-14";
const DEBIAN_RUSTC = "/usr/bin/rustc";
const DEBIAN_LINKER = "/usr/bin/wasm-ld-14";

/** Settings of cargo for a toolchain. */
export interface Toolchain {
  readonly env: Readonly<Record<string, string>>;
  /** Flags of rustc. */
  readonly flags: readonly string[];
  /** Arguments of cargo. */
  readonly args: readonly string[];
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function output(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}

async function stock(): Promise<Toolchain | undefined> {
  const libraries = await output("rustc", ["--print", "target-libdir", "--target", TARGET]);
  return libraries && await exists(libraries) ? { env: {}, flags: [], args: [] } : undefined;
}

async function debian(): Promise<Toolchain | undefined> {
  const sysroot = await output(DEBIAN_RUSTC, ["--print", "sysroot"]);
  const vendor = `${sysroot}/lib/rustlib/src/rust/library/vendor`;
  if (sysroot === undefined || !await exists(vendor) || !await exists(DEBIAN_LINKER)) {
    return undefined;
  }
  return {
    env: { RUSTC: DEBIAN_RUSTC, RUSTC_BOOTSTRAP: "1" },
    flags: ["-C", `linker=${DEBIAN_LINKER}`, "-C", "linker-flavor=wasm-ld"],
    args: [
      ...["--offline", "-Z", "build-std=core"],
      ...["--config", `source.crates-io.replace-with="vendor"`],
      ...["--config", `source.vendor.directory=${JSON.stringify(vendor)}`],
    ],
  };
}

/**
 * Finds a toolchain.
 *
 * @param name `stock`, `debian`, or `undefined` for the first of the two that is installed.
 * @throws {Error} If the name is unknown or the toolchain is not installed.
 */
export async function findToolchain(name: string | undefined): Promise<Toolchain> {
  if (name !== undefined && name !== "stock" && name !== "debian") {
    throw new Error(`Cannot build the kernels: expected --toolchain stock or debian, got ${name}`);
  }
  const found = (name === "debian" ? undefined : await stock()) ??
    (name === "stock" ? undefined : await debian());
  if (found && await output("cargo", ["--version"]) !== undefined) return found;
  throw new Error(
    `Cannot build the kernels: found no ${
      name ?? "Rust"
    } toolchain, which takes cargo and either ` +
      `"rustup target add ${TARGET}" or Debian's packages ${DEBIAN_PACKAGES}`,
  );
}
