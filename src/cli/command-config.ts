import { entry } from '../config/describe-options.ts';
import type { OptionName } from '../config/options.ts';
import type { FoundConfig } from '../config/read-config.ts';
import { readConfig } from '../config/read-config.ts';
import { UsageError } from './command.ts';

/** What every command with a configuration says of it in its help. */
export const CONFIG_HELP = `Other:
${entry('--config PATH', 'the configuration file; default millrace.config.ts, .mts, .js or .mjs in this directory')}
${entry('-h, --help', 'show this')}

What no flag says is taken from the environment, where --data-dir is MILLRACE_DATA_DIR and so on (what stands alone is on
or off there), else from the configuration file, where it is dataDir.
`;

/**
 * Reads the configuration of a command from its arguments, the environment and the file.
 * @param names the options that the command has; default: all
 * @param own flags of its own that stand alone
 * @throws UsageError with every fault
 */
export async function readCommandConfig(
  args: readonly string[],
  command?: { readonly names?: readonly OptionName[]; readonly own?: readonly string[] },
): Promise<FoundConfig> {
  const sources = { args, environment: process.env, directory: process.cwd() };
  const found = await readConfig(sources, command);
  const [first = '', ...others] = found.faults;
  if (others.length > 0) {
    const list = found.faults.map((fault) => `\n  ${fault}`).join('');
    throw new UsageError(`${found.faults.length} faults in the options:${list}`);
  }
  if (first !== '') throw new UsageError(first);
  return found;
}
