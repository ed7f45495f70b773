/** The tools for tests as a process: `node mcp-stdio-server.ts [modern|legacy]`. */
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { toolServer } from './mcp-tools.ts';

if (process.argv[2] === 'legacy') await toolServer('legacy').connect(new StdioServerTransport());
else serveStdio(({ era }) => toolServer(era));
