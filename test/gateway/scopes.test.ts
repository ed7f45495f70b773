/** What a token is good for, route by route: the table is the documentation's, and a new route has to be put into it. */
import { describe, expect, it } from 'vitest';
import { Caller, type Scope } from '../../src/identity/index.ts';
import { routes } from '../../src/gateway/routes.ts';
import { checkRoute, ownRows, scopeOf } from '../../src/gateway/scopes.ts';

const ADDRESS = { model: 'pump', id: 'p1' };

function callerOf(scopes: readonly Scope[], agents: readonly string[] | null = null): Caller {
  const reach = { scopes: new Set(scopes), agents };
  return new Caller({ proof: 'token', name: 'ci', reach, expiresAtMs: null, holds: () => true });
}

function isLetIn(caller: Caller, operation: string, id = 'p1'): boolean {
  const route = routes.find((one) => one.operation === operation);
  if (route === undefined) throw new Error(`no route ${operation}`);
  const address = route.path.includes('{id}') ? { ...ADDRESS, id } : null;
  try {
    checkRoute(caller, route, address);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'BRG_FORBIDDEN' });
    return false;
  }
}

describe('scopes', () => {
  it('are needed by every route but those that say who one is', () => {
    const free = routes.filter((route) => scopeOf(route) === null).map(({ operation }) => operation);
    expect(free).toEqual(['login', 'logout', 'readMe']);
    const changing = routes.filter(({ method }) => method !== 'GET');
    const read = changing.filter((route) => scopeOf(route) === 'read').map(({ operation }) => operation);
    expect(read).toEqual([]);
  });

  it.each<[Scope, string[], string[]]>([
    [
      'read',
      ['describeAgent', 'listAgents', 'listAudit', 'readMetrics', 'listDenials'],
      ['runTool', 'sendCommand', 'exportAgent'],
    ],
    ['act', ['runTool'], ['describeAgent', 'sendCommand', 'decideApproval']],
    [
      'approve',
      ['decideApproval', 'sendCommand', 'patchDesired', 'addRule', 'askAgent', 'callAgent'],
      ['forgetAgent', 'importAgent', 'addMcpServer', 'startBackup'],
    ],
    [
      'admin',
      ['describeAgent', 'runTool', 'decideApproval', 'forgetAgent', 'exportAgent', 'startBackup'],
      [],
    ],
  ])('%s lets one do what it says, and nothing else', (scope, may, mayNot) => {
    const caller = callerOf([scope]);
    expect(may.filter((operation) => !isLetIn(caller, operation))).toEqual([]);
    expect(mayNot.filter((operation) => isLetIn(caller, operation))).toEqual([]);
  });

  it('hold for the agents of the token only, and for nothing that concerns all', () => {
    const caller = callerOf(['admin'], ['pump/p1']);
    expect([isLetIn(caller, 'describeAgent'), isLetIn(caller, 'describeAgent', 'p2')]).toEqual([true, false]);
    const all = ['readStats', 'readMetrics', 'startBackup', 'listBackups', 'listDenials'];
    expect(all.filter((operation) => isLetIn(caller, operation))).toEqual([]);
    const lists = ['listAgents', 'listAudit', 'listAllApprovals', 'listAttention', 'listModels', 'readMe'];
    expect(lists.filter((operation) => !isLetIn(caller, operation))).toEqual([]);
  });

  it('leave out of a list what the token is not for', () => {
    const caller = callerOf(['read'], ['pump/p1']);
    const route = routes.find(({ operation }) => operation === 'listAgents');
    const audit = routes.find(({ operation }) => operation === 'listAudit');
    if (route === undefined || audit === undefined) throw new Error('no such routes');
    const agents = [ADDRESS, { model: 'pump', id: 'p2' }, { model: 'fan', id: 'p1' }];
    expect(ownRows(caller, route, { agents, cursor: 'c' })).toEqual({ agents: [ADDRESS], cursor: 'c' });
    expect(ownRows(callerOf(['read']), route, { agents })).toEqual({ agents });
    const items = [{ agent: 'pump/p1' }, { agent: 'pump/p2' }, { agent: null }];
    expect(ownRows(caller, audit, { items })).toEqual({ items: [{ agent: 'pump/p1' }] });
  });
});
