/** What a flow's code may have left in its data to be run by whoever looks at it. */
export function makeHostileData() {
  const ran: string[] = [];
  const note = (what: string) => () => {
    ran.push(what);
    return 'ran';
  };
  const trapped = (target: object) =>
    new Proxy(
      target,
      new Proxy({}, { get: (_, trap) => note(`proxy ${String(trap)}`) }) as ProxyHandler<object>,
    );
  const coercing = {
    toString: note('toString'),
    valueOf: note('valueOf'),
    toJSON: note('toJSON'),
    [Symbol.toPrimitive]: note('toPrimitive'),
    [Symbol.iterator]: note('iterator'),
    get [Symbol.toStringTag]() {
      return note('toStringTag')();
    },
    [Symbol.for('nodejs.util.inspect.custom')]: note('inspect'),
  };
  const accessors = Object.defineProperties(
    {},
    {
      value: { get: note('get value'), set: note('set value'), enumerable: true },
      length: { get: note('get length'), enumerable: true },
      then: { get: note('get then'), enumerable: true },
      constructor: { get: note('get constructor'), enumerable: true },
    },
  );
  class Inherited {
    get secret() {
      return note('get secret')();
    }
    method() {
      return note('method')();
    }
    static get [Symbol.hasInstance]() {
      return note('hasInstance')();
    }
    static get name() {
      return note('get name')();
    }
    own = 1;
  }
  class BadMap extends Map<unknown, unknown> {
    override get = note('Map.get');
    override has = () => note('Map.has')() === '';
    override get size() {
      note('Map.size')();
      return 1e9;
    }
    override entries = () => {
      note('Map.entries')();
      return super.entries();
    };
    override [Symbol.iterator] = this.entries;
  }
  class BadSet extends Set<unknown> {
    override has = () => note('Set.has')() === '';
    override get size() {
      note('Set.size')();
      return 1e9;
    }
    override values = () => {
      note('Set.values')();
      return super.values();
    };
  }
  class BadList extends Array<unknown> {
    static override get [Symbol.species]() {
      note('species')();
      return Array;
    }
    override includes = () => note('includes')() === '';
    override map = () => [note('map')()] as never[];
    override [Symbol.iterator] = () => {
      note('list iterator')();
      return [][Symbol.iterator]();
    };
  }
  class BadDate extends Date {
    override getTime = () => Number(note('getTime')());
    override toISOString = () => note('toISOString')();
    override [Symbol.toPrimitive] = () => note('Date toPrimitive')() as never;
  }
  class BadError extends Error {
    override get name() {
      return note('Error.name')();
    }
    override get stack() {
      return note('Error.stack')();
    }
  }
  const map = new BadMap();
  Map.prototype.set.call(map, 'k', 1);
  const set = new BadSet();
  Set.prototype.add.call(set, 1);
  const list = new BadList();
  Array.prototype.push.call(list, 2, 1, 3);
  const trappedList: unknown[] = [1, 2];
  Object.defineProperty(trappedList, 0, { get: note('get 0'), enumerable: true });
  const cyclic = { n: 1, self: {} };
  cyclic.self = cyclic;
  const twin = { n: 1, self: {} };
  twin.self = twin;
  let deep: unknown = 1;
  let deepTwin: unknown = 1;
  for (let level = 0; level < 50_000; level++) {
    deep = [deep];
    deepTwin = [deepTwin];
  }
  // 2 to the power of 60 paths through 60 lists.
  let wide: unknown = [1];
  let wideTwin: unknown = [1];
  for (let level = 0; level < 60; level++) {
    wide = [wide, wide];
    wideTwin = [wideTwin, wideTwin];
  }
  const traced = {
    get message() {
      return note('get message')();
    },
  };
  Error.captureStackTrace(traced);
  Object.defineProperty(traced, 'stack', { enumerable: true });
  ran.length = 0;
  const sparse: unknown[] = [];
  sparse.length = 2 ** 32 - 1;
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const values = {
    coercing,
    accessors,
    traced,
    inherited: new Inherited(),
    underProxy: Object.create(trapped({})) as object,
    proxy: trapped({ a: 1 }),
    proxyList: trapped([1, 2]),
    proxyFunction: trapped(() => 1),
    revoked: revoked.proxy,
    map,
    set,
    list,
    trappedList,
    date: new BadDate(0),
    failure: new BadError('bad'),
    promise: Promise.resolve(1),
    thenable: { then: note('then') },
    symbol: Symbol('s'),
    call: note('call'),
    f: Function,
    host: { process, globalThis, require: note('require') },
    own: JSON.parse('{"__proto__": 1, "constructor": 2, "prototype": 3}') as object,
    plain: { a: 1 },
    boxed: Object('x'.repeat(1000)) as object,
    regexp: /(a+)+$/,
    weak: new WeakMap(),
    bytes: new Uint8Array(50_000_000),
    cyclic,
    twin,
    deep,
    deepTwin,
    wide,
    wideTwin,
    sparse,
    numbers: Array.from({ length: 40_000 }, (_, index) => index),
    text: 'a'.repeat(2_000_000),
    half: `b${'a'.repeat(900_000)}`,
    huge: 2n ** 1_000_000n,
    none: null,
  };
  return { values, ran };
}
