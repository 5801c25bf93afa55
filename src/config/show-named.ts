import { maskDefinition } from '../health/service-definition.ts';
import type { FoundConfig } from './read-config.ts';

/** Of a list so many names are shown; more are counted. */
const SHOWN_NAMES = 20;

/** What a list of the configuration file has, in a line for people: `2: payments, search`. */
export function showNames(list: readonly { readonly name: string }[]): string {
  const names = list.slice(0, SHOWN_NAMES).map(({ name }) => name);
  const more = list.length > names.length ? ', …' : '';
  return `${list.length}: ${names.join(', ')}${more}`;
}

/** What it has, as plain data with every default, without secrets. */
export function showWhole({ services, alertRules }: Pick<FoundConfig, 'services' | 'alertRules'>) {
  return {
    services: services.definitions.map(({ tenant, thing }) => ({
      ...maskDefinition(thing),
      tenant,
    })),
    alertRules: alertRules.definitions.map(({ tenant, thing: { settings, ...rule } }) => ({
      ...rule,
      ...settings,
      tenant,
    })),
  };
}
