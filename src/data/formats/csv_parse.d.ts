// The part of csv-parse that is used here. Its own declarations ask for Node's, which a Deno program need not have.

export interface ParseOptions {
  bom: boolean;
  delimiter: string;
  record_delimiter: string[];
  relax_column_count: boolean;
  skip_empty_lines: boolean;
  trim: boolean;
  max_record_size: number;
  on_record: (record: string[], context: { lines: number }) => null;
}

export declare function parse(input: string, options: ParseOptions): never[];

export declare class CsvError extends Error {
  readonly code: string;
  readonly lines: number;
}
