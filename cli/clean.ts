/**
 * Text from elsewhere (ids, reasons, error messages, manifests) can hold characters that a terminal obeys: they clear
 * the screen, set its title, or swap the order in which text is read. Everything that a command prints passes clean()
 * once, in runCli. Bytes that must stay exact (`log read`, `checkpoint get`) go through Shell.write instead.
 */

/** C0 except tab and newline, DEL, C1, and the characters that override the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to replace
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Replaces each of them by its escape, `\u001b`, which in a JSON string stands for the very same character. */
export function clean(text: string): string {
  return text.replaceAll(obeyed, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same for text that must stay on one line, such as a cell of a table. */
export function cleanLine(text: string): string {
  return clean(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}
