const DAY_MS = 86_400_000;

// The day written last: of times that are shown together most are of one day. Module state, and harmless: no answer
// depends on it, only how soon it comes, so servers in one process can't tell that they share it.
let writtenDay = Number.NaN;
let writtenPrefix = '';

/**
 * RFC 3339 text in UTC with milliseconds, as `Date.prototype.toISOString` writes it, several times as fast. A list of
 * jobs is half times of day.
 * @param ms milliseconds since the Unix epoch
 * @throws RangeError when that is no time a `Date` can hold
 */
export function formatDateTime(ms: number): string {
  const whole = Math.floor(ms);
  const day = Math.floor(whole / DAY_MS);
  if (day !== writtenDay) {
    writtenPrefix = new Date(day * DAY_MS).toISOString().slice(0, -13);
    writtenDay = day;
  }
  const rest = whole - day * DAY_MS;
  const hours = Math.floor(rest / 3_600_000);
  const minutes = Math.floor(rest / 60_000) % 60;
  const seconds = Math.floor(rest / 1000) % 60;
  const millis = rest % 1000;
  return `${writtenPrefix}${two(hours)}:${two(minutes)}:${two(seconds)}.${millis < 100 ? '0' : ''}${two(millis)}Z`;
}

function two(count: number): string {
  return count < 10 ? `0${count}` : String(count);
}
