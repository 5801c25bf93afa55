import type { FlowRoutine } from '../engine/index.ts';
import { toJsonSchema } from '../lib/json-schema.ts';
import { looksSecret, maskSecrets } from '../lib/mask-secrets.ts';
import { MASK } from '../lib/secret-names.ts';
import { toJson } from '../lib/to-json.ts';

/** The configuration of a routine as JSON, as anybody may see it: secrets are masked. `null` when there is none. */
export function showConfig({ config, type }: Pick<FlowRoutine, 'config' | 'type'>): unknown {
  // Once more at last: what the `toJSON` of a class writes was not there to be masked before.
  return maskSecrets(toJson(maskSecrets(config, type.secrets)), type.secrets);
}

/**
 * JSON Schema of the configuration of a routine type, with the defaults and examples of secrets masked. Which those are is
 * told by their last key alone, so that some may be masked that need not be. `undefined` when there is none, or it can't
 * be told.
 */
export function showConfigSchema({ config, secrets = [] }: FlowRoutine['type']): unknown {
  const paths = secrets.map((secret) => secret.split('.'));
  const last = new Set(paths.map((path) => path.at(-1)));
  const ways = new Set(paths.flatMap((path) => path.slice(0, -1)));
  const isSecret = (key: string, value: unknown) =>
    last.has(key) || (!ways.has(key) && looksSecret(key, value));

  const maskValue = (value: unknown): unknown =>
    mapObject(value, (key, part) => (isSecret(key, part) ? MASK : maskValue(part)));

  /** @param name the property that the schema is of; `undefined` for one that several may refer to */
  const maskSchema = (schema: unknown, name: string | undefined): unknown =>
    mapObject(schema, (word, part) => {
      if (word === 'default' || word === 'examples') {
        if (name !== undefined && !isSecret(name, part)) return maskValue(part);
        return word === 'default' ? MASK : [MASK];
      }
      if (word === 'properties') {
        const nameOf = (key: string) => (name !== undefined && last.has(name) ? name : key);
        return mapObject(part, (key, property) => maskSchema(property, nameOf(key)));
      }
      return maskSchema(part, word === '$defs' && secrets.length > 0 ? undefined : name);
    });

  return maskSchema(toJsonSchema(config), '');
}

/** A copy of JSON with each part of an object changed, and those of the objects in a list. */
function mapObject(value: unknown, change: (key: string, part: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => mapObject(each, change));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, change(key, part)] as const);
  return Object.fromEntries(entries);
}
