// undici 7 has types for the library whole only. Its parts load in half the time: the whole brings fetch, web sockets,
// caches and mocks with it, which no release needs.
declare module 'undici/lib/dispatcher/agent.js' {
  import { Agent } from 'undici';

  export { Agent as default };
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';

  /** request sends through the dispatcher that it is called on. */
  function request(this: Dispatcher, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;
  export { request as default };
}
