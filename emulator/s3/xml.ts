import { parseXML } from '@aws-sdk/xml-builder';
import * as z from 'zod';
import { S3Error } from './errors.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** A leaf element; nothing at all when there is no value. */
export function leaf(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? '' : `<${name}>${escapeText(String(value))}</${name}>`;
}

/** An element around children that are XML already. */
export function element(name: string, ...children: string[]): string {
  return `<${name}>${children.join('')}</${name}>`;
}

/** A whole answer document in S3's namespace. */
export function xmlDocument(root: string, ...children: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${children.join('')}</${root}>`;
}

/** An error document: S3 leaves the namespace out of these. */
export function xmlError(...children: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${children.join('')}</Error>`;
}

/**
 * Reads a request document with one root element. Throws MissingRequestBodyError when it is empty, MalformedXML when it
 * is not XML or not of that shape.
 */
export function readXml<T>(body: Buffer, root: string, schema: z.ZodType<T>): T {
  if (body.length === 0) throw new S3Error('MissingRequestBodyError', 'Request body is empty.');
  try {
    return z.object({ [root]: schema }).parse(parseXML(body.toString('utf8')))[root] as T;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new S3Error('MalformedXML', `The XML you provided was not well-formed or did not match ${root}: ${reason}`);
  }
}

/** An element that may come once, many times or not at all. */
export function many<T extends z.ZodType>(item: T) {
  return z.preprocess((value) => (value === undefined || value === '' ? [] : [value].flat()), z.array(item));
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeText(value: string): string {
  // Control characters are allowed in keys; as references they at least survive most parsers, as in S3's own answers.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
  return value.replace(/[&<>"\x00-\x1f]/g, (c) => entities[c] ?? `&#x${c.charCodeAt(0).toString(16)};`);
}
