import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkExpression } from '../../src/expression/expression.ts';
import { signatureOf } from '../../src/expression/function-spec.ts';
import { FUNCTIONS } from '../../src/expression/functions.ts';
import { compileTemplate } from '../../src/expression/template.ts';

const page = readFileSync(new URL('../../docs/expressions.md', import.meta.url), 'utf8');

test('docs/expressions.md lists every function as it is', () => {
  for (const spec of FUNCTIONS.values()) {
    expect(page).toContain(`| \`${signatureOf(spec)}\` | ${spec.description} |`);
  }
});

test('its examples can be read', () => {
  const [, examples = ''] = page.split('## Examples');
  const [inTable = ''] = examples.split('A **log message**');
  const expressions = [
    ...[...page.matchAll(/```js\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
      block.trim().split('\n'),
    ),
    ...[...inTable.matchAll(/\| `([^`]+)` \|$/gm)].map(([, text = '']) => text),
  ];
  expect(expressions.length).toBeGreaterThan(10);
  for (const text of expressions) {
    expect(
      checkExpression(text, ['item', 'items', 'output', 'queue', 'error']).problem,
    ).toBeUndefined();
  }
  const [, message = ''] = /```text\n(.*)\n```/.exec(page) ?? [];
  expect(compileTemplate(message, ['item', 'hits']).reads).toEqual(['item', 'hits']);
});
