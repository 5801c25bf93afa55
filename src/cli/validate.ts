import { parseArgs } from 'node:util';
import type { Flow, FlowRoutine } from '../engine/index.ts';
import { type Command, UsageError } from './command.ts';
import { describeFaults, findFlow } from './find-flow.ts';

/** `millrace validate`: says what is wrong with a flow, or shows its graph. */
export const validate: Command = {
  help: `Usage: millrace validate FLOW [options]

Checks a flow. Tells every fault with its code and place, or shows the graph when there is none.
Exits with 0 when the flow can run, else with 1.

  FLOW            id of a flow, or path of a flow module (path#id when it has several flows)

Options:
  --flows DIR     where to look for flows by id; default: the examples of the package
  -h, --help      show this
`,
  async run(args) {
    const options = { flows: { type: 'string' } } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [name, ...rest] = positionals;
    if (name === undefined || rest.length > 0) throw new UsageError('Name one flow.');
    const { flow, faults } = await findFlow(name, values.flows);
    if (flow === undefined) {
      console.error(describeFaults(faults));
      return 1;
    }
    process.stdout.write(describeFlow(flow));
    return 0;
  },
};

function describeFlow(flow: Flow): string {
  const { id, version, description, routines, outputs, warnings } = flow;
  const lines = [`Flow "${id}"${version === undefined ? '' : ` version ${version}`} can run.`];
  if (description !== undefined) lines.push(description);
  lines.push('', `${routines.length} routines, ${flow.connections.length} connections:`);
  for (const routine of routines) lines.push(...describeRoutine(flow, routine));
  for (const [name, { routine, event }] of Object.entries(outputs)) {
    lines.push(`  output ${name} ← ${routine}.${event}`);
  }
  if (warnings.length > 0) lines.push('', 'Warnings:');
  for (const { code, at, message } of warnings) {
    lines.push(`  ${code}${at === undefined ? '' : ` at ${at}`}: ${message}`);
  }
  return `${lines.join('\n')}\n`;
}

function describeRoutine(flow: Flow, { id, type, policy, slots, concurrency }: FlowRoutine) {
  const side = concurrency === 1 ? '' : `, ${concurrency} side by side`;
  const lines = [`  ${id} (${type.type}, ${policy.name}${side})`];
  for (const { name, maxLength, overflow } of slots) {
    const sources = flow.connections
      .filter(({ to }) => to.routine === id && to.slot === name)
      .map(({ from }) => `${from.routine}.${from.event}`);
    if (flow.entries.some((entry) => entry.routine === id && entry.slot === name)) {
      sources.unshift('input');
    }
    const from = sources.length === 0 ? 'nothing' : sources.join(', ');
    lines.push(`    ${name} ← ${from} (${maxLength} items, ${overflow})`);
  }
  return lines;
}
