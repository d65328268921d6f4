/** Published experiment: the rounds until the test accuracy first reaches a target. */
export interface Case {
  readonly name: string;
  readonly model: string;
  readonly partition: string;
  readonly strategy: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly target: number;
  /** Codec of the clients' updates. Default: none. */
  readonly uplink?: string;
  /** Codec of the parameters that clients are sent. Default: none. */
  readonly downlink?: string;
  /** Scales pixels to mean 0 and deviation 1. Default: they are from 0 to 1. */
  readonly standardize?: boolean;
  /** Published number of rounds. */
  readonly published: string;
  /** Smallest number of rounds that is expected here. */
  readonly least: number;
  readonly most: number;
  /** Number of further seeds to run. */
  readonly moreSeeds?: number;
  /** Is true for an experiment that takes minutes, false for one that takes an hour. */
  readonly isShort: boolean;
}

/** Number of clients of every case. */
export const CLIENTS = 100;
/** Share of the clients that take part in a round. */
export const FRACTION = 0.1;

const TWO_NN = { model: "2nn", epochs: 1, batchSize: 10, target: 0.97, strategy: "fedavg" };
const CNN = { model: "cnn", epochs: 5, batchSize: 10, target: 0.99, strategy: "fedavg" };

/** McMahan et al. 2017, tables 1 and 2: MNIST, 100 clients, C = 0.1, plain SGD. */
export const CASES: readonly Case[] = [
  {
    ...TWO_NN,
    ...{ name: "2nn-iid", partition: "iid", lr: 0.1, moreSeeds: 2, isShort: true },
    ...{ published: "87", least: 40, most: 60 },
  },
  {
    ...TWO_NN,
    ...{ name: "2nn-shards", partition: "shards:2", lr: 0.1, isShort: true },
    ...{ published: "664", least: 1, most: 664 },
  },
  {
    ...CNN,
    ...{ name: "cnn-iid", partition: "iid", lr: 0.215, isShort: true },
    ...{ published: "20", least: 1, most: 20 },
  },
  {
    ...CNN,
    ...{ name: "cnn-shards", partition: "shards:2", lr: 0.1, isShort: false },
    ...{ published: "229 to 350", least: 1, most: 350 },
  },
  {
    ...CNN,
    ...{ name: "fedsgd-cnn-iid", partition: "iid", strategy: "fedsgd:lr=0.1" },
    ...{ epochs: 1, batchSize: 0, lr: 0.1, standardize: true },
    ...{ isShort: false, published: "626", least: 470, most: 782 },
  },
];
