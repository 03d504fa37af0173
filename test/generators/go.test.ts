/** The output of oapi-codegen for docs/openapi.json builds. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { project } from '../support/stack.ts';

const program = `package tenure

import "context"

// Lead contends and confirms: integers have 64 bits, and the fence travels in typed headers.
func Lead(ctx context.Context, client *ClientWithResponses, group string) (int64, error) {
	lease := int64(60000)
	granted, err := client.ContendWithResponse(ctx, group, &ContendParams{}, ContendJSONRequestBody{ContenderId: "generated", LeaseMs: &lease})
	if err != nil || granted.JSON200 == nil {
		return 0, err
	}
	term := granted.JSON200
	fence := ConfirmParams{FencingVersion: term.FencingVersion, LeaderSession: term.SessionId}
	_, err = client.ConfirmWithResponse(ctx, group, &fence, ConfirmJSONRequestBody{Address: "http://10.0.0.7"})
	return term.FencingVersion, err
}
`;

test('a generated Go client builds, and so does a program with it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-generated-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(project, 'test/support/generators/go'), folder, { recursive: true });
  writeFileSync(join(folder, 'lead.go'), program);
  const settings = 'package: tenure\ngenerate: { client: true, models: true }\noutput: tenure.gen.go\n';
  writeFileSync(join(folder, 'settings.yaml'), settings);
  execFileSync('oapi-codegen', ['-config', 'settings.yaml', join(project, 'docs/openapi.json')], { cwd: folder });
  const built = spawnSync('go', ['build', './...'], { cwd: folder, encoding: 'utf8' });
  expect(built.stdout + built.stderr).toBe('');
  expect(built.status).toBe(0);
});
