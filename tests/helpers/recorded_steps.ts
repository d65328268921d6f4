import type { Step, Tracer } from "../../src/base/tracer.ts";

/** Step that was observed. */
export interface RecordedStep extends Step {
  /** Error that it has ended with. */
  error?: unknown;
  hasEnded?: boolean;
}

/** Observer that keeps the steps in their order. */
export class RecordedSteps implements Tracer {
  readonly steps: RecordedStep[] = [];
  /** Trace context that the clients are sent. */
  readonly context: string | undefined;

  constructor(context?: string) {
    this.context = context;
  }

  begin(step: Step): (error?: unknown) => void {
    const recorded: RecordedStep = { ...step };
    this.steps.push(recorded);
    return (error) => {
      if (recorded.hasEnded) throw new Error(`A step has ended twice: ${step.name}`);
      recorded.hasEnded = true;
      if (error !== undefined) recorded.error = error;
    };
  }

  /** Names of the steps, in their order. */
  get names(): string[] {
    return this.steps.map(({ name }) => name);
  }
}
