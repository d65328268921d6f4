/**
 * Client with training of its own.
 *
 *     deno task client:module --module examples/own_handler/client.ts --server 127.0.0.1:9000 --rank 1
 *     deno task client:module --module examples/own_handler/client.ts --server 127.0.0.1:9000 --rank 2
 *
 * A `Simulation` runs this module too, as its option `handler`.
 */
import { defineClient } from "@fedlab/core";
import { pointsOf } from "./data.ts";
import { Learner } from "./learner.ts";

defineClient(({ rank = 1 }) => new Learner(pointsOf(rank)));
