import { expect, test } from 'vitest';
import { databaseUrl, describeDatabase } from '../../src/cli/database-config.ts';

test('a URL goes before a directory, and both before the default', () => {
  expect(databaseUrl({})).toBe('sqlite:millrace-data/millrace.db');
  expect(databaseUrl({ 'data-dir': '/var/lib/m' })).toBe('sqlite:/var/lib/m/millrace.db');
  expect(databaseUrl({ 'data-dir': 'x', 'database-url': 'sqlite::memory:' })).toBe(
    'sqlite::memory:',
  );
});

test.each([
  ['sqlite:./jobs.db', './jobs.db'],
  ['postgres://u:S3CRET@db.example:5433/jobs', 'PostgreSQL at db.example:5433/jobs'],
  ['postgres://u:p@ssS3CRET@db/jobs', 'PostgreSQL at db/jobs'],
  ['postgres://db:5432/jobs?user=u&password=S3CRET', 'PostgreSQL at db:5432/jobs'],
  ['postgresql://u:S3CRET#x@db/jobs', 'PostgreSQL at db/jobs'],
])('%s is told as %s', (url, told) => {
  expect(describeDatabase(url)).toBe(told);
});
