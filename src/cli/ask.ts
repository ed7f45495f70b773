/** `mooring ask`: a question to an agent of a running bridge; on a terminal its words come as they are said. */
import { parseAddress } from '../base/address.ts';
import { newId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { AgentClient, type Frame } from '../client/index.ts';
import { asObject, CLIENT_OPTIONS, clientOf, objectsOf, RefusedError, type Json } from './bridge-client.ts';
import { EXIT, printJson, UsageError, type Command, type Invocation } from './command.ts';

type ResponseFrame = Extract<Frame, { type: 'cf_agent_use_chat_response' }>;

export const askCommand: Command = {
  summary: 'ask a device, or the fleet, something in words',
  usage: '<model>/<id> <question>',
  arguments: { min: 2, max: 2 },
  options: {
    wait: {
      type: 'string',
      value: '<time>',
      meaning: 'how long to wait for the answer: 30s, 5m (default 1m)',
    },
    by: { type: 'string', value: '<name>', meaning: 'who asks, for the people who read it' },
    ...CLIENT_OPTIONS,
  },
  details:
    'The question becomes a message of the chat with the agent. Without a configured model the rules answer what\n' +
    'follows from its data. Exits 0 when it answered, or waits for an approval; 1 when it failed.',
  examples: [
    'mooring ask greenhouse/g7 "how warm is it?"',
    'mooring ask energy-meter/m1 "turn the relay off in ten minutes"',
    'mooring ask fleet/all "which devices are offline?" --json',
  ],
  run: ask,
};

async function ask(invocation: Invocation): Promise<number> {
  const [text = '', question = ''] = invocation.positionals;
  const address = parseAddress(text);
  if (address === undefined) {
    throw new UsageError(`${JSON.stringify(text)} is no agent; allowed is <model>/<id>, e.g. greenhouse/g7`);
  }
  if (question.trim() === '') throw new UsageError('the question is empty');
  const path = `/api/agents/${address.model}/${encodeURIComponent(address.id)}`;
  const isTerminal = process.stdout.isTTY && !invocation.isJson && invocation.values['wait'] === undefined;
  return isTerminal ? streamed(invocation, path, address, question) : whole(invocation, path, question);
}

/** One request, one answer. */
async function whole(invocation: Invocation, path: string, text: string): Promise<number> {
  const { wait, by } = invocation.values;
  const query = wait === undefined ? '' : `?wait=${encodeURIComponent(wait)}`;
  // The bridge answers after its own wait at the latest.
  const timeoutMs = limits.chatAskWaitMaxMs + limits.requestTimeoutMs;
  const body = { text, ...(by === undefined ? {} : { by }) };
  const answer = asObject(await clientOf(invocation).ask('POST', `${path}/ask${query}`, { body, timeoutMs }));
  if (invocation.isJson) printJson(answer);
  else tell(answer);
  return answer['finish'] === 'failed' ? EXIT.failed : EXIT.ok;
}

function tell({ text, finish, approvals, error }: Json): void {
  if (text !== '') process.stdout.write(`${String(text)}\n`);
  if (finish === 'failed') process.stderr.write(`${String(error)}\n`);
  for (const { id, tool, arguments: input } of objectsOf(approvals)) tellApproval(id, tool, input);
}

function tellApproval(id: unknown, tool: unknown, input: unknown): void {
  process.stderr.write(`waits for an approval: ${String(tool)} ${JSON.stringify(input)} (${String(id)})\n`);
}

/** The answer word by word, over a connection of its own. */
async function streamed(
  invocation: Invocation,
  path: string,
  { model, id }: { readonly model: string; readonly id: string },
  text: string,
): Promise<number> {
  const http = clientOf(invocation);
  // A connection would bring an agent into being that nobody knows.
  await http.ask('GET', path);
  const client = new AgentClient({ host: http.url, model, id, ...http.identity });
  try {
    await client.ready;
    const { by } = invocation.values;
    const request = newId();
    const part = { type: 'text', text };
    const metadata = by === undefined ? {} : { metadata: { by } };
    const messages = [{ id: newId(), role: 'user', parts: [part], ...metadata }];
    const frames = client.frames('cf_agent_use_chat_response');
    const init = { method: 'POST', body: JSON.stringify({ messages }) };
    client.sendFrame({ type: 'cf_agent_use_chat_request', id: request, init });
    for await (const frame of frames) {
      if (frame.id !== request) continue;
      write(frame);
      if (frame.done) return EXIT.ok;
    }
    throw new RefusedError('BRG_CONNECTION_CLOSED', 'the bridge closed the connection');
  } finally {
    client.close();
  }
}

/** @throws RefusedError for a frame that tells of a failure */
function write({ body, error, code = 'BRG_CHAT_FAILED', done }: ResponseFrame): void {
  if (error === true) {
    process.stdout.write('\n');
    throw new RefusedError(code, String(body).replace(`${code}: `, ''));
  }
  if (done) {
    process.stdout.write(typeof body === 'string' && body !== '' ? `${body}\n` : '\n');
    return;
  }
  const chunk = asObject(typeof body === 'string' ? JSON.parse(body) : body);
  if (chunk['type'] === 'text-delta') process.stdout.write(String(chunk['delta']));
  if (chunk['type'] === 'tool-approval-request') tellApproval(chunk['approvalId'], chunk['toolCallId'], {});
}
