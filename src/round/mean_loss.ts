/** Mean of the clients' training losses, by samples: of those that tell one. */
export class MeanLoss {
  #loss = 0;
  #samples = 0;

  /** Takes in what an update tells. */
  add({ numSamples = 0, loss }: { numSamples?: number; loss?: number }): void {
    if (loss === undefined || !Number.isFinite(loss)) return;
    this.#loss += loss * numSamples;
    this.#samples += numSamples;
  }

  /** None without samples. */
  get mean(): number | undefined {
    return this.#samples === 0 ? undefined : this.#loss / this.#samples;
  }
}
