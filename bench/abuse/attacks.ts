import { greedySocket } from './greedy-socket.ts';
import { idleSockets } from './idle-sockets.ts';
import { badKeys, dearDocuments, flood } from './request-storms.ts';
import { slowSenders } from './slow-senders.ts';
import type { Tally } from './tally.ts';

/** Who is attacked, from where and how long. */
export interface AttackTarget {
  readonly port: number;
  /** A key of the attacker's own, which is good. */
  readonly key: string;
  readonly jobId: string;
  /** The attacker's, on the loopback network. */
  readonly address: string;
  readonly durationMs: number;
}

export interface Attack {
  /** By how many times it lasts longer than others: until time-outs of the server have passed. Default 1. */
  readonly patience?: number;
  /** Kept when it is over. Counts what became of each try. */
  run(target: AttackTarget, tally: Tally): Promise<void>;
}

/** By their names. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  'slow senders': { patience: 5, run: slowSenders },
  'idle sockets': { patience: 5, run: idleSockets },
  'greedy socket': { run: greedySocket },
  'bad keys': { run: (target, tally) => badKeys(target, tally, 'ONE_ADDRESS') },
  'bad keys, many addresses': {
    run: (target, tally) => badKeys(target, tally, 'MANY_ADDRESSES'),
  },
  'dear documents': { run: dearDocuments },
  flood: { run: flood },
};
