/** Names of the metrics of classes. */
export const CLASS_METRICS: ReadonlySet<string> = new Set([
  "accuracy",
  "balancedAccuracy",
  "precision",
  "recall",
  "f1",
  "rocAuc",
  "averagePrecision",
  "logLoss",
  "brier",
  "calibrationError",
]);

/** Names of the metrics of measures. */
export const MEASURE_METRICS: ReadonlySet<string> = new Set(["rmse", "mae", "r2"]);
