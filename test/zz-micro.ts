import { AsyncLocalStorage } from 'node:async_hooks';
import { channels, tell } from '/work/main/src/base/events.ts';
import { activeTracer } from '/work/main/src/base/tracing.ts';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
const t0=performance.now(); 
function bench(name: string, n: number, f: (i:number)=>unknown){ let x=0; for(let r=0;r<3;r++){const t=performance.now(); for(let i=0;i<n;i++) if(f(i)) x++; const ns=(performance.now()-t)*1e6/n; if(r===2) console.log(name, ns.toFixed(1)+' ns', x);} }
const src={address:{model:'a',id:'b'}, now:()=>1};
bench('empty', 5e7, (i)=>i<0);
bench('channel check', 5e7, ()=>{ if(channels.state.hasSubscribers) tell('state:update', src, {version:1, source:'server'}); return false;});
bench('activeTracer, none', 2e7, ()=>activeTracer()!==undefined);
const als=new AsyncLocalStorage<object>();
const hook=()=>undefined;
bench('als.run', 5e6, ()=>als.run({a:1}, hook)!==undefined);
const listener=()=>undefined; subscribe('mooring:state', listener);
bench('tell, one subscriber', 5e6, ()=>{ if(channels.state.hasSubscribers) tell('state:update', src, {version:1, source:'server'}); return false;});
unsubscribe('mooring:state', listener);
bench('channel check after unsubscribe', 5e7, ()=>{ if(channels.state.hasSubscribers) tell('state:update', src, {version:1, source:'server'}); return false;});
