/**
 * Who uses this page: signing in with name and password, or with a token; who one is, and signing out. Whatever was typed, the
 * page keeps a token and nothing else, until the tab closes.
 */
import { clearToken, getJson, Problem, sendJson, writeToken } from './api.ts';
import type { Me } from './api-types.ts';
import { writeApprover } from './approvals.ts';

export function readMe(): Promise<Me> {
  return getJson<Me>('api/me');
}

/** Rejects with the bridge's Problem. */
export async function signIn(name: string, password: string): Promise<void> {
  const { token } = await sendJson<{ readonly token: string }>('POST', 'api/login', { name, password });
  writeToken(token);
  writeApprover(name); // who signed in decides as nobody else
}

/** Rejects, and keeps the token, if the bridge could not be told: it would be good for hours. */
export async function signOut(): Promise<void> {
  try {
    await sendJson('POST', 'api/logout');
  } catch (error) {
    const isOver = error instanceof Problem && error.status === 401;
    if (!isOver) throw error;
  }
  clearToken();
}
