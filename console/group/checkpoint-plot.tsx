/** Checkpoints by their time: their size, or how long each came after the one before. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Job } from '../answers.ts';
import { bytes, interval } from '../format.ts';
import { plotted } from './rhythm.ts';

type Checkpoints = Extract<Job, { submittedAt: string }>['checkpoints'];

const height = 96;

export function CheckpointPlot({ checkpoints, measure }: { checkpoints: Checkpoints; measure: 'bytes' | 'gap' }) {
  const box = useRef<HTMLDivElement>(null);
  const newest = checkpoints.at(-1)?.checkpointId;
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const plot = new uPlot(options(element, measure), plotted(checkpoints, measure), element);
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [newest, checkpoints.length, measure]);
  const what = measure === 'bytes' ? 'sizes' : 'intervals';
  const values = plotted(checkpoints, measure)[1].filter((value) => value !== null);
  const text = measure === 'bytes' ? bytes : (seconds: number) => interval(seconds * 1000);
  const label = `The ${what} of ${checkpoints.length} checkpoints, from ${text(Math.min(...values))} to ${text(Math.max(...values))}`;
  return <div class="plot" ref={box} role="img" aria-label={label} />;
}

function options(element: HTMLElement, measure: 'bytes' | 'gap'): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color('--dim'),
    font: `11px ${style.fontFamily}`,
    grid: { show: false },
    ticks: { show: false },
  };
  const bars = uPlot.paths.bars?.({ size: [0.7, 14], radius: 0.2 });
  return {
    width: element.clientWidth,
    height,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, most * 1.08] } },
    series: [{}, { fill: color('--accent'), points: { show: false }, ...(bars && { paths: bars }) }],
    axes: [
      {
        ...axis,
        size: 22,
        space: 84,
        values: (_, at) => at.map((one) => new Date(one * 1000).toISOString().slice(11, 19)),
      },
      {
        ...axis,
        size: 62,
        space: 34,
        values: (_, values) => values.map((one) => (measure === 'bytes' ? bytes(one) : interval(one * 1000))),
      },
    ],
  };
}
