import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpClient, systemClock, type HttpClient } from '@sluice/core';
import { startLabDify, type LabDify } from '@sluice/lab';
import { chatflow, sourceOf } from './dsl.ts';
import { hello, madeIn, never } from './fixtures.ts';
import { openHouse, targetOf, value, type House } from './harness.ts';

let house: House;
let older: LabDify;
/** quick waits a hundredth of the time for a silent stream: deadlines do not follow a clock's factor. */
let quick: HttpClient;
beforeAll(async () => {
  house = await openHouse('1.13.3');
  older = await startLabDify({ timeScale: 40, version: '1.12.1' });
  const real = systemClock();
  quick = createHttpClient({ clock: { ...real, sleep: (milliseconds, signal) => real.sleep(milliseconds / 100, signal) }, signal: never, userAgent: 'test', loopbackOnly: true });
});
afterAll(async () => {
  await quick.close();
  await older.close();
  await house.close();
});

/** counting counts the questions that were sent, by how they wanted their answer. */
const counting = () => {
  const modes: string[] = [];
  const seen = (body = ''): void => void modes.push(/"response_mode":"(\w+)"/.exec(body)?.[1] ?? 'draft');
  const http: HttpClient = {
    ...quick,
    send: (request) => (request.body?.includes('response_mode') === true && seen(request.body), quick.send(request)),
    stream: (request) => (seen(request.body), quick.stream(request)),
  };
  return { http, modes };
};

/** deaf is a server whose streams bring nothing but pings, as one without a worker. */
const deaf = (http: HttpClient): HttpClient => ({
  ...http,
  stream: (request) => http.stream({ ...request, body: (request.body ?? '').replace('"city"', '"town"') }),
});

const withoutCity = { ...hello, inputs: {} };

describe('a stream that brings nothing but pings', () => {
  test('is followed by the same question for one whole answer, which says what was refused, and only once', async () => {
    const app = madeIn(house);
    const { http, modes } = counting();
    const target = await targetOf(house, app.appId, sourceOf(chatflow()), { http });
    const opened = value(await target.open('live'));
    const first = value(await opened.ask(withoutCity, never));
    expect(first.failed).toBe('the stream was silent for 1 m but for pings; asked for one whole answer, the app refused the request with HTTP 400: invalid_param: city is required in input form');
    const second = value(await opened.ask(withoutCity, never));
    expect(second.failed).toContain('no Celery worker takes its runs');
    expect(second.failed).toContain('a missing input');
    expect(modes).toEqual(['streaming', 'blocking', 'streaming']);
  });

  test('names the worker where the app gives a whole answer', async () => {
    const app = madeIn(house);
    const target = await targetOf(house, app.appId, sourceOf(chatflow()), { http: deaf(quick) });
    const opened = value(await target.open('live'));
    expect(value(await opened.ask(hello, never)).failed).toBe('the stream was silent for 1 m but for pings; asked for one whole answer, the app gives it: no Celery worker takes its runs (queue workflow_based_app_execution), or it is far behind');
  });

  test('of a draft is explained without asking again: the console only streams', async () => {
    const app = madeIn(house);
    const { http, modes } = counting();
    const target = await targetOf(house, app.appId, sourceOf(chatflow()), { http });
    const opened = value(await target.open('draft'));
    expect(value(await opened.ask(withoutCity, never)).failed).toContain('or it refused this one, as for a missing input');
    expect(modes).toEqual(['draft']);
  });

  test('does not come before 1.13: the refusal is the answer', async () => {
    const before = { ...house, lab: older };
    const app = madeIn(before);
    const { http, modes } = counting();
    const target = await targetOf(before, app.appId, sourceOf(chatflow()), { http });
    const opened = value(await target.open('live'));
    expect(value(await opened.ask(withoutCity, never)).failed).toContain('city is required');
    expect(modes).toEqual(['streaming']);
  });
});
