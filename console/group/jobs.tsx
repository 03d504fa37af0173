/** Jobs: which of them a next leader would recover, from what, and how their checkpoints come. */
import { useState } from 'preact/hooks';
import type { Job } from '../answers.ts';
import { brief, bytes, clock, count, interval } from '../format.ts';
import type { Known } from '../known.ts';
import { Part } from '../parts/part.tsx';
import { CheckpointPlot } from './checkpoint-plot.tsx';
import { rhythmOf } from './rhythm.ts';

export function Jobs({ group, jobs, now }: { group: string; jobs: Known<readonly Job[]>; now: number }) {
  const all = jobs.value ?? [];
  const active = all.filter(({ state }) => state === 'ACTIVE').length;
  return (
    <Part
      name="jobs"
      title="Jobs"
      known={jobs}
      empty={
        all.length === 0 && (
          <>
            No job yet: <code>npx tenure job submit NAME --group {group} --graph FILE</code> under a leader.
          </>
        )
      }
      side={<span class="dim">{active > 0 && `a next leader recovers ${count(active)}`}</span>}
    >
      <ul class="cards">
        {all.map((job) => (
          <li key={job.jobId} class="card">
            <JobCard job={job} now={now} />
          </li>
        ))}
      </ul>
    </Part>
  );
}

function JobCard({ job, now }: { job: Job; now: number }) {
  const [measure, setMeasure] = useState<'bytes' | 'gap'>('bytes');
  if (job.state === 'DAMAGED') {
    return (
      <>
        <h3>{job.jobId}</h3>
        <p class="note warn">Its record cannot be read: {job.reason}</p>
      </>
    );
  }
  const { jobId, state, result, checkpoints, savepoints, fencingVersion } = job;
  const newest = checkpoints.at(-1);
  const { everyMs, meanBytes } = rhythmOf(checkpoints);
  return (
    <>
      <header class="card-head">
        <h3>{jobId}</h3>
        <span class={`state ${state === 'ACTIVE' ? 'good' : 'dim'}`}>
          {state === 'ACTIVE' ? 'active' : (result ?? 'finished')}
        </span>
      </header>
      <p class="card-line">
        {newest ? (
          <>
            Recovery returns <b>checkpoint {newest.checkpointId}</b>, {bytes(newest.bytes)},{' '}
            {brief(now - Date.parse(newest.committedAt))} old
          </>
        ) : state === 'ACTIVE' ? (
          'Recovery returns the graph alone: no checkpoint yet'
        ) : (
          'Nothing to recover'
        )}
      </p>
      {checkpoints.length > 1 && (
        <>
          <CheckpointPlot checkpoints={checkpoints} measure={measure} />
          <p class="card-foot dim">
            {checkpoints.length} kept · one every {interval(everyMs)} · {bytes(meanBytes)} on average
            <button type="button" class="link" onClick={() => setMeasure(measure === 'bytes' ? 'gap' : 'bytes')}>
              {measure === 'bytes' ? 'Show the rhythm' : 'Show the size'}
            </button>
          </p>
        </>
      )}
      <p class="card-foot dim">
        fence {fencingVersion} · submitted {clock(job.submittedAt, now)}
        {savepoints.length > 0 && ` · ${savepoints.length} savepoints`}
      </p>
    </>
  );
}
