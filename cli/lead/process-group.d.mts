export function signalGroup(pid: number, name: NodeJS.Signals | 0): 'sent' | 'gone' | 'forbidden';
export function groupRuns(pid: number): boolean;
