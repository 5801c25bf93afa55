import { cpus, totalmem } from 'node:os';

/** Writes a table in Markdown, so that it can be pasted where figures are kept. Numbers stand on the right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, 3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${widths
      .map((width, column) =>
        column === 0 ? (row[column] ?? '').padEnd(width) : (row[column] ?? '').padStart(width),
      )
      .join(' | ')} |`;
  console.log(line(head));
  console.log(
    `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`,
  );
  for (const row of rows) console.log(line(row));
  console.log();
}

/** What the figures were measured on, in one line. */
export function describeMachine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${model}, ${cores.length} cores, ${memory} GiB, Node ${process.version}, ${process.platform}`;
}

/** `4.12M`, `81.6k`, `12`. */
export function formatCount(count: number): string {
  if (count >= 999_500) return `${(count / 1e6).toFixed(2)}M`;
  if (count >= 1000) return `${(count / 1e3).toFixed(1)}k`;
  return count.toFixed(0);
}
