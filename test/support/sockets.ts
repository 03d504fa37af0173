import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Socket {
  protocol: string;
  /** The local address as the kernel shows it: hexadecimal, byte order of the machine. */
  address: string;
  port: number;
  pid: number;
}

const tables = ['tcp', 'tcp6', 'udp', 'udp6'];
/** TCP_LISTEN, and what an unconnected UDP socket has. */
const waiting: Record<string, string> = { tcp: '0A', tcp6: '0A', udp: '07', udp6: '07' };
/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104 on little-endian machines. */
const loopback = /^([0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/;

/** Every socket on which one of the processes waits for others, of every address family. Needs /proc. */
export function waitingSockets(pids: number[]): Socket[] {
  const owners = new Map(pids.flatMap((pid) => inodesOf(pid).map((inode) => [inode, pid] as const)));
  return tables.flatMap((protocol) =>
    readFileSync(`/proc/net/${protocol}`, 'utf8')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
        const pid = owners.get(inode);
        if (pid === undefined || state !== waiting[protocol]) return [];
        const [address = '', port = ''] = local.split(':');
        return [{ protocol, address, port: Number.parseInt(port, 16), pid }];
      }),
  );
}

export const isLoopback = ({ address }: Socket): boolean => loopback.test(address);

function inodesOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((descriptor) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${descriptor}`))?.[1] ?? [];
    } catch {
      // Closed since the folder was listed.
      return [];
    }
  });
}
