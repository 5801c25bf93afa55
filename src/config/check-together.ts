import type { Config, OptionName } from './options.ts';
import type { Settings } from './setting.ts';

/** What says more about tokens, and nothing where there are none. */
const JWT_DETAILS = [
  'jwtIssuer',
  'jwtAudience',
  'jwtScopesClaim',
  'jwtTenantClaim',
  'jwtClockToleranceSec',
] as const;

/** Of these the first must not be more than the second. */
const IN_ORDER = [
  ['comeBackMinMs', 'comeBackMaxMs'],
  ['headersTimeoutMs', 'requestTimeoutMs'],
] as const;

/**
 * What is wrong with options that are right each for itself, as sentences.
 * @param hasHook whether the configuration file says how people are authenticated
 */
export function checkTogether(config: Config, settings: Settings, hasHook: boolean): string[] {
  const faults: string[] = [];
  const said = (name: OptionName) => settings[name].as;
  const isGiven = (name: OptionName) => settings[name].from !== 'default';
  const hasTokens = config.jwtSecret !== undefined || config.jwksUrl !== undefined;

  if (config.jwtSecret !== undefined && config.jwksUrl !== undefined) {
    faults.push(
      `${said('jwtSecret')} and ${said('jwksUrl')} can't both be given: tokens are signed in one way.`,
    );
  }
  for (const name of JWT_DETAILS) {
    if (isGiven(name) && !hasTokens && !isGiven('jwtSecretFile')) {
      faults.push(`${said(name)} says nothing without jwtSecret, jwtSecretFile or jwksUrl.`);
    }
  }
  if (config.insecureNoAuth && (hasTokens || hasHook)) {
    const how = hasHook
      ? 'authenticate'
      : said(config.jwtSecret === undefined ? 'jwksUrl' : 'jwtSecret');
    faults.push(
      `${said('insecureNoAuth')} and ${how} can't both be given: the one lets everybody in, the other asks who it is.`,
    );
  }
  if (config.corsCredentials && config.corsOrigins === undefined) {
    faults.push(`${said('corsCredentials')} says nothing without corsOrigins.`);
  }
  const origins = config.corsOrigins ?? [];
  if (origins.includes('*') && (origins.length > 1 || config.corsCredentials)) {
    const other = origins.length > 1 ? 'other origins' : said('corsCredentials');
    faults.push(`${said('corsOrigins')} can't be * together with ${other}.`);
  }
  for (const [less, more] of IN_ORDER) {
    if (config[less] <= config[more]) continue;
    faults.push(
      `${said(less)} is ${config[less]} and must not be more than ${more}, which is ${config[more]}.`,
    );
  }
  return faults;
}
