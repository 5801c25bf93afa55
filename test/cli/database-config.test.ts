import { expect, test } from 'vitest';
import { databaseOf, describeDatabase } from '../../src/cli/database-config.ts';
import { OPTIONS } from '../../src/config/options.ts';

test('a URL goes before a directory, and both before the default', () => {
  const { dataDir, databaseUrl } = OPTIONS;
  const byDefault = { dataDir: dataDir.default, databaseUrl: databaseUrl.default };
  expect(databaseOf(byDefault)).toBe('sqlite:millrace-data/millrace.db');
  const named = { dataDir: '/var/lib/m', databaseUrl: undefined };
  expect(databaseOf(named)).toBe('sqlite:/var/lib/m/millrace.db');
  expect(databaseOf({ ...named, databaseUrl: 'sqlite::memory:' })).toBe('sqlite::memory:');
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
