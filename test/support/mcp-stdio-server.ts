/** The tools for tests as a process: `node mcp-stdio-server.ts [modern|legacy|silent|flood|garbage]`. */
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { toolServer } from './mcp-tools.ts';

const mode = process.argv[2] ?? 'modern';
switch (mode) {
  case 'silent':
    process.stdin.resume();
    break;
  case 'garbage':
    process.stdout.write('this is no JSON\n'.repeat(1000));
    process.stdin.resume();
    break;
  case 'legacy': {
    await toolServer('legacy').connect(new StdioServerTransport());
    break;
  }
  case 'flood': {
    const server = toolServer('legacy');
    server.server.oninitialized = () => {
      const line = `${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } })}\n`;
      const flood = (): void => {
        while (process.stdout.write(line.repeat(100)));
        process.stdout.once('drain', flood);
      };
      setTimeout(flood, 300);
    };
    await server.connect(new StdioServerTransport());
    break;
  }
  default:
    serveStdio(({ era }) => toolServer(era));
}
