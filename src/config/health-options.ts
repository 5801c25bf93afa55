import { z } from 'zod';
import { createAddressRules } from '../health/address-rules.ts';
import { list, onOff, wholeNumber } from './option.ts';

const HOSTS_FORM = 'must be a list of hosts, *.domains, addresses and networks such as 10.0.0.0/8';

const host = z.string(HOSTS_FORM).refine(isHost, HOSTS_FORM);

/** What may be checked, and what of this server is watched. */
export const healthOptions = {
  healthAllow: list(
    'the only hosts, *.domains, addresses and networks that health checks may connect to',
    {
      placeholder: 'HOSTS',
      element: host,
      default: undefined,
      defaultText: 'all but link-local, cloud metadata and multicast addresses',
    },
  ),
  healthDeny: list('those that health checks may not connect to, whatever is allowed', {
    placeholder: 'HOSTS',
    element: host,
    default: [],
  }),
  healthParts: onOff('whether the parts of this server are watched as services', true),
  maxServices: wholeNumber('most services of one tenant, agents among them', {
    least: 1,
    most: 100_000,
    default: 10_000,
  }),
  maxChecksPerSecond: wholeNumber(
    'how often the services that one tenant added live are checked at most, all together',
    { least: 1, most: 1_000_000, default: 2_000 },
  ),
};

function isHost(written: string): boolean {
  try {
    createAddressRules({ allow: [written] });
    return true;
  } catch {
    return false;
  }
}
