import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { App, AppOptions } from '../../src/app.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { ended, openApp, startJob, until } from '../api/api.ts';
import { Broken, echo, running, waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import { openBadNetwork } from '../support/bad-network.ts';
import { linesOf, millrace, start } from './millrace.ts';

/** So that nobody waits long for a server that went away in order. */
const SOON = { comeBackMinMs: 1, comeBackMaxMs: 10 };

async function serve(options: AppOptions) {
  const app = await openApp(options);
  return { app, ...(await app.listen({ port: 0, limits: SOON })) };
}

const local = (id: string) => id.replace('Job:', '');

/** Starts to watch, and answers once it gets what happens. */
async function startWatching(app: App, id: string, url: string) {
  const watching = start(['watch', id, '--url', url]);
  const of = { jobId: local(id), tenant: DEFAULT_TENANT, flowId: 'waiting' };
  const happen = () =>
    app.services.jobEvents.record(of, Date.now(), {
      type: 'LOG_WRITTEN',
      routineId: 'wait',
      level: 'INFO',
      message: 'Is anybody there?',
    });
  const happening = setInterval(happen, 20);
  onTestFinished(() => clearInterval(happening));
  await watching.written(/Is anybody there/);
  clearInterval(happening);
  return watching;
}

describe('millrace watch, into a pipe', () => {
  test('W4 writes what happens as JSON lines, over a restart of the server, and the result last', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-watch-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const gate = new Gate();
    const options = {
      flows: [waiting(gate)],
      database: `sqlite:${join(directory, 'millrace.db')}`,
    };
    const first = await serve(options);
    const network = await openBadNetwork(first.port);
    const id = await startJob(first.app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const address = new URL(network.through(first.url)).origin; // the path is known
    const { written, ended: exit } = await startWatching(first.app, id, address);
    await first.app.jobs.pause(local(id));
    await written(/JOB_PAUSED/);
    await first.app.close();
    await written(/The connection was lost \(.*\)\. Trying again\./, 'stderr');

    const second = await serve(options);
    network.leadTo(second.port);
    await written(/The server is there again/, 'stderr');
    await second.app.jobs.resume(local(id));
    await written(/JOB_RESUMED/);
    await until(() => gate.waiting === 2);
    gate.openAll();
    const { code, stdout } = await exit;
    expect(code).toBe(0);
    const lines = linesOf(stdout).filter(
      ({ type }) => type.startsWith('JOB_') || type === 'RESULT',
    );
    expect(lines.map(({ type }) => type)).toEqual([
      'JOB_PAUSED',
      'JOB_RECOVERED',
      'JOB_RESUMED',
      'JOB_COMPLETED',
      'RESULT',
    ]);
    expect(lines.at(-1)).toMatchObject({ jobId: id, flowId: 'waiting', state: 'COMPLETED' });
    for (const { cursor } of lines.slice(0, -1)) expect(cursor).toEqual(expect.any(String));
  });

  test('ends with 1 and the error of a job that failed, also when it had ended before', async () => {
    const fails = () => {
      throw new Broken('out of paper');
    };
    const { app, url } = await serve({ flows: [running(fails), echo()] });
    const [failed, completed] = [
      await startJob(app, { flowId: 'running' }),
      await startJob(app, { flowId: 'echo' }),
    ];
    await ended(app, failed);
    await ended(app, completed);
    const bad = await millrace('watch', local(failed), '--url', url);
    expect([bad.code, bad.stderr]).toEqual([1, '']);
    expect(linesOf(bad.stdout)).toMatchObject([
      { type: 'RESULT', jobId: failed, state: 'FAILED', error: { message: 'out of paper' } },
    ]);
    const good = await millrace('watch', completed, '--url', url);
    expect([good.code, linesOf(good.stdout)]).toMatchObject([0, [{ state: 'COMPLETED' }]]);
  });

  test('leaves when it is interrupted, and the job goes on', async () => {
    const gate = new Gate();
    const { app, url } = await serve({ flows: [waiting(gate)] });
    const id = await startJob(app, { flowId: 'waiting' });
    const { kill, ended: exit } = await startWatching(app, id, url);
    kill('SIGINT');
    expect((await exit).code).toBe(130);
    expect((await app.jobs.require(local(id))).state).toBe('RUNNING');
  });

  test('O5 shows a token, from the command line or the environment, and says when it is not valid', async () => {
    const app = await openApp({ flows: [echo()] });
    const key = await app.keys.create({ subject: 'ann', scopes: ['read'] });
    const { url } = await app.listen({ port: 0, limits: SOON });
    const id = await startJob(app, { flowId: 'echo' });
    await ended(app, id);
    const watch = ['watch', id, '--url', url];
    const [named, silent, stranger] = await Promise.all([
      millrace(...watch, '--token', key.text),
      start(watch, { MILLRACE_TOKEN: key.text }).ended,
      millrace(...watch, '--token', 's3cr3t-stranger'),
    ]);
    for (const { code, stdout } of [named, silent]) {
      expect([code, linesOf(stdout)]).toMatchObject([0, [{ state: 'COMPLETED' }]]);
    }
    expect([stranger.code, stranger.stdout]).toEqual([1, '']);
    expect(stranger.stderr).toContain('refused with code 4403');
    expect(stranger.stderr).toContain('Show a token that is valid.');
    expect(stranger.stderr).not.toContain('s3cr3t');
  });

  test('says that there is no such job, and that there is no server', async () => {
    const { url } = await serve({ flows: [echo()] });
    const nobody = await millrace('watch', 'nobody', '--url', url);
    expect(nobody).toEqual({
      code: 1,
      stdout: '',
      stderr: 'millrace: There is no Job "nobody".\n',
    });
    const flow = await millrace('watch', 'Flow:echo', '--url', url);
    expect(flow.stderr).toContain('"Flow:echo" is the id of a Flow; this takes the id of a Job.');

    const nowhere = await millrace('watch', 'nobody', '--url', 'http://127.0.0.1:1');
    expect([nowhere.code, nowhere.stdout]).toEqual([1, '']);
    expect(nowhere.stderr).toMatch(
      /^millrace: There is no server at http:\/\/127\.0\.0\.1:1\/graphql: .*ECONNREFUSED.*--url\.\n$/,
    );
  });
});
