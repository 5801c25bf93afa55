import { z } from 'zod';
import { list, notEmpty, onOff, text, wholeNumber } from './option.ts';

/** What web pages, proxies and programs are offered. */
export const webOptions = {
  corsOrigins: list('other sites whose web pages may use the API; * for all there are', {
    placeholder: 'ORIGINS',
    element: z
      .string('must be a list of origins')
      .refine(isOrigin, 'must be a list of origins such as https://jobs.example.org, or *'),
    default: undefined,
    defaultText: 'those of this machine (localhost)',
  }),
  corsCredentials: onOff(
    'whether their requests may bring what browsers keep for this server, such as cookies',
    false,
  ),
  trustProxy: wholeNumber(
    'how many proxies stand in front, whose X-Forwarded-For tells the address of clients',
    { least: 0, most: 10, default: 0 },
  ),
  graphiql: onOff('whether browsers get GraphiQL', true),
  introspection: onOff('whether the schema can be asked for', true),
  suggestions: onOff('whether errors say which field may have been meant', true),
  trustedDocuments: text('manifest of the only operations that are answered, in JSON', {
    placeholder: 'FILE',
    schema: notEmpty('must name a file'),
    defaultText: 'any operation is answered',
  }),
};

function isOrigin(written: string): boolean {
  if (written === '*') return true;
  return URL.canParse(written) && /^https?:/.test(written) && new URL(written).origin === written;
}
