import { expect, test } from 'vitest';
import { Mailbox } from '../../src/actor/mailbox.ts';

function setup(): { mailbox: Mailbox; done: string[]; drained(): number } {
  const done: string[] = [];
  let drains = 0;
  const mailbox = new Mailbox(() => void drains++);
  return { mailbox, done, drained: () => drains };
}

test('synchronous turns run at once', () => {
  const { mailbox, done, drained } = setup();
  mailbox.run('device', () => void done.push('a'));
  mailbox.run('device', () => void done.push('b'));
  expect(done).toEqual(['a', 'b']);
  expect([mailbox.isIdle, mailbox.isMidTurn, mailbox.length, drained()]).toEqual([true, false, 0, 0]);
});

test('a turn waits for the one before it, whatever mixture of both kinds', async () => {
  const { mailbox, done, drained } = setup();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const waiting = (name: string, gate: number) => async (): Promise<void> => {
    done.push(`${name} begins`);
    await gates[gate]?.promise;
    done.push(`${name} ends`);
  };
  mailbox.run('device', waiting('a', 0));
  mailbox.run('device', () => void done.push('b'));
  mailbox.run('device', waiting('c', 1));
  mailbox.run('device', () => void done.push('d'));
  expect(done).toEqual(['a begins']);
  expect([mailbox.isIdle, mailbox.isMidTurn, mailbox.length]).toEqual([false, true, 3]);
  gates[0]?.resolve();
  await new Promise((resume) => setImmediate(resume));
  expect(done).toEqual(['a begins', 'a ends', 'b', 'c begins']);
  expect(drained()).toBe(0);
  gates[1]?.resolve();
  await new Promise((resume) => setImmediate(resume));
  expect(done).toEqual(['a begins', 'a ends', 'b', 'c begins', 'c ends', 'd']);
  expect([mailbox.isIdle, mailbox.length, drained()]).toEqual([true, 0, 1]);
});

test('a turn that queues another one does not get ahead of those that wait', async () => {
  const { mailbox, done } = setup();
  mailbox.run('device', async () => {
    await Promise.resolve();
    mailbox.run('device', () => void done.push('queued in the turn'));
  });
  mailbox.run('device', () => void done.push('queued before'));
  await new Promise((resume) => setImmediate(resume));
  expect(done).toEqual(['queued before', 'queued in the turn']);
});

test('the device lane never waits for the thought lane', async () => {
  const { mailbox, done } = setup();
  const thinking = Promise.withResolvers<void>();
  mailbox.run('thought', async () => {
    await thinking.promise;
    done.push('thought');
  });
  mailbox.run('thought', () => void done.push('second thought'));
  mailbox.run('device', () => void done.push('telemetry'));
  expect(done).toEqual(['telemetry']);
  expect([mailbox.isMidTurn, mailbox.isIdle]).toEqual([false, false]);
  thinking.resolve();
  await new Promise((resume) => setImmediate(resume));
  expect(done).toEqual(['telemetry', 'thought', 'second thought']);
  expect(mailbox.isIdle).toBe(true);
});
