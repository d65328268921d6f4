/** Client: deno task client --server 127.0.0.1:9000 --rank 1 */
import { defineClient } from "@fedlab/core";
import { pointsOf } from "./data.ts";
import { Learner } from "./learner.ts";

defineClient(({ rank = 1 }) => new Learner(pointsOf(rank)));
