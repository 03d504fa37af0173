import type { Plugin } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };

const { version } = packageJson;

/** Of the project's package.json, what is published has the version. */
export const versionOnly: Plugin = {
  name: 'version-only',
  setup({ onLoad }) {
    onLoad({ filter: /\/package\.json$/ }, () => ({ contents: JSON.stringify({ version }), loader: 'json' }));
  },
};
