import { flagOf, variableOf } from './option.ts';
import { OPTION_GROUPS, type OptionName, optionOf } from './options.ts';
import { showValue } from './show-value.ts';

/** Where descriptions begin, and where lines end. */
const COLUMN = 38;
const WIDTH = 120;

/** Options as `--help` tells them, each with its default, in their groups. */
export function describeOptions(names: readonly OptionName[]): string {
  return OPTION_GROUPS.flatMap((group) => {
    const shown = group.names.filter((name) => names.includes(name));
    return shown.length === 0 ? [] : [`${group.title}:\n${shown.map(describe).join('\n')}`];
  }).join('\n\n');
}

function describe(name: OptionName): string {
  const option = optionOf(name);
  const { description, kind, placeholder, isSecret } = option;
  const flag = isSecret === true ? variableOf(name) : flagOf(name);
  const left = kind === 'switch' || isSecret === true ? flag : `${flag} ${placeholder}`;
  const byDefault = kind === 'switch' ? '' : `; default ${defaultOf(name)}`;
  return entry(left, `${description}${byDefault}`);
}

/** The default of an option, for people. */
export function defaultOf(name: OptionName): string {
  const option = optionOf(name);
  return option.defaultText ?? showValue(option, option.default);
}

/** One entry of a help text: what to write, and what that does. */
export function entry(left: string, description: string): string {
  const lines: string[] = [];
  let line = `  ${left}`.padEnd(COLUMN);
  let isEmpty = line.length <= COLUMN;
  for (const word of description.split(' ')) {
    if (!isEmpty && line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = ' '.repeat(COLUMN);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}
