/** An event's details besides its type, in few words. */
export interface GroupEvent {
  readonly type: string;
  readonly id: string;
  readonly at: string;
  readonly [member: string]: unknown;
}

const shownFields = ['jobId', 'checkpointId', 'log', 'replica', 'status', 'state', 'result', 'reason', 'errorCode'];

export function eventText(event: GroupEvent): string {
  const { fencingVersion, contenderId, backupId } = event;
  const parts = [
    fencingVersion === undefined ? undefined : `version ${fencingVersion}`,
    contenderId,
    typeof backupId === 'string' ? backupId.slice(0, 8) : undefined,
    ...shownFields.map((name) => event[name]),
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}
