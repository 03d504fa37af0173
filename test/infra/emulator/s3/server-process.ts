import { startS3Server } from '../../../../emulator/s3/server.ts';

/** The S3 server in a process of its own, which can be killed and whose memory can be measured. */
const [folder = ''] = process.argv.slice(2);
const { endpoint } = await startS3Server({ folder });
process.on('message', () => process.send?.({ peakMiB: process.resourceUsage().maxRSS / 1024 }));
process.once('disconnect', () => process.exit());
process.send?.({ endpoint });
