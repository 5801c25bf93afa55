import type { FunctionSpec } from './function-spec.ts';
import { LIST_FUNCTIONS } from './list-functions.ts';
import { NUMBER_FUNCTIONS } from './number-functions.ts';
import { TEXT_FUNCTIONS } from './text-functions.ts';

/** All functions of the language, by name. */
export const FUNCTIONS: ReadonlyMap<string, FunctionSpec> = new Map(
  [...LIST_FUNCTIONS, ...TEXT_FUNCTIONS, ...NUMBER_FUNCTIONS].map((spec) => [spec.name, spec]),
);
