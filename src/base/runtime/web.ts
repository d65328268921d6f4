/** Random values that cannot be predicted. */
export interface SecureRandom {
  /** Fills an array of integers with random values, and returns it. */
  getRandomValues<T extends Uint8Array<ArrayBuffer>>(array: T): T;
  /** Returns a random UUID. */
  randomUUID(): string;
}

/** Cryptography. */
export interface WebCrypto {
  /** Digests, signatures and keys. */
  readonly subtle: SubtleCrypto;
}

/** Compression. */
export interface Compression {
  /** Creates a stream that decompresses what is written to it. */
  decompressor(format: CompressionFormat): DecompressionStream;
}

/** Workers. */
export interface Workers {
  /** Is true where workers can be started, which Node cannot. */
  readonly areThere: boolean;
  /** Number of workers that can run at the same time. */
  readonly hardwareConcurrency: number;
  /** Starts a worker. */
  start(url: string | URL, options?: WorkerOptions): Worker;
}

/** Random values of this machine. */
export const systemRandom: SecureRandom = {
  getRandomValues: (array) => crypto.getRandomValues(array),
  randomUUID: () => crypto.randomUUID(),
};

/** Cryptography of this machine. */
export const systemCrypto: WebCrypto = {
  get subtle() {
    return crypto.subtle;
  },
};

/** Compression of this machine. */
export const systemCompression: Compression = {
  decompressor: (format) => new DecompressionStream(format),
};

/** Workers of this machine. */
export const systemWorkers: Workers = {
  get areThere() {
    return typeof Worker !== "undefined";
  },
  get hardwareConcurrency() {
    return navigator.hardwareConcurrency;
  },
  start: (url, options) => new Worker(url, options),
};
