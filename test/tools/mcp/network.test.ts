/** Where connections to foreign servers may go. */
import { describe, expect, it } from 'vitest';
import { isAllowedAddress } from '../../../src/tools/mcp/client/network-policy.ts';
import { clients, ONCE } from '../../support/mcp-clients.ts';
import { legacyServer, listen } from '../../support/mcp-http-server.ts';
import { MemoryMcpStorage } from '../../support/mcp-storage.ts';

describe('where connections may go', () => {
  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.8.9.10', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.0.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd00::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['169.254.169.254', 'never'],
    ['0.0.0.0', 'never'],
    ['224.0.0.1', 'never'],
    ['255.255.255.255', 'never'],
    ['::', 'never'],
    ['fe80::1', 'never'],
    ['ff02::1', 'never'],
    ['64:ff9b::a00:1', 'never'],
    ['2002:a00:1::', 'never'],
    ['::ffff:169.254.169.254', 'never'],
    ['not an address', 'never'],
    ['8.8.8.8', 'public'],
    ['172.32.0.1', 'public'],
    ['2606:4700::1111', 'public'],
  ])('%s is %s', (address, reach) => {
    const reaches = ['public', 'loopback', 'private'].map((allowed) =>
      isAllowedAddress(address, { loopback: allowed === 'loopback', private: allowed === 'private' }),
    );
    const expected = {
      public: [true, true, true],
      loopback: [false, true, false],
      private: [false, false, true],
      never: [false, false, false],
    };
    expect(reaches).toEqual(expected[reach as keyof typeof expected]); // the table above
  });

  it.each([
    'http://127.0.0.1:1/mcp',
    'http://localhost:1/mcp',
    'http://0x7f000001:1/mcp',
    'http://[::1]:1/mcp',
    'http://[::ffff:7f00:1]:1/mcp',
    'http://169.254.169.254/latest/meta-data',
    'http://10.0.0.1/mcp',
  ])('%s is refused by default, without a trace', async (url) => {
    const storage = new MemoryMcpStorage();
    const registry = clients({ storage, policy: {} });
    await expect(registry.addServer('inside', url)).rejects.toMatchObject({ code: 'BRG_MCP_REFUSED' });
    expect(storage.servers()).toEqual([]);
  });

  it('a redirect to another origin is not followed', async () => {
    const inside = await legacyServer();
    const outsideUrl = inside.url.replace('127.0.0.1', 'localhost');
    const { url } = await listen((request, response) => {
      request.resume();
      response.writeHead(307, { location: outsideUrl }).end();
    });
    await expect(clients().addServer('redirecting', url, ONCE)).rejects.toMatchObject({
      code: 'BRG_MCP_UNAVAILABLE',
    });
    expect(inside.requests).toEqual([]);
  });
});
