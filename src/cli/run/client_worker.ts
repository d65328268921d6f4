import { defineWorker } from "../../worker/define_worker.ts";
import { type ClientJob, runClientJob } from "./client_job.ts";

defineWorker<ClientJob, void>((job, { signal, post }) =>
  runClientJob(job, { signal, onEvent: post })
);
