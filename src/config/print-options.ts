import { defaultOf } from './describe-options.ts';
import { flagOf, variableOf } from './option.ts';
import { OPTION_GROUPS, type OptionName, optionOf } from './options.ts';

/** All options as a document in Markdown: `docs/options.md`. */
export function printOptions(): string {
  const groups = OPTION_GROUPS.map(({ title, names }) => {
    const head = '| option | what it is | default |\n|---|---|---|';
    return `## ${title}\n\n${head}\n${names.map(rowOf).join('\n')}\n`;
  });
  return `# Options

<!-- Written by \`npm run codegen\` from src/config. -->

All options of \`millrace start\`, by the name they have in the configuration file. The flag of \`maxDepth\` is \`--max-depth\`, its
environment variable \`MILLRACE_MAX_DEPTH\`. [operations.md](operations.md) says where they are taken from.

${groups.join('\n')}`;
}

function rowOf(name: OptionName): string {
  const { description, kind, isSecret } = optionOf(name);
  const flag = isSecret === true ? variableOf(name) : flagOf(name);
  const how = kind === 'on-off' ? ' (on, off)' : kind === 'list' ? ' (with commas)' : '';
  return `| \`${name}\`<br>\`${flag}\` | ${escapeCell(`${description}${how}`)} | ${escapeCell(defaultOf(name))} |`;
}

/** As plain text in a cell of a table. */
function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*');
}
