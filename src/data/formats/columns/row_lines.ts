/** Lines of the rows of a table. It keeps the rows at which the distance to the line changes. */
export class RowLines {
  readonly #rows: number[] = [];
  readonly #distances: number[] = [];

  /** Sets the line of the next row. */
  set(row: number, line: number): void {
    if (this.#distances.at(-1) === line - row) return;
    this.#rows.push(row);
    this.#distances.push(line - row);
  }

  /** Gives the line of a row. */
  get(row: number): number {
    let low = 0, high = this.#rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#rows[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    return row + (this.#distances[low] ?? 0);
  }
}
