import { maskUrl } from '../lib/mask-url.ts';
import { MASK } from '../lib/secret-names.ts';
import type { Option } from './option.ts';

/** Longer values are cut where they are shown. */
const SHOWN_LENGTH = 200;

/** A value as it may be shown: secrets, and what a URL has of passwords and tokens, are masked. */
export function showValue(option: Option, value: unknown): string {
  if (value === undefined) return option.defaultText ?? 'none';
  if (option.isSecret === true) return MASK;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return maskText(option, value);
  if (Array.isArray(value)) {
    return value.map((each) => maskText(option, String(each))).join(',') || 'none';
  }
  return String(value);
}

/** The same for messages about values that may be anything: what is no text or number is named by its kind only. */
export function quoteValue(option: Option, value: unknown): string {
  if (typeof value === 'string') {
    const shown = maskText(option, value);
    return JSON.stringify(shown.length > SHOWN_LENGTH ? `${shown.slice(0, SHOWN_LENGTH)}…` : shown);
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value === null)
    return String(value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) {
    const texts = value.every((each) => typeof each === 'string');
    return texts ? quoteValue(option, value.join(',')) : 'a list';
  }
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function maskText({ kind }: Option, value: string): string {
  const isUrl = kind === 'url' || value.includes('://');
  return isUrl && !value.startsWith('sqlite:') ? maskUrl(value) : value;
}
