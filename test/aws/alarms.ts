import { askAws } from '../../client/aws.ts';

const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };

async function ask(region: string, Action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams({ Action, Version: '2010-08-01', ...parameters }).toString();
  const { status, text } = await askAws({ service: 'monitoring', region, method: 'POST', headers, body });
  if (status !== 200) throw new Error(`${Action}: ${status} ${text}`);
  return text;
}

/** @throws Error when there is no such alarm */
export async function alarmState(region: string, name: string): Promise<string> {
  const text = await ask(region, 'DescribeAlarms', { 'AlarmNames.member.1': name });
  const state = /<StateValue>(\w+)<\/StateValue>/.exec(text)?.[1];
  if (!state) throw new Error(`There is no alarm ${name}`);
  return state;
}

/** The metric of one failed backup, as the function's log has it. */
export async function putBackupFailed(region: string): Promise<void> {
  await ask(region, 'PutMetricData', {
    Namespace: 'Tenure',
    'MetricData.member.1.MetricName': 'BackupFailed',
    'MetricData.member.1.Dimensions.member.1.Name': 'service',
    'MetricData.member.1.Dimensions.member.1.Value': 'test-aws',
    'MetricData.member.1.Value': '1',
    'MetricData.member.1.Unit': 'Count',
  });
}
