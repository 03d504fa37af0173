/** An action, step by step: what it would do, the same as a command, and only then the button that does it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, ask, now, type Problem } from '../../api.ts';
import { type Action, dryRunText, emptyForm, type Form, planOf, type Request } from './actions.ts';

interface Props {
  group: string;
  action: Action;
  onDone: (changed: readonly string[]) => void;
  onClose: () => void;
}

type Phase =
  | { readonly kind: 'open' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly problem: Problem };

export function ActionDialog({ group, action, onDone, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [form, setForm] = useState<Form>({ ...emptyForm, successor: firstSuccessor(action) });
  const [phase, setPhase] = useState<Phase>({ kind: 'open' });
  const plan = planOf(action, group, form);
  useEffect(() => dialog.current?.showModal(), []);
  const carryOut = async () => {
    setPhase({ kind: 'asking' });
    try {
      await post(plan.request);
      setPhase({ kind: 'done' });
      onDone(plan.changes);
    } catch (error) {
      setPhase({ kind: 'failed', problem: problemIn(error) });
    }
  };
  const isDone = phase.kind === 'done';
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="dialog-title" onClose={onClose}>
      <h2 id="dialog-title">{plan.title}</h2>
      <Fields action={action} form={form} onChange={setForm} />
      <p class={action.kind === 'revoke' && form.force ? 'effect bad' : 'effect'}>{plan.effect}</p>
      {plan.dryRun && <DryRun action={action} form={form} request={plan.dryRun} />}
      <Command text={plan.command} />
      <div role="status">
        {phase.kind === 'failed' && (
          <p class="note warn">
            {phase.problem.detail} <span class="dim">({phase.problem.code})</span>
          </p>
        )}
        {isDone && <p class="note good">Done. The page follows what comes of it.</p>}
        {plan.missing && <p class="note">Still missing: {plan.missing}.</p>}
      </div>
      <div class="acts">
        <button type="button" class="act" onClick={() => dialog.current?.close()}>
          {isDone ? 'Close' : 'Leave it'}
        </button>
        {!isDone && (
          <button
            type="button"
            class={action.kind === 'revoke' ? 'act strong danger' : 'act strong'}
            disabled={plan.missing !== undefined || phase.kind === 'asking'}
            onClick={() => void carryOut()}
          >
            {plan.verb}
          </button>
        )}
      </div>
    </dialog>
  );
}

const firstSuccessor = (action: Action) => (action.kind === 'hand-over' ? (action.successor ?? '') : '');

function Fields({ action, form, onChange }: { action: Action; form: Form; onChange: (form: Form) => void }) {
  if (action.kind === 'hand-over') {
    return (
      <label class="field">
        To which contender
        <input
          list="contenders"
          placeholder="the first to contend"
          value={form.successor}
          onInput={({ currentTarget }) => onChange({ ...form, successor: currentTarget.value.trim() })}
        />
        <datalist id="contenders">
          {[...new Set([...action.waiting.map(({ contenderId }) => contenderId), ...action.others])].map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </label>
    );
  }
  if (action.kind !== 'revoke') return null;
  return (
    <>
      <label class="field">
        Reason
        <input
          maxLength={128}
          placeholder="moves to another zone"
          value={form.reason}
          onInput={({ currentTarget }) => onChange({ ...form, reason: currentTarget.value })}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={form.force}
          onChange={({ currentTarget }) => onChange({ ...form, force: currentTarget.checked })}
        />
        Force: free the lease at once, while the old leader may still act
      </label>
    </>
  );
}

const settleMs = 700;

/** Asked when the dialog opens, and again when what was entered has rested for a moment. */
function DryRun({ action, form, request }: { action: Action; form: Form; request: Request }) {
  const [preview, setPreview] = useState<{ text: string; isProblem: boolean }>();
  const asked = JSON.stringify(request);
  useEffect(() => {
    let isLatest = true;
    const timer = setTimeout(async () => {
      const answer = await post(request).then(
        (found) => ({ text: dryRunText(action, form, found, now()), isProblem: false }),
        (error: unknown) => ({ text: problemIn(error).detail, isProblem: true }),
      );
      if (isLatest) setPreview(answer);
    }, settleMs);
    return () => {
      isLatest = false;
      clearTimeout(timer);
    };
  }, [asked]);
  return (
    <p class={preview?.isProblem ? 'dry-run note warn' : 'dry-run'} role="status">
      <b>Dry run</b> {preview?.text ?? 'asking …'}
    </p>
  );
}

function Command({ text }: { text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard.writeText(`npx ${text}`).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <div class="same-command">
      <code class="command">npx {text}</code>
      <button type="button" class="act small" onClick={() => void copy()}>
        {isCopied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}

function post({ path, body }: Request): Promise<unknown> {
  return ask(path, { method: 'POST', body });
}

function problemIn(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return { status: 0, code: 'internal', title: 'The page failed', detail: String(error) };
}
