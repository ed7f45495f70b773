import { createBroker } from '/work/main/src/broker/index.ts';
import { Registry } from '/work/main/src/device/index.ts';
import { definitions } from '/work/main/devices/index.ts';
import { createLog } from '/work/main/src/base/log.ts';
import { MemoryRuntime } from '/work/main/test/broker/memory-runtime.ts';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
if (process.argv[2] === 'bare') { const a = await Aedes.createBroker(); const s = createServer(a.handle); s.listen(0,'127.0.0.1',()=>console.log((s.address() as any).port)); }
else {
  class R extends MemoryRuntime { q: any[] = []; override attachDevice(){} 
    override deliver(m: any, done: any) { this.q.push(done); if (this.q.length===1) setImmediate(()=>{const q=this.q; this.q=[]; for (const d of q) d('accepted');}); } }
  const b = await createBroker({ runtime: new R(), registry: new Registry(definitions), host:'127.0.0.1', port:0, log: createLog({level:'error',format:'json'})});
  console.log(b.address.port);
}
