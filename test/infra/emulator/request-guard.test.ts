import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { isToken, refusalOf } from '../../../cli/request-guard.ts';

type Headers = Record<string, string>;

const refusal = (headers: Headers, method = 'POST', hosts: string[] = []) =>
  refusalOf(requestWith({ host: '127.0.0.1:8787', ...headers }, method), { hosts, bodyTypes: ['application/json'] });

/** `also` are headers that come a second time. */
function requestWith(headers: Headers, method: string, also: Headers = {}): IncomingMessage {
  const distinct = (name: string) => [headers[name] ?? '', ...(also[name] === undefined ? [] : [also[name]])];
  const headersDistinct = Object.fromEntries(Object.keys(headers).map((name) => [name, distinct(name)]));
  return { method, headers, headersDistinct } as unknown as IncomingMessage;
}
const json = { 'content-type': 'application/json', 'content-length': '2' };

describe('passes', () => {
  test.each<[string, Headers]>([
    ['a program', json],
    ['a parameter of the type', { ...json, 'content-type': 'Application/JSON; charset=utf-8' }],
    ['no body', {}],
    ['an empty body', { 'content-length': '0' }],
    ['localhost', { host: 'localhost:8787' }],
    ['IPv6', { host: '[::1]:8787' }],
    ['a forwarded port', { host: 'localhost:9000' }],
    ['a page of this listener', { ...json, origin: 'http://127.0.0.1:8787', 'sec-fetch-site': 'same-origin' }],
    ['an address that somebody typed', { 'sec-fetch-site': 'none' }],
  ])('%s', (_what, headers) => expect(refusal(headers)).toBeUndefined());

  test('a link that somebody follows', () => {
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' };
    expect(refusal(link, 'GET')).toBeUndefined();
    expect(refusal(link, 'POST')?.status).toBe(403);
  });

  test('a configured name', () => expect(refusal({ host: 'Box.example:1' }, 'GET', ['box.example'])).toBeUndefined());
});

describe('a listener that other machines ask by address', () => {
  const asked = (host: string, more: Headers = {}) =>
    refusalOf(requestWith({ host, ...more }, 'GET'), { anyAddress: true, hosts: ['lb.internal'] });

  test.each(['10.1.2.3:8081', '10.1.2.3', '[fd00::7]:8081', '[::1]:80', 'localhost:80', 'LB.internal:8081'])(
    'passes %s',
    (host) => expect(asked(host)).toBeUndefined(),
  );

  test.each([
    'evil.example:8081',
    '10.1.2.3.evil.example',
    '10.1.2.3.',
    '10.1.2',
    '0x7f000001',
    '2130706433',
    '[evil.example]',
    '[::1].evil.example',
    'fd00::7',
    '[10.1.2.3]',
    '',
  ])('refuses "%s"', (host) => expect(asked(host)).toMatchObject({ status: 403 }));

  test('refuses pages, also those at an address', () => {
    expect(asked('10.1.2.3:8081', { origin: 'http://10.1.2.3:3000' })?.detail).toContain('The page at http://10.1.2.3');
    expect(asked('10.1.2.3:8081', { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image' })?.status).toBe(403);
    expect(asked('evil.example')?.detail).toContain('use an IP address, or allow the name with --allow-host evil');
  });
});

describe('refuses', () => {
  test.each<[string, Headers]>([
    ['a second host', { host: 'evil.example' }],
    ['a second origin', { origin: 'https://evil.example' }],
    ['a second type', { 'content-type': 'text/plain' }],
  ])('%s', (_what, also) => {
    const headers = { host: '127.0.0.1:8787', origin: 'http://127.0.0.1:8787', ...json };
    const rules = { bodyTypes: ['application/json'] };
    expect(refusalOf(requestWith(headers, 'POST'), rules)).toBeUndefined();
    expect(refusalOf(requestWith(headers, 'POST', also), rules)).toMatchObject({
      status: 403,
      detail: expect.stringContaining('more than once'),
    });
  });

  test.each<[string, Headers, number, string]>([
    ['a rebound name', { host: 'evil.example:8787' }, 403, 'The Host header is "evil.example:8787"; use a loopback'],
    ['a name that ends like loopback', { host: 'localhost.evil.example' }, 403, 'The Host header is'],
    ['a name that begins like loopback', { host: '127.0.0.1.evil.example:8787' }, 403, 'The Host header is'],
    ['no host', { host: '' }, 403, 'The Host header is missing'],
    ['a page', { ...json, origin: 'https://evil.example' }, 403, 'The page at https://evil.example'],
    ['a sandboxed page', { ...json, origin: 'null' }, 403, 'The page at null'],
    ['a page on another port', { ...json, origin: 'http://127.0.0.1:3000' }, 403, 'The page at'],
    [
      'an image of a page',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image' },
      403,
      'A page of another site',
    ],
    ['a frame of a page', { 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'iframe' }, 403, 'A page of another site'],
    ['text', { ...json, 'content-type': 'text/plain' }, 400, 'The Content-Type of the body is "text/plain"; send app'],
    ['a form', { ...json, 'content-type': 'application/x-www-form-urlencoded' }, 400, 'The Content-Type of the body'],
    ['a body without a type', { 'content-length': '2' }, 400, 'The Content-Type of the body is ""'],
    ['chunks without a type', { 'transfer-encoding': 'chunked' }, 400, 'The Content-Type of the body is ""'],
    ['a type in disguise', { ...json, 'content-type': 'text/plain; application/json' }, 400, 'The Content-Type'],
  ])('%s', (_what, headers, status, detail) => {
    expect(refusal(headers)).toMatchObject({ status, detail: expect.stringContaining(detail) });
  });
});

test('a token is compared whole', () => {
  expect([isToken('abc', 'abc'), isToken('abd', 'abc'), isToken('ab', 'abc'), isToken(undefined, 'abc')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
