/* An attacker, in a process of its own. */
import { answerParent } from '../harness/child.ts';
import { ATTACKS, type AttackTarget } from './attacks.ts';
import { Tally } from './tally.ts';

const tasks = {
  /** Kept when the attack is over: what became of its tries. */
  async attack({ name, target }: { readonly name: string; readonly target: AttackTarget }) {
    const attack = ATTACKS[name];
    if (attack === undefined) throw new Error(`No attack "${name}".`);
    const tally = new Tally();
    await attack.run(target, tally);
    return tally.counts;
  },
};

export type AttackerTasks = typeof tasks;

answerParent(tasks);
