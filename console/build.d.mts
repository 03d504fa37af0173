export function buildConsole(folder: string): Promise<void>;
